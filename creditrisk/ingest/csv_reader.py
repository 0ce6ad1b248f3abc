"""The applicants' CSV, for training and for scoring alike: a batch of rows at a time, as text.

Where a file has no quotes, a line is a record and its cells lie between the delimiters: Arrow reads
that fast. Wherever there may be more to it (a quote, a stray line break, bytes that can't be
decoded, a very long line), the exact reader takes over, from the first row that has not been read.
Both give the same rows, cell for cell. The stream is read once, so it may be a pipe.
"""

import io
from collections.abc import Generator, Iterator
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from creditrisk.ingest import limits
from creditrisk.ingest.exact_csv import ExactCsvReader
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.records import Record, ragged
from creditrisk.ingest.rows import Rows, batch_frame
from creditrisk.ingest.source import put_back

# Encodings in which a byte of a quote or of a line end is never part of another character.
SIMPLE_ENCODINGS = ("utf-8", "utf8", "latin-1", "ascii")


class CsvReader(ExactCsvReader):
    """Reads a CSV file in batches, see `Reader`."""

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the batches.

        Raises:
            InputError: the file is empty or can't be read; a column is missing or appears twice; a
                quote is never closed.
        """
        rest: bytes | None = b""
        sign = self.data.delimiter
        # Arrow takes ASCII delimiters only; a blank stands for a run of blanks.
        if sign.isascii() and sign != " " and self.data.encoding.lower() in SIMPLE_ENCODINGS:
            rest = yield from self._fast(self.stream)
        if rest is not None:
            yield from self._exact(put_back(rest, self.stream) if rest else self.stream)

    def _fast(self, stream: BinaryIO) -> Generator[pd.DataFrame, None, bytes | None]:
        """Read lines without quotes.

        Returns:
            What was read and is left to the exact reader; None at the end of the file.
        """
        held: list[bytes] = []  # a first line that is a row
        while not self.header:
            line = stream.readline(limits.MAX_RECORD + 1)
            text = (
                None if not line or len(line) > limits.MAX_RECORD else _plain_text(line, self.data)
            )
            if text is None:
                return line
            text = text.removeprefix("\ufeff") if not self._lines_read else text
            first = text.rstrip("\r\n")
            if first and self._open(first.split(self.data.delimiter)):
                held = [text.encode(self.data.encoding)]
            else:
                self._lines_read += 1
        while lines := _read_lines(stream, self.size, held):
            held = []
            block, longest, count = b"".join(lines), max(map(len, lines)), len(lines)
            del lines  # a batch is held once
            text = None if longest > limits.MAX_RECORD else _plain_text(block, self.data)
            if text is None:
                return block
            frame = self._whole(text) if longest <= limits.MAX_CELL else None
            if frame is not None:
                yield frame
                self._rows_read += len(frame)
            else:
                yield from self._batch(self._line_by_line(text))
            self._lines_read += count
        return None

    def _whole(self, text: str) -> pd.DataFrame | None:
        """Cut lines into cells all at once; None if one of them is blank, or none is a row."""
        if text.startswith(("\n", "\r")) or "\n\n" in text or "\n\r\n" in text:
            return None
        first, faults = self._lines_read + 1, {}
        table = self._cut(text)
        if table is None:
            # Lines of other lengths. A few of them must not cost the others the fast way.
            lines, width = text.removesuffix("\n").split("\n"), len(self.header)
            counts = [line.count(self.data.delimiter) + 1 for line in lines]
            for place, count in enumerate(counts):
                if count != width:
                    number = first + place
                    faults[place] = ragged(number, number, count, width)
            fitting = [place for place, count in enumerate(counts) if count == width]
            table = self._cut("\n".join([lines[place] for place in fitting])) if fitting else None
            if table is None:
                return None
            rows = np.full(len(lines), -1)
            rows[fitting] = np.arange(len(fitting))
            table = table.take(pa.array(rows, mask=rows < 0))
        frame = table.to_pandas()
        cells = {name: frame[str(place)] for name, place in self.columns.items()}
        return batch_frame(self._rows_read + 1, range(first, first + len(frame)), cells, faults)

    def _cut(self, text: str) -> pa.Table | None:
        """Cut lines into cells; None if they have different numbers of cells."""
        names = [str(position) for position in range(len(self.header))]
        try:
            return arrow_csv.read_csv(
                io.BytesIO(text.encode()),
                arrow_csv.ReadOptions(column_names=names, use_threads=False),
                arrow_csv.ParseOptions(delimiter=self.data.delimiter, quote_char=False),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.large_string()),
                    strings_can_be_null=False,
                    include_columns=[str(place) for place in self.columns.values()],
                ),
            )
        except pa.ArrowException:
            return None

    def _line_by_line(self, text: str) -> Rows:
        rows = Rows(list(self.columns))
        lines = text.removesuffix("\n").split("\n")
        for number, line in enumerate(lines, start=self._lines_read + 1):
            cells = line.removesuffix("\r").split(self.data.delimiter)
            self._add(rows, number, Record(number, number, [] if cells == [""] else cells, 0))
        return rows


def _read_lines(stream: BinaryIO, size: int, held: list[bytes]) -> list[bytes]:
    """Read the lines of a batch behind those that are held already.

    One that is too long is the last, and only its start.
    """
    lines = [*held]
    characters = sum(map(len, lines))
    while len(lines) < size and characters < limits.BATCH_CHARACTERS:
        line = stream.readline(limits.MAX_RECORD + 1)
        if not line:
            break
        lines.append(line)
        characters += len(line)
        if len(line) > limits.MAX_RECORD:
            break
    return lines


def _plain_text(block: bytes, data: DataParams) -> str | None:
    """Decode lines; None unless line ends are all that separates them."""
    if b'"' in block or b"\0" in block or block.count(b"\r") != block.count(b"\r\n"):
        return None
    try:
        return block.decode(data.encoding)
    except UnicodeError:
        return None

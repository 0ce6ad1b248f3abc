"""The applicants' CSV, for training and for scoring alike: a batch of rows at a time, as text.

Where a file has no quotes, a line is a record and its cells lie between the delimiters: Arrow reads
that fast. Wherever there may be more to it (a quote, a stray line break, bytes that can't be
decoded), the exact reader takes over, from the first row that has not been read. Both give the same
rows, cell for cell.
"""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from creditrisk.core.errors import InputError
from creditrisk.ingest.header import find_columns
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.records import ragged, read_records
from creditrisk.schema import Schema

# Encodings in which a byte of a quote or of a line end is never part of another character.
SIMPLE_ENCODINGS = ("utf-8", "utf8", "latin-1", "ascii")
Cells = dict[str, list[str | None] | pd.Series]


class CsvReader:
    """Read a CSV file in batches.

    Iterating yields frames: `row_id` (int64, from 1), `line` (int64, the physical line on which the
    record starts), `malformed` (text, missing for a well-formed row), then the schema's columns as
    text, missing in a malformed row. A file without data lines yields none.

    Args:
        path: the file.
        data: how it is written.
        schema: names the columns to keep.
        size: rows per batch.
        with_target: whether the target column is wanted too.

    Attributes:
        header: the column names, once the first batch was read.
        columns: the schema's names of the columns that are kept, and their position.
        blank_lines: number of lines without any text so far, which are no records.
    """

    def __init__(
        self, path: str | Path, data: DataParams, schema: Schema, size: int, with_target: bool
    ):
        self.path, self.data, self.schema = path, data, schema
        self.size, self.with_target = size, with_target
        self.header: list[str] = []
        self.columns: dict[str, int] = {}
        self.blank_lines = 0

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the batches.

        Raises:
            InputError: the file is missing, empty or can't be read; a column is missing or appears
                twice; a quote is never closed.
        """
        read = 0
        sign = self.data.delimiter
        # Arrow takes ASCII delimiters only; a blank stands for a run of blanks.
        if sign.isascii() and sign != " " and self.data.encoding.lower() in SIMPLE_ENCODINGS:
            finished = False
            for batch in self._fast():
                if batch is None:
                    finished = True
                    break
                read += len(batch)
                yield batch
            if finished:
                return
        for batch in self._exact():
            rest = batch[batch["row_id"] > read]
            if len(rest):
                yield rest.reset_index(drop=True)

    def _open(self, header: list[str]) -> None:
        self.header = header
        self.columns = find_columns(
            self.path, header, self.schema, self.data.delimiter, self.with_target
        )

    def _exact(self) -> Iterator[pd.DataFrame]:
        """Read any CSV, record by record."""
        records = read_records(self.path, self.data)
        header = next((cells for _, _, cells in records if cells), None)
        if header is None:
            hint = "Give a CSV file with a header and data lines."
            raise InputError(self.path, "file", "empty", hint)
        self._open(header)
        self.blank_lines = 0
        width, first = len(header), 1
        while batch := list(islice(records, self.size)):
            rows = [record for record in batch if record[2]]
            self.blank_lines += len(batch) - len(rows)
            faults = {
                i: ragged(start, end, len(cells), width)
                for i, (start, end, cells) in enumerate(rows)
                if len(cells) != width
            }
            gap: list[str | None] = [None] * width
            cells: list[list[str | None]] = [
                gap if i in faults else [*row[2]] for i, row in enumerate(rows)
            ]
            if rows:
                lines = [start for start, _, _ in rows]
                yield _frame(first, lines, _by_column(cells, self.columns), faults)
            first += len(rows)

    def _fast(self) -> Iterator[pd.DataFrame | None]:
        """Read lines without quotes; a final None says that the whole file was like that."""
        try:
            with open(self.path, "rb") as stream:
                yield from self._plain_lines(stream)
        except OSError:
            return  # the exact reader says what is wrong

    def _plain_lines(self, stream: BinaryIO) -> Iterator[pd.DataFrame | None]:
        header, number = _header(stream, self.data)
        if header is None:
            return
        self._open(header.split(self.data.delimiter))
        first = 1
        while lines := list(islice(stream, self.size)):
            text = _plain_text(b"".join(lines), self.data)
            if text is None:
                return
            starts, cells, faults = self._cells(text, number)
            number += len(lines)
            if starts:
                yield _frame(first, starts, cells, faults)
            first += len(starts)
        yield None

    def _cells(self, text: str, number: int) -> tuple[list[int], Cells, dict[int, str]]:
        """Cut lines into cells; `number` is that of the line before them.

        Returns:
            The line of each row, the columns, and what is wrong with which row.
        """
        blank = text.startswith(("\n", "\r")) or "\n\n" in text or "\n\r\n" in text
        names = [str(position) for position in range(len(self.header))]
        if not blank:
            try:
                table = arrow_csv.read_csv(
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
                pass  # lines of other lengths: cut them one by one
            else:
                frame = table.to_pandas()
                starts = list(range(number + 1, number + 1 + len(frame)))
                return starts, {n: frame[str(place)] for n, place in self.columns.items()}, {}
        return self._line_by_line(text, number)

    def _line_by_line(self, text: str, number: int) -> tuple[list[int], Cells, dict[int, str]]:
        faults: dict[int, str] = {}
        starts: list[int] = []
        rows: list[list[str | None]] = []
        for line_number, line in enumerate(text.removesuffix("\n").split("\n"), start=number + 1):
            cells: list[str | None] = list(line.removesuffix("\r").split(self.data.delimiter))
            if cells == [""]:
                self.blank_lines += 1
                continue
            if len(cells) != len(self.header):
                problem = ragged(line_number, line_number, len(cells), len(self.header))
                faults[len(rows)] = problem
                cells = [None] * len(self.header)
            rows.append(cells)
            starts.append(line_number)
        return starts, _by_column(rows, self.columns) if rows else {}, faults


def _header(stream: BinaryIO, data: DataParams) -> tuple[str | None, int]:
    """Find the first line with text, and its number; None where it is not a plain one."""
    for number, line in enumerate(stream, start=1):
        text = _plain_text(line, data)
        if text is None:
            break
        text = (text.removeprefix("\ufeff") if number == 1 else text).rstrip("\r\n")
        if text:
            return text, number
    return None, 0


def _plain_text(block: bytes, data: DataParams) -> str | None:
    """Decode lines; None unless line ends are all that separates them."""
    if b'"' in block or b"\0" in block or block.count(b"\r") != block.count(b"\r\n"):
        return None
    try:
        return block.decode(data.encoding)
    except UnicodeError:
        return None


def _by_column(rows: list[list[str | None]], columns: dict[str, int]) -> Cells:
    by_position = list(zip(*rows, strict=True))
    return {name: list(by_position[position]) for name, position in columns.items()}


def _frame(first: int, lines: list[int], cells: Cells, faults: dict[int, str]) -> pd.DataFrame:
    malformed = np.full(len(lines), None, dtype=object)
    for position, problem in faults.items():
        malformed[position] = problem
    return pd.DataFrame(
        {
            "row_id": np.arange(first, first + len(lines), dtype=np.int64),
            "line": np.array(lines, dtype=np.int64),
            "malformed": pd.Series(malformed, dtype="str"),
            **{name: pd.Series(column, dtype="str") for name, column in cells.items()},
        }
    )

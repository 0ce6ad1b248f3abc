"""The exact reader of a CSV, record by record: whatever quotes and line breaks are in it.

It needs no Arrow, which the service does not have.
"""

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.header import NONE, positions
from creditrisk.ingest.reader import Reader
from creditrisk.ingest.records import Record, ragged, read_records
from creditrisk.ingest.rows import Rows


class ExactCsvReader(Reader):
    """Reads a CSV file in batches, see `Reader`."""

    _lines_read = 0
    _rows_read = 0

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the batches.

        Raises:
            InputError: the file is empty or can't be read; a column is missing or appears twice; a
                quote is never closed.
        """
        yield from self._exact(self.stream)

    def _open(self, first: list[str]) -> bool:
        """Take the names of the columns from the first record; return whether it is a row too."""
        is_row = self.data.header == NONE
        names = positions(len(first)) if is_row else first
        self.take_header(names, "line 1", self.data.delimiter, self.data.header)
        return is_row

    def _exact(self, stream: BinaryIO) -> Iterator[pd.DataFrame]:
        """Read any CSV, record by record, from the start of a line."""
        width = len(self.header)
        records = read_records(stream, self.name, self.data, self._lines_read, width)
        if not width:
            first = next((r for r in records if r.cells or r.problem), None)
            if first is None:
                hint = "Give a CSV file with a header and data lines."
                raise InputError(self.name, "file", "empty", hint)
            if first.problem:
                raise self._no_header(first.start)
            if self._open(first.cells):
                records = chain([first], records)
        rows, count, characters = Rows(list(self.columns)), 0, 0
        for record in records:
            self._add(rows, record.start, record)
            count += 1
            characters += record.size
            if count == self.size or characters >= limits.BATCH_CHARACTERS:
                yield from self._batch(rows)
                rows, count, characters = Rows(list(self.columns)), 0, 0
        yield from self._batch(rows)

    def _no_header(self, line: int) -> InputError:
        problem = f"more than {limits.MAX_RECORD:,} characters in the place of the header"
        return InputError(self.name, f"line {line}", problem, "Is this the right file?")

    def _add(self, rows: Rows, line: int, record: Record) -> None:
        if record.problem:
            rows.add_malformed(line, record.problem)
        elif not record.cells:
            self.blank_lines += 1
        elif len(record.cells) != len(self.header):
            problem = ragged(line, record.end, len(record.cells), len(self.header))
            rows.add_malformed(line, problem)
        else:
            rows.add(line, [record.cells[place] for place in self.columns.values()])

    def _batch(self, rows: Rows) -> Iterator[pd.DataFrame]:
        if len(rows):
            yield rows.frame(self._rows_read + 1)
            self._rows_read += len(rows)

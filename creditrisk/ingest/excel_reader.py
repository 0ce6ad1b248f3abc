"""Applicants from a sheet of a workbook, as the text that a CSV would have."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from typing import Any

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.dates import IN_FULL, date_form, date_text
from creditrisk.ingest.header import NONE, positions
from creditrisk.ingest.reader import Reader
from creditrisk.ingest.rows import Rows, truth_words
from creditrisk.ingest.workbook import SheetRow, sheet_rows

_EXACT = 2**63  # greater integers are written with an exponent


class ExcelReader(Reader):
    """Reads a sheet in batches, see `Reader`. Blank rows at its end are no rows.

    The stream must be a file on the disk.
    """

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the batches.

        Raises:
            InputError: besides those of `sheet_rows`: the sheet is empty; a column is missing or
                appears twice.
        """
        found = sheet_rows(self.stream, self.name, self.data.sheet)
        top = next(found, None)
        if top is None:
            raise InputError(self.name, "sheet", "empty", "Name another one in data.sheet.")
        if self._open(top):
            found = chain([SheetRow(top.number, top.cells)], found)
            before = top.number - 1
        else:
            before = top.number
        rows, first, characters = self._rows(), 1, 0
        for number, cells in found:
            self.blank_lines += number - before - 1
            before = number
            characters += self._add(rows, number, cells)
            if len(rows) == self.size or characters >= limits.BATCH_CHARACTERS:
                yield rows.frame(first)
                first += len(rows)
                rows, characters = self._rows(), 0
        if len(rows):
            yield rows.frame(first)

    def _rows(self) -> Rows:
        return Rows([*self.columns], "row")

    def _open(self, top: SheetRow) -> bool:
        """Take the names of the columns from the first row; return whether it is data too."""
        place = f"row {top.number}"
        if top.cells is None:
            problem = f"more than {limits.MAX_RECORD:,} characters in the place of the header"
            raise InputError(self.name, place, problem, "Is this the right file?")
        is_row = self.data.header == NONE
        if is_row:
            names = positions(len(top.cells))
        else:
            names = [_text(cell, self.data.decimal, {}, None) or "" for cell in top.cells]
            while names and not names[-1]:
                names.pop()  # columns of the sheet on the right of the table
        self.take_header(names, place, names_from=self.data.header)
        contracts = {name: self.contract(name) for name in self.columns}
        self._truths = {name: truth_words(contract) for name, contract in contracts.items()}
        self._forms = {name: date_form(c, self.schema is None) for name, c in contracts.items()}
        return is_row

    def _add(self, rows: Rows, number: int, cells: list[Any] | None) -> int:
        """Add a row; return its number of characters."""
        if cells is None:
            problem = f"row {number}: more than {limits.MAX_RECORD:,} characters"
            rows.add_malformed(number, problem)
            return 0
        width = len(self.header)
        last = max(place for place, cell in enumerate(cells, start=1) if cell != "")
        if last > width:
            problem = f"row {number}: {last} cells, the header has {width}"
            rows.add_malformed(number, problem)
            return 0
        texts = [self._cell(name, cells[place]) for name, place in self.columns.items()]
        rows.add(number, texts)
        return sum(len(text) for text in texts if text)

    def _cell(self, name: str, cell: Any) -> str | None:
        form = self._forms[name]
        if form == IN_FULL and isinstance(cell, list) and cell[0] != "time":
            self.moments.add(name)
        return _text(cell, self.data.decimal, self._truths[name], form)


def _text(cell: Any, decimal: str, truths: dict[bool, str], form: str | None) -> str | None:
    """Write a cell as a CSV would have it; None for an empty one.

    Args:
        cell: of a `SheetRow`.
        decimal: the decimal sign of numbers.
        truths: how true and false are written.
        form: how dates are written, see `dates.date_text`.
    """
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return truths.get(cell, str(cell))
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        cell = int(cell)
    if isinstance(cell, int | float):
        return str(cell).replace(".", decimal)
    kind, text = cell
    if kind == "time":
        return text
    value = date.fromisoformat(text) if kind == "date" else datetime.fromisoformat(text)
    return date_text(value, form)

"""Collects the rows of a batch: the cells of each column as text, and what is malformed."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from creditrisk.core.text import fold
from creditrisk.ingest import limits
from creditrisk.schema import Column

ROW_ID = "row_id"
Cells = Mapping[str, Sequence[str | None] | pd.Series]


class Rows:
    """The rows of a batch.

    Args:
        names: of the columns.
        place: what a row's number counts, for what is said about a malformed one.
    """

    def __init__(self, names: Sequence[str], place: str = "line"):
        self.names = list(names)
        self.place = place
        self.lines: list[int] = []
        self.faults: dict[int, str] = {}
        self._cells: list[Sequence[str | None]] = []
        self._gap: list[str | None] = [None] * len(self.names)

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, line: int, cells: Sequence[str | None]) -> None:
        """Add a row.

        Args:
            line: the physical line on which it starts, or its number in the file.
            cells: in the order of the names.
        """
        if max(map(len, filter(None, cells)), default=0) <= limits.MAX_CELL:
            self.lines.append(line)
            self._cells.append(cells)
            return
        sizes = (len(cell or "") for cell in cells)
        long = (n for n, size in zip(self.names, sizes, strict=True) if size > limits.MAX_CELL)
        self.add_malformed(line, f"{self.place} {line}: {too_long(next(long))}")

    def add_malformed(self, line: int, problem: str) -> None:
        """Add a row that could not be read."""
        self.faults[len(self.lines)] = problem
        self.lines.append(line)
        self._cells.append(self._gap)

    def frame(self, first: int) -> pd.DataFrame:
        """Return the rows as a frame, see `batch_frame`; the first one has the number `first`."""
        columns = dict(zip(self.names, zip(*self._cells, strict=True), strict=True))
        return batch_frame(first, self.lines, columns, self.faults)


def too_long(name: str) -> str:
    """Say that a cell is too long."""
    return f"the cell of {name} has more than {limits.MAX_CELL:,} characters"


def batch_frame(
    first: int, lines: Sequence[int], cells: Cells, faults: Mapping[int, str]
) -> pd.DataFrame:
    """Build the frame of a batch.

    Args:
        first: number of the first row.
        lines: the physical line on which each of the n rows starts.
        cells: texts of each column, or the series itself; those of `row_id`, if there are any, take
            the place of the rows' numbers.
        faults: what is malformed in which row, by position.

    Returns:
        `row_id` (int64, or text), `line`, `malformed` (text, missing for a well-formed row), then
        the columns as text.
    """
    malformed = np.full(len(lines), None, dtype=object)
    for position, problem in faults.items():
        malformed[position] = problem
    texts = {name: _text(column) for name, column in cells.items()}
    numbers = np.arange(first, first + len(lines), dtype=np.int64)
    row_id = texts.pop(ROW_ID, numbers)
    line = np.array(lines, dtype=np.int64)
    frame = {ROW_ID: row_id, "line": line, "malformed": pd.Series(malformed, dtype="str")}
    return pd.DataFrame(frame | texts)


def _text(column: Sequence[str | None] | pd.Series) -> pd.Series:
    if isinstance(column, pd.Series):
        return column
    return pd.Series(list(column), dtype="str")


def truth_words(contract: Column | None) -> dict[bool, str]:
    """Spell true and false as words where the column may have these, otherwise as numbers."""
    if contract is None or (contract.kind != "numeric" and not contract.levels):
        return {True: "True", False: "False"}
    words = {fold(level) for level in contract.levels or ()}
    return {
        value: str(value) if fold(str(value)) in words else str(int(value))
        for value in (True, False)
    }

"""The cells that count as missing: where they are, and their words for a scored row."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from creditrisk.core.distinct import FEW

# Positions of the rows in which a column is missing, and the causes there.
MissingCells = dict[str, tuple[np.ndarray, np.ndarray]]


NOTHING = (np.empty(0, dtype=np.intp), np.empty(0, dtype=object))


def find_missing(causes: Mapping[str, np.ndarray], names: Iterable[str]) -> MissingCells:
    """Find the missing cells of the columns `names`; a special code is not missing.

    Args:
        causes: why a cell has no value, else None; n cells of each column.
        names: the columns.
    """
    found = {}
    for name in names:
        column = causes[name]
        if len(column) <= FEW and all(cause is None for cause in column):
            found[name] = NOTHING
            continue
        rows = np.flatnonzero(~pd.isna(column) & (column != "special"))
        found[name] = (rows, column[rows])
    return found


def missing_texts(found: MissingCells, count: int) -> list[str | None]:
    """List each row's missing cells, such as `purpose: out of domain; age: empty`."""
    texts: list[str | None] = [None] * count
    for name, (rows, causes) in found.items():
        for row, cause in zip(rows.tolist(), causes, strict=True):
            cell = f"{name.replace('_', ' ')}: {cause.replace('_', ' ')}"
            texts[row] = f"{texts[row]}; {cell}" if texts[row] else cell
    return texts

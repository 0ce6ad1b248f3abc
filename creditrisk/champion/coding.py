"""Rows as the tables of a model take them: numbers, and codes in the place of texts."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from creditrisk.core.distinct import map_distinct

# Codes of a column with levels: a missing cell, its known levels from 1, then any other text.
MISSING = 0


class Coded(NamedTuple):
    """Rows of a model; a column lies in one piece.

    Attributes:
        numbers: the numeric columns, NaN where missing; float64, shape (p, n).
        codes: the columns with levels; int, shape (q, n).
    """

    numbers: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return self.numbers.shape[1]

    def take(self, rows: np.ndarray | slice) -> "Coded":
        """Select rows by position."""
        return Coded(self.numbers[:, rows], self.codes[:, rows])


class Vocabulary:
    """The columns that a model takes, and the levels that it knows.

    Args:
        numeric: names of the numeric columns.
        levels: name of each other column to the levels that any part of the model knows.
    """

    def __init__(self, numeric: Iterable[str], levels: Mapping[str, Iterable[str]]):
        self.numeric = list(numeric)
        self.levels = {
            name: {level: code for code, level in enumerate(dict.fromkeys(known), start=1)}
            for name, known in levels.items()
        }
        # For what encodes texts itself: no level is written like this.
        self._unknown = "\N{REPLACEMENT CHARACTER} no known level"

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""
        return [*self.numeric, *self.levels]

    def size(self, name: str) -> int:
        """Return the number of codes of a column with levels."""
        return len(self.levels[name]) + 2

    def code(self, rows: pd.DataFrame | Mapping[str, np.ndarray]) -> Coded:
        """Turn values into numbers and codes.

        Args:
            rows: a value of each column in each of n rows, as a frame or as arrays.
        """
        first = next(iter(self.columns), None)
        count = len(rows[first]) if first else len(rows)
        numbers = np.empty((len(self.numeric), count))
        for i, name in enumerate(self.numeric):
            numbers[i] = _floats(rows[name])
        codes = np.empty((len(self.levels), count), dtype=np.intp)
        for i, (name, levels) in enumerate(self.levels.items()):
            codes[i] = _codes(rows[name], levels)
        return Coded(numbers, codes)

    def frame(self, rows: Coded) -> pd.DataFrame:
        """Turn numbers and codes back into values; an unknown level becomes a text of our own."""
        columns: dict[str, Any] = dict(zip(self.numeric, rows.numbers, strict=True))
        for (name, levels), codes in zip(self.levels.items(), rows.codes, strict=True):
            texts = np.array([None, *levels, self._unknown], dtype=object)
            columns[name] = pd.Series(texts[codes], dtype="str")
        return pd.DataFrame(columns, index=range(len(rows)))


def _floats(values: Any) -> np.ndarray:
    if isinstance(values, pd.Series):
        return values.to_numpy(dtype="float64", na_value=np.nan)
    return np.asarray(values, dtype="float64")


def _codes(values: Any, levels: Mapping[str, int]) -> np.ndarray:
    unknown = len(levels) + 1
    found = map_distinct(values, lambda value: levels.get(value, unknown), MISSING)
    return found.astype(np.intp)

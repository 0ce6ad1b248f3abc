"""Applicants with another value of one variable: what would the model say then?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.columns import NO_CODE, SPECIAL
from creditrisk.featurize import derived_columns

# The features of n applicants, as columns of n values.
Columns = Mapping[str, np.ndarray]

LEAST_SHARE = 0.01  # of the training rows; a rarer level is no usual value
QUANTILES = np.linspace(0.05, 0.95, 19)


def substitute(
    columns: Columns, name: str, value: Any, derived: Mapping[str, dict[str, Any]]
) -> dict[str, np.ndarray]:
    """Give a variable another value in all rows, and derive again what is derived from it.

    Args:
        columns: the features, each of shape (n,).
        name: a variable that is not derived.
        value: the value, or an array of n values; NaN (or None for a text) leaves it out. A special
            code in the variable's place goes.
        derived: name of each derived variable to its operation and operands.
    """
    changed = dict(columns)
    old = columns[name]
    new = np.empty(len(old), dtype=old.dtype)
    new[:] = value
    changed[name] = new
    if SPECIAL + name in columns:
        codes = np.empty(len(old), dtype=object)
        codes[:] = NO_CODE
        changed[SPECIAL + name] = codes
    if any(name in one["of"] for one in derived.values()):
        changed |= derived_columns(changed, dict(derived))
    return changed


def leave_out(
    columns: Columns, name: str, derived: Mapping[str, dict[str, Any]]
) -> dict[str, np.ndarray]:
    """Leave a variable out in all rows."""
    numeric = columns[name].dtype.kind == "f"
    return substitute(columns, name, np.nan if numeric else None, derived)


def take_rows(columns: Columns, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Select some rows, by their positions or by a mask."""
    return {name: values[rows] for name, values in columns.items()}


def usual_values(frame: pd.DataFrame, name: str) -> list[Any]:
    """Return the usual values of a variable: what an applicant could have stated.

    Args:
        frame: the training rows after the adjustments.
        name: the variable.

    Returns:
        Of a number, values at 19 quantiles from 5% to 95%; of levels, those of at least
        `LEAST_SHARE` of the rows, the most frequent first.
    """
    known = frame[name].dropna()
    if known.empty:
        return []
    if pd.api.types.is_numeric_dtype(known):
        found = np.quantile(known.to_numpy(dtype=float), QUANTILES, method="nearest")
        return np.unique(found).tolist()
    counts = known.value_counts()
    usual = [level for level in counts.index if counts[level] >= LEAST_SHARE * len(frame)]
    return sorted(usual, key=lambda level: (-counts[level], level))

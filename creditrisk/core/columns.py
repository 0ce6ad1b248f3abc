"""Columns of the frames after eda: features, and the applicants' original (unadjusted) values."""

from collections.abc import Iterable

import pandas as pd

KEYS = ("row_id", "applicant", "split", "bad")
ORIGINAL = "original."  # name prefix of the columns with the values before eda adjusted them


def keep_originals(
    adjusted: pd.DataFrame, clean: pd.DataFrame, names: Iterable[str]
) -> pd.DataFrame:
    """Add the original values of the adjusted columns.

    Costs and the groups of the fairness table are computed from the original values.

    Args:
        adjusted: the rows after the adjustments, shape (n, d).
        clean: the same rows and columns before the adjustments, shape (n, d).
        names: names of the adjusted columns.

    Returns:
        `adjusted` with a column `original.NAME` per name, shape (n, d + number of names).
    """
    return adjusted.assign(**{ORIGINAL + name: clean[name] for name in names})


def original_values(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as the applicants stated it, before any adjustment; shape (n,)."""
    return frame[ORIGINAL + name if ORIGINAL + name in frame else name]


def original_columns(frame: pd.DataFrame) -> list[str]:
    """List the columns that `keep_originals` added."""
    return [name for name in frame if str(name).startswith(ORIGINAL)]


def feature_columns(frame: pd.DataFrame) -> list[str]:
    """List the columns that a model learns from, in the order of the frame."""
    return [name for name in frame if name not in {*KEYS, *original_columns(frame)}]

"""The columns of the frames after eda: what a model learns from, and what applicants told."""

from collections.abc import Iterable

import pandas as pd

KEYS = ("row_id", "applicant", "split", "bad")
ORIGINAL = "original."  # before the name of a column that an adjustment changes


def keep_originals(
    adjusted: pd.DataFrame, clean: pd.DataFrame, names: Iterable[str]
) -> pd.DataFrame:
    """Add the columns that were adjusted as they were: costs and groups go by the real values.

    Args:
        adjusted, clean: the same rows and columns, shape (n, d).
        names: of the adjusted columns.

    Returns:
        Shape (n, d + names).
    """
    return adjusted.assign(**{ORIGINAL + name: clean[name] for name in names})


def original_values(frame: pd.DataFrame, name: str) -> pd.Series:
    """Give a column as the applicants told it, shape (n,)."""
    return frame[ORIGINAL + name if ORIGINAL + name in frame else name]


def original_columns(frame: pd.DataFrame) -> list[str]:
    """Name the columns that `keep_told` added."""
    return [name for name in frame if str(name).startswith(ORIGINAL)]


def feature_columns(frame: pd.DataFrame) -> list[str]:
    """Name the columns that a model learns from, in their order."""
    return [name for name in frame if name not in {*KEYS, *original_columns(frame)}]

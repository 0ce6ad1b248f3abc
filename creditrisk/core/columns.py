"""Names of the columns that the pipeline makes, features, and the applicants' original values."""

from collections.abc import Iterable

import pandas as pd

from creditrisk.core.text import fold

KEYS = ("row_id", "applicant", "split", "bad")
FEATURES = ("numeric", "nominal", "ordinal")  # kinds of features, as features.json lists them
ORIGINAL = "original."  # name prefix of the columns with the values before eda adjusted them
# The raw frame adds these to the columns of the source.
RESERVED_IN_SOURCE = ("row_id", "line", "malformed")
# No feature, id or derived column may have a name that a frame of the pipeline already has.
RESERVED = (*RESERVED_IN_SOURCE, "applicant", "split", "bad")
LONGEST_NAME = 200  # characters
# Of the scored rows, which carry the id as well.
SCORED = ("row_id", "pd", "score", "decision", "reasons", "missing", "problem")


def name_fault(name: str, is_id: bool = False) -> str | None:
    """Say why a column of the user's may not have a name, or return None.

    Args:
        name: the name.
        is_id: whether it is the id, which stands among the columns of the scored rows too.
    """
    folded = fold(name)
    reserved = dict.fromkeys((*RESERVED, *SCORED) if is_id else RESERVED)
    if not folded:
        return "the name is empty"
    if len(name) > LONGEST_NAME:
        return f"the name is longer than {LONGEST_NAME} characters"
    if folded in reserved or folded.startswith(ORIGINAL):
        listed = ", ".join(reserved)
        return f"the name is reserved, as are {listed} and names that start with '{ORIGINAL}'"
    return None


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

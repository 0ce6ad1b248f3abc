"""Names of the columns that the pipeline makes, features, and the applicants' original values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from creditrisk.core.text import fold

if TYPE_CHECKING:
    import pandas as pd

APPLICATION_DATE = "application_date"  # the day from which dates are counted, where there is one
KEYS = ("row_id", "applicant", "split", "bad")
FEATURES = ("numeric", "nominal", "ordinal")  # kinds of features, as features.json lists them
ORIGINAL = "original."  # name prefix of the columns with the values before eda adjusted them
NO_CODE = "none"  # in such a column, where the cell holds no special code
SPECIAL = "special."  # name prefix of the columns with the special codes of numeric variables
# The raw frame adds these to the columns of the source.
RESERVED_IN_SOURCE = ("row_id", "line", "malformed")
# No feature, id or derived column may have a name that a frame of the pipeline already has.
RESERVED = (*RESERVED_IN_SOURCE, "applicant", "split", "bad", APPLICATION_DATE)
# A nominal column with more levels is neither listed level by level nor encoded one-hot in full.
MANY_LEVELS = 100
LONGEST_NAME = 200  # characters
# Of the scored rows, which carry the id as well.
SCORED = ("row_id", "pd", "score", "decision", "reasons", "missing", "problem")
WHAT_IF = "what_if"  # of the scored rows, if it is asked for


def name_fault(name: str, is_id: bool = False) -> str | None:
    """Say why a column of the user's may not have a name, or return None.

    Args:
        name: the name.
        is_id: whether it is the id, which stands among the columns of the scored rows too.
    """
    folded = fold(name)
    reserved = dict.fromkeys((*RESERVED, *SCORED, WHAT_IF) if is_id else RESERVED)
    if not folded:
        return "the name is empty"
    if len(name) > LONGEST_NAME:
        return f"the name is longer than {LONGEST_NAME} characters"
    if folded in reserved or folded.startswith((ORIGINAL, SPECIAL)):
        listed = ", ".join(reserved)
        starts = f"'{ORIGINAL}' or '{SPECIAL}'"
        return f"the name is reserved, as are {listed} and names that start with {starts}"
    return None


def is_missing(frame: pd.DataFrame, name: str) -> pd.Series:
    """Tell in which rows a variable is missing; a special code in its place is known.

    Args:
        frame: with the variable, and its companion if it has special codes, shape (n, d).
        name: the variable.

    Returns:
        Bool, shape (n,).
    """
    absent = frame[name].isna()
    if SPECIAL + name in frame:
        absent &= frame[SPECIAL + name] == NO_CODE
    return absent


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


def has_original(frame: pd.DataFrame, name: str) -> bool:
    """Whether a frame has a column as the applicants stated it, perhaps for audit only."""
    return name in frame or ORIGINAL + name in frame


def original_columns(frame: pd.DataFrame) -> list[str]:
    """List the columns that `keep_originals` added."""
    return [name for name in frame if str(name).startswith(ORIGINAL)]


def feature_columns(frame: pd.DataFrame) -> list[str]:
    """List the columns that a model learns from, in the order of the frame."""
    others = {*KEYS, APPLICATION_DATE, *original_columns(frame)}
    return [name for name in frame if name not in others]

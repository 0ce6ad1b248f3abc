"""The rejected rows: each with its reason, a detail in words, and the row kept in its place."""

from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.errors import shorten
from creditrisk.core.text import normalise
from creditrisk.prepare.duplicates import DuplicateGroups

REASONS = ("malformed", "invalid_target", "indeterminate", "duplicate", "near_duplicate")


def reject(
    row_id: pd.Series, reason: str, detail: pd.Series | list[str], kept: Any = None
) -> pd.DataFrame:
    """Write rejected rows.

    Args:
        row_id: numbers of the rows, shape (n,).
        reason: one of `REASONS`.
        detail: a text per row.
        kept: number of the row that was kept in the place of each; None if none was.

    Returns:
        `row_id`, `reason`, `detail`, `kept_row_id`.
    """
    return pd.DataFrame(
        {
            "row_id": row_id.to_numpy("int64"),
            "reason": pd.Series([reason] * len(row_id), dtype="str"),
            "detail": pd.Series(list(detail), dtype="str"),
            "kept_row_id": pd.array([pd.NA] * len(row_id) if kept is None else kept, dtype="Int64"),
        }
    )


def no_outcome(rows: pd.DataFrame, column: str, reason: str) -> pd.DataFrame:
    """Write the rows whose outcome is not one; the detail quotes the cell.

    Args:
        rows: rows of the raw frame, shape (n, d).
        column: the outcome's column.
        reason: one of `REASONS`.
    """
    texts = rows[column].fillna("").astype(str)
    detail = [
        f"line {line}: {column} is {shorten(text) if normalise(text).strip() else 'empty'}"
        for line, text in zip(rows["line"], texts, strict=True)
    ]
    return reject(rows["row_id"], reason, detail)


def duplicate_rejections(
    rows: pd.DataFrame,
    duplicate_groups: DuplicateGroups,
    conflicts: np.ndarray,
    is_kept: np.ndarray,
) -> pd.DataFrame:
    """Write the rows that are rejected as duplicates.

    Args:
        rows: `row_id` and `line` of all rows with an outcome, shape (n, d).
        duplicate_groups: which rows belong together.
        conflicts: whether a row's duplicates have another outcome, shape (n,).
        is_kept: whether a row is kept, shape (n,).
    """
    dropped = ~is_kept
    positions = duplicate_groups.representative[dropped]
    representatives = rows.iloc[positions]
    # With the rule `reject`, a row that represents its duplicates is itself rejected.
    is_own = positions == np.flatnonzero(dropped)
    detail = [
        _duplicate_detail(*values)
        for values in zip(
            rows["line"][dropped],
            representatives["line"],
            is_own,
            conflicts[dropped],
            duplicate_groups.ambiguous[dropped],
            strict=True,
        )
    ]
    # Such a row has the same reason as its duplicates.
    is_exact = pd.Series(duplicate_groups.is_exact[dropped])
    any_exact = is_exact.groupby(positions).transform("any")
    reason = np.where(is_own, any_exact, is_exact)
    kept = pd.array(representatives["row_id"].to_numpy(), dtype="Int64")
    kept[~is_kept[positions]] = pd.NA
    rejected = reject(rows["row_id"][dropped], "", detail, kept)
    rejected["reason"] = pd.Series(np.where(reason, "duplicate", "near_duplicate"), dtype="str")
    return rejected


def _duplicate_detail(
    line: int, representative: int, is_own: bool, conflict: bool, ambiguous: bool
) -> str:
    if conflict and is_own:
        return f"line {line}: its duplicates have a different outcome"
    if conflict:
        return f"line {line}: matches line {representative}, but has a different outcome"
    others = " and other rows that differ from each other" if ambiguous else ""
    return f"line {line}: matches line {representative}{others}"

"""The counts of prepare: what became of each row and of each cell (docs/architecture.md, Law 1)."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.columns import is_missing
from creditrisk.core.text import normalise
from creditrisk.prepare.duplicates import DuplicateGroups
from creditrisk.prepare.parse import CAUSES
from creditrisk.prepare.rejected import REASONS
from creditrisk.schema import Schema


def count_values(texts: pd.Series) -> dict[str, int]:
    """Count the distinct texts, the most frequent first; an empty cell is an empty text."""
    shown = texts.fillna("").map(lambda text: " ".join(normalise(text).split()))
    counts = shown.value_counts()
    order = sorted(counts.index, key=lambda text: (-counts[text], text))
    return {text: int(counts[text]) for text in order}


def count_specials(cells: pd.DataFrame, schema: Schema) -> dict[str, dict[str, int]]:
    """Count the special codes of each variable in all well-formed rows, code by code."""
    return {
        name: {code: int((cells[name] == float(code)).sum()) for code in column.special}
        for name, column in schema.variables.items()
        if column.special
    }


def count_equal(duplicate_groups: DuplicateGroups, is_kept: np.ndarray) -> dict[str, int]:
    """Count the kept rows that equal another kept row in all cells.

    Returns:
        `together`, rows that are one applicant with another row that equals them; `by_chance`, the
        others, which are different applicants.
    """
    rows = pd.DataFrame(
        {
            "cells": duplicate_groups.same_cells[is_kept],
            "applicant": duplicate_groups.group[is_kept],
        }
    )
    equal = rows.duplicated("cells", keep=False)
    together = rows.duplicated(keep=False)
    return {"together": int(together.sum()), "by_chance": int((equal & ~together).sum())}


def count_duplicates(
    bad: pd.Series, duplicate_groups: DuplicateGroups, conflicts: np.ndarray, is_kept: np.ndarray
) -> dict[str, int]:
    """Count the duplicates that were found, whether they are dropped, merged or kept."""
    positions = np.arange(len(bad))
    copies_group = pd.Series(duplicate_groups.copies_group)
    kept_outcomes = bad[is_kept].groupby(copies_group[is_kept])
    kept_conflicts = kept_outcomes.max() != kept_outcomes.min()
    kept_groups = copies_group[duplicate_groups.representative == positions].nunique()
    duplicates = int((duplicate_groups.first_identical != positions).sum())
    in_conflict = duplicate_groups.first_identical[duplicate_groups.representative[conflicts]]
    return {
        "duplicates": duplicates,
        "near_duplicates": len(bad) - kept_groups - duplicates,
        "ambiguous": int(duplicate_groups.ambiguous.sum()),
        "conflicting_targets": len(np.unique(in_conflict)) + int(kept_conflicts.sum()),
        "too_common": duplicate_groups.too_common,
    }


def summarise(
    rows_read: int,
    clean: pd.DataFrame,
    rejected: pd.DataFrame,
    causes: pd.DataFrame,
    schema: Schema,
) -> dict[str, Any]:
    """Count rows by reason and side, and cells by column and cause.

    Args:
        rows_read: number of rows of the source.
        clean: the clean rows.
        rejected: the rejected rows.
        causes: from `parse`, of the well-formed rows.
        schema: the schema of the data set.

    Returns:
        The first part of metrics/prepare.json.
    """
    names = [*schema.keys, *schema.variables]
    if schema.application_date is not None:
        names.insert(0, schema.columns[schema.application_date].name)
    by_cause = {name: causes[name].value_counts() for name in names}
    cells = {
        name: {"valid": int(causes[name].isna().sum())}
        | {cause: int(counts.get(cause, 0)) for cause in CAUSES}
        for name, counts in by_cause.items()
    }
    sides = clean.groupby("split")["bad"].agg(["size", "sum"])
    return {
        "rows_read": rows_read,
        "rows_clean": len(clean),
        "rows_rejected": len(rejected),
        "rejected": {reason: int((rejected["reason"] == reason).sum()) for reason in REASONS},
        "applicants": int(clean["applicant"].nunique()),
        "bad_rate": float(clean["bad"].mean()),
        "split": {
            side: {"rows": int(sides.loc[side, "size"]), "bad": int(sides.loc[side, "sum"])}
            for side in ("train", "test")
        },
        "cells": cells,
        "missing": {name: int(is_missing(clean, name).sum()) for name in schema.variables},
    }


def assert_rows_reconcile(
    summary: dict[str, Any], columns: Iterable[tuple[pd.Series, pd.Series]]
) -> None:
    """Check that no row or cell was lost silently (docs/architecture.md, Law 1).

    Args:
        summary: content of metrics/prepare.json.
        columns: each feature of the kept rows, before and after filling, shape (n,). One pair is
            held at a time.

    Raises:
        RuntimeError: a sum is wrong, which is a bug in prepare.
    """
    rejected = summary["rejected"]
    well_formed = summary["rows_read"] - rejected["malformed"]
    filled, untouched = 0, True
    for before, after in columns:
        gaps = before.isna()
        filled += int(gaps.sum()) - int(after.isna().sum())
        untouched &= bool(((before == after) | gaps).all())
    sums = {
        "rows": summary["rows_read"] == summary["rows_clean"] + summary["rows_rejected"],
        "reasons": summary["rows_rejected"] == sum(rejected.values()),
        "cells": all(sum(counts.values()) == well_formed for counts in summary["cells"].values()),
        "merged cells": summary["merged_cells"] == filled,
        "untouched cells": untouched,
    }
    wrong = [name for name, is_right in sums.items() if not is_right]
    if wrong:
        raise RuntimeError(f"prepare lost rows or cells: the counts of {', '.join(wrong)} differ")

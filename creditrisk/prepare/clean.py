"""prepare, the whole: raw text in; clean rows, rejected rows and the account of both out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.errors import InputError, shorten
from creditrisk.prepare.duplicates import DuplicateGroups, least_cells, resolve
from creditrisk.prepare.params import PrepareParams
from creditrisk.prepare.parse import CAUSES, Notation, parse, read_target
from creditrisk.prepare.split import split
from creditrisk.schema import Schema

REASONS = ("malformed", "invalid_target", "duplicate", "near_duplicate")


@dataclass
class Prepared:
    """The frames of the contract and their account.

    Attributes:
        clean: `row_id`, `applicant`, `split`, `bad`, the id if there is one, the features.
        rejected: `row_id`, `reason`, `detail`, `kept_row_id`.
        account: what metrics/prepare.json holds.
    """

    clean: pd.DataFrame
    rejected: pd.DataFrame
    summary: dict[str, Any]


def prepare(
    raw: pd.DataFrame,
    schema: Schema,
    notation: Notation,
    params: PrepareParams,
    test_size: float,
    seed: int,
    source: str = "data.source",
) -> Prepared:
    """Parse, validate, reject, de-duplicate and split.

    Args:
        raw: the frame that ingest wrote, shape (n, 3 + source columns).
        schema: the contract.
        notation: how numbers and missing values are written.
        params: the block `prepare`.
        test_size: share of the applicants to keep for the test.
        seed: what the split hangs on.
        source: names the rows' file in an error.

    Raises:
        InputError: a class has fewer than two applicants.
    """
    formed = raw[raw["malformed"].isna()].reset_index(drop=True)
    broken = raw.loc[raw["malformed"].notna(), ["row_id", "malformed"]]
    cells, causes = parse(formed, schema, notation)
    bad = read_target(formed[schema.target.column], schema.target, notation)

    valid = bad.notna().to_numpy()
    rejected = [
        _reject(broken["row_id"], "malformed", broken["malformed"]),
        _invalid_target(formed[~valid], schema.target.column),
    ]
    rows = pd.DataFrame({"row_id": formed["row_id"], "line": formed["line"], "bad": bad}).loc[valid]
    rows = rows.astype({"bad": "int8"}).reset_index(drop=True)
    cells = cells.loc[valid].reset_index(drop=True)

    features = list(schema.features)
    ids = cells[schema.id_name] if schema.id_name else None
    duplicate_groups = resolve(
        cells[features],
        ids,
        least_cells(params.near_duplicate_min_cells, len(features)),
        params.duplicates,
        params.near_duplicates,
        params.near_duplicate_max_expected_matches,
    )
    filled = _fill(cells, features, duplicate_groups)
    rows["bad"], conflicts, stays = _settle_targets(
        rows["bad"], duplicate_groups, params.conflicting_targets
    )
    rejected.append(_duplicate_rejections(rows, duplicate_groups, conflicts, stays))

    clean = pd.concat([rows[["row_id"]], rows[["bad"]], filled], axis=1)[stays]
    # An applicant is named by the first of its rows that is clean.
    group = pd.Series(duplicate_groups.group)[stays]
    clean.insert(1, "applicant", clean["row_id"].groupby(group).transform("min"))
    clean.insert(
        2,
        "split",
        split(
            clean.drop(columns=["row_id", "applicant", "bad"]),
            clean["applicant"].to_numpy(),
            clean["bad"].to_numpy(),
            test_size,
            seed,
            source,
            len(rows) - int(stays.sum()),
        ),
    )
    clean = clean.astype({"split": "str"}).reset_index(drop=True)
    out = pd.concat(rejected).sort_values("row_id", ignore_index=True)
    summary = _summarise(raw, clean, out, causes, schema)
    summary["merged_cells"] = int(
        (cells[features].isna() & filled[features].notna())[stays].sum().sum()
    )
    beside = pd.Series(duplicate_groups.copies_group)
    outcomes = rows["bad"][stays].groupby(beside[stays])
    parted = outcomes.max() != outcomes.min()
    apart = beside[duplicate_groups.representative == np.arange(len(rows))].nunique()
    duplicates = int((duplicate_groups.first_identical != np.arange(len(rows))).sum())
    # All that were found, whatever became of them.
    summary["twins"] = {
        "duplicates": duplicates,
        "near_duplicates": len(rows) - apart - duplicates,
        "ambiguous": int(duplicate_groups.ambiguous.sum()),
        "conflicting_targets": len(
            np.unique(duplicate_groups.first_identical[duplicate_groups.representative[conflicts]])
        )
        + int(parted.sum()),
        "too_common": duplicate_groups.too_common,
    }
    _assert_rows_reconcile(summary, cells.loc[stays, features], clean[features])
    return Prepared(clean, out, summary)


def _reject(
    row_id: pd.Series, reason: str, detail: pd.Series | list[str], kept: Any = None
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row_id": row_id.to_numpy("int64"),
            "reason": pd.Series([reason] * len(row_id), dtype="str"),
            "detail": pd.Series(list(detail), dtype="str"),
            "kept_row_id": pd.array([pd.NA] * len(row_id) if kept is None else kept, dtype="Int64"),
        }
    )


def _invalid_target(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    detail = [
        f"line {line}: {column} is {shorten(str(text)) if str(text).strip() else 'empty'}"
        for line, text in zip(rows["line"], rows[column].fillna(""), strict=True)
    ]
    return _reject(rows["row_id"], "invalid_target", detail)


def _fill(
    cells: pd.DataFrame, features: list[str], duplicate_groups: DuplicateGroups
) -> pd.DataFrame:
    """Take each cell from the row that it comes from."""
    filled = cells.copy()
    for place, name in enumerate(features):
        filled[name] = cells[name].to_numpy()[duplicate_groups.cell_source[:, place]]
        filled[name] = filled[name].astype(cells[name].dtype)
    return filled


def _settle_targets(
    bad: pd.Series, duplicate_groups: DuplicateGroups, rule: str
) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """Settle the outcome where a row and the one that stands for it disagree.

    `worst`: a default known of any copy is the applicant's (default counts by obligor, as in
    CRR Art. 178). `reject`: nobody knows the outcome, all copies go. Rows that are kept beside each
    other keep their outcomes, as long as no other row has joined them.

    Returns:
        The outcomes, the rows in conflict (n,), the rows that stay (n,).
    """
    places = np.arange(len(bad))
    stays = duplicate_groups.representative == places
    # An ambiguous row may be another's copy: its outcome is nobody's.
    heads = duplicate_groups.first_identical[duplicate_groups.representative]
    joined = np.isin(heads, heads[~stays & ~duplicate_groups.ambiguous])
    by_head = bad.groupby(np.where(joined & ~duplicate_groups.ambiguous, heads, places))
    conflicts = (by_head.transform("max") != by_head.transform("min")).to_numpy()
    if rule == "worst":
        return by_head.transform("max").astype("int8"), conflicts, stays
    return bad, conflicts, stays & ~conflicts


def _duplicate_rejections(
    rows: pd.DataFrame, duplicate_groups: DuplicateGroups, conflicts: np.ndarray, stays: np.ndarray
) -> pd.DataFrame:
    gone = ~stays
    head = duplicate_groups.representative[gone]
    heads = rows.iloc[head]
    alone = head == np.flatnonzero(gone)
    detail = [
        f"line {line}: {'its copies have' if own else f'like line {of}, with'} another outcome"
        if conflict
        else f"line {line}: like line {of}{', and like others that differ' if unsure else ''}"
        for line, of, own, conflict, unsure in zip(
            rows["line"][gone],
            heads["line"],
            alone,
            conflicts[gone],
            duplicate_groups.ambiguous[gone],
            strict=True,
        )
    ]
    # A kept row that goes because of its copies is of their kind.
    members = pd.Series(duplicate_groups.is_exact[gone]).groupby(head).transform("any").to_numpy()
    reason = np.where(alone, members, duplicate_groups.is_exact[gone])
    kept = pd.array(heads["row_id"].to_numpy(), dtype="Int64")
    kept[~stays[head]] = pd.NA
    out = _reject(rows["row_id"][gone], "", detail, kept)
    out["reason"] = pd.Series(np.where(reason, "duplicate", "near_duplicate"), dtype="str")
    return out


def _summarise(
    raw: pd.DataFrame,
    clean: pd.DataFrame,
    rejected: pd.DataFrame,
    causes: pd.DataFrame,
    schema: Schema,
) -> dict[str, Any]:
    by_cause = {name: causes[name].value_counts() for name in schema.features}
    cells = {
        name: {"valid": int(causes[name].isna().sum())}
        | {cause: int(counts.get(cause, 0)) for cause in CAUSES}
        for name, counts in by_cause.items()
    }
    sides = clean.groupby("split")["bad"].agg(["size", "sum"])
    return {
        "rows_read": len(raw),
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
        "missing": {name: int(clean[name].isna().sum()) for name in schema.features},
    }


def _assert_rows_reconcile(
    summary: dict[str, Any], before: pd.DataFrame, after: pd.DataFrame
) -> None:
    """Hold law 1 in the code: nothing is lost silently.

    Raises:
        RuntimeError: a sum is off, which is a bug of ours.
    """
    rejected = summary["rejected"]
    formed = summary["rows_read"] - rejected["malformed"]
    gaps = int(before.isna().sum().sum()) - int(after.isna().sum().sum())
    sums = {
        "rows": summary["rows_read"] == summary["rows_clean"] + summary["rows_rejected"],
        "reasons": summary["rows_rejected"] == sum(rejected.values()),
        "cells": all(sum(counts.values()) == formed for counts in summary["cells"].values()),
        "merged cells": summary["merged_cells"] == gaps,
        "untouched cells": bool(
            ((before.to_numpy() == after.to_numpy()) | before.isna().to_numpy()).all()
        ),
    }
    off = [name for name, holds in sums.items() if not holds]
    if off:
        raise RuntimeError(f"prepare lost something: the sums of {', '.join(off)} don't hold")


def check_quality_gates(summary: dict[str, Any], params: PrepareParams, params_file: str) -> None:
    """Stop an extract that is too broken to learn from.

    Raises:
        InputError: too large a share of the rows rejected, or of a column's cells missing.
    """
    share = summary["rows_rejected"] / summary["rows_read"]
    if share > params.max_rejected_share:
        reason, count = max(summary["rejected"].items(), key=lambda item: item[1])
        problem = (
            f"{share:.1%} of the rows are rejected, most ({count}) as {reason}, more than "
            f"{params.max_rejected_share:.1%}"
        )
        hint = "Mend the extract, or raise the limit."
        raise InputError(params_file, "prepare.max_rejected_share", problem, hint)
    for name, count in summary["missing"].items():
        missing = count / summary["rows_clean"]
        if missing > params.max_missing_share:
            causes = {c: n for c, n in summary["cells"][name].items() if c != "valid"}
            problem = (
                f"column {name}: {missing:.1%} of the cells are missing, most as "
                f"{max(causes, key=causes.get)}, more than {params.max_missing_share:.1%}"
            )
            hint = "Mend the extract or the column's schema, or raise the limit."
            raise InputError(params_file, "prepare.max_missing_share", problem, hint)

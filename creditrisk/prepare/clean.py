"""The prepare step: from raw text to clean rows, rejected rows and a summary of both."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.columns import APPLICATION_DATE, is_missing
from creditrisk.core.errors import InputError, shorten
from creditrisk.core.text import normalise
from creditrisk.prepare.duplicates import DuplicateGroups, least_cells, resolve
from creditrisk.prepare.gates import check_cells, check_outcomes
from creditrisk.prepare.params import PrepareParams, SplitParams
from creditrisk.prepare.parse import CAUSES, Notation, parse, read_target, separate_specials
from creditrisk.prepare.split import split, split_by_time
from creditrisk.schema import Schema

REASONS = ("malformed", "invalid_target", "indeterminate", "duplicate", "near_duplicate")


@dataclass
class Prepared:
    """The result of `prepare`.

    Attributes:
        clean: `row_id`, `applicant`, `split`, `bad`, the ids and groups, `application_date` if
            there is one, the variables, the companions with their special codes.
        rejected: `row_id`, `reason`, `detail`, `kept_row_id`.
        summary: content of metrics/prepare.json.
        unlisted: values of the target that fit no list of the schema, with their counts, the most
            frequent first.
    """

    clean: pd.DataFrame
    rejected: pd.DataFrame
    summary: dict[str, Any]
    unlisted: dict[str, int]


def prepare(
    raw: pd.DataFrame,
    schema: Schema,
    notation: Notation,
    params: PrepareParams,
    split_params: SplitParams,
    seed: int,
    source: str = "data.source",
    params_file: str | None = None,
) -> Prepared:
    """Parse, validate, reject, de-duplicate and split the rows.

    Args:
        raw: the frame that ingest wrote, shape (n, 3 + number of source columns).
        schema: the schema of the data set.
        notation: how numbers and missing values are written in the source.
        params: the block `prepare`.
        split_params: the block `split`.
        seed: random seed of the split.
        source: name of the rows' file in errors.
        params_file: name of the parameter file in errors; None leaves out `check_cells`.

    Returns:
        The clean rows, the rejected rows and a summary.

    Raises:
        InputError: a class has no row, or fewer than two applicants; no split by time is possible;
            or see `check_cells`.
    """
    well_formed = raw[raw["malformed"].isna()].reset_index(drop=True)
    malformed = raw.loc[raw["malformed"].notna(), ["row_id", "malformed"]]
    cells, causes = parse(well_formed, schema, notation)
    if params_file is not None:
        check_cells(well_formed, causes, schema, notation, params, params_file)
    specials = _count_specials(cells, schema)
    target = schema.target.column
    outcomes = read_target(well_formed[target], schema.target, notation)
    bad, indeterminate = outcomes["bad"], outcomes["indeterminate"]
    valid = bad.notna().to_numpy()
    unlisted = _count_values(well_formed.loc[~valid & ~indeterminate, target])
    check_outcomes(bad, unlisted, schema, source)

    rejected = [
        _reject(malformed["row_id"], "malformed", malformed["malformed"]),
        _no_outcome(well_formed[~valid & ~indeterminate], target, "invalid_target"),
        _no_outcome(well_formed[indeterminate], target, "indeterminate"),
    ]
    rows = well_formed[["row_id", "line"]].assign(bad=bad).loc[valid]
    rows = rows.astype({"bad": "int8"}).reset_index(drop=True)
    cells = cells.loc[valid].reset_index(drop=True)

    variables, keys = list(schema.variables), list(schema.keys)
    duplicate_groups = resolve(
        cells[variables],
        cells[keys] if keys else None,
        least_cells(params.near_duplicate_min_cells, len(variables)),
        params.duplicates,
        params.near_duplicates,
        params.near_duplicate_max_expected_matches,
    )
    filled = _fill(cells, variables, duplicate_groups)
    rows["bad"], conflicts, is_kept = _settle_targets(
        rows["bad"], duplicate_groups, params.conflicting_targets
    )
    rejected.append(_duplicate_rejections(rows, duplicate_groups, conflicts, is_kept))

    # A copy: in a frame of more than a hundred separate columns, pandas warns at each insert.
    clean = pd.concat([rows[["row_id"]], rows[["bad"]], filled], axis=1)[is_kept].copy()
    # An applicant's number is the row_id of its first clean row.
    group = pd.Series(duplicate_groups.group)[is_kept]
    clean.insert(1, "applicant", clean["row_id"].groupby(group).transform("min"))
    left_out = len(rows) - int(is_kept.sum())
    sides, split_facts = _split(clean, schema, split_params, seed, source, left_out)
    clean.insert(2, "split", sides)
    clean = clean.astype({"split": "str"}).reset_index(drop=True)
    before, after = cells.loc[is_kept, variables], clean[variables]
    clean = separate_specials(clean, schema)
    all_rejected = pd.concat(rejected).sort_values("row_id", ignore_index=True)
    summary = _summarise(raw, clean, all_rejected, causes, schema)
    summary["special"] = specials
    summary["split_by"] = split_facts
    summary["merged_cells"] = int(
        (cells[variables].isna() & filled[variables].notna())[is_kept].sum().sum()
    )
    summary["twins"] = _count_duplicates(rows["bad"], duplicate_groups, conflicts, is_kept)
    summary["equal_rows"] = _count_equal(duplicate_groups, is_kept)
    _assert_rows_reconcile(summary, before, after)
    return Prepared(clean, all_rejected, summary, unlisted)


def _split(
    clean: pd.DataFrame,
    schema: Schema,
    params: SplitParams,
    seed: int,
    source: str,
    left_out: int,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the side of each row, and how the rows were split."""
    applicant, bad = clean["applicant"].to_numpy(), clean["bad"].to_numpy()
    by = params.by
    if by == "auto":
        by = "random" if schema.application_date is None else "time"
    if by == "random":
        content = clean.drop(columns=["row_id", "applicant", "bad"])
        sides = split(content, applicant, bad, params.test_size, seed, source, left_out)
        return sides, {"by": "random"}
    if schema.application_date is None:
        hint = "Name the date column of the application in application_date, or set random."
        raise InputError("params.yaml", "split.by", "the schema names no application_date", hint)
    found = split_by_time(
        clean[APPLICATION_DATE], applicant, bad, params.test_size, params.from_, source
    )
    facts = {"by": "time", "from": found.start.isoformat()}
    return found.side, facts | {"undated": found.undated, "early": found.early}


def _count_values(texts: pd.Series) -> dict[str, int]:
    """Count the distinct texts, the most frequent first; an empty cell is an empty text."""
    shown = texts.fillna("").map(lambda text: " ".join(normalise(text).split()))
    counts = shown.value_counts()
    order = sorted(counts.index, key=lambda text: (-counts[text], text))
    return {text: int(counts[text]) for text in order}


def _count_specials(cells: pd.DataFrame, schema: Schema) -> dict[str, dict[str, int]]:
    """Count the special codes of each variable in all well-formed rows, code by code."""
    return {
        name: {code: int((cells[name] == float(code)).sum()) for code in column.special}
        for name, column in schema.variables.items()
        if column.special
    }


def _count_equal(duplicate_groups: DuplicateGroups, is_kept: np.ndarray) -> dict[str, int]:
    """Count the kept rows that equal another kept row in all cells.

    Returns:
        `together`, rows that count as one applicant with those that equal them; `by_chance`, rows
        that stay different applicants.
    """
    same_cells, by_chance = (
        duplicate_groups.same_cells[is_kept],
        duplicate_groups.by_chance[is_kept],
    )
    several = np.bincount(same_cells)[same_cells] > 1
    return {
        "together": int((several & ~by_chance).sum()),
        "by_chance": int((several & by_chance).sum()),
    }


def _count_duplicates(
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


def _no_outcome(rows: pd.DataFrame, column: str, reason: str) -> pd.DataFrame:
    texts = rows[column].fillna("").astype(str)
    detail = [
        f"line {line}: {column} is {shorten(text) if normalise(text).strip() else 'empty'}"
        for line, text in zip(rows["line"], texts, strict=True)
    ]
    return _reject(rows["row_id"], reason, detail)


def _fill(
    cells: pd.DataFrame, features: list[str], duplicate_groups: DuplicateGroups
) -> pd.DataFrame:
    """Fill the missing cells of kept rows from the rows that were merged into them."""
    filled = cells.copy()
    for position, name in enumerate(features):
        filled[name] = cells[name].to_numpy()[duplicate_groups.cell_source[:, position]]
        filled[name] = filled[name].astype(cells[name].dtype)
    return filled


def _settle_targets(
    bad: pd.Series, duplicate_groups: DuplicateGroups, rule: str
) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """Decide the outcome where duplicates have different outcomes.

    `worst`: one duplicate with a default makes the applicant bad, because default is defined per
    obligor (as in CRR Art. 178). `reject`: the outcome is unknown, so all duplicates are rejected.
    Rows that are kept as separate rows keep their own outcomes, unless a rejected row was merged
    into one of them.

    Returns:
        The outcomes, whether each row is in conflict, whether it is kept; each of shape (n,).
    """
    positions = np.arange(len(bad))
    is_kept = duplicate_groups.representative == positions
    # The outcome of an ambiguous row is ignored: it may belong to another applicant.
    usable = ~duplicate_groups.ambiguous
    representatives = duplicate_groups.first_identical[duplicate_groups.representative]
    has_merged = np.isin(representatives, representatives[~is_kept & usable])
    merged = bad.groupby(np.where(has_merged & usable, representatives, positions))
    conflicts = (merged.transform("max") != merged.transform("min")).to_numpy()
    if rule == "worst":
        return merged.transform("max").astype("int8"), conflicts, is_kept
    return bad, conflicts, is_kept & ~conflicts


def _duplicate_rejections(
    rows: pd.DataFrame,
    duplicate_groups: DuplicateGroups,
    conflicts: np.ndarray,
    is_kept: np.ndarray,
) -> pd.DataFrame:
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
    rejected = _reject(rows["row_id"][dropped], "", detail, kept)
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


def _summarise(
    raw: pd.DataFrame,
    clean: pd.DataFrame,
    rejected: pd.DataFrame,
    causes: pd.DataFrame,
    schema: Schema,
) -> dict[str, Any]:
    names = [*schema.variables]
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
        "missing": {name: int(is_missing(clean, name).sum()) for name in schema.variables},
    }


def _assert_rows_reconcile(
    summary: dict[str, Any], before: pd.DataFrame, after: pd.DataFrame
) -> None:
    """Check that no row or cell was lost silently (docs/architecture.md, Law 1).

    Args:
        summary: content of metrics/prepare.json.
        before: the features of the kept rows before filling, shape (n, d).
        after: the same after filling, shape (n, d).

    Raises:
        RuntimeError: a sum is wrong, which is a bug in prepare.
    """
    rejected = summary["rejected"]
    well_formed = summary["rows_read"] - rejected["malformed"]
    filled = int(before.isna().sum().sum()) - int(after.isna().sum().sum())
    sums = {
        "rows": summary["rows_read"] == summary["rows_clean"] + summary["rows_rejected"],
        "reasons": summary["rows_rejected"] == sum(rejected.values()),
        "cells": all(sum(counts.values()) == well_formed for counts in summary["cells"].values()),
        "merged cells": summary["merged_cells"] == filled,
        "untouched cells": bool(
            ((before.to_numpy() == after.to_numpy()) | before.isna().to_numpy()).all()
        ),
    }
    wrong = [name for name, is_right in sums.items() if not is_right]
    if wrong:
        raise RuntimeError(f"prepare lost rows or cells: the counts of {', '.join(wrong)} differ")

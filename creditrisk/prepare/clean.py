"""The prepare step: from raw text to clean rows, rejected rows and a summary of both."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.columns import APPLICATION_DATE
from creditrisk.core.errors import InputError
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.duplicates import DuplicateGroups, least_cells, resolve
from creditrisk.prepare.gates import about_duplicates, check_cells, check_outcomes
from creditrisk.prepare.params import PrepareParams, SplitParams
from creditrisk.prepare.parse import Columns, WellFormed, parse, read_target, separate_specials
from creditrisk.prepare.rejected import duplicate_rejections, no_outcome, reject
from creditrisk.prepare.split import split, split_by_time
from creditrisk.prepare.summary import (
    assert_rows_reconcile,
    count_duplicates,
    count_equal,
    count_specials,
    count_values,
    summarise,
)
from creditrisk.schema import Schema


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
    raw: Columns,
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
        raw: the frame that ingest wrote, shape (n, 3 + number of source columns), or its file, of
            which one column is held at a time.
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
    faults = raw["malformed"]
    well_formed = WellFormed(raw, faults.isna().to_numpy())
    malformed = raw["row_id"][faults.notna()], faults.dropna()
    cells, causes = parse(well_formed, schema, notation)
    if params_file is not None:
        check_cells(well_formed, causes, schema, notation, params, params_file)
    specials = count_specials(cells, schema)
    target = schema.target.column
    rows = pd.DataFrame({name: well_formed[name] for name in ("row_id", "line", target)})
    outcomes = read_target(rows[target], schema.target, notation)
    bad, indeterminate = outcomes["bad"], outcomes["indeterminate"]
    valid = bad.notna().to_numpy()
    unlisted = count_values(rows.loc[~valid & ~indeterminate, target])
    check_outcomes(outcomes, unlisted, schema, source)

    rejected = [
        reject(malformed[0], "malformed", malformed[1]),
        no_outcome(rows[~valid & ~indeterminate], target, "invalid_target"),
        no_outcome(rows[indeterminate], target, "indeterminate"),
    ]
    rows = rows[["row_id", "line"]].assign(bad=bad).loc[valid]
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
        cells[APPLICATION_DATE] if schema.application_date is not None else None,
        schema.audited,
    )
    filled = _fill(cells, variables, duplicate_groups)
    rows["bad"], conflicts, is_kept = _settle_targets(
        rows["bad"], duplicate_groups, params.conflicting_targets
    )
    rejected.append(duplicate_rejections(rows, duplicate_groups, conflicts, is_kept))

    # An applicant's number is the row_id of its first clean row.
    own = rows.loc[is_kept, ["row_id", "bad"]]
    group = pd.Series(duplicate_groups.group)[is_kept]
    own.insert(1, "applicant", own["row_id"].groupby(group).transform("min"))
    own, kept = own.reset_index(drop=True), filled[is_kept].reset_index(drop=True)
    left_out = len(rows) - len(own)
    sides, split_facts = _split(own, kept, schema, split_params, seed, source, left_out)
    own.insert(2, "split", pd.Series(sides, dtype="str"))
    # Joined at once: in a frame of more than a hundred columns, pandas warns at each insert.
    clean = separate_specials(pd.concat([own, kept], axis=1), schema)
    all_rejected = pd.concat(rejected).sort_values("row_id", ignore_index=True)
    summary = summarise(len(raw), clean, all_rejected, causes, schema)
    summary["special"] = specials
    summary["split_by"] = split_facts
    summary["merged_cells"] = sum(
        int((cells[name].isna() & filled[name].notna())[is_kept].sum()) for name in variables
    )
    summary["twins"] = count_duplicates(rows["bad"], duplicate_groups, conflicts, is_kept)
    summary["equal_rows"] = count_equal(duplicate_groups, is_kept)
    pairs = ((cells[name][is_kept].reset_index(drop=True), kept[name]) for name in variables)
    assert_rows_reconcile(summary, pairs)
    return Prepared(clean, all_rejected, summary, unlisted)


def _split(
    own: pd.DataFrame,
    content: pd.DataFrame,
    schema: Schema,
    params: SplitParams,
    seed: int,
    source: str,
    left_out: int,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the side of each row, and how the rows were split.

    `own` has the applicants and outcomes, `content` the ids, the date and the variables.
    """
    applicant, bad = own["applicant"].to_numpy(), own["bad"].to_numpy()
    by = params.by
    if by == "auto":
        by = "random" if schema.application_date is None else "time"
    if by == "random":
        if params.from_ is not None:
            hint = "Name the date column in application_date, or remove split.from."
            raise InputError(
                "params.yaml", "split.from", "the schema has no application_date", hint
            )
        hint = about_duplicates(list(schema.keys), [])
        sides = split(content, applicant, bad, params.test_size, seed, source, left_out, hint)
        return sides, {"by": "random"}
    if schema.application_date is None:
        hint = "Name the date column of the application in application_date, or set random."
        raise InputError("params.yaml", "split.by", "the schema names no application_date", hint)
    found = split_by_time(
        content[APPLICATION_DATE], applicant, bad, params.test_size, params.from_, source
    )
    facts = {"by": "time", "from": found.start.isoformat()}
    return found.side, facts | {"undated": found.undated, "early": found.early}


def _fill(
    cells: pd.DataFrame, features: list[str], duplicate_groups: DuplicateGroups
) -> pd.DataFrame:
    """Fill the missing cells of kept rows from the rows that were merged into them."""
    filled = cells.copy(deep=False)
    rows = np.fromiter(duplicate_groups.cell_source, dtype="int64")
    if not len(rows):
        return filled
    sources = np.stack([*duplicate_groups.cell_source.values()])
    for position, name in enumerate(features):
        from_others = sources[:, position] != rows
        if from_others.any():
            place = np.arange(len(cells))
            place[rows] = sources[:, position]
            filled[name] = cells[name].take(place).set_axis(cells.index)
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

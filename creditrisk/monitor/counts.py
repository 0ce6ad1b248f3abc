"""One batch in counts: what a window is added up from, and what is kept of a batch's rows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from creditrisk.champion.groups import FairnessParams, groupings
from creditrisk.champion.reference import Reference, tally
from creditrisk.core.columns import SPECIAL
from creditrisk.metrics.costs import ACCEPT, REFER
from creditrisk.monitor.batches import CELL, Facts
from creditrisk.monitor.formats import changed_formats
from creditrisk.score.audit import audit_cells
from creditrisk.score.scorer import NO_CELL, Judged, Scorer

LONGEST = 100  # characters of a problem that are told


class VariableCounts(BaseModel):
    """Rows of a variable: by bin, by special code, without a value, with an unseen level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    counts: list[int]
    special: dict[str, int]
    missing: int
    unseen: int


class Counted(BaseModel):
    """The counts of a batch, or of several.

    Attributes:
        rows: number of rows that could be read.
        rejected: number of those that could not.
        problem: why the first of these could not; empty without any.
        variables: see `VariableCounts`.
        fresh: rows that the champion was not trained on; PDs and decisions are counted of these.
        score: their PDs, by bin of the reference.
        sum_pd: the sum of their PDs.
        accepted: how many of them are accepted.
        referred: how many of them are referred to a person.
        groups: variable to group to [rows, accepted].
        days: day to number of rows.
        formats: variable to what is other than it was.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int
    rejected: int
    problem: str
    variables: dict[str, VariableCounts]
    fresh: int
    score: list[int]
    sum_pd: float
    accepted: int
    referred: int
    groups: dict[str, dict[str, list[int]]]
    days: dict[str, int]
    formats: dict[str, str]


def count_batch(
    rows: pd.DataFrame, facts: Facts, scorer: Scorer, reference: Reference
) -> tuple[Counted, pd.DataFrame]:
    """Score and count the rows of a batch.

    Args:
        rows: from `batches.read_rows`, shape (n, d).
        facts: of the batch.
        scorer: the champion.
        reference: what it was trained on.

    Returns:
        The counts; and per readable row `row_id`, `id`, `day`, `bad` (Int8), `pd` (NaN for a row
        that the champion was trained on: its PD says nothing of new applicants), shape (m, 5).
    """
    formed = rows[rows["malformed"].isna()].reset_index(drop=True)
    schema = scorer.champion.schema
    nothing = pd.Series(pd.NA, formed.index, dtype="str")
    texts = {source: formed.get(CELL + source, nothing) for source in schema.needed}
    absent = [c.name for source, c in schema.needed.items() if CELL + source not in formed]
    texts |= {
        source: formed[CELL + source]
        for source in schema.columns.keys() - schema.needed.keys()
        if CELL + source in formed and formed[CELL + source].notna().any()
    }
    judged = scorer.judge(texts)
    kept = judged.readable
    cells = {name: values[kept] for name, values in judged.cells.original.items()}
    audited = {
        name: values[kept] for name, values in audit_cells(texts, schema, scorer.notation).items()
    }
    fresh = ~reference.is_training_row(cells) if kept.any() else np.zeros(0, dtype=bool)
    day = formed.loc[kept, "day"]
    if facts.day is not None:  # nobody has applied later than that: such a date is a slip
        day = day.where(day <= facts.day, facts.day)
    pds = np.where(fresh, judged.pd[kept], np.nan)
    accepted, referred = (
        fresh & (judged.decisions[kept] == decision) for decision in (ACCEPT, REFER)
    )
    counted = Counted(
        rows=int(kept.sum()),
        rejected=len(rows) - int(kept.sum()),
        problem=_first_problem(rows, kept),
        variables=_variables(cells, judged, reference),
        fresh=int(fresh.sum()),
        score=np.bincount(
            np.searchsorted(reference.score.edges, pds[fresh]),
            minlength=len(reference.score.counts),
        ).tolist(),
        sum_pd=float(pds[fresh].sum()),
        accepted=int(accepted.sum()),
        referred=int(referred.sum()),
        groups=_groups(cells | audited, fresh, accepted, reference, scorer),
        days={str(name): int(n) for name, n in day.value_counts().sort_index().items()},
        formats=changed_formats(
            texts, judged.cells.causes, schema, scorer.notation, reference.variables,
            reference.rows, facts.day,
        )
        | dict.fromkeys(absent, "not in the batch: it came before the schema had this column"),
    )  # fmt: skip
    bad = formed["bad"] if "bad" in formed else pd.Series(pd.NA, formed.index, dtype="Int8")
    lines = pd.DataFrame(
        {
            "row_id": formed.loc[kept, "row_id"].to_numpy(),
            "id": formed.loc[kept, "id"].to_numpy(dtype=object),
            "day": day.to_numpy(dtype=object),
            "bad": bad[kept].array,
            "pd": pds,
        }
    )
    return counted, lines.astype({"id": "str", "day": "str"})


def _first_problem(rows: pd.DataFrame, readable: np.ndarray) -> str:
    found = rows["malformed"].dropna()
    if len(found):
        return str(found.iloc[0])[:LONGEST]
    return "" if readable.all() else NO_CELL


def add_up(parts: Iterable[Counted]) -> Counted:
    """Add the counts of batches; at least one."""
    first, *rest = parts
    total = first.model_dump()
    for part in rest:
        _add(total, part.model_dump())
    return Counted.model_validate(total)


def _add(total: dict[str, Any], part: dict[str, Any]) -> None:
    for name, value in part.items():
        if name not in total:
            total[name] = value
        elif isinstance(value, dict):
            _add(total[name], value)
        elif isinstance(value, list):
            total[name] = [a + b for a, b in zip(total[name], value, strict=True)]
        elif not isinstance(value, str):
            total[name] += value


def _variables(
    cells: dict[str, np.ndarray], judged: Judged, reference: Reference
) -> dict[str, VariableCounts]:
    found = {}
    for name, like in reference.variables.items():
        counts, special, missing = tally(cells[name], cells.get(SPECIAL + name), like)
        unseen = 0
        if like.kind == "levels":
            unlisted = (judged.cells.causes[name] == "out_of_domain") & judged.readable
            unseen = int(counts[-1] + unlisted.sum())
        found[name] = VariableCounts(
            counts=counts.tolist(), special=special, missing=missing, unseen=unseen
        )
    return found


def _groups(
    cells: dict[str, np.ndarray],
    fresh: np.ndarray,
    accepted: np.ndarray,
    reference: Reference,
    scorer: Scorer,
) -> dict[str, dict[str, list[int]]]:
    groups = FairnessParams.model_validate(reference.grouping).groups
    values = {name: pd.Series(cells[name]) for name in groups if name in cells}
    codes = {name: pd.Series(cells[SPECIAL + name]) for name in values if SPECIAL + name in cells}
    found: dict[str, dict[str, list[int]]] = {}
    for name, labels in groupings(values, codes, groups, scorer.champion.schema).items():
        texts = labels.astype(str).to_numpy()
        rows, good = Counter(texts[fresh]), Counter(texts[accepted])
        found[name] = {str(group): [rows[group], good[group]] for group in sorted(rows)}
    return found

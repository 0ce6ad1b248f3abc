"""Makes found changes smaller: on models of which only usual values were tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from creditrisk.champion.substitute import Columns
from creditrisk.score.counterfactuals.decisions import Decisions
from creditrisk.score.counterfactuals.variables import Variable

MOST_STEPS = 24  # halvings of the way back to the applicant's own number


@dataclass(frozen=True)
class Counterfactual:
    """Changes of an applicant with which the applicant is accepted.

    Attributes:
        changes: variable to its new value, as an applicant states it, in the order of the schema.
        pd: the PD with the changes.
        size: how large the changes are, see `Variable.sizes`.
    """

    changes: dict[str, Any]
    pd: float
    size: float


Found = tuple[int, Counterfactual]  # with the row of the applicant


def refined(
    found: Sequence[Found], stated: Columns, variables: Mapping[str, Variable], decisions: Decisions
) -> list[Found]:
    """Leave out changes that are not needed, and move numbers back as far as is accepted.

    A number moves half of the way back to the applicant's own while that is accepted, else half of
    the way forth. If the PD rises all the way back, it ends at the last number that is accepted.

    Args:
        found: counterfactuals, each with the row of its applicant.
        stated: the features as stated, each of shape (n,).
        variables: those that applicants can change.
        decisions: decides.
    """
    rows = [row for row, _ in found]
    changes = [dict(one.changes) for _, one in found]
    pds = np.array([one.pd for _, one in found])
    for name in variables:
        there = [i for i, own in enumerate(changes) if name in own and len(own) > 1]
        fewer = [{n: v for n, v in changes[i].items() if n != name} for i in there]
        accepted, new = decisions.accepted_one_by_one(stated, [rows[i] for i in there], fewer)
        for i, own, good, pd_ in zip(there, fewer, accepted, new, strict=True):
            if good:
                changes[i], pds[i] = own, pd_
    for name, variable in variables.items():
        if variable.is_number:
            _move_back(name, variable, rows, changes, pds, stated, decisions)
    return [
        (row, Counterfactual(own, float(pd_), _size(own, stated, row, variables)))
        for row, own, pd_ in zip(rows, changes, pds, strict=True)
    ]


def _move_back(
    name: str, variable: Variable, rows: list[int], changes: list[dict[str, Any]], pds: np.ndarray,
    stated: Columns, decisions: Decisions,
) -> None:  # fmt: skip
    """Move a number back in all changes that have it; they are changed in place."""
    # From the applicant's own number (not accepted) to the one that was found, in the last digit.
    scale = 10.0**variable.decimals
    ends = {
        i: (float(stated[name][rows[i]]) * scale, round(own[name] * scale))
        for i, own in enumerate(changes)
        if name in own and not np.isnan(stated[name][rows[i]])
    }
    for _ in range(MOST_STEPS):
        halves = {i: half for i, end in ends.items() if (half := _between(*end)) is not None}
        tried = [
            changes[i] | {name: float(variable.rounded(np.array(half / scale)))}
            for i, half in halves.items()
        ]
        accepted, new = decisions.accepted_one_by_one(stated, [rows[i] for i in halves], tried)
        for (i, half), own, good, pd_ in zip(halves.items(), tried, accepted, new, strict=True):
            near, far = ends[i]
            if good:
                changes[i], pds[i] = own, pd_
            ends[i] = (near, half) if good else (half, far)


def _between(near: float, far: int) -> int | None:
    """Return a whole number in the middle of two; None if there is none between them."""
    half = int(np.floor((near + far) / 2)) if far > near else int(np.ceil((near + far) / 2))
    return half if min(near, far) < half < max(near, far) else None


def _size(
    changes: Mapping[str, Any], stated: Columns, row: int, variables: Mapping[str, Variable]
) -> float:
    total = 0.0
    for name, value in changes.items():
        values = np.array([value], dtype=stated[name].dtype)
        total += float(variables[name].sizes(stated[name][row], values)[0])
    return total

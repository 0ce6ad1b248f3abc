"""Judge a window: an alarm needs significance (Holm over all series) and size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from creditrisk.champion.reference import Distribution, Reference
from creditrisk.metrics.intervals import wilson
from creditrisk.monitor.counts import Counted, VariableCounts
from creditrisk.monitor.drift import (
    Moved,
    Share,
    bins_of,
    compare,
    compare_decisions,
    compare_shares,
    holm,
)
from creditrisk.monitor.params import MonitorParams
from creditrisk.monitor.series import APPROVAL, REFERRAL, SCORE

LEAST_FRESH = 50  # rows, to judge PDs and decisions


@dataclass(frozen=True)
class Occurrence:
    """What is out of the ordinary in a window, or in a batch.

    Attributes:
        kind: see docs/monitoring.md.
        place: the series or column; empty for none.
        message: a sentence.
    """

    kind: str
    place: str
    message: str


@dataclass(frozen=True)
class Verdict:
    """What was found in a window.

    Attributes:
        series: variable to `psi`, `p`, `p_holm`, `missing_rate`, `unseen_rate`, `alarm`.
        score: the same of the PDs, with their mean, and that of the reference.
        approvals: `now`, `reference`, `low`, `high` (95%), `p`, `p_holm`, `alarm`.
        referrals: the same of the share that is referred to a person.
        groups: variable to group to `rows`, `approval_rate` with `low` and `high`, `reference`.
        found: what is an alarm.
    """

    series: dict[str, dict[str, Any]]
    score: dict[str, Any]
    approvals: dict[str, Any]
    referrals: dict[str, Any]
    groups: dict[str, dict[str, dict[str, Any]]]
    found: list[Occurrence]


@dataclass(frozen=True)
class _Tests:
    """The tests of one variable; those that nothing can come of are None."""

    moved: Moved
    missing: Share | None
    unseen: Share | None

    @property
    def all(self) -> list[float]:
        shares = [share.p for share in (self.missing, self.unseen) if share is not None]
        return [self.moved.p, *shares]

    @property
    def p(self) -> float:
        return min(1.0, len(self.all) * min(self.all))


def judge(
    window: Counted, reference: Reference, params: MonitorParams, complete: bool = True
) -> Verdict:
    """Judge the counts of a window.

    Args:
        window: the counts.
        reference: what the champion was trained on.
        params: the block `monitor`.
        complete: whether there are enough rows; without, the numbers are shown and no alarm raised.
    """
    tests = {
        name: _variable(window.variables[name], like, window.rows, reference.rows)
        for name, like in reference.variables.items()
    }
    enough = window.fresh >= LEAST_FRESH
    old, spread = reference.score, reference.accepted_spread
    fresh = window.fresh if enough else 0
    counts = np.array(window.score, dtype=float) * enough
    score = compare(np.array(old.counts), counts, ordered=True, spread=old.spread)
    then = reference.accepted
    approvals = compare_decisions(window.accepted, fresh, then.accepted, then.rows, spread)
    more = reference.referred_spread
    referrals = compare_decisions(window.referred, fresh, then.referred, then.rows, more)
    adjusted = holm(
        {name: each.p for name, each in tests.items()}
        | ({SCORE: score.p, APPROVAL: approvals.p, REFERRAL: referrals.p} if enough else {})
    )
    found = []
    series = {}
    for name, each in tests.items():
        p_holm, factor = adjusted[name]
        here = list(_found(name, each, factor, params)) if complete else []
        found += here
        count = window.variables[name]
        series[name] = {
            "psi": each.moved.psi, "p": each.p, "p_holm": p_holm,
            "missing_rate": count.missing / window.rows if window.rows else None,
            "unseen_rate": count.unseen / window.rows if window.rows else None,
            "alarm": bool(here),
        }  # fmt: skip
    if complete:
        found += _of_score(score, approvals, referrals, adjusted, params)
    kinds = {one.kind for one in found}
    return Verdict(
        series=series,
        score={
            "psi": score.psi, "p": score.p, "p_holm": adjusted.get(SCORE, (1.0, 1))[0],
            "rows": window.fresh, "mean_pd": window.sum_pd / window.fresh if window.fresh else None,
            "reference_mean_pd": old.mean_pd, "alarm": "score" in kinds,
        },
        approvals=_share_of(
            window.accepted, window.fresh, then.accepted / then.rows, approvals.p,
            adjusted.get(APPROVAL), "approval" in kinds,
        ),
        referrals=_share_of(
            window.referred, window.fresh, then.referred / then.rows, referrals.p,
            adjusted.get(REFERRAL), "referral" in kinds,
        ),
        groups=_groups(window, reference),
        found=found,
    )  # fmt: skip


def _share_of(
    part: int, rows: int, then: float, p: float, holm_p: tuple[float, int] | None, alarm: bool
) -> dict[str, Any]:
    low, high = wilson(np.array(part), np.array(rows))
    return {
        "now": part / rows if rows else None,
        "low": float(low), "high": float(high), "reference": then,
        "p": p, "p_holm": (holm_p or (1.0, 1))[0], "alarm": alarm,
    }  # fmt: skip


def _variable(now: VariableCounts, like: Distribution, rows: int, reference_rows: int) -> _Tests:
    counts = np.array([*now.counts, *now.special.values()], dtype=float)
    ordered = like.kind == "numeric" and not like.special
    missing = unseen = None
    if now.missing or like.missing:
        missing = compare_shares(now.missing, rows, like.missing, reference_rows)
    if now.unseen or like.unseen:
        unseen = compare_shares(now.unseen, rows, like.unseen, reference_rows, more_only=True)
    return _Tests(compare(bins_of(like), counts, ordered), missing, unseen)


def _found(name: str, tests: _Tests, factor: int, params: MonitorParams) -> Iterator[Occurrence]:
    factor *= len(tests.all)

    def certain(p: float) -> bool:
        return factor * p <= params.family_alpha

    moved = tests.moved
    if certain(moved.p) and moved.psi - moved.by_chance >= params.psi:
        yield Occurrence(
            "drift", name,
            f"{name} has moved: PSI {moved.psi:.2f}, of which {moved.by_chance:.2f} is expected "
            f"without drift",
        )  # fmt: skip
    unseen, missing = (_differs(share, certain, params) for share in (tests.unseen, tests.missing))
    if unseen and tests.unseen:
        yield Occurrence(
            "unseen", name,
            f"{name}: {tests.unseen.now:.1%} of the cells have a level that training did not have; "
            f"in training {tests.unseen.then:.1%}",
        )  # fmt: skip
    # A cell that is no level of the schema is without a value, too: that is told once.
    if missing and tests.missing and not (unseen and missing <= unseen + params.share):
        yield Occurrence(
            "missing", name,
            f"{name}: {tests.missing.now:.1%} of the cells have no value that can be used; "
            f"in training {tests.missing.then:.1%}",
        )  # fmt: skip


def _differs(share: Share | None, certain: Callable[[float], bool], params: MonitorParams) -> float:
    """By how much a share differs, if that is certain and large enough; else 0."""
    if share is None or not certain(share.p):
        return 0.0
    difference = abs(share.now - share.then)
    return difference if difference >= params.share else 0.0


def _of_score(
    score: Moved,
    approvals: Share,
    referrals: Share,
    adjusted: dict[str, tuple[float, int]],
    params: MonitorParams,
) -> Iterator[Occurrence]:
    certain = {
        name: name in adjusted and adjusted[name][0] <= params.family_alpha
        for name in (SCORE, APPROVAL, REFERRAL)
    }
    if certain[SCORE] and score.psi - score.by_chance >= params.psi:
        yield Occurrence(
            "score", SCORE,
            f"the PDs have moved: PSI {score.psi:.2f}, of which {score.by_chance:.2f} is expected "
            f"without drift",
        )  # fmt: skip
    if certain[APPROVAL] and abs(approvals.now - approvals.then) >= params.share:
        yield Occurrence(
            "approval", APPROVAL,
            f"{approvals.now:.1%} are accepted; of the training rows, out of fold, "
            f"{approvals.then:.1%}",
        )  # fmt: skip

    if certain[REFERRAL] and abs(referrals.now - referrals.then) >= params.share:
        yield Occurrence(
            "referral", REFERRAL,
            f"{referrals.now:.1%} are referred to a person; of the training rows, out of fold, "
            f"{referrals.then:.1%}",
        )  # fmt: skip


def _groups(window: Counted, reference: Reference) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, groups in window.groups.items():
        for group, (rows, accepted) in groups.items():
            low, high = wilson(np.array(accepted), np.array(rows))
            then = reference.groups.get(name, {}).get(group)
            found.setdefault(name, {})[group] = {
                "rows": rows, "approval_rate": accepted / rows,
                "low": float(low), "high": float(high),
                "reference": then.accepted / then.rows if then else None,
            }  # fmt: skip
    return found

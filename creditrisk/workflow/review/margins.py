"""By how much a number moved, and by how much it moves by chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t

from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import LOSSES, SCORING
from creditrisk.workflow.review.changes import EVALUATE, SELECT, Changes

SAME_FOLDS, TWO_ESTIMATES = "the same folds", "two separate estimates"
# What decides how large a cost is, beside the decisions: their change is one of the unit.
_UNITS = (
    "cost_bad_accepted", "cost_good_rejected", "cost_referred", "amount_column",
    "loss_given_default", "margin",
)  # fmt: skip


@dataclass(frozen=True)
class MetricChange:
    """A number of the champion in the base and in the work tree.

    Attributes:
        old: its value in the base; None if missing.
        new: its value in the work tree; None if missing.
        low: lower end of the 95% interval of the change; None if unknown.
        high: its upper end.
        source: what the interval was computed from: `SAME_FOLDS`, or `TWO_ESTIMATES`, which is
            wider than necessary if both are about the same applicants.
    """

    old: float | None
    new: float | None
    low: float | None = None
    high: float | None = None
    source: str = ""

    @property
    def change(self) -> float | None:
        """New value minus old value."""
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def margin(self) -> float | None:
        """Half the width of the interval, if it is the same to both sides."""
        if self.change is None or self.low is None or self.high is None:
            return None
        below, above = self.change - self.low, self.high - self.change
        return above if math.isclose(below, above, rel_tol=1e-6, abs_tol=1e-12) else None

    @property
    def is_sure(self) -> bool | None:
        """Whether the change exceeds its margin; None if the margin is unknown."""
        if self.low is None or self.high is None:
            return None
        return not self.low <= 0 <= self.high

    def direction(self, metric: str) -> int:
        """Return 1 (better) or -1 (worse) if the change exceeds its margin, else 0."""
        return sign(metric, self.change) if self.change is not None and self.is_sure else 0

    def word(self, metric: str) -> str:
        """Say whether the change is for the better or the worse, as far as the data can tell."""
        if self.change is None:
            return ""
        if self.change == 0:
            return "no change"
        if self.is_sure is None:
            return "margin not known"
        return {1: "**better**", -1: "**worse**", 0: "within the margin"}[self.direction(metric)]


def sign(metric: str, change: float) -> int:
    """Return 1 if the change of a metric is for the better, -1 for the worse, 0 for none."""
    direction = int(change > 0) - int(change < 0)
    return -direction if metric in LOSSES else direction


def metric_change(changes: Changes, metric: str, on: str) -> MetricChange:
    """Compare a metric of the two champions.

    Args:
        changes: the differences.
        metric: name of the metric.
        on: `cv`, `nested` or `test`.
    """
    if on == "test":
        old, new = changes.value(EVALUATE, f"test.{metric}")
    else:
        old, new = changes.value(SELECT, f"{'cv' if on == 'cv' else 'nested.mean'}.{metric}")
    plain = MetricChange(old, new)
    if plain.change is None or (metric == "expected_cost" and other_unit(changes)):
        return plain
    if on == "test":
        ends = [side.get(metric) for side in changes.ci]
        return of_two(old, new, ends[0], ends[1])
    if on == "cv":
        margin = paired_margin(*(_of_folds(side, changes, metric) for side in changes.folds))
        if margin is not None:
            low, high = plain.change - margin, plain.change + margin
            return MetricChange(old, new, low, high, SAME_FOLDS)
    errors = changes.value(SELECT, f"{'cv_se' if on == 'cv' else 'nested.se'}.{metric}")
    if not all(isinstance(error, int | float) for error in errors):
        return plain
    margin = 2 * math.hypot(*errors)
    return MetricChange(old, new, plain.change - margin, plain.change + margin, TWO_ESTIMATES)


def of_two(
    old: float, new: float, old_ends: Sequence[float] | None, new_ends: Sequence[float] | None
) -> MetricChange:
    """Compare two separate estimates by their intervals.

    The interval of the difference is that of Zou and Donner 2008, "Construction of confidence
    limits about effect measures: a general approach": it keeps the skewness of both.

    Args:
        old: the estimate in the base.
        new: the estimate in the work tree.
        old_ends: 95% interval in the base, `[low, high]`; None or NaN if unknown.
        new_ends: the same in the work tree.
    """
    ends = [*(old_ends or ()), *(new_ends or ())]
    if len(ends) != 4 or not all(map(math.isfinite, ends)):
        return MetricChange(old, new)
    change = new - old
    low = change - math.hypot(new - ends[2], ends[1] - old)
    high = change + math.hypot(ends[3] - new, old - ends[0])
    return MetricChange(old, new, low, high, TWO_ESTIMATES)


def other_unit(changes: Changes) -> bool:
    """Return whether the costs of errors were changed, so that costs are in other units."""
    names = {name for file in changes.params.values() for name in file}
    return any(name.removeprefix("decision.") in _UNITS for name in names if "decision." in name)


def _of_folds(side: dict[str, Any] | None, changes: Changes, metric: str) -> dict[str, Any] | None:
    """Return the folds of one revision with the values of this metric; None if not recorded."""
    if side is None:
        return None
    values = side.get("metrics", {}).get(metric)
    scorings = changes.value(SELECT, "scoring")
    if values is None and scorings[0] == scorings[1] and SCORING[scorings[1]][0] == metric:
        values = [SCORING[scorings[1]][1] * score for score in side["scores"]]
    return None if values is None else side | {"scores": values}


def paired_margin(old: dict[str, Any] | None, new: dict[str, Any] | None) -> float | None:
    """Compute half the width of the 95% interval of a change over the same folds.

    Nadeau and Bengio 2003, "Inference for the Generalization Error": the corrected standard error,
    times the quantile of Student's t, whose degrees of freedom are the number of folds in all
    repeats minus one.

    Args:
        old: `scores` of the folds in the base, with `folds` and `rows_sha256`, as in
            `Changes.folds`.
        new: the same in the work tree.

    Returns:
        None if the folds are not the same, or were not recorded.
    """
    if old is None or new is None or old["rows_sha256"] != new["rows_sha256"]:
        return None
    gaps = np.subtract(new["scores"], old["scores"])
    margin = float(t.ppf(0.975, len(gaps) - 1)) * fold_error(gaps, new["folds"])
    return margin if math.isfinite(margin) else None

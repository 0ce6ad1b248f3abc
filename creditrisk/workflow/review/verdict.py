"""Judge whether a change is better, and say why. The test metrics never count, only CV does."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t

from creditrisk.core.errors import InputError
from creditrisk.core.escape import markdown
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import LOSSES, SCORING
from creditrisk.report.tables import scored
from creditrisk.workflow.review.changes import EVALUATE, INGEST, LOCK, PREPARE, SELECT, Changes


@dataclass(frozen=True)
class MetricChange:
    """A metric of the champion in the base and in the work tree.

    Attributes:
        old: its value in the base; None if missing.
        new: its value in the work tree; None if missing.
        margin: half the width of the 95% interval of the change; None if unknown.
        paired: whether `margin` was computed over the same folds. Otherwise it is that of two
            separate estimates, which is wider than necessary if the folds are the same.
    """

    old: float | None
    new: float | None
    margin: float | None = None
    paired: bool = False

    @property
    def change(self) -> float | None:
        """New value minus old value."""
        return None if self.old is None or self.new is None else self.new - self.old

    def direction(self, metric: str) -> int:
        """Return 1 (better) or -1 (worse) if the change exceeds its margin, else 0."""
        if self.change is None or self.margin is None or abs(self.change) <= self.margin:
            return 0
        return sign(metric, self.change)


def sign(metric: str, change: float) -> int:
    """Return 1 if the change of a metric is for the better, -1 for the worse, 0 for none."""
    direction = int(change > 0) - int(change < 0)
    return -direction if metric in LOSSES else direction


def within_interval(changes: Changes, metric: str, change: float | None) -> bool | None:
    """Return whether the base's test value plus the change is within that value's 95% interval.

    A change in CV is compared with the same interval, so that all changes have one scale.

    Args:
        changes: the differences.
        metric: name of the metric.
        change: its change, in CV, in nested CV or on the test rows.

    Returns:
        None if the base has no interval, or there is no change to compare.
    """
    old, ends = changes.value(EVALUATE, f"test.{metric}")[0], changes.ci.get(metric)
    if old is None or change is None or not ends:
        return None
    # The files have ten digits, so a smaller difference is none.
    slack = 1e-9 * max(1.0, abs(old))
    return ends[0] - slack <= old + change <= ends[1] + slack


def metric_change(changes: Changes, metric: str, on: str) -> MetricChange:
    """Compare a metric of the two champions.

    Args:
        changes: the differences.
        metric: name of the metric.
        on: `cv`, `nested` or `test`.
    """
    if on == "test":
        return MetricChange(*changes.value(EVALUATE, f"test.{metric}"))
    mean, se = ("cv", "cv_se") if on == "cv" else ("nested.mean", "nested.se")
    old, new = changes.value(SELECT, f"{mean}.{metric}")
    scorings = changes.value(SELECT, "scoring")
    if on == "cv" and scorings[0] == scorings[1] and metric == SCORING[scorings[1]][0]:
        margin = paired_margin(*changes.folds)
        if margin is not None:
            return MetricChange(old, new, margin, True)
    errors = changes.value(SELECT, f"{se}.{metric}")
    known = all(isinstance(e, int | float) for e in errors)
    return MetricChange(old, new, 2 * math.hypot(*errors) if known else None)


def paired_margin(old: dict[str, Any] | None, new: dict[str, Any] | None) -> float | None:
    """Compute half the width of the 95% interval of a change over the same folds.

    Nadeau and Bengio 2003: the corrected standard error, times the quantile of Student's t, whose
    degrees of freedom are the number of folds in all repeats minus one.

    Args:
        old: scores of the folds in the base, as in `Changes.folds`.
        new: scores of the folds in the work tree.

    Returns:
        None if the folds are not the same, or were not recorded.
    """
    if old is None or new is None or old["rows_sha256"] != new["rows_sha256"]:
        return None
    gaps = np.subtract(new["scores"], old["scores"])
    margin = float(t.ppf(0.975, len(gaps) - 1)) * fold_error(gaps, new["folds"])
    return margin if math.isfinite(margin) else None


def scoring(changes: Changes) -> str:
    """Get the name of the score by which the champion of the work tree was chosen."""
    found = changes.value(SELECT, "scoring")[1]
    if found is None:
        problem = f"DVC has no metrics of {SELECT}"
        raise InputError("dvc.yaml", "select", problem, "Run `git checkout dvc.yaml`.")
    return found


def data_changed(changes: Changes) -> tuple[bool | None, str]:
    """Return whether the data differ (None if unknown), and the same in words."""
    source = changes.value(INGEST, "source_sha256")
    if source[0] is None:
        return None, f"whether the data changed is not known (the base has no {INGEST})"
    if source[0] != source[1]:
        return True, f"data changed: {_row_counts(changes.value(INGEST, 'rows_read'), 'read')}"
    clean = changes.hashes("data/interim/clean.parquet")
    if clean[0] is None:
        return None, f"same file, whether its rows changed is not known ({_unlocked(changes)})"
    if clean[0] != clean[1]:
        rows = _row_counts(changes.value(PREPARE, "rows_clean"), "clean")
        return True, f"same file, cleaned or split differently: {rows}"
    return False, "data unchanged"


def champion_changed(changes: Changes) -> str:
    """Describe in Markdown whether the champion changed."""
    old, new = changes.value(SELECT, "algorithm")
    if old != new:
        return f"champion changed: {markdown(old)} to {markdown(new)}"
    new = markdown(new)
    a, b = changes.hashes("models/champion.joblib")
    if a is None:
        unknown = f"not known ({_unlocked(changes)})"
        return f"same champion ({new}), whether it is the same model is {unknown}"
    return f"same champion ({new}), {'the same model' if a == b else 'fitted again'}"


def _unlocked(changes: Changes) -> str:
    return f"the base's {LOCK} has no hash" if changes.old_lock else f"the base has no {LOCK}"


def _row_counts(count: tuple[int | None, int], state: str) -> str:
    old, new = count
    if old is None:
        return f"{new:,} rows {state}, before not known"
    return f"{old:,} rows {state}, now {new:,}"


def verdict(changes: Changes) -> tuple[str, str]:
    """Judge the change.

    It is better or worse if the CV score moved by more than its 95% margin, and the nested
    estimate, which repeats the choice of the champion, did not move the other way.

    Args:
        changes: the differences.

    Returns:
        The verdict in a few words, and the reasons for it, in Markdown.
    """
    metric = SCORING[scoring(changes)][0]
    cv, nested = metric_change(changes, metric, "cv"), metric_change(changes, metric, "nested")
    if cv.old is None:
        return "Everything is new: the base has no results", f"the champion is {_champion(changes)}"
    other_data, data = data_changed(changes)
    facts = [champion_changed(changes), data]
    if cv.change == 0:
        facts.insert(0, f"{_name(changes)} is {cv.new:.4f} in both")
        return "Nothing changed" if _nothing(changes) else "No difference in CV", "; ".join(facts)
    direction = cv.direction(metric)
    contradicted = nested.change is not None and sign(metric, nested.change) == -direction
    if direction and contradicted:
        title, direction = "No difference that the data can tell: nested CV moved the other way", 0
    else:
        title = {1: "Better", -1: "Worse", 0: "No difference that the data can tell"}[direction]
    if other_data and direction:
        title += ", but on other rows"
    reasons = [_describe_change(changes, _name(changes), metric, cv)]
    if nested.change is not None:
        reasons.append(f"nested CV by {nested.change:+.4f}{_describe_margin(nested)}")
    return title, "; ".join(reasons + facts)


def _nothing(changes: Changes) -> bool:
    pairs = (pair for file in changes.metrics.values() for pair in file.values())
    same = all(pair.get("old") == pair.get("new") for pair in pairs)
    return same and not changes.params and changes.old_lock == changes.new_lock


def _name(changes: Changes) -> str:
    return f"CV {scored(scoring(changes))}"


def _champion(changes: Changes) -> str:
    algorithm, metric = changes.value(SELECT, "algorithm")[1], SCORING[scoring(changes)][0]
    return f"{markdown(algorithm)}, {_name(changes)} {changes.value(SELECT, f'cv.{metric}')[1]:.4f}"


def _describe_change(changes: Changes, name: str, metric: str, cv: MetricChange) -> str:
    is_inside = within_interval(changes, metric, cv.change)
    side = {None: "", True: ", inside the test interval", False: ", outside the test interval"}
    moved = f"{name} moved by {cv.change:+.4f}{_describe_margin(cv)}"
    return f"{moved}, {cv.old:.4f} to {cv.new:.4f}{side[is_inside]}"


def _describe_margin(change: MetricChange) -> str:
    if change.margin is None:
        return ""
    how = "over the same folds" if change.paired else "from two separate estimates"
    return f" \N{PLUS-MINUS SIGN} {change.margin:.4f} (95%, {how})"

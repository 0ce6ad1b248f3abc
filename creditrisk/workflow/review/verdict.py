"""Whether the change is better, and why that can or can't be told: judged on CV, never on test."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t

from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import LOSSES, SCORING
from creditrisk.report.tables import scored
from creditrisk.workflow.review.changes import EVALUATE, INGEST, LOCK, PREPARE, SELECT, Changes


@dataclass(frozen=True)
class MetricChange:
    """A metric of the champion in the base and here.

    Attributes:
        margin: half the 95% interval of the change.
        paired: whether `margin` is over the same folds; otherwise it is that of two separate
            estimates, which is wider than need be where the folds are the same.
    """

    old: float | None
    new: float | None
    margin: float | None = None
    paired: bool = False

    @property
    def change(self) -> float | None:
        """Here minus base."""
        return None if self.old is None or self.new is None else self.new - self.old

    def told(self, metric: str) -> int:
        """Say 1 (better) or -1 (worse) where the change exceeds its margin, else 0."""
        if self.change is None or self.margin is None or abs(self.change) <= self.margin:
            return 0
        return sign(metric, self.change)


def sign(metric: str, change: float) -> int:
    """Sign of a change: 1 for the better, -1 for the worse, 0 for none."""
    sign = int(change > 0) - int(change < 0)
    return -sign if metric in LOSSES else sign


def within_interval(changes: Changes, metric: str, change: float | None) -> bool | None:
    """Say whether a change would leave the base's test value within its own 95% interval.

    A change of CV is held against the same interval, so that one scale serves all. None where the
    base has no interval.
    """
    old, ends = changes.value(EVALUATE, f"test.{metric}")[0], changes.ci.get(metric)
    if old is None or change is None or not ends:
        return None
    # The files hold ten digits: what differs beyond them is no difference.
    slack = 1e-9 * max(1.0, abs(old))
    return ends[0] - slack <= old + change <= ends[1] + slack


def metric_change(changes: Changes, metric: str, on: str) -> MetricChange:
    """Compare a metric of the champions.

    Args:
        on: `cv`, `nested` or `test`.
    """
    if on == "test":
        return MetricChange(*changes.value(EVALUATE, f"test.{metric}"))
    mean, se = ("cv", "cv_se") if on == "cv" else ("nested.mean", "nested.se")
    old, new = changes.value(SELECT, f"{mean}.{metric}")
    by = changes.value(SELECT, "scoring")
    if on == "cv" and by[0] == by[1] and metric == SCORING[by[1]][0]:
        margin = paired_margin(*changes.folds)
        if margin is not None:
            return MetricChange(old, new, margin, True)
    errors = changes.value(SELECT, f"{se}.{metric}")
    known = all(isinstance(e, int | float) for e in errors)
    return MetricChange(old, new, 2 * math.hypot(*errors) if known else None)


def paired_margin(old: dict[str, Any] | None, new: dict[str, Any] | None) -> float | None:
    """Compute half the 95% interval of the change over the same folds.

    Nadeau and Bengio 2003: the corrected standard error, and Student's t with one degree of freedom
    less than there are folds in all repeats.

    Args:
        old, new: of `select.fold_account`.

    Returns:
        None where the folds are not the same, or were not noted.
    """
    if old is None or new is None or old["rows_sha256"] != new["rows_sha256"]:
        return None
    gaps = np.subtract(new["scores"], old["scores"])
    margin = float(t.ppf(0.975, len(gaps) - 1)) * fold_error(gaps, new["folds"])
    return margin if math.isfinite(margin) else None


def scoring(changes: Changes) -> str:
    """Name the score that the champion here was chosen by."""
    return changes.value(SELECT, "scoring")[1]


def data_changed(changes: Changes) -> tuple[bool | None, str]:
    """Say whether the data differ, None where that can't be known, and the same in words."""
    source = changes.value(INGEST, "source_sha256")
    if source[0] is None:
        return None, f"whether the data changed is not known (the base has no {INGEST})"
    if source[0] != source[1]:
        return True, f"data changed: {_rows(changes.value(INGEST, 'rows_read'), 'read')}"
    clean = changes.hashes("data/interim/clean.parquet")
    if clean[0] is None:
        return None, f"same file, whether its rows changed is not known ({_unlocked(changes)})"
    if clean[0] != clean[1]:
        rows = _rows(changes.value(PREPARE, "rows_clean"), "clean")
        return True, f"same file, cleaned or split differently: {rows}"
    return False, "data unchanged"


def champion_changed(changes: Changes) -> str:
    """Say in words what became of the champion."""
    old, new = changes.value(SELECT, "algorithm")
    if old != new:
        return f"champion changed: {old} to {new}"
    a, b = changes.hashes("models/champion.joblib")
    if a is None:
        return f"same champion ({new}), whether the same model is not known ({_unlocked(changes)})"
    return f"same champion ({new}), {'the same model' if a == b else 'fitted anew'}"


def _unlocked(changes: Changes) -> str:
    return f"the base's {LOCK} tells none" if changes.old_lock else f"the base has no {LOCK}"


def _rows(count: tuple[int | None, int], problem: str) -> str:
    old, new = count
    if old is None:
        return f"{new:,} rows {problem}, before not known"
    return f"{old:,} rows {problem}, now {new:,}"


def verdict(changes: Changes) -> tuple[str, str]:
    """Judge the change.

    Better or worse is what moved by more than the 95% margin in CV, where the nested estimate,
    which repeats the choice, did not move the other way.

    Returns:
        The verdict in a few words, and what it rests on.
    """
    metric = SCORING[scoring(changes)][0]
    cv, nested = metric_change(changes, metric, "cv"), metric_change(changes, metric, "nested")
    if cv.old is None:
        return "All is new: the base has no results", f"the champion is {_champion(changes)}"
    other, data = data_changed(changes)
    facts = [champion_changed(changes), data]
    if cv.change == 0:
        facts.insert(0, f"{_name(changes)} is {cv.new:.4f} in both")
        return "Nothing changed" if _nothing(changes) else "No difference in CV", "; ".join(facts)
    told = cv.direction(metric)
    contradicted = nested.change is not None and sign(metric, nested.change) == -told
    if told and contradicted:
        words, told = "No difference that the data can tell: nested CV moved the other way", 0
    else:
        words = {1: "Better", -1: "Worse", 0: "No difference that the data can tell"}[told]
    if other and told:
        words += ", but on other rows"
    parts = [_moved_words(changes, _name(changes), metric, cv)]
    if nested.change is not None:
        parts.append(f"nested CV by {nested.change:+.4f}{_error(nested)}")
    return words, "; ".join(parts + facts)


def _nothing(changes: Changes) -> bool:
    pairs = (pair for file in changes.metrics.values() for pair in file.values())
    same = all(pair.get("old") == pair.get("new") for pair in pairs)
    return same and not changes.params_table and changes.old_lock == changes.new_lock


def _name(changes: Changes) -> str:
    return f"CV {scored(scoring(changes))}"


def _champion(changes: Changes) -> str:
    value, metric = changes.value(SELECT, "algorithm")[1], SCORING[scoring(changes)][0]
    return f"{value}, {_name(changes)} {changes.value(SELECT, f'cv.{metric}')[1]:.4f}"


def _moved_words(changes: Changes, name: str, metric: str, cv: MetricChange) -> str:
    location = within_interval(changes, metric, cv.change)
    place = (
        ""
        if location is None
        else f", {'within_interval' if location else 'outside'} the test interval"
    )
    return f"{name} moved by {cv.change:+.4f}{_error(cv)}, {cv.old:.4f} to {cv.new:.4f}{place}"


def _error(metric_change: MetricChange) -> str:
    if metric_change.margin is None:
        return ""
    how = "over the same folds" if metric_change.paired else "as of two separate estimates"
    return f" \N{PLUS-MINUS SIGN} {metric_change.margin:.4f} (95%, {how})"

"""Performance metrics, computed from outcomes and probabilities of default (PD).

`bad` is 1 if the applicant defaulted: the positive class everywhere. An applicant is refused if the
PD is at least the cut-off.

To add a metric, add one entry to `METRICS`. The metrics files, the intervals, the leaderboard, the
report's tables and the table of experiments use every entry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from creditrisk.metrics.costs import Costs, Sample, expected_cost


@dataclass(frozen=True)
class Assessment:
    """A sample and the decisions at a cut-off; values that several metrics use are cached.

    Attributes:
        sample: outcomes, PDs and costs, both classes present.
        threshold: the cut-off; NaN if only metrics without a cut-off are computed.
    """

    sample: Sample
    threshold: float

    @cached_property
    def bad(self) -> np.ndarray:
        """Outcomes as booleans, shape (n,)."""
        return np.asarray(self.sample.bad).astype(bool)

    @cached_property
    def refused(self) -> np.ndarray:
        """Whether each applicant is refused, shape (n,)."""
        return self.sample.rejected(self.threshold)

    @cached_property
    def accepted(self) -> np.ndarray:
        """Whether each applicant is accepted, shape (n,)."""
        return self.sample.accepted(self.threshold)

    @cached_property
    def accuracy(self) -> float:
        """Share of right decisions among those that are not left to a person."""
        decided = self.refused | self.accepted
        return np.mean(self.refused[decided] == self.bad[decided]) if decided.any() else 0.0

    @cached_property
    def above(self) -> tuple[np.ndarray, np.ndarray]:
        """The good and the bad from each distinct PD on, see `counts_above`."""
        return counts_above(self.bad, self.sample.pd)

    @cached_property
    def auc(self) -> float:
        """Area under the ROC curve."""
        return _area(*self.above)

    @cached_property
    def recall(self) -> float:
        """Share of the bad applicants who are refused."""
        return np.sum(self.refused & self.bad) / self.bad.sum()

    @cached_property
    def specificity(self) -> float:
        """Share of the good applicants who are approved."""
        return np.sum(self.accepted & ~self.bad) / np.sum(~self.bad)

    @cached_property
    def precision(self) -> float:
        """Share of the refused applicants who are bad; 0 if nobody is refused."""
        refused = self.refused
        return np.sum(refused & self.bad) / refused.sum() if refused.any() else 0.0

    @cached_property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 if no bad applicant is refused."""
        if not (self.refused & self.bad).any():
            return 0.0
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def counts_above(bad: np.ndarray, pd_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the good and the bad whose PD is at least x, for each distinct PD x, the highest first.

    All metrics of the ranking follow from these counts, so rows are sorted once.

    Args:
        bad: outcome, shape (n,), n > 0.
        pd_: probability of default, shape (n,).

    Returns:
        Two arrays of floats, one entry per distinct PD.

    Raises:
        ValueError: a PD is no finite number, which is a bug in the model.
    """
    if not np.isfinite(pd_).all():
        raise ValueError("a PD is no finite number")
    order = np.argsort(-pd_)
    ordered = pd_[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    bads = np.cumsum(bad[order], dtype=np.float64)[last]
    return 1.0 + last - bads, bads


def area_under_roc(bad: np.ndarray, pd_: np.ndarray) -> float:
    """Compute the area under the ROC curve (Bamber 1975).

    Args:
        bad: outcome, shape (n,), both classes present.
        pd_: probability of default, shape (n,).
    """
    return _area(*counts_above(bad, pd_))


def _area(goods: np.ndarray, bads: np.ndarray) -> float:
    """Sum the trapezoids, in the same steps as scikit-learn, so that the last bits are the same."""
    if len(goods) > 2:  # it leaves out points on a line between others
        kept = np.ones(len(goods), dtype=bool)
        kept[1:-1] = (np.diff(goods, 2) != 0) | (np.diff(bads, 2) != 0)
        goods, bads = goods[kept], bads[kept]
    x, y = (np.append(0.0, counts) / counts[-1] for counts in (goods, bads))
    return float(np.trapezoid(y, x))


def ks_statistic(goods: np.ndarray, bads: np.ndarray) -> float:
    """Compute the Kolmogorov-Smirnov distance between the PDs of the bad and of the good.

    This is the largest difference between the two distribution functions, in either direction.

    Args:
        goods: from `counts_above`, both classes present.
        bads: the same.
    """
    return float(np.abs(bads / bads[-1] - goods / goods[-1]).max())


def _average_precision(goods: np.ndarray, bads: np.ndarray) -> float:
    """Average the precision over the bad, each at the cut-off that catches it.

    Summed from the lowest PD on, as scikit-learn does it.
    """
    recall = np.append((bads / bads[-1])[::-1], 0.0)
    return max(0.0, -float((np.diff(recall) * (bads / (bads + goods))[::-1]).sum()))


def _brier(bad: np.ndarray, pd_: np.ndarray) -> float:
    # The mean over both outcomes, as scikit-learn takes it, has other last bits than that over one.
    good, bad = ((bad == k).astype(pd_.dtype) for k in (False, True))
    return 0.5 * float(((good - (1 - pd_)) ** 2 + (bad - pd_) ** 2).mean())


def _log_loss(bad: np.ndarray, pd_: np.ndarray) -> float:
    # Of the PDs' own precision: XGBoost has single precision, in which 1 is the next to 0.99999994.
    least = np.finfo(pd_.dtype).eps
    likelihood = np.clip(np.where(bad, pd_, 1 - pd_), least, 1 - least)
    return -float(np.log(likelihood).mean())


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        label: name to show.
        meaning: explanation in a few words.
        compute: computes the value from an assessment.
        short: name in narrow tables; empty for the label.
        smaller_is_better: whether it is a loss.
        needs_cutoff: whether it depends on the decisions, not only on the PDs.
        scoring: scikit-learn's name if a grid search may maximise it, else empty.
    """

    label: str
    meaning: str
    compute: Callable[[Assessment], float]
    short: str = ""
    smaller_is_better: bool = False
    needs_cutoff: bool = False
    scoring: str = ""


METRICS = {
    "roc_auc": Metric(
        "AUC",
        "chance that a bad applicant has a higher PD than a good one",
        lambda a: a.auc,
        scoring="roc_auc",
    ),
    "gini": Metric("Gini", "twice the AUC minus one", lambda a: 2 * a.auc - 1),
    "ks": Metric(
        "KS",
        "largest distance between the PDs of the bad and of the good",
        lambda a: ks_statistic(*a.above),
    ),
    "average_precision": Metric(
        "average precision",
        "area under the precision-recall curve",
        lambda a: _average_precision(*a.above),
        short="AP",
        scoring="average_precision",
    ),
    "accuracy": Metric(
        "accuracy",
        "share of right decisions at the cut-off, of those not left to a person",
        lambda a: a.accuracy,
        needs_cutoff=True,
    ),
    "precision": Metric(
        "precision", "share of the refused who are bad", lambda a: a.precision, needs_cutoff=True
    ),
    "recall": Metric(
        "recall", "share of the bad who are refused", lambda a: a.recall, needs_cutoff=True
    ),
    "f1": Metric("F1", "harmonic mean of precision and recall", lambda a: a.f1, needs_cutoff=True),
    "gmean": Metric(
        "G-mean",
        "geometric mean of recall and the share of the good who are approved",
        lambda a: np.sqrt(a.recall * a.specificity),
        needs_cutoff=True,
    ),
    "brier": Metric(
        "Brier score",
        "mean squared error of the PDs",
        lambda a: _brier(a.bad, a.sample.pd),
        short="Brier",
        smaller_is_better=True,
        scoring="neg_brier_score",
    ),
    "log_loss": Metric(
        "log loss",
        "mean negative log likelihood of the outcomes",
        lambda a: _log_loss(a.bad, a.sample.pd),
        smaller_is_better=True,
        scoring="neg_log_loss",
    ),
    "expected_cost": Metric(
        "cost a head",
        "cost of the decisions at the cut-off, per applicant",
        lambda a: expected_cost(a.sample, a.threshold),
        short="cost",
        smaller_is_better=True,
        needs_cutoff=True,
    ),
}
NAMES = tuple(METRICS)
LOSSES = tuple(name for name, metric in METRICS.items() if metric.smaller_is_better)
# Maps scikit-learn's name of a score to our metric and the sign that makes more better.
SCORING = {
    metric.scoring: (name, -1 if metric.smaller_is_better else 1)
    for name, metric in METRICS.items()
    if metric.scoring
}


def compute_metrics(sample: Sample, threshold: float | None = None) -> dict[str, float]:
    """Compute the metrics of a sample.

    Args:
        sample: outcomes (both classes present), PDs, and costs if there is a cut-off.
        threshold: the cut-off; applicants with `pd >= threshold` are refused. If None, metrics that
            need a cut-off are left out.

    Returns:
        Maps each name to its value, in the order of `METRICS`; `expected_cost` is per applicant.
    """
    assessment = Assessment(sample, np.nan if threshold is None else threshold)
    return {
        name: float(metric.compute(assessment))
        for name, metric in METRICS.items()
        if threshold is not None or not metric.needs_cutoff
    }


def compute_fold_metrics(
    oof: pd.DataFrame,
    threshold: float | None = None,
    costs: Costs | None = None,
    referred: np.ndarray | None = None,
) -> pd.DataFrame:
    """Compute the metrics in each fold of each repeat.

    Args:
        oof: out-of-fold PDs with columns `repeat`, `fold`, `bad`, `pd`; rows x repeats rows.
        threshold: the cut-off; if None, metrics that need a cut-off are left out.
        costs: costs per row of `oof`; needed if there is a cut-off.
        referred: which rows of `oof` are referred to a person; None for none.

    Returns:
        One row per fold, indexed by repeat and fold; one column per metric.
    """
    sample = Sample(oof["bad"].to_numpy(), oof["pd"].to_numpy(), costs, referred)
    rows = {
        key: compute_metrics(sample.take(positions), threshold)
        for key, positions in _folds(oof).items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["repeat", "fold"])


def fold_scores(oof: pd.DataFrame, scoring: str) -> pd.Series:
    """Score each fold of out-of-fold PDs; a higher score is better.

    Args:
        oof: out-of-fold PDs with columns `repeat`, `fold`, `bad`, `pd`; rows x repeats rows.
        scoring: scikit-learn's name of the score, a key of `SCORING`.

    Returns:
        One score per fold, indexed by repeat and fold.
    """
    name, sign = SCORING[scoring]
    sample = Sample(oof["bad"].to_numpy(), oof["pd"].to_numpy())
    compute = METRICS[name].compute
    scores = {
        key: sign * float(compute(Assessment(sample.take(positions), np.nan)))
        for key, positions in _folds(oof).items()
    }
    index = pd.MultiIndex.from_tuples(list(scores), names=["repeat", "fold"])
    return pd.Series(list(scores.values()), index=index, name=name)


def _folds(oof: pd.DataFrame) -> dict[tuple[int, int], np.ndarray]:
    return oof.reset_index(drop=True).groupby(["repeat", "fold"]).indices

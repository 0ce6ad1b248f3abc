"""The metrics of the contract, from outcomes and probabilities of default (PD).

`bad` is 1 where the applicant defaulted: the positive class everywhere. An applicant is refused
where the PD reaches the cut-off.

A metric is one entry of `METRICS`. Everything else follows from it: the metrics files, the
intervals, the leaderboard, the report's tables and the table of experiments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
    roc_curve,
)

from creditrisk.metrics.costs import Costs, Sample, expected_cost


@dataclass(frozen=True)
class Assessment:
    """A sample and the decisions at a cut-off; what several metrics share is computed once.

    Attributes:
        sample: outcomes, PDs and costs, both classes present.
        threshold: the cut-off; NaN where only metrics of the PDs are asked for.
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
        return self.sample.pd >= self.threshold

    @cached_property
    def auc(self) -> float:
        """Area under the ROC curve."""
        return roc_auc_score(self.bad, self.sample.pd)

    @cached_property
    def recall(self) -> float:
        """Share of the bad that is refused."""
        return np.sum(self.refused & self.bad) / self.bad.sum()

    @cached_property
    def specificity(self) -> float:
        """Share of the good that is approved."""
        return np.sum(~self.refused & ~self.bad) / np.sum(~self.bad)

    @cached_property
    def precision(self) -> float:
        """Share of bad among the refused; 0 where nobody is refused."""
        refused = self.refused
        return np.sum(refused & self.bad) / refused.sum() if refused.any() else 0.0

    @cached_property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where no bad applicant is refused."""
        if not (self.refused & self.bad).any():
            return 0.0
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def ks_statistic(bad: np.ndarray, pd_: np.ndarray) -> float:
    """Compute the Kolmogorov-Smirnov distance between the PDs of the bad and of the good.

    The largest distance in either direction, as for any two samples.

    Args:
        bad: outcome, shape (n,), both classes present.
        pd_: probability of default, shape (n,).
    """
    fpr, tpr, _ = roc_curve(bad, pd_, drop_intermediate=False)
    return float(np.max(np.abs(tpr - fpr)))


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        label: its name in words.
        meaning: what it says, in words.
        compute: from an assessment to the value.
        short: its name in narrow tables; the label by default.
        smaller_is_better: whether it is a loss.
        needs_cutoff: whether it judges decisions; the others judge PDs and need no cut-off.
        scoring: scikit-learn's name of it, where a search may maximise it.
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
        lambda a: ks_statistic(a.bad, a.sample.pd),
    ),
    "average_precision": Metric(
        "average precision",
        "area under precision over recall",
        lambda a: average_precision_score(a.bad, a.sample.pd),
        short="AP",
        scoring="average_precision",
    ),
    "accuracy": Metric(
        "accuracy",
        "share of right decisions at the cut-off",
        lambda a: np.mean(a.refused == a.bad),
        needs_cutoff=True,
    ),
    "precision": Metric(
        "precision", "share of bad among the refused", lambda a: a.precision, needs_cutoff=True
    ),
    "recall": Metric(
        "recall", "share of the bad that is refused", lambda a: a.recall, needs_cutoff=True
    ),
    "f1": Metric("F1", "harmonic mean of precision and recall", lambda a: a.f1, needs_cutoff=True),
    "gmean": Metric(
        "G-mean",
        "geometric mean of recall and the share of the good that is approved",
        lambda a: np.sqrt(a.recall * a.specificity),
        needs_cutoff=True,
    ),
    "brier": Metric(
        "Brier score",
        "mean squared error of the PDs",
        lambda a: brier_score_loss(a.bad, a.sample.pd),
        short="Brier",
        smaller_is_better=True,
        scoring="neg_brier_score",
    ),
    "log_loss": Metric(
        "log loss",
        "mean negative log likelihood of the outcomes",
        lambda a: log_loss(a.bad, a.sample.pd, labels=[False, True]),
        smaller_is_better=True,
        scoring="neg_log_loss",
    ),
    "expected_cost": Metric(
        "cost a head",
        "cost of the decisions at the cut-off, by applicant",
        lambda a: expected_cost(a.sample, a.threshold),
        short="cost",
        smaller_is_better=True,
        needs_cutoff=True,
    ),
}
NAMES = tuple(METRICS)
LOSSES = tuple(name for name, metric in METRICS.items() if metric.smaller_is_better)
# scikit-learn's names of the scores that a search may use: our metric, and its sign.
SCORING = {
    metric.scoring: (name, -1 if metric.smaller_is_better else 1)
    for name, metric in METRICS.items()
    if metric.scoring
}


def compute_metrics(sample: Sample, threshold: float | None = None) -> dict[str, float]:
    """Compute the metrics of a sample.

    Args:
        sample: outcomes (both classes present), PDs and, where there is a cut-off, costs.
        threshold: the cut-off: refused where `pd >= threshold`. Without one, the metrics that
            judge decisions are left out.

    Returns:
        Name to value, in the order of `METRICS`; `expected_cost` is per applicant.
    """
    assessment = Assessment(sample, np.nan if threshold is None else threshold)
    return {
        name: float(metric.compute(assessment))
        for name, metric in METRICS.items()
        if threshold is not None or not metric.needs_cutoff
    }


def compute_fold_metrics(
    oof: pd.DataFrame, threshold: float | None = None, costs: Costs | None = None
) -> pd.DataFrame:
    """Compute the metrics in each fold of each repeat.

    Args:
        oof: `repeat`, `fold`, `bad`, `pd`, shape (rows x repeats,).
        threshold: the cut-off; without one only the metrics of the PDs are computed.
        costs: of each row of `oof`, where there is a cut-off.

    Returns:
        One row per fold, indexed by repeat and fold, one column per metric.
    """
    sample = Sample(oof["bad"].to_numpy(), oof["pd"].to_numpy(), costs)
    rows = {
        key: compute_metrics(sample.take(positions), threshold)
        for key, positions in _folds(oof).items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["repeat", "fold"])


def fold_scores(oof: pd.DataFrame, scoring: str) -> pd.Series:
    """Score each fold of out-of-fold PDs, more is better.

    Args:
        oof: `repeat`, `fold`, `bad`, `pd`, shape (rows x repeats,).
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

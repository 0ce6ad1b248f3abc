"""The metrics of the contract, from outcomes and probabilities of default (PD).

`bad` is 1 where the applicant defaulted: the positive class everywhere. An applicant is refused
where the PD reaches the cut-off.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
    roc_curve,
)

from creditrisk.metrics.costs import Costs, expected_cost

NAMES = (
    "roc_auc",
    "gini",
    "ks",
    "average_precision",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "gmean",
    "brier",
    "log_loss",
    "expected_cost",
)
# Where less is better.
LOSSES = ("brier", "log_loss", "expected_cost")
# scikit-learn's names of the scores that a search may use: our metric, and its sign.
SCORING = {
    "roc_auc": ("roc_auc", 1),
    "average_precision": ("average_precision", 1),
    "neg_brier_score": ("brier", -1),
    "neg_log_loss": ("log_loss", -1),
}


def ks_statistic(bad: np.ndarray, pd_: np.ndarray) -> float:
    """Compute the Kolmogorov-Smirnov distance between the PDs of the bad and of the good.

    The largest one in either direction, as of any two samples.
    """
    fpr, tpr, _ = roc_curve(bad, pd_, drop_intermediate=False)
    return float(np.max(np.abs(tpr - fpr)))


def measure(bad: np.ndarray, pd_: np.ndarray, threshold: float, costs: Costs) -> dict[str, float]:
    """Compute every metric of the contract.

    Parameters
    ----------
    bad : outcome, shape (n,), both classes present.
    pd_ : probability of default, shape (n,).
    threshold : the cut-off: refused where `pd_ >= threshold`.
    costs : of each row's two errors.

    Returns
    -------
    dict of `NAMES`. `gini` is 2 AUC - 1; `gmean` the root of recall times specificity; precision is
    0 where nobody is refused; `expected_cost` is a head.
    """
    bad = np.asarray(bad).astype(bool)
    refused = pd_ >= threshold
    caught = np.sum(refused & bad)
    recall = caught / bad.sum()
    specificity = np.sum(~refused & ~bad) / np.sum(~bad)
    precision = caught / refused.sum() if refused.any() else 0.0
    auc = roc_auc_score(bad, pd_)
    values = {
        "roc_auc": auc,
        "gini": 2 * auc - 1,
        "ks": ks_statistic(bad, pd_),
        "average_precision": average_precision_score(bad, pd_),
        "accuracy": np.mean(refused == bad),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if caught else 0.0,
        "gmean": np.sqrt(recall * specificity),
        "brier": brier_score_loss(bad, pd_),
        "log_loss": log_loss(bad, pd_, labels=[False, True]),
        "expected_cost": expected_cost(bad, pd_, threshold, costs),
    }
    return {name: float(values[name]) for name in NAMES}


def measure_folds(oof: pd.DataFrame, threshold: float, costs: Costs) -> pd.DataFrame:
    """Compute the metrics in each fold of each repeat.

    Parameters
    ----------
    oof : `repeat`, `fold`, `bad`, `pd`, shape (rows x repeats,).
    threshold : the cut-off.
    costs : of each row of `oof`.

    Returns
    -------
    one row a fold, indexed by repeat and fold, a column a metric.
    """
    places = oof.reset_index(drop=True).groupby(["repeat", "fold"]).indices
    bad, pds = oof["bad"].to_numpy(), oof["pd"].to_numpy()
    rows = {
        key: measure(bad[place], pds[place], threshold, costs.take(place))
        for key, place in places.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["repeat", "fold"])

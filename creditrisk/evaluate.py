"""evaluate: measure the champion on the held-out test rows, against its CV and training figures."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from creditrisk.calibration import brier_parts, calibration_curves, slope_and_intercept
from creditrisk.decision import Costs, cost_curve, expected_cost
from creditrisk.metrics import NAMES, measure
from creditrisk.uncertainty import intervals, stratified_draws

BOOTSTRAP_DRAWS = 1000


def evaluate(
    test: tuple[np.ndarray, np.ndarray, Costs],
    train: tuple[np.ndarray, np.ndarray, Costs],
    cv: dict[str, float],
    threshold: float,
    seed: int,
) -> dict[str, Any]:
    """Measure PDs on test and training rows.

    Parameters
    ----------
    test, train : outcome, PD and costs of each row.
    cv : the champion's means over the CV folds.
    threshold : the cut-off, chosen before.
    seed : of the bootstrap.

    Returns
    -------
    `test` (with `ci`, the 95% intervals of a stratified bootstrap), `train`, `cv`, `gap` (train
    minus test), `calibration` and `baselines` on the test rows.
    """
    bad, pds, costs = test
    samples = stratified_draws(bad, BOOTSTRAP_DRAWS, seed)
    on_test: dict[str, Any] = measure(bad, pds, threshold, costs)
    on_train = measure(*train[:2], threshold, train[2])
    gap = {name: on_train[name] - on_test[name] for name in NAMES}
    on_test["ci"] = intervals(lambda s: measure(bad[s], pds[s], threshold, costs.take(s)), samples)
    return {
        "threshold": threshold,
        "test": on_test,
        "train": on_train,
        "cv": cv,
        "gap": gap,
        "calibration": slope_and_intercept(bad, pds)
        | {"mean_pd": float(pds.mean()), "bad_rate": float(bad.mean())}
        | {"brier_parts": brier_parts(bad, pds)},
        "baselines": {
            "accept_all": expected_cost(bad, pds, np.inf, costs),
            "reject_all": expected_cost(bad, pds, -np.inf, costs),
            "champion": on_test["expected_cost"],
            "approval_rate": float(np.mean(pds < threshold)),
        },
    }


def curves(
    test: tuple[np.ndarray, np.ndarray, Costs],
    oof: tuple[np.ndarray, np.ndarray, Costs],
    threshold: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Compute the frames of the plots from outcome, PD and costs of the rows.

    Parameters
    ----------
    test : the rows that all the plots are of.
    oof : the training rows with out-of-fold PDs, for the cost beside that on test.
    threshold : the cut-off.
    seed : of the bootstrap.
    """
    bad, pds, _ = test
    return {
        "roc": roc_points(bad, pds),
        "pr": pr_points(bad, pds),
        "calibration": calibration_curves(bad, pds, seed),
        "confusion": confusion_rows(bad, pds, threshold),
        "scores": score_shares(bad, pds),
        "cost": cost_points({"oof": oof, "test": test}),
    }


def roc_points(bad: np.ndarray, pd_: np.ndarray) -> pd.DataFrame:
    """Points of the ROC curve: `fpr`, `tpr`, `threshold`."""
    fpr, tpr, thresholds = roc_curve(bad, pd_)
    return pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": np.minimum(thresholds, 1.0)})


def pr_points(bad: np.ndarray, pd_: np.ndarray) -> pd.DataFrame:
    """Points of the precision-recall curve: `recall`, `precision`, `threshold`.

    In the order of the curve, recall rising: a chart that sorts by recall keeps it within ties.
    """
    precision, recall, thresholds = precision_recall_curve(bad, pd_)
    points = {"recall": recall, "precision": precision, "threshold": np.append(thresholds, 1.0)}
    return pd.DataFrame(points).iloc[::-1].reset_index(drop=True)


def confusion_rows(bad: np.ndarray, pd_: np.ndarray, threshold: float) -> pd.DataFrame:
    """One line a row: `actual` and `predicted`, in words."""
    return pd.DataFrame(
        {
            "actual": np.where(np.asarray(bad) == 1, "bad", "good"),
            "predicted": np.where(pd_ >= threshold, "bad", "good"),
        }
    )


def score_shares(bad: np.ndarray, pd_: np.ndarray, bins: int = 20) -> pd.DataFrame:
    """Distribution of the PDs: `pd` (middle of the bin), share of the `good` and of the `bad`."""
    edges = np.linspace(0, 1, bins + 1)
    good, bads = (np.histogram(pd_[bad == k], edges)[0] / np.sum(bad == k) for k in (0, 1))
    return pd.DataFrame({"pd": (edges[1:] + edges[:-1]) / 2, "good": good, "bad": bads})


def cost_points(
    parts: dict[str, tuple[np.ndarray, np.ndarray, Costs]], points: int = 201
) -> pd.DataFrame:
    """Cost and approval rate over all cut-offs.

    Parameters
    ----------
    parts : name of the rows (`oof`, `test`) to outcome, PD and costs.
    points : of a grid of cut-offs from 0 to 1.

    Returns
    -------
    `rows`, `threshold`, `expected_cost`, `approval_rate`.
    """
    grid = np.linspace(0, 1, points)
    curves = []
    for name, (bad, pds, costs) in parts.items():
        curve = cost_curve(bad, pds, costs)
        # A step for each number of distinct PDs below the cut-off.
        place = np.searchsorted(np.unique(pds), grid, side="left")
        curves.append(curve.iloc[place].assign(rows=name, threshold=grid))
    columns = ["rows", "threshold", "expected_cost", "approval_rate"]
    return pd.concat(curves, ignore_index=True)[columns]

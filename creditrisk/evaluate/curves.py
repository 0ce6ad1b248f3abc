"""The data of the plots: ROC, precision and recall, calibration, decisions, costs."""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from creditrisk.champion.calibration import calibration_curves
from creditrisk.metrics.costs import ACCEPT, REFER, REJECT, Sample, cost_curve, decide


def curves(test: Sample, oof: Sample, threshold: float, seed: int) -> dict[str, pd.DataFrame]:
    """Compute the frames of the plots.

    Args:
        test: outcomes, PDs and costs of the test rows, which all plots show.
        oof: the same of the training rows with out-of-fold PDs, for the plot of the costs.
        threshold: the cut-off.
        seed: random seed of the bootstrap.

    Returns:
        Name of the plot to frame.
    """
    bad, pds = test.bad, test.pd
    return {
        "roc": roc_points(bad, pds),
        "pr": pr_points(bad, pds),
        "calibration": calibration_curves(bad, pds, seed),
        "confusion": confusion_rows(test, threshold),
        "scores": score_shares(bad, pds),
        "cost": cost_points({"oof": oof, "test": test}),
    }


def roc_points(bad: np.ndarray, pd_: np.ndarray) -> pd.DataFrame:
    """Compute the points of the ROC curve: `fpr`, `tpr`, `threshold`."""
    fpr, tpr, thresholds = roc_curve(bad, pd_)
    return pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": np.minimum(thresholds, 1.0)})


def pr_points(bad: np.ndarray, pd_: np.ndarray) -> pd.DataFrame:
    """Compute the points of the precision-recall curve: `recall`, `precision`, `threshold`.

    They are in the order of rising recall. A chart that sorts them by recall then keeps the order
    of points with equal recall.
    """
    precision, recall, thresholds = precision_recall_curve(bad, pd_)
    points = {"recall": recall, "precision": precision, "threshold": np.append(thresholds, 1.0)}
    return pd.DataFrame(points).iloc[::-1].reset_index(drop=True)


def confusion_rows(test: Sample, threshold: float) -> pd.DataFrame:
    """Return one line per row: `actual`, `good` or `bad`; `predicted`, also `referred`."""
    decided = decide(test.pd, threshold, test.referred)
    words = {ACCEPT: "good", REJECT: "bad", REFER: "referred"}
    return pd.DataFrame(
        {
            "actual": np.where(np.asarray(test.bad) == 1, "bad", "good"),
            "predicted": [words[decision] for decision in decided],
        }
    )


def score_shares(bad: np.ndarray, pd_: np.ndarray, bins: int = 20) -> pd.DataFrame:
    """Compute the distribution of the PDs.

    Returns:
        `pd`, the middle of each bin; `good` and `bad`, the shares of each outcome in the bin.
    """
    edges = np.linspace(0, 1, bins + 1)
    good, bads = (np.histogram(pd_[bad == k], edges)[0] / np.sum(bad == k) for k in (0, 1))
    return pd.DataFrame({"pd": (edges[1:] + edges[:-1]) / 2, "good": good, "bad": bads})


def cost_points(samples: dict[str, Sample], points: int = 201) -> pd.DataFrame:
    """Compute cost and approval rate for all cut-offs.

    Args:
        samples: name of the rows (`oof`, `test`) to outcomes, PDs and costs.
        points: number of cut-offs, on a grid from 0 to 1.

    Returns:
        `rows`, `threshold`, `expected_cost`, `approval_rate`, `referral_rate` (who is referred at
        the cut-off in use stays so at the others).
    """
    grid = np.linspace(0, 1, points)
    curves = []
    for name, sample in samples.items():
        curve = cost_curve(sample)
        # The curve has a row for each number of distinct PDs below the cut-off.
        positions = np.searchsorted(np.unique(sample.pd), grid, side="left")
        referred = float(np.mean(~sample.decided))
        lines = curve.iloc[positions].assign(rows=name, threshold=grid, referral_rate=referred)
        curves.append(lines)
    columns = ["rows", "threshold", "expected_cost", "approval_rate", "referral_rate"]
    return pd.concat(curves, ignore_index=True)[columns]

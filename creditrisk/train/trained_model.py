"""The trained model of one algorithm: its out-of-fold PDs, its nested PDs and its metrics."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.metrics.costs import Sample
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import compute_fold_metrics, compute_metrics

# Of a nested estimate.
NESTED_COLUMNS = ["outer", "role", "row_id", "repeat", "fold", "bad", "pd"]


@dataclass(frozen=True)
class TrainedModel:
    """The result of train@ALGO, which select and the ensembles read.

    Attributes:
        model: gives PDs; fitted on all training rows. It has classes of public packages only, so
            it can be loaded without this package.
        oof: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        nested: `outer`, `role`, `row_id`, `repeat`, `fold`, `bad`, `pd`. For each outer fold it
            has the out-of-fold PDs of the training rows (role `inner`) and the PDs of the test rows
            (role `outer`). Empty without a nested estimate.
        trials: one row per candidate of the grid.
        best_params: the best candidate, by the names in params.yaml.
        calibration: `none`, `platt` or `isotonic`.
        unconverged: number of fits of the best candidate that stopped before they converged.
        rows: `train`, number of training rows; `search`, of those that the search and the nested
            estimate used; `fit`, of those that a fit took.
        one_bin: the variables that ended in one bin; None without bins.
    """

    model: BaseEstimator
    oof: pd.DataFrame
    nested: pd.DataFrame
    trials: pd.DataFrame
    best_params: dict[str, Any]
    calibration: str
    unconverged: int
    rows: dict[str, int]
    one_bin: list[str] | None = None


def summarise(trained: TrainedModel, frame: pd.DataFrame, features: list[str]) -> dict[str, Any]:
    """Compute the content of metrics/train/ALGO.json.

    It has metrics of the PDs only. The cut-off and its costs belong to select, so that no model is
    fitted again when the costs change.

    Args:
        trained: the trained model.
        frame: the training rows: `bad` and the features.
        features: the columns that the model takes.

    Returns:
        `cv` (mean over the folds), `cv_std`, `cv_se` (Nadeau and Bengio 2003), `train` (on the rows
        that the model was fitted on), and how the model was made.
    """
    folds = compute_fold_metrics(trained.oof)
    count = folds.index.get_level_values("fold").nunique()
    fitted = Sample(frame["bad"].to_numpy(), trained.model.predict_proba(frame[features])[:, 1])
    return {
        "cv": folds.mean().to_dict(),
        "cv_std": folds.std(ddof=1).to_dict(),
        "cv_se": {name: fold_error(folds[name].to_numpy(), count) for name in folds},
        "train": compute_metrics(fitted),
        "calibration": trained.calibration,
        "mean_pd": float(np.mean(trained.oof["pd"])),
        "best_params": trained.best_params,
        "candidates": len(trained.trials),
        "unconverged_folds": trained.unconverged,
        "rows": trained.rows,
    } | ({} if trained.one_bin is None else {"one_bin": trained.one_bin})

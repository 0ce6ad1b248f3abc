"""Measure the champion on the test rows and compare this with its CV and training metrics."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.champion.calibration import brier_parts, slope_and_intercept
from creditrisk.champion.predict import default_pd
from creditrisk.metrics.costs import DecisionParams, Sample, expected_cost
from creditrisk.metrics.intervals import bootstrap_intervals, stratified_draws
from creditrisk.metrics.performance import NAMES, compute_metrics

BOOTSTRAP_DRAWS = 1000


def predicted(
    model: BaseEstimator, frame: pd.DataFrame, features: list[str], decision: DecisionParams
) -> Sample:
    """Compute the PDs and the costs of rows with a known outcome.

    Args:
        model: the champion.
        frame: `bad` and the features.
        features: the columns that the model takes.
        decision: the costs of the two errors.
    """
    pds = default_pd(model, frame[features])
    return Sample(frame["bad"].to_numpy(), pds, decision.costs(frame))


def out_of_fold(oof: pd.DataFrame, train: pd.DataFrame, decision: DecisionParams) -> Sample:
    """Combine the champion's out-of-fold PDs with the costs of the training rows.

    Args:
        oof: `row_id`, `bad`, `pd`.
        train: the training rows.
        decision: the costs of the two errors.
    """
    costs = decision.costs(train.set_index("row_id").loc[oof["row_id"]])
    return Sample(oof["bad"].to_numpy(), oof["pd"].to_numpy(), costs)


def measure_champion(
    test: Sample, train: Sample, cv: dict[str, Any], threshold: float, seed: int
) -> dict[str, Any]:
    """Measure the PDs on the test and training rows.

    Args:
        test: outcomes, PDs and costs of the test rows.
        train: outcomes, PDs and costs of the training rows.
        cv: the champion's mean of each metric over the CV folds.
        threshold: the cut-off, which select chose.
        seed: random seed of the bootstrap.

    Returns:
        `threshold`; `test` (with `ci`, the 95% intervals from a stratified bootstrap), `train`,
        `cv`, `gap` (train minus test); `calibration` and `baselines` on the test rows.
    """
    bad, pds = test.bad, test.pd
    samples = stratified_draws(bad, BOOTSTRAP_DRAWS, seed)
    on_test: dict[str, Any] = dict(compute_metrics(test, threshold))
    on_train = compute_metrics(train, threshold)
    gap = {name: on_train[name] - on_test[name] for name in NAMES}
    on_test["ci"] = bootstrap_intervals(
        lambda rows: compute_metrics(test.take(rows), threshold), samples
    )
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
            "accept_all": expected_cost(test, np.inf),
            "reject_all": expected_cost(test, -np.inf),
            "champion": on_test["expected_cost"],
            "approval_rate": float(np.mean(pds < threshold)),
        },
    }

"""evaluate: measure the champion on the test rows, beside its CV and training metrics."""

from typing import Any

import numpy as np

from creditrisk.champion.calibration import brier_parts, slope_and_intercept
from creditrisk.metrics.costs import Costs, expected_cost
from creditrisk.metrics.intervals import intervals, stratified_draws
from creditrisk.metrics.performance import NAMES, measure

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

"""Boosted trees of XGBoost and LightGBM: both look at one row at a time.

Neither library is imported here: whoever has no such model need not load it.
"""

from typing import Any

import numpy as np

from creditrisk.champion.fixed_order import ProbabilityHead


class Xgboost(ProbabilityHead):
    """XGBoost, by itself: a calibrator has learned from its own PDs, in single precision."""

    def __init__(self, fitted: Any):
        self.fitted, self.booster = fitted, fitted.get_booster()
        self.trees = fitted._get_iteration_range(None)

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""
        rows = np.ascontiguousarray(encoded.T)
        found = self.booster.inplace_predict(
            rows, iteration_range=self.trees, missing=self.fitted.missing, validate_features=False
        )
        # What follows (a calibrator, an average) computes in double precision.
        return found.astype(np.float64)


class Lightgbm:
    """LightGBM, on one thread."""

    def __init__(self, fitted: Any):
        self.booster = fitted.booster_

    def score(self, encoded: np.ndarray) -> np.ndarray:
        """Return the log-odds, shape (n,)."""
        rows = np.ascontiguousarray(encoded.T)
        return self.booster.predict(rows, raw_score=True, num_threads=1)

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""
        return self.booster.predict(np.ascontiguousarray(encoded.T), num_threads=1)

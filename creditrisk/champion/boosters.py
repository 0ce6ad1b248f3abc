"""Boosted trees of XGBoost and LightGBM.

Neither library is imported here: whoever has no such model need not load it.
"""

import json
from typing import Any

import numpy as np
from scipy.special import expit, logit

from creditrisk.champion.fixed_order import CHECKED_ROWS, ProbabilityHead
from creditrisk.champion.trees import Nodes, Walk

# Up to so many rows, a call of the library takes longer than the walk.
FEW_ROWS = 8


class Xgboost(ProbabilityHead):
    """XGBoost: it adds up its trees in single precision, one after the other.

    A call of the library takes longer than few rows need for their walk through the trees, which
    gives the same sums. Where it would not (another booster than trees), the library does it all.
    """

    def __init__(self, fitted: Any):
        self.missing, self.booster = fitted.missing, fitted.get_booster()
        self.range = fitted._get_iteration_range(None)
        self.walk: Walk | None = None
        learner = json.loads(bytes(self.booster.save_raw("json")))["learner"]
        if np.isnan(self.missing) and learner["gradient_booster"]["name"] == "gbtree":
            self._lay_out(learner)

    def _lay_out(self, learner: dict[str, Any]) -> None:
        model, shape = learner["gradient_booster"]["model"], learner["learner_model_param"]
        first, last = self.range
        ends = model["iteration_indptr"]
        # A range that ends at 0 is that of all trees.
        walk = Walk([_nodes(tree) for tree in model["trees"][ends[first] : ends[last or -1]]])
        [bad_rate] = json.loads(shape["base_score"])
        near = np.float32(logit(bad_rate))
        probes = _probes(walk, int(shape["num_feature"]))
        wanted = self._margin(probes)
        # Logarithms of two libraries may differ by the last bit.
        for start in (
            near,
            np.nextafter(near, np.float32(-9e9)),
            np.nextafter(near, np.float32(9e9)),
        ):
            self.start = start
            if (self._walked(walk, probes) == wanted).all():
                self.walk = walk
                return

    def _walked(self, walk: Walk, encoded: np.ndarray) -> np.ndarray:
        steps = walk.values(encoded)
        steps[0] += self.start
        return steps.cumsum(axis=0, dtype=np.float32)[-1]

    def _margin(self, encoded: np.ndarray) -> np.ndarray:
        return self.booster.inplace_predict(
            np.ascontiguousarray(encoded.T), iteration_range=self.range, predict_type="margin",
            missing=self.missing, validate_features=False,
        )  # fmt: skip

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""
        if self.walk is not None and encoded.shape[1] <= FEW_ROWS:
            margin = self._walked(self.walk, encoded)
        else:
            margin = self._margin(encoded)
        # Single precision is too coarse for a calibrator and for an average.
        return expit(margin.astype(np.float64))


def _nodes(tree: dict[str, Any]) -> Nodes:
    threshold = np.array(tree["split_conditions"], dtype=np.float32)
    return Nodes(
        left=np.array(tree["left_children"]),
        right=np.array(tree["right_children"]),
        column=np.array(tree["split_indices"]),
        # A number that is equal goes to the right, too.
        threshold=np.nextafter(threshold, np.float32(-np.inf)),
        missing_right=np.array(tree["default_left"]) == 0,
        value=threshold,  # which XGBoost keeps in the same place
    )


def _probes(walk: Walk, width: int) -> np.ndarray:
    """Make up rows at thresholds, next to them, and without a number; shape (width, n)."""
    rng = np.random.default_rng(0)
    probes = rng.normal(size=(width, CHECKED_ROWS))
    ways = np.array([-np.inf, np.inf], dtype=np.float32)
    for column in range(width):
        own = walk.threshold[(walk.column == column) & np.isfinite(walk.threshold)]
        if len(own):
            at = np.append(own, np.float32(np.nan))[rng.integers(0, len(own) + 1, CHECKED_ROWS)]
            probes[column] = np.nextafter(at, rng.choice(ways, CHECKED_ROWS))
    return probes


class Lightgbm:
    """LightGBM, on one thread: it looks at one row at a time."""

    def __init__(self, fitted: Any):
        self.booster = fitted.booster_

    def score(self, encoded: np.ndarray) -> np.ndarray:
        """Return the log-odds, shape (n,)."""
        rows = np.ascontiguousarray(encoded.T)
        return self.booster.predict(rows, raw_score=True, num_threads=1)

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""
        return self.booster.predict(np.ascontiguousarray(encoded.T), num_threads=1)

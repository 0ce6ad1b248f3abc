"""Neighbours and support vectors: distances to fitted rows, summed column by column.

`cdist` computes each distance by itself, so a row's are the same bits in any batch.
"""

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from creditrisk.champion.fixed_order import CHECKED_ROWS, Blocks, ProbabilityHead

FEW_CELLS = 500_000  # of fitted rows, up to which all distances are computed
DISTANCES = 1_000_000  # at once
TOLERANCE = 1e-9  # relative, between our decision function and the model's


class Neighbours(ProbabilityHead):
    """Neighbours by the sum of differences, weighted by distance, without scikit-learn.

    The distances are the same bits, and so is the answer, if no two fitted rows are equally far
    where the neighbours end. If some are, scikit-learn decides which of them count.

    Args:
        fitted: any neighbours; others than these get blocks.
    """

    def __init__(self, fitted: KNeighborsClassifier):
        self.whole = Blocks(fitted)
        self.rows = np.asarray(fitted._fit_X, dtype=np.float64)
        self.bad, self.count = np.asarray(fitted._y) == 1, fitted.n_neighbors
        usable = fitted.weights == "distance" and fitted.effective_metric_ == "manhattan"
        self.few = usable and self.count < len(self.bad) and self.rows.size <= FEW_CELLS

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return the weighted share of bad rows among the neighbours."""
        if not self.few:
            return self.whole.probability(encoded)
        found = _in_parts(self._shares, encoded, len(self.rows))
        unclear = np.flatnonzero(np.isnan(found))
        if len(unclear):
            found[unclear] = self.whole.probability(encoded[:, unclear])
        return found

    def _shares(self, rows: np.ndarray) -> np.ndarray:
        """Return the shares, NaN where scikit-learn has to decide."""
        far = cdist(rows, self.rows, "cityblock")
        near = np.argpartition(far, self.count, axis=1)[:, : self.count + 1]
        distances = np.take_along_axis(far, near, axis=1)
        order = np.argsort(distances, axis=1)
        distances = np.take_along_axis(distances, order, axis=1)
        bad = self.bad[np.take_along_axis(near, order[:, :-1], axis=1)]
        inside, last = distances[:, :-1], distances[:, -1]
        # If fitted rows are equal to a row, only these count.
        same = inside == 0
        known = same.any(axis=1)
        weights = np.where(known[:, None], same, 1 / np.where(same, 1.0, inside))
        unclear = (inside[:, -1] == last) & (~known | (last == 0))
        # One neighbour after the other, as scikit-learn adds them up.
        shares = [np.where(bad == kind, weights, 0.0).cumsum(axis=1)[:, -1] for kind in (0, 1)]
        return np.where(unclear, np.nan, shares[1] / (shares[0] + shares[1]))


class SupportVectors:
    """Support vectors with a radial kernel, or any others in the model's own way.

    Args:
        fitted: support vectors of two classes.
    """

    def __init__(self, fitted: SVC):
        self.whole = Blocks(fitted)
        self.vectors = fitted.support_vectors_
        self.tabled = (
            fitted.kernel == "rbf" and isinstance(self.vectors, np.ndarray) and self._agrees(fitted)
        )

    def _agrees(self, fitted: SVC) -> bool:
        """Compare with the model itself, on its own vectors and between them."""
        self.weights = np.ascontiguousarray(fitted.dual_coef_[0])
        self.intercept, self.gamma = float(fitted.intercept_[0]), float(fitted._gamma)
        rng = np.random.default_rng(0)
        some = self.vectors[rng.integers(0, len(self.vectors), (2, CHECKED_ROWS))]
        rows = np.concatenate([some[0], (some[0] + some[1]) / 2])
        return np.allclose(self._decide(rows), self.whole.score(rows.T), TOLERANCE, TOLERANCE)

    def _decide(self, rows: np.ndarray) -> np.ndarray:
        near = np.exp(-self.gamma * cdist(self.vectors, rows, "sqeuclidean"))
        # Not `sum`, whose order depends on the shape.
        return (self.weights[:, None] * near).cumsum(axis=0)[-1] + self.intercept

    def score(self, encoded: np.ndarray) -> np.ndarray:
        """Return the decision function."""
        if not self.tabled:
            return self.whole.score(encoded)
        return _in_parts(self._decide, encoded, len(self.vectors))

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return the PDs of the model's own calibration."""
        return self.whole.probability(encoded)


def _in_parts(work: Any, encoded: np.ndarray, fitted_rows: int) -> np.ndarray:
    """Apply a function to rows, so many that their distances take little memory."""
    rows = np.ascontiguousarray(encoded.T)
    step = max(1, DISTANCES // fitted_rows)
    return np.concatenate([work(rows[i : i + step]) for i in range(0, len(rows), step)])

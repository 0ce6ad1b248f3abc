"""What all heads share: sums in a fixed order, and blocks of one size for what has no such sums."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from threadpoolctl import ThreadpoolController

# Rows per call of a model that needs blocks.
BLOCK = 64
# Numbers that a sum over columns works on at once; more would not fit into the cache.
AT_ONCE = 32_768
# Rows on which a head is compared with the model itself.
CHECKED_ROWS = 256
PAIRWISE = ("manhattan", "chebyshev")


class Head(Protocol):
    """The last part of a model. Both methods take encoded numbers, shape (width, n)."""

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""

    def score(self, encoded: np.ndarray) -> np.ndarray:
        """Return what a calibrator takes: the decision function, or PDs if there is none."""


class ProbabilityHead:
    """The head of a model without a decision function: its calibrator takes the PDs."""

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""
        raise NotImplementedError

    def score(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""
        return self.probability(encoded)


def weighted_sum(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum columns, each times its weights, one column after the other.

    Args:
        columns: shape (d, n).
        weights: shape (d,) or (d, k).

    Returns:
        Shape (n,) or (k, n).
    """
    rest, count = weights.shape[1:], columns.shape[1]
    if columns.size * int(np.prod(rest, dtype=int)) <= AT_ONCE and len(columns):
        # Adds up one after the other, too; `sum` would choose an order that depends on the shape.
        products = weights[..., None] * (columns[:, None] if rest else columns)
        return products.cumsum(axis=0)[-1]
    out = np.zeros((*rest, count))
    step = max(1, AT_ONCE // int(np.prod(rest, dtype=int)))
    for start in range(0, count, step):
        part = out[..., start : start + step]
        product = np.empty(part.shape)
        for column, weight in zip(columns[:, start : start + step], weights, strict=True):
            np.multiply(weight[..., None] if rest else weight, column, out=product)
            part += product
    return out


class Blocks:
    """Any estimator, on one thread; in blocks, unless it looks at one row at a time."""

    def __init__(self, fitted: BaseEstimator):
        self.fitted = fitted
        self.row_wise = isinstance(fitted, SVC) or (
            # Other distances than the Euclidean one are computed pair by pair.
            isinstance(fitted, KNeighborsClassifier) and fitted.effective_metric_ in PAIRWISE
        )
        self.threads = ThreadpoolController()
        if self.row_wise:  # which has no linear algebra
            self.threads = self.threads.select(user_api="openmp")
        self.one_thread = isinstance(fitted, SVC)

    def _in_blocks(self, work: Callable[[np.ndarray], np.ndarray], encoded: np.ndarray) -> Any:
        rows = np.ascontiguousarray(encoded.T)
        limit = nullcontext() if self.one_thread else self.threads.limit(limits=1)
        with limit, config_context(assume_finite=True):
            return work(rows) if self.row_wise else in_blocks(work, rows)

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return the model's own PDs, shape (n,)."""
        return self._in_blocks(lambda block: self.fitted.predict_proba(block)[:, 1], encoded)

    def score(self, encoded: np.ndarray) -> np.ndarray:
        """Return the model's own decision function, or its PDs; shape (n,)."""
        if not hasattr(self.fitted, "decision_function"):
            return self.probability(encoded)
        return self._in_blocks(self.fitted.decision_function, encoded)


def in_blocks(work: Callable[[Any], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Apply a row-wise function to blocks of `BLOCK` rows.

    The last block is filled up with copies of its first row.

    Args:
        work: takes an array of `BLOCK` rows and returns as many results.
        rows: shape (n, d), n > 0.

    Returns:
        The results of the n rows.
    """
    parts = []
    for start in range(0, len(rows), BLOCK):
        positions = np.arange(start, start + BLOCK)
        count = min(BLOCK, len(rows) - start)
        positions[count:] = start
        parts.append(work(rows[positions])[:count])
    return np.concatenate(parts)

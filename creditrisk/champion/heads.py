"""PDs from encoded numbers, in a fixed order of operations for each row.

Libraries of linear algebra use other code for other shapes, so with a model's own `predict_proba`
the last bits of a row's PD depend on the batch. Here each sum goes over the columns in their order,
for each row by itself. Trees look at one row at a time anyway. What can't be done like this
(neighbours, support vectors) gets blocks of one size, on one thread.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np
from scipy.special import expit
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import ThreadpoolController

# Rows per call of a model that needs blocks.
BLOCK = 64
CHECKED_ROWS = 256
FEW_CELLS = 500_000  # of training rows, up to which one row is compared with all at once
PAIRWISE = ("manhattan", "chebyshev")
# Up to so many rows, it is faster to walk through all trees of a forest at once.
FEW_ROWS = 16
# Numbers that a sum over columns works on at once; more would not fit into the cache.
AT_ONCE = 32_768


class Head(Protocol):
    """The last part of a model. Both methods take encoded numbers, shape (width, n)."""

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""

    def score(self, encoded: np.ndarray) -> np.ndarray:
        """Return what a calibrator takes: the decision function, or PDs if there is none."""


def head_of(estimator: BaseEstimator) -> Head:
    """Return the head of a fitted estimator, or of one with its calibrator."""
    if isinstance(estimator, CalibratedClassifierCV):
        return _calibrated(estimator)
    # XGBoost and LightGBM are recognised by name: whoever has no such model need not load them.
    package = type(estimator).__module__.partition(".")[0]
    if isinstance(estimator, LogisticRegression) and estimator.coef_.shape[0] == 1:
        return _Linear(estimator.coef_[0], float(estimator.intercept_[0]))
    if isinstance(estimator, DecisionTreeClassifier):
        return _Trees([estimator])
    if isinstance(estimator, RandomForestClassifier | ExtraTreesClassifier):
        return _Trees(estimator.estimators_)
    if isinstance(estimator, MLPClassifier) and estimator.n_outputs_ == 1:
        return _Perceptron(estimator)
    if package == "xgboost":
        return _Xgboost(estimator)
    if package == "lightgbm":
        return _Lightgbm(estimator)
    if package == "interpret":
        return _Additive(estimator)
    if isinstance(estimator, KNeighborsClassifier):
        return _Neighbours(estimator)
    return _Blocks(estimator)


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


class _Linear:
    def __init__(self, weights: np.ndarray, intercept: float):
        self.weights, self.intercept = np.asarray(weights, dtype=np.float64), intercept

    def score(self, encoded: np.ndarray) -> np.ndarray:
        return weighted_sum(encoded, self.weights) + self.intercept

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        return expit(self.score(encoded))


class _Probability:
    """The head of a model without a decision function: its calibrator takes the PDs."""

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def score(self, encoded: np.ndarray) -> np.ndarray:
        return self.probability(encoded)


class _Trees(_Probability):
    """Decision trees, whose mean is taken one tree after the other.

    Few rows walk through all trees at once, many rows through one tree at a time: both come to the
    same leaves.
    """

    def __init__(self, trees: list[DecisionTreeClassifier]):
        self.trees = [one.tree_ for one in trees]
        # The share of bad rows in each node.
        self.all_shares = np.concatenate([tree.value[:, 0, 1] for tree in self.trees])
        sizes = [tree.node_count for tree in self.trees]
        self.roots = np.cumsum([0, *sizes[:-1]])
        self.shares = np.split(self.all_shares, self.roots[1:])
        starts = np.repeat(self.roots, sizes)
        inner = np.concatenate([tree.children_left for tree in self.trees]) >= 0
        own = np.arange(len(starts))
        # A leaf leads to itself.
        left, right = (
            np.where(inner, np.concatenate([getattr(t, side) for t in self.trees]) + starts, own)
            for side in ("children_left", "children_right")
        )
        self.sides = np.stack([left, right], axis=1).ravel()
        self.feature = np.where(inner, np.concatenate([t.feature for t in self.trees]), 0)
        self.threshold = np.concatenate([t.threshold for t in self.trees])
        self.missing_left = np.concatenate([t.missing_go_to_left for t in self.trees]) != 0
        self.depth = max(tree.max_depth for tree in self.trees)

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        if encoded.shape[1] <= FEW_ROWS < len(self.trees):
            return self._at_once(encoded.astype(np.float32))
        rows = np.ascontiguousarray(encoded.T, dtype=np.float32)
        total = np.zeros(len(rows))
        for tree, shares in zip(self.trees, self.shares, strict=True):
            total += shares[tree.apply(rows)]
        return total / len(self.trees)

    def _at_once(self, encoded: np.ndarray) -> np.ndarray:
        count = encoded.shape[1]
        flat = encoded.ravel()
        row = np.tile(np.arange(count), len(self.trees))
        node = np.repeat(self.roots, count)
        has_gaps = np.isnan(flat).any()
        for _ in range(self.depth):
            place = self.feature.take(node)
            if count > 1:
                place *= count
                place += row
            value = flat.take(place)
            right = value > self.threshold.take(node)
            if has_gaps:
                right |= np.isnan(value) & ~self.missing_left.take(node)
            node = self.sides.take(2 * node + right)
        # Not `sum`, whose order depends on the shape.
        total = self.all_shares[node].reshape(len(self.trees), count).cumsum(axis=0)[-1]
        return total / len(self.trees)


class _Perceptron(_Probability):
    def __init__(self, fitted: MLPClassifier):
        self.layers = list(zip(fitted.coefs_, fitted.intercepts_, strict=True))
        self.bend = _BENDS[fitted.activation]

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        values = encoded
        for i, (weights, intercepts) in enumerate(self.layers):
            values = self.bend(values) if i else values
            values = weighted_sum(values, weights) + intercepts[:, None]
        return expit(values[0])


_BENDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "logistic": expit,
}


class _Xgboost(_Probability):
    def __init__(self, fitted: Any):
        self.fitted, self.booster = fitted, fitted.get_booster()
        self.trees = fitted._get_iteration_range(None)

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(encoded.T)
        found = self.booster.inplace_predict(
            rows, iteration_range=self.trees, missing=self.fitted.missing, validate_features=False
        )
        # Single precision, which is too coarse for a calibrator and for an average.
        return found.astype(np.float64)


class _Lightgbm:
    def __init__(self, fitted: Any):
        self.booster = fitted.booster_

    def score(self, encoded: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(encoded.T)
        return self.booster.predict(rows, raw_score=True, num_threads=1)

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        return self.booster.predict(np.ascontiguousarray(encoded.T), num_threads=1)


class _Additive:
    """An explainable boosting machine: terms of one or two columns, each a table of scores.

    Where tables of its terms do not give what it gives (columns that it takes for levels), it adds
    up its terms itself, also row by row.
    """

    def __init__(self, fitted: Any):
        self.fitted = fitted
        self.terms = []
        for columns, scores in zip(fitted.term_features_, fitted.term_scores_, strict=True):
            # A column has coarser bins where it is one of two.
            cuts = [fitted.bins_[c][min(len(fitted.bins_[c]), len(columns)) - 1] for c in columns]
            self.terms.append((columns, cuts, scores))
        self.intercept = float(np.ravel(fitted.intercept_)[0])
        self.tabled = self._is_tabled()

    def _is_tabled(self) -> bool:
        """Compare with the model itself, on rows at the cuts, between them and without values."""
        if not all(isinstance(c, np.ndarray) for _, cuts, _ in self.terms for c in cuts):
            return False
        rng = np.random.default_rng(0)
        probes = rng.normal(size=(self.fitted.n_features_in_, CHECKED_ROWS))
        for columns, cuts, _ in self.terms:
            for column, own in zip(columns, cuts, strict=True):
                at = rng.choice([*own, np.nan], CHECKED_ROWS)
                probes[column] = at + rng.choice([0.0, 0.0, 1e-9, -1e-9, 1.0], CHECKED_ROWS)
        own = self._sum(probes)
        return bool((own == self.fitted.decision_function(np.ascontiguousarray(probes.T))).all())

    def _sum(self, encoded: np.ndarray) -> np.ndarray:
        total = np.full(encoded.shape[1], self.intercept)
        for columns, cuts, scores in self.terms:
            bins = []
            for column, own in zip(columns, cuts, strict=True):
                values = encoded[column]
                place = own.searchsorted(values, side="right") + 1
                bins.append(np.where(values == values, place, 0))  # 0: missing
            total += scores[tuple(bins)]
        return total

    def score(self, encoded: np.ndarray) -> np.ndarray:
        if self.tabled:
            return self._sum(encoded)
        return self.fitted.decision_function(np.ascontiguousarray(encoded.T))

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        return expit(self.score(encoded))


class _Blocks:
    """Any other estimator, on one thread; in blocks, unless it looks at one row at a time."""

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
        return self._in_blocks(lambda block: self.fitted.predict_proba(block)[:, 1], encoded)

    def score(self, encoded: np.ndarray) -> np.ndarray:
        if not hasattr(self.fitted, "decision_function"):
            return self.probability(encoded)
        return self._in_blocks(self.fitted.decision_function, encoded)


class _Neighbours(_Probability):
    """Neighbours by the sum of differences, weighted by distance; few rows without scikit-learn.

    The distances are the same bits, and so is the answer, if no two training rows are equally far
    where the neighbours end. If some are, scikit-learn decides which of them count.
    """

    def __init__(self, fitted: KNeighborsClassifier):
        self.whole = _Blocks(fitted)
        self.rows = np.ascontiguousarray(fitted._fit_X.T, dtype=np.float64)
        self.bad, self.count = np.asarray(fitted._y) == 1, fitted.n_neighbors
        usable = fitted.weights == "distance" and fitted.effective_metric_ == "manhattan"
        self.few = usable and self.count < len(self.bad) and self.rows.size <= FEW_CELLS

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        if not self.few or encoded.shape[1] > FEW_ROWS:
            return self.whole.probability(encoded)
        found = [self._one(row) for row in encoded.T]
        unclear = [place for place, pd_ in enumerate(found) if pd_ is None]
        if unclear:
            for place, pd_ in zip(
                unclear, self.whole.probability(encoded[:, unclear]), strict=True
            ):
                found[place] = pd_
        return np.array(found, dtype=np.float64)

    def _one(self, row: np.ndarray) -> float | None:
        far = np.abs(row[:, None] - self.rows).cumsum(axis=0)[-1]
        near = np.argpartition(far, self.count)[: self.count + 1]
        near = near[np.argsort(far[near], kind="stable")]
        distances = far[near]
        if distances[0] == 0 or distances[-2] == distances[-1]:
            return None
        weights = 1 / distances[:-1]
        shares = [
            weights[self.bad[near[:-1]] == kind].cumsum()[-1:].sum() for kind in (False, True)
        ]
        return float(shares[1] / (shares[0] + shares[1]))


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


def _calibrated(model: CalibratedClassifierCV) -> Head:
    parts = model.calibrated_classifiers_
    if len(parts) == 1 and parts[0].method in ("sigmoid", "isotonic"):
        return _Calibrated(head_of(parts[0].estimator), parts[0].calibrators[0])
    return _Blocks(model)


class _Calibrated(_Probability):
    def __init__(self, head: Head, calibrator: Any):
        self.head, self.calibrator = head, calibrator

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        scores = self.head.score(encoded)
        if hasattr(self.calibrator, "a_"):
            return expit(-(self.calibrator.a_ * scores + self.calibrator.b_))
        # Isotonic regression, as its own `predict` does it: without its checks of the input.
        kept = np.clip(scores, self.calibrator.X_min_, self.calibrator.X_max_)
        found = np.interp(kept, self.calibrator.X_thresholds_, self.calibrator.y_thresholds_)
        return np.minimum(found, 1.0)


def combine(pds: list[np.ndarray], weights: np.ndarray | None) -> np.ndarray:
    """Average PDs, one member after the other, as VotingClassifier does."""
    shares = np.ones(len(pds)) if weights is None else np.asarray(weights, dtype=np.float64)
    return weighted_sum(np.array(pds), shares) / shares.sum()


def stacked(last: BaseEstimator, pds: list[np.ndarray]) -> np.ndarray:
    """Apply the last estimator of a stack to the PDs of its members.

    Args:
        last: functions of single numbers, then a logistic regression; or any other estimator.
        pds: one array per member, each of shape (n,).
    """
    values: np.ndarray = np.array(pds)
    steps = [step for _, step in last.steps] if isinstance(last, Pipeline) else [last]
    if all(isinstance(step, FunctionTransformer) for step in steps[:-1]):
        for step in steps[:-1]:
            values = step.func(values, **(step.kw_args or {}))
        return head_of(steps[-1]).probability(values)
    return _Blocks(last).probability(values)

"""PDs from encoded numbers, in a fixed order of operations for each row.

Libraries of linear algebra use other code for other shapes, so with a model's own `predict_proba`
the last bits of a row's PD depend on the batch. Here each sum goes over the columns in their order,
for each row by itself. Trees look at one row at a time anyway, and each distance is computed by
itself. What can't be done like this gets blocks of one size, on one thread.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit
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

from creditrisk.champion.additive import Additive
from creditrisk.champion.boosters import Lightgbm, Xgboost
from creditrisk.champion.distances import Neighbours, SupportVectors
from creditrisk.champion.fixed_order import Blocks, Head, ProbabilityHead, weighted_sum
from creditrisk.champion.trees import Trees


def head_of(estimator: BaseEstimator) -> Head:
    """Return the head of a fitted estimator, or of one with its calibrator."""
    if isinstance(estimator, CalibratedClassifierCV):
        return _calibrated(estimator)
    # XGBoost and LightGBM are recognised by name: whoever has no such model need not load them.
    package = type(estimator).__module__.partition(".")[0]
    if isinstance(estimator, LogisticRegression) and estimator.coef_.shape[0] == 1:
        return _Linear(estimator.coef_[0], float(estimator.intercept_[0]))
    if isinstance(estimator, DecisionTreeClassifier):
        return Trees([estimator])
    if isinstance(estimator, RandomForestClassifier | ExtraTreesClassifier):
        return Trees(estimator.estimators_)
    if isinstance(estimator, MLPClassifier) and estimator.n_outputs_ == 1:
        return _Perceptron(estimator)
    if package == "xgboost":
        return Xgboost(estimator)
    if package == "lightgbm":
        return Lightgbm(estimator)
    if package == "interpret":
        return Additive(estimator)
    if isinstance(estimator, SVC) and estimator.dual_coef_.shape[0] == 1:
        return SupportVectors(estimator)
    if isinstance(estimator, KNeighborsClassifier):
        return Neighbours(estimator)
    return Blocks(estimator)


class _Linear:
    def __init__(self, weights: np.ndarray, intercept: float):
        self.weights, self.intercept = np.asarray(weights, dtype=np.float64), intercept

    def score(self, encoded: np.ndarray) -> np.ndarray:
        return weighted_sum(encoded, self.weights) + self.intercept

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        return expit(self.score(encoded))


class _Perceptron(ProbabilityHead):
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


def _calibrated(model: CalibratedClassifierCV) -> Head:
    parts = model.calibrated_classifiers_
    if len(parts) == 1 and parts[0].method in ("sigmoid", "isotonic"):
        return _Calibrated(head_of(parts[0].estimator), parts[0].calibrators[0])
    return Blocks(model)


class _Calibrated(ProbabilityHead):
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


class Stacked:
    """The last estimator of a stack, which takes the PDs of its members.

    Args:
        last: functions of single numbers, then a logistic regression; or any other estimator.
    """

    def __init__(self, last: BaseEstimator):
        steps = [step for _, step in last.steps] if isinstance(last, Pipeline) else [last]
        single = all(isinstance(step, FunctionTransformer) for step in steps[:-1])
        self._before = steps[:-1] if single else []
        self._head = head_of(steps[-1]) if single else Blocks(last)

    def probability(self, pds: list[np.ndarray]) -> np.ndarray:
        """Return PDs, shape (n,), from those of the members, each of shape (n,)."""
        values: np.ndarray = np.array(pds)
        for step in self._before:
            values = step.func(values, **(step.kw_args or {}))
        return self._head.probability(values)

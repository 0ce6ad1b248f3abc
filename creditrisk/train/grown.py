"""Models made of trees, one after the other: the first trees of a large one are the smaller one.

Tree k of a forest, or of a booster, does not depend on how many follow. So of candidates that
differ in the number of trees alone, only the largest is grown.
"""

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

TREES = "n_estimators"


class Output(NamedTuple):
    """What a model says of n rows.

    Attributes:
        decision: its decision function, shape (n,); None if it has none.
        probability: probabilities of good and bad, shape (n, 2); None if it gives none.
    """

    decision: np.ndarray | None
    probability: np.ndarray | None

    def scores(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the input of a calibrator and the PD; the PD for both, if it is all there is.

        Args:
            rows: number of rows.

        Returns:
            Two arrays of shape (n,); the second one is NaN if the model gives no probabilities.
        """
        pds = np.full(rows, np.nan) if self.probability is None else self.probability[:, 1].copy()
        return (pds if self.decision is None else self.decision), pds


def outputs(model: BaseEstimator, rows: Any, trees: int | None = None) -> Output:
    """Let a fitted model say what it can.

    Args:
        model: a fitted classifier.
        rows: n rows.
        trees: use the first trees only, so many; None for all.
    """
    if trees is not None:
        return Output(None, _FIRST[_kind(model)](model, rows, trees))
    decision = model.decision_function(rows) if hasattr(model, "decision_function") else None
    probability = model.predict_proba(rows) if hasattr(model, "predict_proba") else None
    return Output(decision, probability)


def grow_key(model: BaseEstimator) -> Any:
    """Return a key that unfitted models share if one of them can be grown for all.

    Args:
        model: unfitted.
    """
    params: dict[str, Any] = model.get_params(deep=False)
    if _kind(model) not in _FIRST or any(params.get(k) not in v for k, v in _PLAIN.items()):
        return id(model)
    rest = {name: value for name, value in params.items() if name != TREES}
    return _kind(model), pickle.dumps(sorted(rest.items()))


def trees(model: BaseEstimator) -> int:
    """Return the number of trees of an unfitted model; 0 if it has no such parameter."""
    return model.get_params(deep=False).get(TREES) or 0


def _kind(model: BaseEstimator) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _of_forest(model: Any, rows: Any, count: int) -> np.ndarray:
    first = copy.copy(model)
    first.estimators_ = model.estimators_[:count]
    first.n_estimators = count
    return first.predict_proba(rows)


def _of_xgboost(model: Any, rows: Any, count: int) -> np.ndarray:
    return model.predict_proba(rows, iteration_range=(0, count))


def _of_lightgbm(model: Any, rows: Any, count: int) -> np.ndarray:
    return model.predict_proba(rows, num_iteration=count)


# How the first trees of a model predict.
_FIRST: dict[str, Callable[[Any, Any, int], np.ndarray]] = {
    "sklearn.ensemble._forest.RandomForestClassifier": _of_forest,
    "sklearn.ensemble._forest.ExtraTreesClassifier": _of_forest,
    "xgboost.sklearn.XGBClassifier": _of_xgboost,
    "lightgbm.sklearn.LGBMClassifier": _of_lightgbm,
}
# With other values than these, later trees change earlier ones (dropout), or end the growth.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "booster": (None, "gbtree"),
    "boosting_type": (None, "gbdt"),
    "early_stopping_rounds": (None,),
    "early_stopping_round": (None,),
    "warm_start": (None, False),
    "callbacks": (None,),
    "num_parallel_tree": (None, 1),
}

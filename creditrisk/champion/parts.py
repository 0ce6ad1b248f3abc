"""A fitted model taken apart: the members of an ensemble, the preprocessing and what follows it."""

import copy

from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline


def ensemble_members(model: BaseEstimator) -> list[BaseEstimator]:
    """Return the members of an ensemble, or the model itself if it is none."""
    if isinstance(model, VotingClassifier | StackingClassifier):
        return [m.estimator if isinstance(m, FrozenEstimator) else m for m in model.estimators_]
    return [model]


def split_pipeline(model: BaseEstimator) -> tuple[Pipeline | None, BaseEstimator]:
    """Split a model into its preprocessing and the part that takes encoded numbers.

    Returns:
        The pipeline, or None if there is none; and the final estimator, with its calibrator if it
        has one.
    """
    if isinstance(model, Pipeline):
        return model, model[-1]
    if isinstance(model, CalibratedClassifierCV) and len(model.calibrated_classifiers_) == 1:
        inner = model.calibrated_classifiers_[0]
        if isinstance(inner.estimator, Pipeline):
            bare, part = copy.copy(model), copy.copy(inner)
            part.estimator = inner.estimator[-1]
            bare.calibrated_classifiers_ = [part]
            return inner.estimator, bare
    return None, model

"""Turn scores into PDs: unchanged, by Platt's sigmoid, or by isotonic regression.

The calibrator learns from out-of-fold scores only. The final model is scikit-learn's own
CalibratedClassifierCV with `ensemble=False`, which does the same in one step.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline

from creditrisk.train.grown import outputs

METHODS = {"platt": "sigmoid", "isotonic": "isotonic"}


class _Score(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its only column.

    It passes scores that are already computed to scikit-learn's calibrator.
    """

    classes_ = np.array([0, 1])

    def fit(self, X: np.ndarray, y: np.ndarray) -> "_Score":
        """Learn nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return the only column."""
        return X[:, 0]

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return 1 where the only column is positive, else 0."""
        return (X[:, 0] > 0).astype(int)


def raw_scores(model: BaseEstimator, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Score rows with an uncalibrated model.

    Returns:
        score: the input of a calibrator, shape (n,): the decision function, or the probability if
            the model has no decision function.
        probability: probability of default, shape (n,); NaN if the model gives none.
    """
    return outputs(model, rows).scores(len(rows))


def calibrated(
    method: str, scores: np.ndarray, bad: np.ndarray, new_scores: np.ndarray
) -> np.ndarray:
    """Learn the map from scores to PDs and apply it.

    Args:
        method: `platt` (Platt 1999) or `isotonic` (Zadrozny and Elkan 2002).
        scores: out-of-fold scores, shape (n,).
        bad: their outcomes, shape (n,).
        new_scores: the scores to turn into PDs, shape (m,).

    Returns:
        PDs, shape (m,).
    """
    return _calibrator(method, scores, bad).predict_proba(new_scores[:, None])[:, 1]


def _calibrator(method: str, scores: np.ndarray, bad: np.ndarray) -> CalibratedClassifierCV:
    # `_Score` is not fitted, so it needs no folds: the default of five would ask for five rows a
    # class and change nothing.
    every = np.arange(len(bad))
    fitted = CalibratedClassifierCV(
        FrozenEstimator(_Score()), method=METHODS[method], cv=[(every, every)]
    )
    return fitted.fit(scores[:, None], bad)


def cross_calibrate(method: str, oof: pd.DataFrame) -> np.ndarray:
    """Turn out-of-fold scores into PDs, each by a calibrator fitted on the other folds.

    Args:
        method: `none`, `platt` or `isotonic`.
        oof: columns `repeat`, `fold`, `bad`, `score`, `probability`; n rows.

    Returns:
        PDs, shape (n,).
    """
    if method == "none":
        return oof["probability"].to_numpy()
    pds = np.empty(len(oof))
    scores, bad = oof["score"].to_numpy(), oof["bad"].to_numpy()
    repeat, fold = oof["repeat"].to_numpy(), oof["fold"].to_numpy()
    for r, f in sorted(set(zip(repeat, fold, strict=True))):
        others, here = (repeat == r) & (fold != f), (repeat == r) & (fold == f)
        pds[here] = calibrated(method, scores[others], bad[others], scores[here])
    return pds


def choose_calibration(
    rule: str, oof: pd.DataFrame, allowed: Collection[str] = ("none", *METHODS)
) -> str:
    """Choose the calibration method.

    It is the one that `rule` names. If that one can't be used, it is `platt`. If that can't be used
    either, or `rule` is `auto`, it is the usable method with the least log loss.

    `none` can be used only if the model gives probabilities. `platt` can't be used if its sigmoid
    decreases: it would then call applicants safe whom the model calls risky. That happens with a
    model that has learned nothing. Isotonic regression never decreases.

    Args:
        rule: `auto`, `none`, `platt` or `isotonic`.
        oof: columns `repeat`, `fold`, `bad`, `score`, `probability`.
        allowed: the methods that the registry allows for the algorithm.
    """
    methods = ["none"] * bool(oof["probability"].notna().all()) + list(METHODS)
    usable = [m for m in methods if m in allowed and not (m == "platt" and _platt_decreases(oof))]
    if rule != "auto":
        for method in (rule, "platt"):
            if method in usable:
                return method
    losses = {m: log_loss(oof["bad"], cross_calibrate(m, oof)) for m in usable or ["isotonic"]}
    return min(losses, key=losses.__getitem__)


def _platt_decreases(oof: pd.DataFrame) -> bool:
    """Check whether Platt's sigmoid decreases with the score in any of the calibrations.

    There is one per fold, fitted on the other folds of its repeat, and that of the final model,
    fitted on a whole repeat.
    """
    scores, bad = oof["score"].to_numpy(), oof["bad"].to_numpy()
    repeat, fold = oof["repeat"].to_numpy(), oof["fold"].to_numpy()
    extremes = np.array([scores.min(), scores.max()])
    whole = [repeat == r for r in np.unique(repeat)]
    parts = [here & (fold != f) for here in whole for f in np.unique(fold[here])]
    for rows in whole + parts:
        low, high = calibrated("platt", scores[rows], bad[rows], extremes)
        if high < low:
            return True
    return False


def fit_for_use(model: BaseEstimator, rows: pd.DataFrame, bad: np.ndarray) -> BaseEstimator:
    """Fit a model on all rows; without what only fitting needs.

    Args:
        model: an unfitted pipeline.
        rows: features, shape (n, d).
        bad: outcomes, shape (n,).
    """
    return for_use(clone(model).fit(rows, bad))


def calibrated_model(
    model: BaseEstimator, whole: BaseEstimator, method: str, rows: pd.DataFrame, oof: pd.DataFrame
) -> BaseEstimator:
    """Put the calibrator that the out-of-fold scores of one repeat teach on a fitted model.

    The result is what CalibratedClassifierCV makes with `ensemble=False`. That class would fit the
    model in each fold once more, to get the scores that are known, and takes only folds that test
    each row once.

    Args:
        model: an unfitted pipeline.
        whole: the same, from `fit_for_use`.
        method: `none`, `platt` or `isotonic`.
        rows: features, shape (n, d).
        oof: out-of-fold scores: `repeat`, `bad`, `score`; those of the first repeat are used.
    """
    if method == "none":
        return whole
    first = oof[oof["repeat"] == 0].sort_values("position")
    fitted = _calibrator(method, first["score"].to_numpy(), first["bad"].to_numpy())
    fitted.calibrated_classifiers_[0].estimator = whole
    fitted.n_features_in_ = rows.shape[1]
    fitted.feature_names_in_ = np.asarray(list(rows), dtype=object)
    unfitted = for_use(clone(model))
    return fitted.set_params(estimator=unfitted, ensemble=False, cv=None)


def for_use(model: BaseEstimator) -> BaseEstimator:
    """Drop what only fitting needs, so that a model file needs less to be loaded.

    The step that takes a sample of the rows is a function of this package; and whoever fits a copy
    of the model on a part of the rows wants all of them. A pipeline without a resampler becomes one
    of scikit-learn: imbalanced-learn takes long to import.
    """
    if "sample" not in model.get_params():
        return model
    model.set_params(sample="passthrough")
    resamples = any(hasattr(step, "fit_resample") for _, step in model.steps)
    return model if resamples else Pipeline(model.steps)

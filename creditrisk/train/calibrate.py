"""Scores become probabilities of default: as they are, by Platt's sigmoid, or by isotonic steps.

The calibrator learns from out-of-fold scores only. The final model is scikit-learn's own
CalibratedClassifierCV with `ensemble=False`, which does the same in one piece.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from creditrisk.modeling.folds import Fold

METHODS = {"platt": "sigmoid", "isotonic": "isotonic"}


class _Score(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its only column: feeds scores to scikit-learn."""

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
        """Tell the sign of the only column."""
        return (X[:, 0] > 0).astype(int)


def raw_scores(model: BaseEstimator, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Score rows with an uncalibrated model.

    Returns:
        score: what a calibrator takes (the decision function, or the probability), shape (n,).
        probability: of default, shape (n,); NaN where the model gives none.
    """
    probability = np.full(len(rows), np.nan)
    if hasattr(model, "predict_proba"):
        probability = model.predict_proba(rows)[:, 1]
    if hasattr(model, "decision_function"):
        return model.decision_function(rows), probability
    return probability, probability


def calibrated(
    method: str, scores: np.ndarray, bad: np.ndarray, new_scores: np.ndarray
) -> np.ndarray:
    """Learn the map from scores to PDs and apply it.

    Args:
        method: `platt` (Platt 1999) or `isotonic` (Zadrozny and Elkan 2002).
        scores, bad: out-of-fold scores and outcomes, shape (n,).
        new_scores: shape (m,).

    Returns:
        PDs, shape (m,).
    """
    fitted = CalibratedClassifierCV(FrozenEstimator(_Score()), method=METHODS[method])
    fitted.fit(scores[:, None], bad)
    return fitted.predict_proba(new_scores[:, None])[:, 1]


def cross_calibrate(method: str, oof: pd.DataFrame) -> np.ndarray:
    """Give each out-of-fold score a PD by a calibrator that has not seen its fold.

    Args:
        method: `none`, `platt` or `isotonic`.
        oof: `repeat`, `fold`, `bad`, `score`, `probability`.

    Returns:
        PDs, shape (n,).
    """
    if method == "none":
        return oof["probability"].to_numpy()
    pds = np.empty(len(oof))
    scores, bad = oof["score"].to_numpy(), oof["bad"].to_numpy()
    repeat, fold = oof["repeat"].to_numpy(), oof["fold"].to_numpy()
    for r, f in sorted(set(zip(repeat, fold, strict=True))):
        rest, here = (repeat == r) & (fold != f), (repeat == r) & (fold == f)
        pds[here] = calibrated(method, scores[rest], bad[rest], scores[here])
    return pds


def choose_calibration(
    rule: str, oof: pd.DataFrame, allowed: Collection[str] = ("none", *METHODS)
) -> str:
    """Choose the method: the rule's own, or with `auto` the one of the least log loss.

    A model that gives no probabilities needs one, so `none` is then Platt's; so is a rule that the
    algorithm doesn't allow. A sigmoid that falls is no candidate: it would call those safe whom the
    model calls risky, on the word of a model that has learned nothing. Isotonic steps never fall.
    """
    methods = ["none"] * bool(oof["probability"].notna().all()) + list(METHODS)
    usable = [m for m in methods if m in allowed and not (m == "platt" and _falls(oof))]
    if rule != "auto":
        for method in (rule, "platt"):
            if method in usable:
                return method
    losses = {m: log_loss(oof["bad"], cross_calibrate(m, oof)) for m in usable or ["isotonic"]}
    return min(losses, key=losses.__getitem__)


def _falls(oof: pd.DataFrame) -> bool:
    """Tell whether Platt's sigmoid falls with the score, in one of the calibrations that are made:
    of each fold from the rest of its repeat, and of the final model from a whole repeat."""
    scores, bad = oof["score"].to_numpy(), oof["bad"].to_numpy()
    repeat, fold = oof["repeat"].to_numpy(), oof["fold"].to_numpy()
    ends = np.array([scores.min(), scores.max()])
    whole = [repeat == r for r in np.unique(repeat)]
    parts = [here & (fold != f) for here in whole for f in np.unique(fold[here])]
    for rows in whole + parts:
        low, high = calibrated("platt", scores[rows], bad[rows], ends)
        if high < low:
            return True
    return False


def fit_calibrated(
    model: BaseEstimator, method: str, rows: pd.DataFrame, bad: np.ndarray, folds: list[Fold]
) -> BaseEstimator:
    """Fit the model on all rows, and its calibrator on the out-of-fold scores of one repeat.

    Args:
        model: an unfitted pipeline.
        method: `none`, `platt` or `isotonic`.
        rows, bad: features, shape (n, d), and outcome, shape (n,).
        folds: the first repeat's are used.
    """
    if method == "none":
        return clone(model).fit(rows, bad)
    cut = [(fold.train, fold.test) for fold in folds if fold.repeat == 0]
    fitted = CalibratedClassifierCV(model, method=METHODS[method], cv=cut, ensemble=False)
    fitted.fit(rows, bad)
    # The folds are the training rows' positions: of no use in a model file.
    return fitted.set_params(cv=None)

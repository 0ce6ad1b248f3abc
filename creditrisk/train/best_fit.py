"""The best candidate of a search: calibrated on its out-of-fold scores, and fitted on all rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator

from creditrisk.modeling.fits import one_candidate, quiet_fits
from creditrisk.modeling.folds import Fold
from creditrisk.modeling.registry import algorithm
from creditrisk.train.calibrate import (
    calibrated_model,
    choose_calibration,
    cross_calibrate,
    fit_for_use,
)
from creditrisk.train.fold_fits import Rows
from creditrisk.train.spec import SearchSpec


@dataclass(frozen=True)
class Fitted:
    """A candidate, calibrated and fitted.

    Attributes:
        calibration: `none`, `platt` or `isotonic`.
        oof: `position` (of the row), `repeat`, `fold`, `bad`, `pd`.
        model: gives PDs; fitted on all rows.
        unconverged: number of fits that stopped before they converged.
    """

    calibration: str
    oof: pd.DataFrame
    model: BaseEstimator
    unconverged: int


def fit_whole(pipeline: Pipeline, rows: pd.DataFrame, bad: np.ndarray) -> BaseEstimator:
    """Fit a candidate on all rows.

    Args:
        pipeline: unfitted.
        rows: features, shape (n, d).
        bad: outcomes, shape (n,).

    Raises:
        FitFailed: the fit failed.
    """
    with quiet_fits(), one_candidate():
        return fit_for_use(pipeline, rows, bad)


def calibrate_fit(
    spec: SearchSpec,
    pipeline: Pipeline,
    whole: BaseEstimator,
    rows: Rows,
    scored: tuple[pd.DataFrame, int],
) -> Fitted:
    """Calibrate a candidate that is fitted on all rows.

    Args:
        spec: what was searched.
        pipeline: the candidate's, unfitted.
        whole: the same, from `fit_whole`.
        rows: features and outcomes.
        scored: what the candidate says of them out of fold, from `out_of_fold`.

    Raises:
        FitFailed: the calibration failed.
    """
    oof, unconverged = scored
    with quiet_fits(), one_candidate():
        method = choose_calibration(spec.train.calibration, oof, algorithm(spec.name).calibration)
        oof = oof.assign(pd=cross_calibrate(method, oof))
        model = calibrated_model(pipeline, whole, method, rows[0], oof)
    return Fitted(method, oof[["position", "repeat", "fold", "bad", "pd"]], model, unconverged)


def fit_best(
    spec: SearchSpec, pipeline: Pipeline, rows: Rows, scored: tuple[pd.DataFrame, int]
) -> Fitted:
    """Fit a candidate on all rows, and calibrate it; see `fit_whole` and `calibrate_fit`."""
    return calibrate_fit(spec, pipeline, fit_whole(pipeline, *rows), rows, scored)


def fit_nested(
    shared: Rows,
    spec: SearchSpec,
    pipeline: Pipeline,
    outer: Fold,
    scored: tuple[pd.DataFrame, int],
) -> tuple[pd.DataFrame, np.ndarray]:
    """Do the same on an outer fold's training rows, and predict its test rows; a worker's job.

    Args:
        shared: features and outcomes, of which the fold's rows are a part.
        spec: what was searched.
        pipeline: the best candidate of the inner search, unfitted.
        outer: positions in `shared`.
        scored: what the candidate says of the training rows out of the inner folds.

    Returns:
        The out-of-fold PDs of the training rows, as in `Fitted`; and the PDs of the test rows.

    Raises:
        FitFailed: the fit failed.
    """
    rows, bad = shared
    found = fit_best(spec, pipeline, (rows.iloc[outer.train], bad[outer.train]), scored)
    with quiet_fits(), one_candidate():
        return found.oof, found.model.predict_proba(rows.iloc[outer.test])[:, 1]

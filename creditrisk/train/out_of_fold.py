"""What a model says of rows that it has not seen: fitted in each fold, on the other rows."""

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator

from creditrisk.core.workers import Pending, Workers, workers
from creditrisk.modeling.folds import Fold
from creditrisk.train.fold_fits import FoldScore, fit_fold


def out_of_fold(
    model: BaseEstimator, rows: pd.DataFrame, bad: np.ndarray, folds: list[Fold]
) -> tuple[pd.DataFrame, int]:
    """Fit a model in each fold and score the rows that it has not seen.

    Args:
        model: unfitted, with the parameters of a candidate.
        rows: features, shape (n, d).
        bad: outcomes, shape (n,).
        folds: positions in `rows`.

    Returns:
        One line per row and repeat: `position`, `repeat`, `fold`, `bad`, `score`, `probability`;
        and the number of fits that did not converge.

    Raises:
        FitFailed: a fit failed.
    """
    with workers((rows, bad)) as pool:
        return join_folds(submit_folds(pool, model, folds), folds, bad)


def submit_folds(pool: Workers, model: BaseEstimator, folds: list[Fold]) -> list[Pending]:
    """Hand over the fits of one model in all folds.

    Args:
        pool: runs the jobs.
        model: unfitted.
        folds: positions in the pool's rows.
    """
    whole = model if isinstance(model, Pipeline) else Pipeline([("model", model)])
    return [pool.submit(fit_fold, [(0, whole)], fold, None, True) for fold in folds]


def join_folds(jobs: list[Pending], folds: list[Fold], bad: np.ndarray) -> tuple[pd.DataFrame, int]:
    """Wait for the fits of `submit_folds`, and put the lines of all folds together.

    Args:
        jobs: from `submit_folds`.
        folds: the same.
        bad: outcomes of the pool's rows, shape (n,).

    Returns:
        As `out_of_fold`.

    Raises:
        FitFailed: a fit failed.
    """
    return lines([job.result()[0] for job in jobs], folds, bad)


def lines(fits: list[FoldScore], folds: list[Fold], bad: np.ndarray) -> tuple[pd.DataFrame, int]:
    """Put what a model says in all folds together.

    Args:
        fits: one per fold, with outputs.
        folds: positions in `bad`.
        bad: outcomes, shape (n,).

    Returns:
        As `out_of_fold`.
    """
    parts = [
        pd.DataFrame(
            {
                "position": fold.test,
                "repeat": fold.repeat,
                "fold": fold.fold,
                "bad": bad[fold.test],
                "score": fit.score,
                "probability": fit.probability,
            }
        )
        for fold, fit in zip(folds, fits, strict=True)
    ]
    return pd.concat(parts, ignore_index=True), sum(fit.stopped for fit in fits)

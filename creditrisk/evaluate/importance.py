"""Which variables the champion uses most: permutation importance, out of fold."""

import copy
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score

from creditrisk.champion.parts import ensemble_members, split_pipeline
from creditrisk.champion.predict import Predictor
from creditrisk.core.columns import SPECIAL
from creditrisk.core.parallel import Work
from creditrisk.metrics.intervals import fold_error
from creditrisk.modeling.fits import quiet_fits
from creditrisk.modeling.folds import Fold

SHUFFLES = 5
# What the measurement may cost: PDs of shuffled rows. More rows, or more shuffles, would make the
# standard errors smaller than anybody needs, and take an ensemble of slow members an hour.
PDS, LEAST_ROWS = 200_000, 600
# Shuffled copies are scored together up to so many rows, and rows times variables: each call of a
# model takes some time, and the encoded rows of all copies would take memory without a bound.
ROWS_AT_ONCE, CELLS_AT_ONCE = 20_000, 500_000


def unfitted(model: BaseEstimator) -> BaseEstimator:
    """Return what is fitted again of the champion; it takes little memory.

    A calibrator does not change the ranking, so it is left out if the model gives probabilities
    itself. The members of an ensemble are combined as they were.
    """
    if isinstance(model, FrozenEstimator):
        return unfitted(model.estimator)
    if isinstance(model, VotingClassifier | StackingClassifier):
        bare = copy.copy(model)
        bare.estimators = [(name, unfitted(member)) for name, member in model.estimators]
        bare.estimators_, bare.named_estimators_ = [], {}
        return bare
    if isinstance(model, CalibratedClassifierCV) and hasattr(model.estimator, "predict_proba"):
        return unfitted(model.estimator)
    return clone(model)


def fit_again(model: BaseEstimator, rows: pd.DataFrame, bad: np.ndarray) -> BaseEstimator:
    """Fit the champion on other rows; the result ranks rows by risk.

    Args:
        model: from `unfitted`.
        rows: the features, shape (n, d).
        bad: outcomes, shape (n,).
    """
    if isinstance(model, VotingClassifier | StackingClassifier):
        again = copy.copy(model)
        again.estimators_ = [fit_again(member, rows, bad) for _, member in model.estimators]
        return again
    return clone(model).fit(rows, bad)


def _scores(model: BaseEstimator) -> Callable[[pd.DataFrame], np.ndarray]:
    if all(split_pipeline(member)[0] is not None for member in ensemble_members(model)):
        return Predictor(model).pd
    return lambda rows: model.predict_proba(rows)[:, 1]


def _losses(
    model: BaseEstimator, rows: pd.DataFrame, bad: np.ndarray, fold: Fold, orders: dict[str, Any]
) -> dict[str, float]:
    """Fit the model on the fold's training rows; return the loss of AUC by each variable."""
    with quiet_fits():  # each process has its own filters
        score = _scores(fit_again(model, rows.iloc[fold.train], bad[fold.train]))
    unseen, outcomes = rows.iloc[fold.test], bad[fold.test]
    whole = roc_auc_score(outcomes, score(unseen))
    tasks = [(name, order) for name, shuffles in orders.items() for order in shuffles]
    aucs: dict[str, list[float]] = {name: [] for name in orders}
    rows_at_once = min(ROWS_AT_ONCE, CELLS_AT_ONCE // rows.shape[1])
    step = max(1, rows_at_once // len(unseen))
    for some in (tasks[start : start + step] for start in range(0, len(tasks), step)):
        copies = [_shuffled(unseen, name, order) for name, order in some]
        pds = np.split(score(pd.concat(copies, ignore_index=True)), len(copies))
        for (name, _), of_copy in zip(some, pds, strict=True):
            aucs[name].append(roc_auc_score(outcomes, of_copy))
    return {name: float(whole - np.mean(found)) for name, found in aucs.items()}


def _shuffled(rows: pd.DataFrame, name: str, order: np.ndarray) -> pd.DataFrame:
    """Copy the rows with one variable, and its special codes, in another order."""
    copy = rows.copy(deep=False)
    for column in (name, SPECIAL + name):
        if column in rows:
            copy[column] = rows[column].array[order]
    return copy


def shuffled_variables(features: list[str]) -> list[str]:
    """Return the variables that are shuffled: special codes go with theirs."""
    return [name for name in features if not name.startswith(SPECIAL)]


def affordable(variables: int, rows: int) -> tuple[int, int]:
    """Return the number of rows, and of shuffles of each variable, that the measurement takes.

    Args:
        variables: number of variables.
        rows: number of rows that there are.
    """
    rows = min(rows, max(LEAST_ROWS, PDS // (SHUFFLES * variables)))
    return rows, min(SHUFFLES, max(1, PDS // (rows * variables)))


def permutation_importance(
    model: BaseEstimator,
    frame: pd.DataFrame,
    features: list[str],
    folds: list[Fold],
    seed: int,
    repeats: int = SHUFFLES,
) -> Work[pd.DataFrame]:
    """Measure how much AUC is lost when one variable is shuffled (Breiman 2001).

    The model is fitted again in each fold, and the variable is shuffled among rows that the model
    has not seen. Few shuffled copies are scored at a time, so little memory is needed.

    Args:
        model: the champion.
        frame: the training rows: `bad` and the features.
        features: the columns to shuffle, one at a time; special codes with their variable.
        folds: positions in `frame`.
        seed: random seed of the shuffles.
        repeats: how many times each variable is shuffled.

    Returns:
        Work for `together`, whose result has `feature`, `importance` (mean loss of AUC over the
        folds), `se` (Nadeau and Bengio), `low` and `high` (two standard errors to each side), the
        most important first.
    """
    rng = np.random.default_rng(seed)
    bad = frame["bad"].to_numpy()
    variables = shuffled_variables(features)
    # Drawn here, so that the numbers do not depend on the number of processes.
    orders = [
        {n: [rng.permutation(len(fold.test)) for _ in range(repeats)] for n in variables}
        for fold in folds
    ]
    rows, bare = frame[features], unfitted(model)
    tasks = (
        joblib.delayed(_losses)(bare, rows, bad, fold, order)
        for fold, order in zip(folds, orders, strict=True)
    )

    def table(losses: list[dict[str, float]]) -> pd.DataFrame:
        by_fold = pd.DataFrame(losses)
        count = len({fold.fold for fold in folds})
        error = [fold_error(by_fold[name].to_numpy(), count) for name in variables]
        out = pd.DataFrame(
            {"feature": variables, "importance": by_fold.mean().to_numpy(), "se": error}
        )
        low, high = (out["importance"] + sign * 2 * out["se"] for sign in (-1, 1))
        out = out.assign(low=low, high=high)
        return out.sort_values("importance", ascending=False, ignore_index=True)

    return Work(tasks, table)

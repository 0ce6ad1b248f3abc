"""Which variables the champion uses most: permutation importance, out of fold."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator

from creditrisk.champion.parts import ensemble_members, split_pipeline
from creditrisk.champion.predict import Predictor
from creditrisk.core.columns import SPECIAL
from creditrisk.core.workers import workers
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import area_under_roc
from creditrisk.modeling.fits import one_candidate, quiet_fits
from creditrisk.modeling.folds import Fold

SHUFFLES = 5
# What the measurement may cost: PDs of shuffled rows. More rows, or more shuffles, would make the
# standard errors smaller than anybody needs, and take an ensemble of slow members an hour.
PDS, LEAST_ROWS = 200_000, 600
# Rows are scored together up to so many, and so many cells: encoded, they take memory.
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
    shared: tuple[BaseEstimator, pd.DataFrame, np.ndarray], fold: Fold, orders: dict[str, Any]
) -> dict[str, float]:
    """Fit the model on the fold's training rows; return the loss of AUC by each variable."""
    model, rows, bad = shared
    with quiet_fits(), one_candidate():  # each process has its own filters
        score = _scores(fit_again(model, rows.iloc[fold.train], bad[fold.train]))
        unseen, outcomes = rows.iloc[fold.test].reset_index(drop=True), bad[fold.test]
        own = score(unseen)
        whole = area_under_roc(outcomes, own)
        losses = {}
        for name, shuffles in orders.items():
            found = shuffled_pds(score, unseen, own, name, np.array(shuffles))
            losses[name] = float(whole - np.mean([area_under_roc(outcomes, pds) for pds in found]))
    return losses


def shuffled_pds(
    score: Callable[[pd.DataFrame], np.ndarray],
    rows: pd.DataFrame,
    own: np.ndarray,
    name: str,
    orders: np.ndarray,
) -> np.ndarray:
    """Compute the PDs of rows with one variable, and its special codes, in other orders.

    Each row is scored once with each value that it gets; not with its own, whose PD is known. Most
    variables have few levels, so that is less than half of the work.

    Args:
        score: gives the PDs of rows, each by itself.
        rows: n rows with the numbers 0 to n - 1.
        own: their PDs, shape (n,).
        name: of the variable.
        orders: shape (k, n): from which rows the values come, in each order.

    Returns:
        PDs, shape (k, n).
    """
    columns = [column for column in (name, SPECIAL + name) if column in rows]
    kinds = rows.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()
    first = np.unique(kinds, return_index=True)[1]
    got = kinds[orders]
    change = got != kinds
    # A row and a value as one number.
    pairs = (np.arange(len(rows)) * len(first) + got)[change]
    needed, place = np.unique(pairs, return_inverse=True)
    at_once = max(1, min(ROWS_AT_ONCE, CELLS_AT_ONCE // rows.shape[1]))
    parts = []
    for start in range(0, len(needed), at_once):
        row, kind = np.divmod(needed[start : start + at_once], len(first))
        changed = rows.take(row)
        for column in columns:
            changed[column] = rows[column].array[first[kind]]
        parts.append(score(changed))
    pds = np.tile(own, (len(orders), 1))
    if parts:
        pds[change] = np.concatenate(parts)[place]
    return pds


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


@contextlib.contextmanager
def started_importance(
    model: BaseEstimator,
    frame: pd.DataFrame,
    features: list[str],
    folds: list[Fold],
    seed: int,
    repeats: int = SHUFFLES,
) -> Iterator[Callable[[], pd.DataFrame]]:
    """Start to measure how much AUC is lost when one variable is shuffled (Breiman 2001).

    The model is fitted again in each fold, and the variable is shuffled among rows that the model
    has not seen. Other processes do so, while the caller does something else.

    Args:
        model: the champion.
        frame: the training rows: `bad` and the features.
        features: the columns to shuffle, one at a time; special codes with their variable.
        folds: positions in `frame`.
        seed: random seed of the shuffles.
        repeats: how many times each variable is shuffled.

    Yields:
        What waits for the result: `feature`, `importance` (mean loss of AUC over the folds), `se`
        (Nadeau and Bengio), `low` and `high` (two standard errors to each side), the most important
        first. It raises FitFailed.
    """
    rng = np.random.default_rng(seed)
    bad = frame["bad"].to_numpy()
    variables = shuffled_variables(features)
    # Drawn here, so that the numbers do not depend on the number of processes.
    orders = [
        {n: [rng.permutation(len(fold.test)) for _ in range(repeats)] for n in variables}
        for fold in folds
    ]
    with workers((unfitted(model), frame[features], bad)) as pool:
        jobs = [pool.submit(_losses, *drawn) for drawn in zip(folds, orders, strict=True)]
        yield lambda: _summarised(pd.DataFrame([job.result() for job in jobs]), folds)


def _summarised(by_fold: pd.DataFrame, folds: list[Fold]) -> pd.DataFrame:
    variables, count = list(by_fold), len({fold.fold for fold in folds})
    error = [fold_error(by_fold[name].to_numpy(), count) for name in variables]
    out = pd.DataFrame({"feature": variables, "importance": by_fold.mean().to_numpy(), "se": error})
    low, high = (out["importance"] + sign * 2 * out["se"] for sign in (-1, 1))
    out = out.assign(low=low, high=high)
    return out.sort_values("importance", ascending=False, ignore_index=True)

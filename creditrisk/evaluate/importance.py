"""Which variables the champion uses most: permutation importance, out of fold."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score

from creditrisk.core.columns import SPECIAL
from creditrisk.metrics.intervals import fold_error
from creditrisk.modeling.fits import checked_fits
from creditrisk.modeling.folds import Fold

SHUFFLES = 5


def unfitted_copy(model: BaseEstimator) -> BaseEstimator:
    """Return an unfitted copy of the champion, which can be fitted on fewer rows.

    A calibrator does not change the ranking, so it is left out if the model gives probabilities
    itself. The members of a vote are no longer frozen.
    """
    if isinstance(model, VotingClassifier):
        members = [(name, unfitted_copy(member)) for name, member in model.estimators]
        return VotingClassifier(members, voting=model.voting)
    if isinstance(model, FrozenEstimator):
        return unfitted_copy(model.estimator)
    if isinstance(model, CalibratedClassifierCV) and hasattr(model.estimator, "predict_proba"):
        return unfitted_copy(model.estimator)
    return clone(model)


def _shuffled_auc(
    model: BaseEstimator,
    rows: pd.DataFrame,
    bad: np.ndarray,
    name: str,
    rng: np.random.Generator,
) -> float:
    """Return the mean AUC with one variable shuffled; one call scores all shuffles."""
    copies = []
    for _ in range(SHUFFLES):
        order = rng.permutation(len(rows))
        copy = rows.copy(deep=False)
        for column in (name, SPECIAL + name):
            if column in rows:
                copy[column] = rows[column].to_numpy()[order]
        copies.append(copy)
    scores = model.predict_proba(pd.concat(copies, ignore_index=True))[:, 1]
    return float(np.mean([roc_auc_score(bad, part) for part in np.split(scores, SHUFFLES)]))


def permutation_importance(
    model: BaseEstimator, frame: pd.DataFrame, features: list[str], folds: list[Fold], seed: int
) -> pd.DataFrame:
    """Measure how much AUC is lost when one variable is shuffled (Breiman 2001).

    The model is fitted again in each fold, and the variable is shuffled among rows that the model
    has not seen. All shuffled copies of a fold are scored in one call.

    Args:
        model: the champion.
        frame: the training rows: `bad` and the features.
        features: the columns to shuffle, one at a time; special codes with their variable.
        folds: positions in `frame`.
        seed: random seed of the shuffles.

    Returns:
        `feature`, `importance` (mean loss of AUC over the folds), `se` (Nadeau and Bengio), `low`
        and `high` (two standard errors to each side), the most important first.
    """
    rng = np.random.default_rng(seed)
    bad = frame["bad"].to_numpy()
    unfitted = unfitted_copy(model)
    variables = [name for name in features if not name.startswith(SPECIAL)]
    losses: list[dict[str, Any]] = []
    for fold in folds:
        with checked_fits(frame[features], "model"):
            fitted = clone(unfitted).fit(frame[features].iloc[fold.train], bad[fold.train])
        rows, outcomes = frame[features].iloc[fold.test], bad[fold.test]
        whole = roc_auc_score(outcomes, fitted.predict_proba(rows)[:, 1])
        losses.append(
            {name: whole - _shuffled_auc(fitted, rows, outcomes, name, rng) for name in variables}
        )
    table = pd.DataFrame(losses)
    count = len({fold.fold for fold in folds})
    out = pd.DataFrame(
        {
            "feature": variables,
            "importance": table.mean().to_numpy(),
            "se": [fold_error(table[name].to_numpy(), count) for name in variables],
        }
    )
    out = out.assign(low=out["importance"] - 2 * out["se"], high=out["importance"] + 2 * out["se"])
    return out.sort_values("importance", ascending=False, ignore_index=True)

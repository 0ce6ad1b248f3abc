"""Ensembles: the PDs of trained single models combined; the models are not fitted again.

Three ways to combine: the plain mean (a soft vote), a mean with weights, and stacking, a logistic
regression on the members' log-odds (Wolpert 1992). Members, weights and the way are learned from
out-of-fold PDs only, and each row's PD comes from what was learned on the other folds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from creditrisk.core.errors import InputError
from creditrisk.train.ensemble_params import METHODS
from creditrisk.train.trained_model import TrainedModel

CLIP = 1e-6  # log-odds of PDs of 0 and 1 are not finite
LEAST_GAIN = 1e-4  # of log loss: what a member must add to be taken
LEAST_WEIGHT = 0.01
STACKING_C = 0.1  # of the logistic regression, which is drawn to equal coefficients
NESTED_KEYS = ["outer", "role", "repeat", "fold", "row_id"]


@dataclass(frozen=True)
class Combination:
    """How PDs are combined.

    Attributes:
        method: `mean`, `weights` or `stacking`.
        members: names of the members, in order.
        weights: one per member; of the mean (they add up to 1), or of the log-odds.
        intercept: of stacking.
    """

    method: str
    members: list[str]
    weights: np.ndarray
    intercept: float = 0.0

    def combine(self, pds: pd.DataFrame) -> np.ndarray:
        """Combine PDs.

        Args:
            pds: a column per possible member, n rows.

        Returns:
            Shape (n,).
        """
        own = pds[self.members].to_numpy()
        if self.method == "stacking":
            return expit(logit(own.clip(CLIP, 1 - CLIP)) @ self.weights + self.intercept)
        return own @ self.weights


def learn(
    pds: pd.DataFrame, bad: np.ndarray, members: list[str] | None, method: str
) -> Combination:
    """Learn how to combine PDs, from out-of-fold PDs.

    Args:
        pds: a column per single model, n rows.
        bad: outcomes, shape (n,).
        members: their names; None to choose those that help: forward, as long as the log loss of
            the mean falls by `LEAST_GAIN` (Caruana et al. 2004, without repeats).
        method: `mean`, `weights` or `stacking`.
    """
    chosen = members or helpful(pds, bad)
    equal = np.full(len(chosen), 1 / len(chosen))
    if method == "mean" or len(chosen) == 1:
        return Combination("mean", chosen, equal)
    own = pds[chosen].to_numpy()
    if method == "weights":
        weights = _best_weights(own, bad)
        kept = weights >= LEAST_WEIGHT
        names = [name for name, keep in zip(chosen, kept, strict=True) if keep]
        return Combination("weights", names, weights[kept] / weights[kept].sum())
    # Drawn to the mean of the log-odds, not to 0: the coefficients start equal.
    odds = logit(own.clip(CLIP, 1 - CLIP))
    centred = odds - odds.mean(axis=1, keepdims=True)
    whole = np.column_stack([odds.mean(axis=1), centred * np.sqrt(STACKING_C)])
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(whole, bad)
    slope, more = fitted.coef_[0][0], fitted.coef_[0][1:] * np.sqrt(STACKING_C)
    weights = slope * equal + more - more.mean()
    return Combination("stacking", chosen, weights, float(fitted.intercept_[0]))


def helpful(pds: pd.DataFrame, bad: np.ndarray) -> list[str]:
    """Choose the members whose mean has the least log loss, one after the other.

    Args:
        pds: a column per single model, n rows.
        bad: outcomes, shape (n,).

    Returns:
        Names, the best first.
    """
    left = list(pds)
    chosen: list[str] = []
    total, best = np.zeros(len(pds)), np.inf
    while left:
        losses = {
            name: log_loss(bad, (total + pds[name].to_numpy()) / (len(chosen) + 1)) for name in left
        }
        name = min(losses, key=losses.__getitem__)
        if losses[name] > best - LEAST_GAIN:
            break
        best = losses[name]
        total = total + pds[name].to_numpy()
        chosen.append(name)
        left.remove(name)
    return chosen


def _best_weights(own: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Find the weights of the mean PD with the least log loss: none negative, sum 1."""
    count = own.shape[1]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixed = (own @ weights).clip(CLIP, 1 - CLIP)
        slope = (mixed - bad) / (mixed * (1 - mixed))
        return float(log_loss(bad, mixed)), own.T @ slope / len(bad)

    found = minimize(
        loss,
        np.full(count, 1 / count),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
    )
    weights = found.x.clip(0)
    return weights / weights.sum()


def cross_combine(
    table: pd.DataFrame, names: list[str], members: list[str] | None, method: str
) -> np.ndarray:
    """Combine out-of-fold PDs, each by what was learned on the other folds of its repeat.

    Args:
        table: `repeat`, `fold`, `bad`, and a column per single model; n rows.
        names: the single models.
        members: as for `learn`.
        method: as for `learn`.

    Returns:
        Shape (n,).
    """
    out = np.empty(len(table))
    repeat, fold = table["repeat"].to_numpy(), table["fold"].to_numpy()
    bad = table["bad"].to_numpy()
    for r, f in sorted(set(zip(repeat, fold, strict=True))):
        here, others = (repeat == r) & (fold == f), (repeat == r) & (fold != f)
        found = learn(table.loc[others, names], bad[others], members, method)
        out[here] = found.combine(table.loc[here, names])
    return out


def best_method(
    table: pd.DataFrame, names: list[str], members: list[str] | None, methods: Sequence[str]
) -> tuple[str, np.ndarray, pd.DataFrame]:
    """Choose the way to combine with the least log loss out of fold; if equal, the first.

    Args:
        table: as for `cross_combine`.
        names: the single models.
        members: as for `learn`.
        methods: the ways to try.

    Returns:
        The method; its PDs, shape (n,); and `method`, `log_loss` of each.
    """
    found = {method: cross_combine(table, names, members, method) for method in methods}
    losses = {method: float(log_loss(table["bad"], pds)) for method, pds in found.items()}
    best = min(losses, key=losses.__getitem__)
    trials = pd.DataFrame({"method": list(losses), "log_loss": list(losses.values())})
    return best, found[best], trials.sort_values("log_loss", kind="stable")


def train_ensemble(
    trained: Mapping[str, TrainedModel],
    frame: pd.DataFrame,
    columns: list[str],
    members: list[str] | None = None,
    methods: Sequence[str] = METHODS[:1],
) -> TrainedModel:
    """Combine models that were trained on the same folds.

    Args:
        trained: the single models that may be members.
        frame: the training rows: `bad` and the features.
        columns: the features that the members take.
        members: their names; None to choose those that help.
        methods: the ways to combine, of which the one with the least log loss out of fold is taken.
    """
    names = list(trained)
    table = side_by_side({n: t.oof for n, t in trained.items()}, ["repeat", "fold", "row_id"])
    method, pds, trials = best_method(table, names, members, methods)
    first = table[table["repeat"] == 0]
    found = learn(first[names], first["bad"].to_numpy(), members, method)
    shares = {n: round(float(w), 4) for n, w in zip(found.members, found.weights, strict=True)}
    return TrainedModel(
        model=combined_model(found, {n: trained[n].model for n in found.members}, frame, columns),
        oof=table[["row_id", "repeat", "fold", "bad"]].assign(pd=pds),
        nested=_nested(trained, members, methods),
        trials=trials.assign(members=" ".join(found.members)),
        best_params={"members": found.members, "method": method}
        | ({} if found.method == "mean" else {"weights": shares}),
        calibration="none",
        unconverged=sum(trained[name].unconverged for name in found.members),
        rows=next(iter(trained.values())).rows | {"fit": len(frame)},
    )


def _nested(
    trained: Mapping[str, TrainedModel], members: list[str] | None, methods: Sequence[str]
) -> pd.DataFrame:
    """Do in each outer fold, on its training rows only, what is done on all rows."""
    names = list(trained)
    table = side_by_side({n: t.nested for n, t in trained.items()}, NESTED_KEYS)
    parts = []
    for outer in sorted(table["outer"].unique()):
        here = table["outer"] == outer
        inner = table[here & (table["role"] == "inner")]
        unseen = table[here & (table["role"] == "outer")]
        pds, unseen_pds = combine_unseen(inner, unseen, names, members, methods)
        parts += [inner.assign(pd=pds), unseen.assign(pd=unseen_pds)]
    nested = pd.concat(parts, ignore_index=True) if parts else table.assign(pd=[])
    return nested[["outer", "role", "row_id", "repeat", "fold", "bad", "pd"]]


def combine_unseen(
    inner: pd.DataFrame,
    unseen: pd.DataFrame,
    names: list[str],
    members: list[str] | None,
    methods: Sequence[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Choose and learn an ensemble on the rows of an outer training part, and apply it.

    Args:
        inner: the part's out-of-fold PDs, as for `cross_combine`; n rows.
        unseen: PDs of other rows, a column per single model; m rows.
        names: the single models.
        members: as for `learn`.
        methods: as for `best_method`.

    Returns:
        The ensemble's out-of-fold PDs, shape (n,); its PDs of the other rows, shape (m,).
    """
    method, pds, _ = best_method(inner, names, members, methods)
    found = learn(inner[names], inner["bad"].to_numpy(), members, method)
    return pds, found.combine(unseen)


def combined_model(
    found: Combination, models: Mapping[str, BaseEstimator], frame: pd.DataFrame, columns: list[str]
) -> BaseEstimator:
    """Build an ensemble of scikit-learn's classes from fitted models.

    Args:
        found: how to combine.
        models: name to fitted model.
        frame: the training rows: `bad` and the features.
        columns: the features that the models take.
    """
    frozen = [(name, FrozenEstimator(model)) for name, model in models.items()]
    few = frame.groupby("bad").head(1)  # frozen members are not fitted: `fit` learns the classes
    if found.method != "stacking":
        weights = None if found.method == "mean" else [float(w) for w in found.weights]
        vote = VotingClassifier(frozen, voting="soft", weights=weights)
        return vote.fit(few[columns], few["bad"].to_numpy())
    last = make_pipeline(
        FunctionTransformer(np.clip, kw_args={"a_min": CLIP, "a_max": 1 - CLIP}),
        FunctionTransformer(logit),
        LogisticRegression(),
    )
    stack = StackingClassifier(frozen, last, cv="prefit", stack_method="predict_proba")
    stack.fit(few[columns], few["bad"].to_numpy())
    logistic = stack.final_estimator_[-1]
    logistic.coef_ = found.weights[None, :].copy()
    logistic.intercept_ = np.array([found.intercept])
    return stack


def soft_vote(
    models: Mapping[str, BaseEstimator], frame: pd.DataFrame, columns: list[str]
) -> VotingClassifier:
    """Build the plain mean of fitted models.

    Args:
        models: name to fitted model.
        frame: the training rows: `bad` and the features.
        columns: the features that the models take.
    """
    equal = np.full(len(models), 1 / len(models))
    return combined_model(Combination("mean", list(models), equal), models, frame, columns)


def side_by_side(parts: Mapping[str, pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    """Put the PDs of the same rows in the same folds side by side.

    Args:
        parts: name to a frame with the columns `keys`, `bad` and `pd`.
        keys: the columns that identify a row.

    Returns:
        `keys`, `bad`, and a column per name.

    Raises:
        InputError: the parts hold different rows or folds.
    """
    aligned = {name: part.sort_values(keys, ignore_index=True) for name, part in parts.items()}
    first = next(iter(aligned.values()))
    if not all(part[keys].equals(first[keys]) for part in aligned.values()):
        problem = "they were trained on different rows or folds, so they can't be combined"
        hint = "Run `dvc repro`, which trains all of them again."
        raise InputError("data/candidates", "members of an ensemble", problem, hint)
    pds = {name: part["pd"].to_numpy(dtype="float64") for name, part in aligned.items()}
    return first[[*keys, "bad"]].assign(**pds)

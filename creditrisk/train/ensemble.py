"""Ensembles: the PDs of trained single models combined; the models are not fitted again.

Three ways to combine: the mean PD (a soft vote); weights, none negative, for the log-odds
(Satopaa et al. 2014); and stacking, a logistic regression on the log-odds (Wolpert 1992). Members,
weights and the way are learned from out-of-fold PDs only, and each row's PD comes from what was
learned on the other folds.
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
from creditrisk.core.workers import workers
from creditrisk.train.ensemble_params import METHODS
from creditrisk.train.trained_model import NESTED_COLUMNS, TrainedModel

CLIP = 1e-6  # log-odds of PDs of 0 and 1 are not finite
BEST = 3  # members of a mean whose members are not named
LEAST_SHARE = 0.5  # of an equal share: a member with a smaller weight is left out
# Before the data speak, a member's weight falls with its log loss: by a third for each 0.01.
LOSS_SCALE = 40
PRIOR_ROWS = 20  # how strongly weights are drawn to these: as if so many rows asked for them
NESTED_KEYS = ["outer", "role", "repeat", "fold", "row_id"]


@dataclass(frozen=True)
class Combination:
    """How PDs are combined.

    Attributes:
        method: `mean`, `weights` or `stacking`.
        members: names of the members, in order.
        weights: one per member; of the PDs for `mean`, else of the log-odds.
        intercept: of the log-odds.
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
        if self.method == "mean":
            return own @ self.weights
        return expit(logit(own.clip(CLIP, 1 - CLIP)) @ self.weights + self.intercept)


def learn(
    pds: pd.DataFrame, bad: np.ndarray, members: list[str] | None, method: str
) -> Combination:
    """Learn how to combine PDs, from out-of-fold PDs.

    Args:
        pds: a column per single model, n rows.
        bad: outcomes, shape (n,).
        members: their names; None to choose those that help: for `mean` the `BEST` ones by log
            loss, else those whose weight is not much smaller than an equal share.
        method: `mean`, `weights` or `stacking`.
    """
    if method == "mean":
        chosen = members or best_members(pds, bad)
        return Combination("mean", chosen, np.full(len(chosen), 1 / len(chosen)))
    names = list(members or pds)
    losses = {name: _loss(bad, pds[name]) for name in names}
    while True:
        alone = np.array([losses[name] for name in names])
        weights, intercept = log_odds_weights(pds[names], bad, alone, method == "weights")
        lightest = int(np.abs(weights).argmin())
        if members or abs(weights[lightest]) * len(names) >= LEAST_SHARE or len(names) == 1:
            return Combination(method, names, weights, intercept)
        names.pop(lightest)


def _loss(bad: np.ndarray, pds: np.ndarray | pd.Series) -> float:
    return float(log_loss(bad, pds, labels=[0, 1]))


def best_members(pds: pd.DataFrame, bad: np.ndarray) -> list[str]:
    """Return the `BEST` single models by log loss, the best first."""
    losses = {name: _loss(bad, pds[name]) for name in pds}
    return sorted(losses, key=losses.__getitem__)[:BEST]


def log_odds_weights(
    pds: pd.DataFrame, bad: np.ndarray, alone: np.ndarray, positive: bool
) -> tuple[np.ndarray, float]:
    """Find weights of the log-odds, and an intercept, with the least penalised log loss.

    The penalty draws the weights to those of a mean in which a member counts the less, the greater
    its own log loss: with few rows the result is near that, with many rows the data decide.

    Args:
        pds: a column per member, shape (n, k).
        bad: outcomes, shape (n,).
        alone: the log loss of each member, shape (k,).
        positive: whether no weight may be negative.

    Returns:
        The weights, shape (k,), and the intercept.
    """
    odds = logit(pds.to_numpy().clip(CLIP, 1 - CLIP))
    n, k = odds.shape
    penalty = PRIOR_ROWS * k / n
    before = np.exp(-LOSS_SCALE * (alone - alone.min()))
    before /= before.sum()

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights, off = values[:k], values[:k] - before
        score = odds @ weights + values[k]
        # log(1 + exp(score)) - bad * score, without overflow.
        mean = float(np.mean(np.logaddexp(0, score) - bad * score))
        residual = (expit(score) - bad) / n
        slopes = np.r_[odds.T @ residual + 2 * penalty * off, residual.sum()]
        return mean + penalty * float(off @ off), slopes

    start = np.r_[before, 0.0]
    limits = [(0.0 if positive else None, None)] * k + [(None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits)
    return found.x[:k], float(found.x[k])


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
    losses = {method: _loss(table["bad"].to_numpy(), pds) for method, pds in found.items()}
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
    weights = {n: round(float(w), 4) for n, w in zip(found.members, found.weights, strict=True)}
    return TrainedModel(
        model=combined_model(found, {n: trained[n].model for n in found.members}, frame, columns),
        oof=table[["row_id", "repeat", "fold", "bad"]].assign(pd=pds),
        nested=_nested(trained, members, methods),
        trials=trials.assign(members=" ".join(found.members)),
        best_params={"members": found.members, "method": method}
        | ({} if found.method == "mean" else {"weights": weights}),
        calibration="none",
        unconverged=sum(trained[name].unconverged for name in found.members),
        rows=next(iter(trained.values())).rows
        | {"fit": min(trained[name].rows["fit"] for name in found.members)},
    )


def _nested(
    trained: Mapping[str, TrainedModel], members: list[str] | None, methods: Sequence[str]
) -> pd.DataFrame:
    """Do in each outer fold, on its training rows only, what is done on all rows."""
    names = list(trained)
    table = side_by_side({n: t.nested for n, t in trained.items()}, NESTED_KEYS)
    outers = sorted(table["outer"].unique())
    if not outers:
        return table.assign(pd=[])[NESTED_COLUMNS]
    with workers(table) as pool:
        jobs = [pool.submit(_combined, outer, names, members, methods) for outer in outers]
        nested = pd.concat([job.result() for job in jobs], ignore_index=True)
    return nested[NESTED_COLUMNS]


def _combined(
    table: pd.DataFrame,
    outer: int,
    names: list[str],
    members: list[str] | None,
    methods: Sequence[str],
) -> pd.DataFrame:
    """Add the ensemble's PDs to the rows of an outer fold; a worker's job."""
    here = table["outer"] == outer
    inner = table[here & (table["role"] == "inner")]
    unseen = table[here & (table["role"] == "outer")]
    pds, unseen_pds = combine_unseen(inner, unseen, names, members, methods)
    return pd.concat([inner.assign(pd=pds), unseen.assign(pd=unseen_pds)])


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
    if found.method == "mean":
        return VotingClassifier(frozen, voting="soft").fit(few[columns], few["bad"].to_numpy())
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

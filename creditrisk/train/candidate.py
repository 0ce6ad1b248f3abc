"""A candidate for the championship: what it predicts out of fold, nested, and its account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.metrics.costs import DecisionParams, choose_threshold
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import measure, measure_folds
from creditrisk.modeling.folds import Fold, make_folds
from creditrisk.train.params import NestedParams
from creditrisk.train.search import Found, Recipe, Watch, search

# The outer folds are shuffled otherwise than the search's.
OUTER_SEED = 1000


@dataclass(frozen=True)
class Candidate:
    """What train@ALGO hands to select, and to the ensembles.

    Attributes
    ----------
    model : fitted on all training rows, gives PDs, public classes only.
    oof : `row_id`, `repeat`, `fold`, `bad`, `pd`.
    nested : `outer`, `role`, `row_id`, `repeat`, `fold`, `bad`, `pd`; for each outer fold the
        out-of-fold PDs of its training rows (role `inner`) and the PDs of its test rows (`outer`).
        No rows where there is no nested estimate.
    trials : one row a candidate of the grid.
    best_params : the best of them, by the names in params.yaml.
    calibration : `none`, `platt` or `isotonic`.
    unconverged : fits of the best that stopped before they converged.
    """

    model: BaseEstimator
    oof: pd.DataFrame
    nested: pd.DataFrame
    trials: pd.DataFrame
    best_params: dict[str, Any]
    calibration: str
    unconverged: int


def train_single(
    recipe: Recipe,
    frame: pd.DataFrame,
    nested: NestedParams,
    watch: Watch | None = None,
    tell: Callable[[str], None] = print,
) -> Candidate:
    """Search one algorithm's grid on all training rows, and within each outer fold.

    Parameters
    ----------
    recipe : what to search.
    frame : the training rows: `row_id`, `applicant`, `bad` and the features.
    nested : whether and how to estimate the whole procedure.
    watch : is given the main grid search when it is fitted.
    tell : is given lines that show progress.
    """
    train = recipe.train
    applicant = frame["applicant"].to_numpy()
    folds = make_folds(frame["bad"].to_numpy(), applicant, train.folds, train.repeats, recipe.seed)
    # Cut before anything is fitted: too few rows for them is told at once.
    nested_folds = _nested_folds(recipe, frame, nested)
    tell(
        f"train@{recipe.name}: {len(recipe.candidates)} candidates x {train.folds} folds"
        f" x {train.repeats} repeats"
    )
    found = search(recipe, frame, folds, watch)
    trials = pd.concat([pd.DataFrame(recipe.candidates), found.scores], axis=1)
    return Candidate(
        model=found.model,
        oof=_by_row(found.oof, frame),
        nested=_nested(recipe, frame, nested_folds, tell),
        trials=trials.drop(columns="candidate").sort_values("rank", kind="stable"),
        best_params=found.candidate,
        calibration=found.calibration,
        unconverged=found.unconverged,
    )


def _nested_folds(
    recipe: Recipe, frame: pd.DataFrame, nested: NestedParams
) -> list[tuple[Fold, list[Fold]]]:
    """Cut the outer folds, and the inner ones of each outer fold's training rows."""
    if not nested.nested:
        return []
    bad, applicant = frame["bad"].to_numpy(), frame["applicant"].to_numpy()
    seed, where = recipe.seed + OUTER_SEED, "select.outer_folds"
    outer_folds = make_folds(bad, applicant, nested.outer_folds, 1, seed, where)
    seed, where = recipe.seed, "select.inner_folds"
    return [
        (
            fold,
            make_folds(bad[fold.train], applicant[fold.train], nested.inner_folds, 1, seed, where),
        )
        for fold in outer_folds
    ]


def _nested(
    recipe: Recipe,
    frame: pd.DataFrame,
    folds: list[tuple[Fold, list[Fold]]],
    tell: Callable[[str], None],
) -> pd.DataFrame:
    parts = []
    for outer, inner_folds in folds:
        inside = frame.iloc[outer.train].reset_index(drop=True)
        outside = frame.iloc[outer.test].reset_index(drop=True)
        found = search(recipe, inside, inner_folds, progress=False)
        parts.append(_nested_part(outer.fold, found, inside, outside, recipe.columns))
        tell(f"train@{recipe.name}: nested fold {outer.fold + 1} of {len(folds)}")
    columns = ["outer", "role", "row_id", "repeat", "fold", "bad", "pd"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _nested_part(
    outer: int, found: Found, inside: pd.DataFrame, outside: pd.DataFrame, columns: list[str]
) -> pd.DataFrame:
    inner = _by_row(found.oof, inside).assign(role="inner")
    unseen = outside[["row_id", "bad"]].assign(
        pd=found.model.predict_proba(outside[columns])[:, 1], repeat=0, fold=0, role="outer"
    )
    part = pd.concat([inner, unseen], ignore_index=True).assign(outer=outer)
    return part[["outer", "role", "row_id", "repeat", "fold", "bad", "pd"]]


def _by_row(oof: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    row_id = frame["row_id"].to_numpy()[oof["place"]]
    return oof.drop(columns="place").assign(row_id=row_id)[
        ["row_id", "repeat", "fold", "bad", "pd"]
    ]


def account(
    candidate: Candidate, frame: pd.DataFrame, features: list[str], decision: DecisionParams
) -> dict[str, Any]:
    """Measure a candidate: the content of metrics/train/ALGO.json.

    Parameters
    ----------
    candidate : of one algorithm.
    frame : the training rows.
    features : the columns that the model takes.
    decision : costs, and how the cut-off is chosen.

    Returns
    -------
    `cv` (mean over the folds), `cv_std`, `cv_se` (Nadeau and Bengio), `train` (the model on the
    rows that it was fitted on), and how the candidate came about.
    """
    oof = candidate.oof
    by_row = frame.set_index("row_id")
    costs = decision.costs(by_row.loc[oof["row_id"]])
    threshold = choose_threshold(oof["bad"].to_numpy(), oof["pd"].to_numpy(), costs, decision)
    folds = measure_folds(oof, threshold, costs)
    seen = candidate.model.predict_proba(frame[features])[:, 1]
    count = folds.index.get_level_values("fold").nunique()
    return {
        "cv": folds.mean().to_dict(),
        "cv_std": folds.std(ddof=1).to_dict(),
        "cv_se": {name: fold_error(folds[name].to_numpy(), count) for name in folds},
        "train": measure(frame["bad"].to_numpy(), seen, threshold, decision.costs(frame)),
        "threshold": threshold,
        "calibration": candidate.calibration,
        "mean_pd": float(np.mean(oof["pd"])),
        "best_params": candidate.best_params,
        "candidates": len(candidate.trials),
        "unconverged_folds": candidate.unconverged,
    }

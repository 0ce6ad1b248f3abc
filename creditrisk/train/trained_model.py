"""The trained model of one algorithm: its out-of-fold PDs, its nested PDs and its metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.metrics.costs import Sample
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import compute_fold_metrics, compute_metrics
from creditrisk.modeling.binning.binner import variables_in_one_bin
from creditrisk.modeling.folds import Fold
from creditrisk.modeling.sample import search_sample
from creditrisk.train.search import (
    Fitted,
    OnFitted,
    SearchSpec,
    find_best,
    fit_best,
    preprocessing_cache,
    search,
)
from creditrisk.train.train_folds import nested_folds, search_folds


@dataclass(frozen=True)
class TrainedModel:
    """The result of train@ALGO, which select and the ensembles read.

    Attributes:
        model: gives PDs; fitted on all training rows. It has classes of public packages only, so
            it can be loaded without this package.
        oof: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        nested: `outer`, `role`, `row_id`, `repeat`, `fold`, `bad`, `pd`. For each outer fold it
            has the out-of-fold PDs of the training rows (role `inner`) and the PDs of the test rows
            (role `outer`). Empty without a nested estimate.
        trials: one row per candidate of the grid.
        best_params: the best candidate, by the names in params.yaml.
        calibration: `none`, `platt` or `isotonic`.
        unconverged: number of fits of the best candidate that stopped before they converged.
        rows: `train`, number of training rows; `search`, of those that the search and the nested
            estimate used; `fit`, of those that a fit took.
        one_bin: the variables that ended in one bin; None without bins.
    """

    model: BaseEstimator
    oof: pd.DataFrame
    nested: pd.DataFrame
    trials: pd.DataFrame
    best_params: dict[str, Any]
    calibration: str
    unconverged: int
    rows: dict[str, int]
    one_bin: list[str] | None = None


def train_single(
    spec: SearchSpec,
    frame: pd.DataFrame,
    on_fitted: OnFitted | None = None,
    log: Callable[[str], None] = print,
) -> TrainedModel:
    """Search one algorithm's grid on all training rows, and within each outer fold.

    Args:
        spec: what to search.
        frame: the training rows: `row_id`, `applicant`, `bad` and the features.
        on_fitted: called once, when the grid search on all rows is fitted; see `OnFitted`.
        log: called with each line about the progress.

    Raises:
        InputError: there are too few applicants for the folds, a fit failed, or the score of a
            candidate is not a number.
    """
    train = spec.train
    sample = search_sample(
        frame, train.sample_rows(len(spec.columns), frame["bad"].mean()), spec.seed
    )
    sampled = len(sample) < len(frame)
    # Make the folds first, so that too few rows fail before any fit.
    folds = search_folds(sample, train, spec.seed)
    outer_folds = nested_folds(sample, train, spec.seed)
    repeats = 1 + max(fold.repeat for fold in folds)
    log(
        f"train@{spec.name}: {len(spec.candidates)} candidates x {train.folds} folds"
        f" x {repeats} repeats"
        + (", by time" if train.folds_by == "time" else "")
        + (f", on {len(sample):,} of {len(frame):,} rows" if sampled else "")
    )
    with preprocessing_cache() as memory:
        best = find_best(spec, sample, folds, memory, on_fitted)
        if sampled:
            folds = search_folds(frame, train.model_copy(update={"repeats": 1}), spec.seed)
            log(f"train@{spec.name}: {len(folds)} folds and a fit on all rows")
        found = fit_best(spec, best.candidate, frame, folds, None if sampled else memory)
    trials = pd.concat([pd.DataFrame(spec.candidates), best.scores], axis=1)
    return TrainedModel(
        model=found.model,
        oof=_by_row(found.oof, frame),
        nested=_nested(spec, sample, outer_folds, log),
        trials=trials.drop(columns="candidate").sort_values("rank", kind="stable"),
        best_params=best.candidate,
        calibration=found.calibration,
        unconverged=found.unconverged,
        rows={
            "train": len(frame),
            "search": len(sample),
            "fit": min(len(frame), spec.fit_rows or len(frame)),
        },
        one_bin=variables_in_one_bin(found.model),
    )


def _nested(
    spec: SearchSpec,
    frame: pd.DataFrame,
    folds: list[tuple[Fold, list[Fold]]],
    log: Callable[[str], None],
) -> pd.DataFrame:
    parts = []
    for outer, inner_folds in folds:
        inside = frame.iloc[outer.train].reset_index(drop=True)
        outside = frame.iloc[outer.test].reset_index(drop=True)
        _, found = search(spec, inside, inner_folds, progress=False)
        parts.append(_nested_part(outer.fold, found, inside, outside, spec.columns))
        log(f"train@{spec.name}: nested fold {outer.fold + 1} of {len(folds)}")
    columns = ["outer", "role", "row_id", "repeat", "fold", "bad", "pd"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _nested_part(
    outer: int, found: Fitted, inside: pd.DataFrame, outside: pd.DataFrame, columns: list[str]
) -> pd.DataFrame:
    inner = _by_row(found.oof, inside).assign(role="inner")
    unseen = outside[["row_id", "bad"]].assign(
        pd=found.model.predict_proba(outside[columns])[:, 1], repeat=0, fold=0, role="outer"
    )
    part = pd.concat([inner, unseen], ignore_index=True).assign(outer=outer)
    return part[["outer", "role", "row_id", "repeat", "fold", "bad", "pd"]]


def _by_row(oof: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    row_id = frame["row_id"].to_numpy()[oof["position"]]
    return oof.drop(columns="position").assign(row_id=row_id)[
        ["row_id", "repeat", "fold", "bad", "pd"]
    ]


def summarise(trained: TrainedModel, frame: pd.DataFrame, features: list[str]) -> dict[str, Any]:
    """Compute the content of metrics/train/ALGO.json.

    It has metrics of the PDs only. The cut-off and its costs belong to select, so that no model is
    fitted again when the costs change.

    Args:
        trained: the trained model.
        frame: the training rows: `bad` and the features.
        features: the columns that the model takes.

    Returns:
        `cv` (mean over the folds), `cv_std`, `cv_se` (Nadeau and Bengio 2003), `train` (on the rows
        that the model was fitted on), and how the model was made.
    """
    folds = compute_fold_metrics(trained.oof)
    count = folds.index.get_level_values("fold").nunique()
    fitted = Sample(frame["bad"].to_numpy(), trained.model.predict_proba(frame[features])[:, 1])
    return {
        "cv": folds.mean().to_dict(),
        "cv_std": folds.std(ddof=1).to_dict(),
        "cv_se": {name: fold_error(folds[name].to_numpy(), count) for name in folds},
        "train": compute_metrics(fitted),
        "calibration": trained.calibration,
        "mean_pd": float(np.mean(trained.oof["pd"])),
        "best_params": trained.best_params,
        "candidates": len(trained.trials),
        "unconverged_folds": trained.unconverged,
        "rows": trained.rows,
    } | ({} if trained.one_bin is None else {"one_bin": trained.one_bin})

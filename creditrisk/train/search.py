"""The grid search of one algorithm, and the out-of-fold PDs of its best candidate."""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator, clone
from sklearn.callback import ProgressBar
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from creditrisk.core.errors import InputError
from creditrisk.modeling.blocks import block_for, fit_rows, grid, model_params, relevant_candidates
from creditrisk.modeling.fits import checked_fits
from creditrisk.modeling.folds import Fold
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.pipeline import Recipe, build_pipeline, candidate_params
from creditrisk.modeling.registry import algorithm
from creditrisk.modeling.resample import row_sampler
from creditrisk.train.calibrate import (
    choose_calibration,
    cross_calibrate,
    fit_calibrated,
    raw_scores,
)
from creditrisk.train.params import TrainParams

PROBABILITY_SCORES = ("neg_brier_score", "neg_log_loss")

# Called with the fitted grid search, its candidates as in params.yaml, the rows and the outcomes.
OnFitted = Callable[[GridSearchCV, list[dict[str, Any]], pd.DataFrame, np.ndarray], None]


@dataclass(frozen=True)
class SearchSpec:
    """What a search needs in addition to the rows.

    Attributes:
        name: the algorithm.
        candidates: the grid points, from `relevant_candidates`.
        features: the content of features.json.
        preprocess: the block `preprocess`.
        train: the block `train`.
        seed: random seed.
        fit_rows: number of rows that a fit takes at most; None for all.
    """

    name: str
    candidates: list[dict[str, Any]]
    features: dict[str, Any]
    preprocess: PreprocessParams
    train: TrainParams
    seed: int
    fit_rows: int | None = None

    @property
    def columns(self) -> list[str]:
        """The feature columns, in the order of features.json."""
        kinds = self.features
        return [*kinds["numeric"], *kinds["nominal"], *kinds["ordinal"]]

    def pipeline(self) -> Pipeline:
        """Build the pipeline whose parameters the candidates set."""
        return build_pipeline(algorithm(self.name).build(self.seed))

    def settings(
        self, candidate: dict[str, Any], classes: tuple[int, int], rows: int
    ) -> dict[str, Any]:
        """Return the parameters that a candidate sets in the pipeline.

        Args:
            candidate: one of `candidates`.
            classes: good and bad rows in the smallest training part.
            rows: number of training rows, of which a fold takes a part.
        """
        entry = algorithm(self.name)
        recipe = Recipe(
            self.features, self.preprocess, self.seed, entry.handles_missing, entry.constraints
        )
        model = model_params(candidate)
        sample = row_sampler(self.fit_rows, rows, self.seed)
        return candidate_params(recipe, candidate, model, classes, sample)


def make_spec(
    name: str,
    block: dict[str, Any],
    features: dict[str, Any],
    preprocess: PreprocessParams,
    train: TrainParams,
    seed: int,
    rows: int,
) -> SearchSpec:
    """Make the specification of a search from the parameters.

    Args:
        name: the algorithm.
        block: its block of params.yaml.
        features: the content of features.json.
        preprocess: the block `preprocess`.
        train: the block `train`.
        seed: random seed.
        rows: number of training rows.

    Raises:
        InputError: a name in the block is unknown, or a value is invalid.
    """
    candidates = relevant_candidates(
        grid(name, block, seed, rows), features, preprocess, algorithm(name).handles_missing
    )
    limit = fit_rows(block_for(name, block, rows))
    chosen = train.for_rows(rows)
    return SearchSpec(name, candidates, features, preprocess, chosen, seed, limit)


def smallest_classes(bad: np.ndarray, folds: list[Fold]) -> tuple[int, int]:
    """Count the good and the bad rows in the training parts, the least of each; two numbers."""
    counts = np.array([np.bincount(bad[fold.train], minlength=2) for fold in folds])
    good, bads = counts.min(axis=0)
    return int(good), int(bads)


@dataclass(frozen=True)
class Best:
    """The best candidate of a grid.

    Attributes:
        candidate: by the names in params.yaml.
        scores: one row per candidate: `candidate` (its position), `mean`, `std`, `rank`.
    """

    candidate: dict[str, Any]
    scores: pd.DataFrame


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


def search(
    spec: SearchSpec, frame: pd.DataFrame, folds: list[Fold], progress: bool = True
) -> tuple[Best, Fitted]:
    """Search the grid, calibrate the best candidate, fit it on all rows.

    Args:
        spec: what to search.
        frame: `bad` and the features, n rows.
        folds: positions in `frame`.
        progress: whether to show a progress bar.

    Raises:
        InputError: a fit failed, or the score of a candidate is not a number.
    """
    with preprocessing_cache() as memory:
        best = find_best(spec, frame, folds, memory, progress=progress)
        return best, fit_best(spec, best.candidate, frame, folds, memory)


def preprocessing_cache() -> tempfile.TemporaryDirectory[str]:
    """Make a folder in which fits on the same rows find the preprocessing of those rows."""
    return tempfile.TemporaryDirectory(prefix="creditrisk-")


def find_best(
    spec: SearchSpec,
    frame: pd.DataFrame,
    folds: list[Fold],
    memory: str,
    on_fitted: OnFitted | None = None,
    progress: bool = True,
) -> Best:
    """Search the grid.

    Args:
        spec: what to search.
        frame: `bad` and the features, n rows.
        folds: positions in `frame`.
        memory: a folder from `preprocessing_cache`, which lets candidates that differ only in the
            model share the preprocessing of each fold.
        on_fitted: called once, when the grid search is fitted; see `OnFitted`.
        progress: whether to show a progress bar.

    Raises:
        InputError: a fit failed, or the score of a candidate is not a number.
    """
    rows, bad = frame[spec.columns], frame["bad"].to_numpy()
    classes = smallest_classes(bad, folds)
    settings = [spec.settings(candidate, classes, len(rows)) for candidate in spec.candidates]
    blank = spec.pipeline().set_params(memory=memory)
    grid = _fit_grid(spec, blank, settings, rows, bad, folds, progress)
    scores = _scores(grid)
    if on_fitted:
        on_fitted(grid, spec.candidates, rows, bad)
    return Best(spec.candidates[int(scores["mean"].to_numpy().argmax())], scores)


def fit_best(
    spec: SearchSpec,
    candidate: dict[str, Any],
    frame: pd.DataFrame,
    folds: list[Fold],
    memory: str | None = None,
) -> Fitted:
    """Predict the rows out of fold with a candidate, calibrate it, and fit it on all rows.

    Args:
        spec: what was searched.
        candidate: the best one.
        frame: `bad` and the features, n rows.
        folds: positions in `frame`.
        memory: the folder that the search of the same folds had.

    Raises:
        InputError: a fit failed.
    """
    rows, bad = frame[spec.columns], frame["bad"].to_numpy()
    chosen = spec.settings(candidate, smallest_classes(bad, folds), len(rows))
    pipeline = spec.pipeline().set_params(**chosen)
    with checked_fits(rows, f"algorithms.{spec.name}"):
        cached = clone(pipeline).set_params(memory=memory)
        oof, unconverged = out_of_fold(cached, rows, bad, folds)
        method = choose_calibration(spec.train.calibration, oof, algorithm(spec.name).calibration)
        oof["pd"] = cross_calibrate(method, oof)
        model = fit_calibrated(pipeline, method, rows, bad, oof)
    return Fitted(method, oof[["position", "repeat", "fold", "bad", "pd"]], model, unconverged)


def search_scoring(spec: SearchSpec, blank: Pipeline, settings: list[dict[str, Any]]) -> str:
    """Return the name of the score that the search maximises.

    `roc_auc` replaces a score of probabilities if a model gives none before calibration.

    Args:
        spec: what to search.
        blank: the pipeline, before any candidate is set.
        settings: the parameters of each candidate.
    """
    models = [clone(blank).set_params(**setting) for setting in settings]
    if all(hasattr(model, "predict_proba") for model in models):
        return spec.train.scoring
    return "roc_auc" if spec.train.scoring in PROBABILITY_SCORES else spec.train.scoring


def _fit_grid(
    spec: SearchSpec,
    blank: Pipeline,
    settings: list[dict[str, Any]],
    rows: pd.DataFrame,
    bad: np.ndarray,
    folds: list[Fold],
    progress: bool,
) -> GridSearchCV:
    grid = GridSearchCV(
        blank,
        [{key: [value] for key, value in setting.items()} for setting in settings],
        scoring=search_scoring(spec, blank, settings),
        cv=[(fold.train, fold.test) for fold in folds],
        refit=False,
        n_jobs=-1,
        error_score="raise",
    )
    if progress:
        grid.set_callbacks(ProgressBar(max_propagation_depth=0))
    location = f"algorithms.{spec.name}"
    with checked_fits(rows, location, lambda: _failing(spec, blank, settings, rows, bad, folds)):
        grid.fit(rows, bad)
    means = grid.cv_results_["mean_test_score"]
    if not np.isfinite(means).all():
        first = spec.candidates[int(np.flatnonzero(~np.isfinite(means))[0])]
        problem = f"the score of candidate {first} is not a number"
        raise InputError("params.yaml", location, problem, "Change or remove this value.")
    return grid


def _failing(
    spec: SearchSpec,
    blank: Pipeline,
    settings: list[dict[str, Any]],
    rows: pd.DataFrame,
    bad: np.ndarray,
    folds: list[Fold],
) -> str:
    """Find the candidate that fails, which the search does not say: fit one after the other."""
    for candidate, setting in zip(spec.candidates, settings, strict=True):
        pipeline = clone(blank).set_params(**setting)
        for fold in folds:
            try:
                _fit_and_score(pipeline, rows, bad, fold)
            except Exception:  # the error is known; what is asked is whose it is
                return f" for {candidate}"
    return ""


def _scores(grid: GridSearchCV) -> pd.DataFrame:
    means = grid.cv_results_["mean_test_score"]
    return pd.DataFrame(
        {
            "candidate": range(len(means)),
            "mean": means,
            "std": grid.cv_results_["std_test_score"],
            "rank": grid.cv_results_["rank_test_score"],
        }
    )


def out_of_fold(
    pipeline: Pipeline, rows: pd.DataFrame, bad: np.ndarray, folds: list[Fold]
) -> tuple[pd.DataFrame, int]:
    """Fit the pipeline in each fold and score the rows that it has not seen.

    Args:
        pipeline: unfitted, with the parameters of a candidate.
        rows: features, shape (n, d).
        bad: outcomes, shape (n,).
        folds: positions in `rows`.

    Returns:
        One line per row and repeat: `position`, `repeat`, `fold`, `bad`, `score`, `probability`;
        and the number of fits that did not converge.
    """
    fitted = joblib.Parallel(n_jobs=-1)(
        joblib.delayed(_fit_and_score)(pipeline, rows, bad, fold) for fold in folds
    )
    oof = pd.concat([part for part, _ in fitted], ignore_index=True)
    return oof, sum(stopped for _, stopped in fitted)


def _fit_and_score(
    pipeline: Pipeline, rows: pd.DataFrame, bad: np.ndarray, fold: Fold
) -> tuple[pd.DataFrame, bool]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = clone(pipeline).fit(rows.iloc[fold.train], bad[fold.train])
    score, probability = raw_scores(model, rows.iloc[fold.test])
    part = pd.DataFrame(
        {
            "position": fold.test,
            "repeat": fold.repeat,
            "fold": fold.fold,
            "bad": bad[fold.test],
            "score": score,
            "probability": probability,
        }
    )
    return part, any(issubclass(w.category, ConvergenceWarning) for w in caught)

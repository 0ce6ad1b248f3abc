"""The grid search of one algorithm.

It is one job a fold (`fold_fits.py`). All searches of a stage, the nested ones included, hand their
jobs to the same workers, so that no core waits for the end of one search.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from scipy.stats import rankdata
from sklearn.model_selection import GridSearchCV

from creditrisk.core.errors import InputError
from creditrisk.core.workers import Workers, workers
from creditrisk.modeling.fits import checked_fits
from creditrisk.modeling.folds import Fold
from creditrisk.train.best_fit import Fitted, fit_best
from creditrisk.train.fold_fits import FoldScore, Rows, fit_fold, share_steps
from creditrisk.train.out_of_fold import lines
from creditrisk.train.spec import SearchSpec, search_scoring, smallest_classes

OnFold = Callable[[int, int], None]
# Called with the fitted grid search, its candidates as in params.yaml, the rows and the outcomes.
OnFitted = Callable[[GridSearchCV, list[dict[str, Any]], pd.DataFrame, np.ndarray], None]


@dataclass(frozen=True)
class Best:
    """The best candidate of a grid.

    Attributes:
        number: its position in the grid.
        candidate: by the names in params.yaml.
        scores: one row per candidate: `candidate` (its position), `mean`, `std`, `rank`.
    """

    number: int
    candidate: dict[str, Any]
    scores: pd.DataFrame


class GridFits:
    """The fits of a grid in all folds, handed to workers.

    Args:
        spec: what to search.
        pool: runs the jobs; its shared data are `rows`.
        rows: features and outcomes.
        positions: the rows that are searched, m positions in `rows`.
        folds: positions among the m.
        parts: into how many jobs a fold is divided, if it has so many candidates.
        keep: whether to keep what every candidate says out of fold, so that the best one need not
            be fitted again.

    Raises:
        InputError: a candidate's values don't go with the features.
    """

    def __init__(
        self,
        spec: SearchSpec,
        pool: Workers,
        rows: Rows,
        positions: np.ndarray,
        folds: list[Fold],
        parts: int = 1,
        keep: bool = True,
    ):
        self.spec, self.folds, self.bad = spec, folds, rows[1][positions]
        self._rows = rows[0], positions
        classes = smallest_classes(self.bad, folds)
        self.settings = [spec.settings(c, classes, len(positions)) for c in spec.candidates]
        pipelines = share_steps([spec.pipeline().set_params(**one) for one in self.settings])
        self.scoring = search_scoring(spec, pipelines)
        divided = _divided(pipelines, parts)
        self._jobs = [
            [pool.submit(fit_fold, part, within(fold, positions), self.scoring, keep)
             for part in divided]
            for fold in folds
        ]  # fmt: skip
        self._fits: list[list[FoldScore]] = []

    def best(self, on_fitted: OnFitted | None = None, on_fold: OnFold | None = None) -> Best:
        """Wait for all fits, and find the best candidate.

        Args:
            on_fitted: called with what scikit-learn's search would be; see `OnFitted`.
            on_fold: called after each fold, with its number from 1 and the number of folds.

        Raises:
            FitFailed: a fit failed.
            InputError: the score of a candidate is not a number.
        """
        spec = self.spec
        found = []
        for jobs in self._jobs:
            found.append({number: one for job in jobs for number, one in job.result().items()})
            if on_fold:
                on_fold(len(found), len(self._jobs))
        self._jobs = []
        self._fits = [[fold[number] for fold in found] for number in range(len(spec.candidates))]
        results = _results(self.settings, self._fits)
        means = results["mean_test_score"]
        if not np.isfinite(means).all():
            first = spec.candidates[int(np.flatnonzero(~np.isfinite(means))[0])]
            problem = f"the score of candidate {first} is not a number"
            hint = "Change or remove this value."
            raise InputError("params.yaml", f"algorithms.{spec.name}", problem, hint)
        if on_fitted:
            frame, positions = self._rows
            searched = frame.iloc[positions].reset_index(drop=True)
            on_fitted(self._searched(results), spec.candidates, searched, self.bad)
        scores = {
            "candidate": range(len(means)),
            "mean": means,
            "std": results["std_test_score"],
            "rank": results["rank_test_score"],
        }
        return Best(int(means.argmax()), spec.candidates[means.argmax()], pd.DataFrame(scores))

    def _searched(self, results: dict[str, Any]) -> GridSearchCV:
        """Make the search that scikit-learn would have made, for whoever records searches."""
        grid = GridSearchCV(
            self.spec.pipeline(),
            [{key: [value] for key, value in setting.items()} for setting in self.settings],
            scoring=self.scoring,
            cv=[(fold.train, fold.test) for fold in self.folds],
            refit=False,
            error_score="raise",
        )
        grid.cv_results_ = results
        grid.best_index_ = int(results["rank_test_score"].argmin())
        grid.best_score_ = float(results["mean_test_score"][grid.best_index_])
        grid.best_params_ = self.settings[grid.best_index_]
        grid.n_splits_ = len(self.folds)
        return grid

    def out_of_fold(self, best: Best) -> tuple[pd.DataFrame, int]:
        """Return what the best candidate says of the rows that it has not seen; after `best`.

        Args:
            best: the result of `best`.

        Returns:
            As `out_of_fold.out_of_fold`.
        """
        return lines(self._fits[best.number], self.folds, self.bad)


def within(fold: Fold, positions: np.ndarray) -> Fold:
    """Turn positions among some rows into positions in the frame that these were taken from.

    Args:
        fold: positions among m rows.
        positions: of the m rows, in the frame.
    """
    return Fold(fold.repeat, fold.fold, positions[fold.train], positions[fold.test])


def _divided(pipelines: list[Pipeline], parts: int) -> list[list[tuple[int, Pipeline]]]:
    """Divide candidates into parts, in which those that share steps stay together."""
    numbered = list(enumerate(pipelines))
    numbered.sort(key=lambda one: [id(step) for _, step in one[1].steps[:-1]])
    cuts = np.linspace(0, len(numbered), min(parts, len(numbered)) + 1).astype(int)
    return [numbered[start:end] for start, end in itertools.pairwise(cuts)]


def _results(settings: list[dict[str, Any]], fits: list[list[FoldScore]]) -> dict[str, Any]:
    """Make `cv_results_` of scikit-learn's search, by its formulas.

    Args:
        settings: the parameters of each candidate.
        fits: per candidate, one per fold.
    """
    columns = {
        "fit_time": np.array([[one.fit_seconds for one in row] for row in fits]),
        "score_time": np.array([[one.score_seconds for one in row] for row in fits]),
        "test_score": np.array([[one.value for one in row] for row in fits]),
    }
    scores = columns["test_score"]
    results: dict[str, Any] = {"params": settings}
    results |= {f"split{n}_test_score": scores[:, n] for n in range(scores.shape[1])}
    for name, values in columns.items():
        mean = np.average(values, axis=1)
        results[f"mean_{name}"] = mean
        results[f"std_{name}"] = np.sqrt(np.average((values - mean[:, None]) ** 2, axis=1))
    ranks = rankdata(-results["mean_test_score"], method="min")
    results["rank_test_score"] = ranks.astype(np.int32)
    return results


def search(
    spec: SearchSpec, frame: pd.DataFrame, folds: list[Fold], on_fitted: OnFitted | None = None
) -> tuple[Best, Fitted]:
    """Search the grid, calibrate the best candidate, fit it on all rows.

    Args:
        spec: what to search.
        frame: `bad` and the features, n rows.
        folds: positions in `frame`.
        on_fitted: called once, when the grid is fitted; see `OnFitted`.

    Raises:
        InputError: a fit failed, or the score of a candidate is not a number.
    """
    rows = frame[spec.columns], frame["bad"].to_numpy()
    with workers(rows) as pool, checked_fits(rows[0], f"algorithms.{spec.name}", spec.words):
        fits = GridFits(spec, pool, rows, np.arange(len(frame)), folds)
        best = fits.best(on_fitted)
        pipeline = spec.candidate_pipeline(best.candidate, rows[1], folds)
        return best, fit_best(spec, pipeline, rows, fits.out_of_fold(best))

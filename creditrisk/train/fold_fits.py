"""All candidates of a grid in one fold, without doing anything twice.

Candidates share the steps before the model as far as these are equal: a fold is imputed once,
encoded once per encoder, resampled once per resampler of that. Of forests and boosters that differ
in their number of trees alone, the largest is grown, and cut for the others (`grown.py`). The
scores are, bit for bit, those of scikit-learn's GridSearchCV, which fits each candidate alone.
"""

import contextlib
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.utils.metaestimators import available_if

from creditrisk.modeling.fits import FitFailed, quiet_fits
from creditrisk.modeling.folds import Fold
from creditrisk.train.grown import Output, grow_key, outputs, trees

NOTHING = np.empty(0)

Candidates = list[tuple[int, Pipeline]]  # position in the grid, unfitted pipeline
Rows = tuple[pd.DataFrame, np.ndarray]  # the features, shape (n, d), and the outcomes, shape (n,)


@dataclass(frozen=True)
class FoldScore:
    """A candidate in one fold.

    Attributes:
        value: what the search maximises, on the test rows.
        score: of the test rows, as `calibrate.raw_scores` has it; empty if it was not asked for.
        probability: likewise.
        stopped: whether a fit stopped before it converged.
        fit_seconds: time of the fit, with that of the steps that it shares.
        score_seconds: time of the prediction.
    """

    value: float
    score: np.ndarray
    probability: np.ndarray
    stopped: bool
    fit_seconds: float
    score_seconds: float


def share_steps(candidates: list[Pipeline]) -> list[Pipeline]:
    """Make equal steps of pipelines one object, by which `fit_fold` knows them.

    Args:
        candidates: unfitted pipelines with the same names of steps.
    """
    known: dict[tuple[str, bytes], Any] = {}
    return [
        Pipeline(
            [
                *(
                    (name, known.setdefault((name, pickle.dumps(step)), step))
                    for name, step in candidate.steps[:-1]
                ),
                candidate.steps[-1],
            ]
        )
        for candidate in candidates
    ]


def fit_fold(
    shared: Rows,
    candidates: list[tuple[int, Pipeline]],
    fold: Fold,
    scoring: str | None,
    keep: bool,
) -> dict[int, FoldScore]:
    """Fit all candidates on a fold's training rows, and score them on its test rows.

    Args:
        shared: the rows that the fold's positions are of.
        candidates: position in the grid and unfitted pipeline, from `share_steps`.
        fold: positions in `shared`.
        scoring: scikit-learn's name of the score; None for none.
        keep: whether to return what the models say of the test rows.

    Returns:
        Position in the grid to result.

    Raises:
        FitFailed: a fit failed.
    """
    rows, bad = shared
    part = Part(rows.iloc[fold.train], bad[fold.train], rows.iloc[fold.test])
    found: dict[int, FoldScore] = {}
    with quiet_fits():
        for models, data in prepared(candidates, part, 0):
            found |= fit_models(models, data, bad[fold.test], scoring, keep)
    return found


@dataclass(frozen=True)
class Part:
    """A fold's rows, after some steps of the pipeline."""

    train: Any
    bad: Any
    test: Any
    seconds: float = 0.0
    test_seconds: float = 0.0
    stopped: bool = False


def prepared(members: Candidates, part: Part, level: int) -> Iterator[tuple[Candidates, Part]]:
    """Run the steps before the model, each once; depth first, so that few frames are held.

    Args:
        members: position in the grid and unfitted pipeline, from `share_steps`.
        part: the rows of a fold.
        level: the step to begin with.

    Yields:
        Candidates that share all steps, and the rows after these.

    Raises:
        FitFailed: a step could not be fitted.
    """
    if level == len(members[0][1].steps) - 1:
        yield members, part
        return
    for group in _grouped(members, lambda candidate: id(candidate.steps[level][1])):
        step = group[0][1].steps[level][1]
        yield from prepared(group, _after(step, part, group[0][0]), level + 1)


def _grouped(members: Candidates, key: Callable[[Pipeline], Any]) -> list[Candidates]:
    groups: dict[Any, Candidates] = {}
    for position, candidate in members:
        groups.setdefault(key(candidate), []).append((position, candidate))
    return list(groups.values())


def _after(step: Any, part: Part, candidate: int) -> Part:
    """Fit a step on the training rows, and take it on all rows, as a pipeline does."""
    if step is None or step == "passthrough":
        return part
    started, step = time.perf_counter(), clone(step)
    train, bad, test = part.train, part.bad, part.test
    with _watched(candidate) as warned:
        if hasattr(step, "fit_resample"):  # of training rows only
            train, bad = step.fit_resample(train, bad)
        else:
            train = step.fit_transform(train, bad)
    fitted = time.perf_counter()
    if not hasattr(step, "fit_resample"):
        with _watched(candidate):
            test = step.transform(test)
    seconds = (part.seconds + fitted - started, part.test_seconds + time.perf_counter() - fitted)
    return Part(train, bad, test, *seconds, part.stopped or bool(warned))


def fit_models(
    members: Candidates, part: Part, bad: np.ndarray, scoring: str | None, keep: bool
) -> dict[int, FoldScore]:
    """Fit the models of candidates that share all steps before, and score them.

    Args:
        members: position in the grid and unfitted pipeline.
        part: the rows after these steps, from `prepared`.
        bad: outcomes of the test rows, shape (m,).
        scoring: as for `fit_fold`.
        keep: as for `fit_fold`.

    Raises:
        FitFailed: a fit failed.
    """
    found = {}
    scorer = get_scorer(scoring) if scoring else None
    for group in _grouped(members, lambda candidate: grow_key(candidate.steps[-1][1])):
        models = {position: candidate.steps[-1][1] for position, candidate in group}
        largest = max(models, key=lambda position: trees(models[position]))
        started, model = time.perf_counter(), clone(models[largest])
        with _watched(largest) as warned:
            model.fit(part.train, part.bad)
        fit_seconds = part.seconds + time.perf_counter() - started
        for position in models:
            started = time.perf_counter()
            with _watched(position):
                first = trees(models[position]) if len(models) > 1 else None
                output = outputs(model, part.test, first)
                value = scorer(_Known(output), bad[:, None], bad) if scorer else np.nan
            score, probability = output.scores(len(bad)) if keep else (NOTHING, NOTHING)
            found[position] = FoldScore(
                value=float(value),
                score=score,
                probability=probability,
                stopped=part.stopped or bool(warned),
                fit_seconds=fit_seconds,
                score_seconds=part.test_seconds + time.perf_counter() - started,
            )
    return found


class _Known(ClassifierMixin, BaseEstimator):
    """A classifier whose answers are known, for scikit-learn's scorers."""

    classes_ = np.array([0, 1])

    def __init__(self, output: Output):
        self.output = output

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @available_if(lambda self: self.output.decision is not None)
    def decision_function(self, X: np.ndarray) -> np.ndarray | None:
        """Return what the model said."""
        return self.output.decision

    @available_if(lambda self: self.output.probability is not None)
    def predict_proba(self, X: np.ndarray) -> np.ndarray | None:
        """Return what the model said."""
        return self.output.probability


# Which warnings this process has shown: one line for each place, not one for each fit.
_shown: dict[Any, Any] = {}


@contextlib.contextmanager
def _watched(candidate: int) -> Iterator[list[bool]]:
    """Say which candidate it was, whatever a library raises inside, and whether a fit converged.

    Yields:
        A list that is empty unless a fit stopped before it converged; read it after the block.
    """
    stopped: list[bool] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield stopped
    except Exception as error:
        raise FitFailed(candidate, error) from error
    for one in caught:
        if issubclass(one.category, ConvergenceWarning):
            stopped.append(True)
        else:
            place = (one.filename, one.lineno)
            warnings.warn_explicit(one.message, one.category, *place, registry=_shown)

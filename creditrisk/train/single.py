"""Train a single model: search, out-of-fold PDs, final model and nested estimate, side by side."""

import math
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from creditrisk.core.workers import Workers, workers
from creditrisk.modeling.binning.binner import variables_in_one_bin
from creditrisk.modeling.fits import checked_fits
from creditrisk.modeling.folds import Fold
from creditrisk.modeling.sample import search_sample
from creditrisk.train.best_fit import calibrate_fit, fit_nested, fit_whole
from creditrisk.train.final_fit import fit_on_workers, may_be_divided, refuse_without_cluster
from creditrisk.train.fold_fits import Rows
from creditrisk.train.out_of_fold import join_folds, submit_folds
from creditrisk.train.search import GridFits, OnFitted, within
from creditrisk.train.spec import SearchSpec
from creditrisk.train.train_folds import nested_folds, search_folds
from creditrisk.train.trained_model import NESTED_COLUMNS, TrainedModel

Nested = list[tuple[Fold, list[Fold]]]

# So many at least, where there are enough candidates: the last ones then end at about one time.
JOBS_PER_WORKER = 4


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
        InputError: there are too few applicants for the folds, a fit failed, the score of a
            candidate is not a number, or the final fit is to be on a cluster and there is none.
    """
    train = spec.train
    refuse_without_cluster(train)
    wanted = train.sample_rows(len(spec.columns), frame["bad"].mean())
    sample = search_sample(frame, wanted, spec.seed)
    sampled = len(sample) < len(frame)
    # Make the folds first, so that too few rows fail before any fit.
    folds = search_folds(sample, train, spec.seed)
    nested = nested_folds(sample, train, spec.seed)
    once = train.model_copy(update={"repeats": 1})
    last_folds = search_folds(frame, once, spec.seed) if sampled else folds
    progress = _Progress(spec.name, log)
    progress.line(
        f"{len(spec.candidates)} candidates x {train.folds} folds"
        f" x {1 + max(fold.repeat for fold in folds)} repeats"
        + (", by time" if train.folds_by == "time" else "")
        + (f", on {len(sample):,} of {len(frame):,} rows" if sampled else "")
    )
    rows = frame[spec.columns], frame["bad"].to_numpy()
    places = np.flatnonzero(frame["row_id"].isin(sample["row_id"]))
    with workers(rows) as pool, checked_fits(rows[0], f"algorithms.{spec.name}", spec.words):
        fits = _Fits(spec, pool, rows)
        # What takes longest starts first: with a sample, that is the folds of all rows. A fit on
        # the workers needs all of them at a time.
        wait = sampled or may_be_divided(spec)
        later = sum(len(inner) for _, inner in nested)
        first = len(folds) + (0 if wait else later)
        search = fits.of(places, folds, first, keep=not sampled)
        inner = [] if wait else fits.of_nested(places, nested, first)
        best = search.best(on_fitted, progress.fold)
        pipeline = spec.candidate_pipeline(best.candidate, rows[1], last_folds)
        if sampled:
            progress.line(f"{len(last_folds)} folds and a fit on all rows")
        whole = fit_on_workers(spec, pool, pipeline, rows, progress.line)
        last = submit_folds(pool, pipeline, last_folds) if sampled else []
        if wait:
            inner = fits.of_nested(places, nested, later)
        if whole is None:
            whole = fit_whole(pipeline, *rows)  # here, while the workers have the folds
        scored = join_folds(last, last_folds, rows[1]) if sampled else search.out_of_fold(best)
        found = calibrate_fit(spec, pipeline, whole, rows, scored)
        parts = fits.nested(places, nested, inner, progress)
    trials = pd.concat([pd.DataFrame(spec.candidates), best.scores], axis=1)
    return TrainedModel(
        model=found.model,
        oof=_by_row(found.oof, frame),
        nested=_nested_frame(parts, nested, sample),
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


def jobs_per_fold(workers: int, folds: int) -> int:
    """Return into how many jobs a fold's candidates are divided, where there are so many.

    Args:
        workers: how many jobs run at a time.
        folds: how many are searched at the same time.
    """
    return math.ceil(JOBS_PER_WORKER * workers / folds)


class _Fits:
    """Hands the searches of a stage to the same workers.

    Args:
        spec: what to search.
        pool: the workers.
        rows: features and outcomes.
    """

    def __init__(self, spec: SearchSpec, pool: Workers, rows: Rows):
        self.spec, self.pool, self.rows = spec, pool, rows

    def of(
        self, places: np.ndarray, folds: list[Fold], together: int, keep: bool = True
    ) -> GridFits:
        """Start the search on some rows.

        Args:
            places: positions of the rows that are searched.
            folds: positions among these.
            together: number of folds of all searches that the workers have at the same time.
            keep: as for `GridFits`.
        """
        parts = jobs_per_fold(self.pool.count, together)
        return GridFits(self.spec, self.pool, self.rows, places, folds, parts, keep)

    def of_nested(self, places: np.ndarray, nested: Nested, together: int) -> list[GridFits]:
        """Start the search in each outer fold."""
        return [self.of(places[outer.train], folds, together) for outer, folds in nested]

    def nested(
        self, places: np.ndarray, nested: Nested, inner: list[GridFits], progress: "_Progress"
    ) -> list[tuple[pd.DataFrame, np.ndarray]]:
        """End the search in each outer fold: the result of `fit_nested` for each."""
        jobs = []
        for number, ((outer, folds), search) in enumerate(zip(nested, inner, strict=True), 1):
            best, bad = search.best(), self.rows[1][places[outer.train]]
            pipeline = self.spec.candidate_pipeline(best.candidate, bad, folds)
            scored, fold = search.out_of_fold(best), within(outer, places)
            jobs.append(self.pool.submit(fit_nested, self.spec, pipeline, fold, scored))
            progress.step(f"nested fold {number} of {len(nested)}")
        return [job.result() for job in jobs]


class _Progress:
    """Lines about the progress, not more than one every few seconds."""

    EVERY = 5.0

    def __init__(self, name: str, log: Callable[[str], None]):
        self.name, self.log = name, log
        self.last = 0.0

    def line(self, text: str) -> None:
        """Print a line."""
        self.last = time.monotonic()
        self.log(f"train@{self.name}: {text}")

    def step(self, text: str) -> None:
        """Print a line, unless the last one is new."""
        if time.monotonic() - self.last >= self.EVERY:
            self.line(text)

    def fold(self, number: int, count: int) -> None:
        """Tell that a fold of the search has ended."""
        self.step(f"fold {number} of {count}")


def _nested_frame(
    parts: list[tuple[pd.DataFrame, np.ndarray]], nested: Nested, frame: pd.DataFrame
) -> pd.DataFrame:
    tables = []
    for (oof, pds), (outer, _) in zip(parts, nested, strict=True):
        inside, outside = frame.iloc[outer.train], frame.iloc[outer.test]
        inner = _by_row(oof, inside).assign(role="inner")
        unseen = outside[["row_id", "bad"]].assign(pd=pds, repeat=0, fold=0, role="outer")
        both = pd.concat([inner, unseen], ignore_index=True).assign(outer=outer.fold)
        tables.append(both[NESTED_COLUMNS])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=NESTED_COLUMNS)


def _by_row(oof: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    row_id = frame["row_id"].to_numpy()[oof["position"]]
    return oof.drop(columns="position").assign(row_id=row_id)[
        ["row_id", "repeat", "fold", "bad", "pd"]
    ]

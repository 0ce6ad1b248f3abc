"""Score a candidate in each fold, with the same rows, folds, pipeline and scoring as train."""

import numpy as np
import pandas as pd

from creditrisk.core.workers import Workers
from creditrisk.modeling.fits import FitFailed
from creditrisk.modeling.folds import Fold
from creditrisk.train.fold_fits import Rows, fit_fold
from creditrisk.train.spec import SearchSpec, search_scoring
from creditrisk.train.train_folds import search_folds


def rows_of(spec: SearchSpec, frame: pd.DataFrame) -> Rows:
    """Return the features and the outcomes, which the workers of a `Bench` share.

    Args:
        spec: the same as for train.
        frame: the training rows, with `bad` and the features.
    """
    return frame[spec.columns], frame["bad"].to_numpy()


class Bench:
    """Scores candidates of one algorithm.

    Args:
        spec: the same as for train; its candidates are the combinations of params.yaml.
        frame: the training rows, with `applicant`, `bad` and the features.
        pool: workers that share `rows_of(spec, frame)`.
    """

    def __init__(self, spec: SearchSpec, frame: pd.DataFrame, pool: Workers):
        self.spec, self.pool = spec, pool
        self.bad = frame["bad"].to_numpy()
        self.folds: list[Fold] = search_folds(frame, spec.train, spec.seed)
        candidates = [spec.candidate_pipeline(c, self.bad, self.folds) for c in spec.candidates]
        self.scoring = search_scoring(spec, candidates)

    def scores(self, candidate: dict) -> list[float]:
        """Fit a candidate and score it in each fold; higher is better.

        Args:
            candidate: parameters with the names in params.yaml.

        Returns:
            One score per fold, over all repeats.

        Raises:
            FitFailed: a fit failed, or a score is not a number.
        """
        try:
            pipeline = self.spec.candidate_pipeline(candidate, self.bad, self.folds)
        except ValueError as error:  # a value that an estimator does not take
            raise FitFailed(None, error) from error
        jobs = [
            self.pool.submit(fit_fold, [(0, pipeline)], fold, self.scoring, False)
            for fold in self.folds
        ]
        scores = np.array([job.result()[0].value for job in jobs])
        if not np.isfinite(scores).all():
            raise FitFailed(None, "the score is not a number")
        return scores.tolist()

"""A candidate's score in each fold: the same rows, folds, pipeline and scoring as in train."""

import signal
import warnings

import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

from creditrisk.modeling.folds import Fold, make_folds
from creditrisk.train.search import SearchSpec, search_scoring

# A terminal sends Ctrl-C to the workers too, who would print what they were at. It is this process
# that answers it: joblib ends the workers when it does.
DEAF = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}


class Bench:
    """Where candidates of one algorithm are measured.

    Args:
        recipe: as for train; its candidates are the combinations of params.yaml.
        frame: the training rows: `applicant`, `bad` and the features.
        memory: a folder; candidates that differ in the model alone share their preprocessing.
    """

    def __init__(self, spec: SearchSpec, frame: pd.DataFrame, memory: str):
        self.spec = spec
        self.rows, self.bad = frame[spec.columns], frame["bad"].to_numpy()
        applicant, train = frame["applicant"].to_numpy(), spec.train
        self.folds: list[Fold] = make_folds(
            self.bad, applicant, train.folds, train.repeats, spec.seed
        )
        self._smallest = min(
            np.bincount(self.bad[fold.train], minlength=2).min() for fold in self.folds
        )
        self._blank = spec.pipeline().set_params(memory=memory)
        settings = [spec.settings(c, self._smallest) for c in spec.candidates]
        self.scoring = search_scoring(spec, self._blank, settings)

    def scores(self, candidate: dict) -> list[float]:
        """Fit and score a candidate in each fold, more is better.

        Raises:
            ValueError, TypeError: a fit failed, or a score is no number.
        """
        setting = self.spec.settings(candidate, self._smallest)
        with warnings.catch_warnings(), parallel_config("loky", **DEAF):
            warnings.simplefilter("ignore", ConvergenceWarning)
            scores = cross_val_score(
                clone(self._blank).set_params(**setting),
                self.rows,
                self.bad,
                scoring=self.scoring,
                cv=[(fold.train, fold.test) for fold in self.folds],
                n_jobs=-1,
                error_score="raise",
            )
        if not np.isfinite(scores).all():
            raise ValueError("the score is no number")
        return scores.tolist()

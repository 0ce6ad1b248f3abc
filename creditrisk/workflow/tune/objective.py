"""Score a candidate in each fold, with the same rows, folds, pipeline and scoring as train."""

import signal
import warnings

import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

from creditrisk.modeling.folds import Fold
from creditrisk.train.search import SearchSpec, search_scoring, smallest_classes
from creditrisk.train.train_folds import search_folds

# A terminal sends Ctrl-C to the workers too, which would print tracebacks. So they ignore it: this
# process handles it, and joblib then ends the workers.
IGNORE_CTRL_C = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}


class Bench:
    """Scores candidates of one algorithm.

    Args:
        spec: the same as for train; its candidates are the combinations of params.yaml.
        frame: the training rows, with `applicant`, `bad` and the features.
        memory: a cache folder: candidates that differ in the model only share the preprocessing.
    """

    def __init__(self, spec: SearchSpec, frame: pd.DataFrame, memory: str):
        self.spec = spec
        self.rows, self.bad = frame[spec.columns], frame["bad"].to_numpy()
        self.folds: list[Fold] = search_folds(frame, spec.train, spec.seed)
        self._classes = smallest_classes(self.bad, self.folds)
        self._pipeline = spec.pipeline().set_params(memory=memory)
        settings = [spec.settings(c, self._classes, len(frame)) for c in spec.candidates]
        self.scoring = search_scoring(spec, self._pipeline, settings)

    def scores(self, candidate: dict) -> list[float]:
        """Fit a candidate and score it in each fold; higher is better.

        Args:
            candidate: parameters with the names in params.yaml.

        Returns:
            One score per fold, over all repeats.

        Raises:
            ValueError: a fit failed, or a score is not a number.
            TypeError: a fit failed.
        """
        setting = self.spec.settings(candidate, self._classes, len(self.rows))
        with warnings.catch_warnings(), parallel_config("loky", **IGNORE_CTRL_C):
            warnings.simplefilter("ignore", ConvergenceWarning)
            scores = cross_val_score(
                clone(self._pipeline).set_params(**setting),
                self.rows,
                self.bad,
                scoring=self.scoring,
                cv=[(fold.train, fold.test) for fold in self.folds],
                n_jobs=-1,
                error_score="raise",
            )
        if not np.isfinite(scores).all():
            raise ValueError("the score is not a number")
        return scores.tolist()

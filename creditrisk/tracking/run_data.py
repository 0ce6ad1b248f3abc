"""The data of a run that a stage hands over to be recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LONGEST_PARAM = 500  # characters; older servers accept 500, newer ones 6000


@dataclass(frozen=True)
class Search:
    """A fitted grid search.

    Attributes:
        estimator: dotted name of the estimator's class.
        diagram: scikit-learn's HTML page of the estimator.
        scoring: name of the score.
        results: `cv_results_` of the search, with the candidates under the names in params.yaml.
        best_score: score of the best candidate.
        rows: the features that it was fitted on, shape (n, d).
        bad: the target that it was fitted on, shape (n,).
    """

    estimator: str
    diagram: str
    scoring: str
    results: dict[str, Any]
    best_score: float
    rows: pd.DataFrame
    bad: np.ndarray


@dataclass(frozen=True)
class Champion:
    """The model that select chose.

    Attributes:
        model: path of champion.joblib, whose hash has been checked.
        sha256: that hash.
        description: text of champion.json.
        columns: the raw columns that it reads, by their names in the applicants' file.
        notation: how numbers and missing values are written there: `decimal`, `thousands` and
            `null_words`.
        is_champion_run: whether the alias `champion` is set to it; not in a queued experiment.
    """

    model: Path
    sha256: str
    description: str
    columns: list[str]
    notation: Mapping[str, Any]
    is_champion_run: bool


@dataclass(frozen=True)
class Loader:
    """The code that turns the champion's files into a model which scores raw applicants.

    Attributes:
        module: the module that MLflow calls to load it.
        code: the source files that it needs, by their paths from the project's folder.
    """

    module: str
    code: Mapping[str, bytes]


@dataclass(frozen=True)
class ModelVersion:
    """The champion as MLflow's model registry gets it. Nothing here is loaded to record it.

    Attributes:
        pickled: content of champion.joblib.
        sha256: its hash.
        package_sha256: the hash of all that the registered model consists of.
        description: text of champion.json.
        columns: the raw columns that it reads.
        notation: how numbers and missing values are written in them.
        loader: the code that loads it.
        is_champion_run: whether the alias `champion` is set to it.
    """

    pickled: bytes
    sha256: str
    package_sha256: str
    description: str
    columns: list[str]
    notation: Mapping[str, Any]
    loader: Loader
    is_champion_run: bool


@dataclass(frozen=True)
class RunData:
    """The run of one stage.

    Attributes:
        key: hash that identifies the run.
        stage: its name in DVC.
        experiment: the MLflow experiment that it belongs to.
        started: start, in milliseconds since the epoch.
        ended: end, in milliseconds since the epoch.
        tags: tags that describe the run.
        params: parameters of the best candidate.
        metrics: numbers under dotted names.
        files: artifact folder to the files that go into it.
        search: the grid search, if the stage had one.
        predictions: columns `bad` and `pd` of rows that the model was not fitted on, for figures.
        champion: the model for the model registry.
    """

    key: str
    stage: str
    experiment: str
    started: int
    ended: int
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    files: dict[str, list[Path]]
    search: Search | None = None
    predictions: pd.DataFrame | None = None
    champion: ModelVersion | None = None

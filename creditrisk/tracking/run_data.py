"""What a stage tells of itself, as it goes to the process that writes it down."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LONGEST_PARAM = 500  # characters; servers take 500 (older ones) to 6000


@dataclass(frozen=True)
class Search:
    """A grid search that was fitted.

    Attributes:
        estimator: class of what was searched.
        diagram: scikit-learn's page of it.
        scoring: the score's name.
        results: `cv_results_` of the search, its candidates by the names in params.yaml.
        best_score: of the best candidate.
        rows, bad: what it was fitted on, shapes (n, d) and (n,).
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
    """What select chose.

    Attributes:
        model: champion.joblib, whose hash has been checked.
        sha256: that hash.
        rows: a few rows of features, the input example.
        description: champion.json.
        leads: whether the alias goes to it, which a queued experiment's champion does not get.
    """

    model: Path
    sha256: str
    rows: pd.DataFrame
    description: Mapping[str, Any]
    is_champion_run: bool


@dataclass(frozen=True)
class RunData:
    """The run of one stage.

    Attributes:
        key: makes it one of a kind.
        stage: as DVC names it.
        experiment: what it is filed under.
        started, ended: milliseconds since the epoch.
        tags: facts about it.
        params: of the best candidate.
        metrics: numbers by their dotted places.
        files: folder among the run's artifacts to files.
        search: the grid search, where the stage had one.
        predictions: `bad` and `pd` of rows that the model had not seen, for the figures.
        champion: to be put in the model registry.
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
    champion: Champion | None = None

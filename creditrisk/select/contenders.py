"""The trained models that compete to be the champion, judged out of fold with the real costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.files import read_frame, to_jsonable
from creditrisk.metrics.costs import DecisionParams, Sample, choose_threshold
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import compute_fold_metrics
from creditrisk.modeling.registry import Algorithm
from creditrisk.train.candidate_files import MODEL, NESTED, OOF, read_summary


@dataclass(frozen=True)
class CvMetrics:
    """Metrics over the folds at the cut-off that the costs ask for.

    Attributes:
        threshold: the cut-off, chosen on the out-of-fold PDs.
        mean: of each metric over the folds.
        std: standard deviation over the folds.
        se: standard error of the mean (Nadeau and Bengio 2003).
    """

    threshold: float
    mean: dict[str, float]
    std: dict[str, float]
    se: dict[str, float]


@dataclass(frozen=True)
class Contender:
    """One trained model.

    Attributes:
        name: the algorithm.
        label: its name in words.
        simplicity: 1 is the simplest to explain.
        folder: what train wrote of it, data/candidates/FAMILY/NAME.
        summary: the content of metrics/train/NAME.json, with the hash of its model file.
        oof: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        cv: its metrics over the folds.
    """

    name: str
    label: str
    simplicity: int
    folder: Path
    summary: Mapping[str, Any]
    oof: pd.DataFrame
    cv: CvMetrics

    @property
    def model_file(self) -> Path:
        """Path of the model."""
        return self.folder / MODEL

    @cached_property
    def nested(self) -> pd.DataFrame:
        """PDs of the nested cross-validation; see `TrainedModel.nested`."""
        return read_frame(self.folder / NESTED)


def load_contenders(
    folder: Path, entries: Mapping[str, Algorithm], frame: pd.DataFrame, decision: DecisionParams
) -> dict[str, Contender]:
    """Read what train wrote of each algorithm, and judge it.

    Args:
        folder: data/candidates.
        entries: name to entry of the registry.
        frame: the training rows, for their costs.
        decision: costs, and how the cut-off is chosen.
    """
    contenders = {}
    for name, entry in entries.items():
        own = folder / entry.family / name
        oof = read_frame(own / OOF)
        contenders[name] = Contender(
            name=name,
            label=entry.label,
            simplicity=entry.simplicity,
            folder=own,
            summary=read_summary(own),
            oof=oof,
            cv=cv_metrics(oof, frame, decision),
        )
    return contenders


def cv_metrics(oof: pd.DataFrame, frame: pd.DataFrame, decision: DecisionParams) -> CvMetrics:
    """Choose the cut-off on out-of-fold PDs, and measure every metric in each fold.

    Args:
        oof: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        frame: the training rows, for their costs.
        decision: costs, and how the cut-off is chosen.

    Returns:
        Numbers as the JSON files hold them, so that every file and page shows the same digits.
    """
    costs = decision.costs(frame.set_index("row_id").loc[oof["row_id"]])
    sample = Sample(oof["bad"].to_numpy(), oof["pd"].to_numpy(), costs)
    threshold = choose_threshold(sample, decision)
    folds = compute_fold_metrics(oof, threshold, costs)
    count = folds.index.get_level_values("fold").nunique()
    return CvMetrics(
        threshold=to_jsonable(threshold),
        mean=to_jsonable(folds.mean().to_dict()),
        std=to_jsonable(folds.std(ddof=1).to_dict()),
        se=to_jsonable({name: fold_error(folds[name].to_numpy(), count) for name in folds}),
    )


def simplicity_of(contenders: Iterable[Contender]) -> dict[str, int]:
    """Name to simplicity."""
    return {contender.name: contender.simplicity for contender in contenders}

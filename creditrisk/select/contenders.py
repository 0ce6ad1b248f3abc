"""The trained models that compete to be the champion, measured out of fold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.files import read_frame
from creditrisk.core.jsonable import to_jsonable
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import compute_fold_metrics
from creditrisk.modeling.registry import Algorithm
from creditrisk.select.terms import Terms
from creditrisk.train.candidate_files import MODEL, NESTED, OOF, read_summary, trusted_sha256


@dataclass(frozen=True)
class CvMetrics:
    """Metrics over the folds, at the cut-off that follows from the costs.

    Attributes:
        threshold: the cut-off, chosen on the out-of-fold PDs.
        mean: mean of each metric over the folds.
        std: standard deviation of each metric over the folds.
        se: standard error of each mean (Nadeau and Bengio 2003).
        by_fold: each metric in each fold, by repeat and fold.
    """

    threshold: float
    mean: dict[str, float]
    std: dict[str, float]
    se: dict[str, float]
    by_fold: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """One trained model that may become the champion.

    Attributes:
        name: the algorithm.
        label: its name in words.
        family: `single` or `ensemble`.
        simplicity: 1 is the simplest to explain.
        folder: data/candidates/FAMILY/NAME, which train wrote.
        summary: the content of metrics/train/NAME.json.
        model_sha256: the hash of the model file, from metrics/train/NAME.json, which is in Git.
        oof: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        cv: metrics over the folds.
    """

    name: str
    label: str
    family: str
    simplicity: int
    folder: Path
    summary: Mapping[str, Any]
    model_sha256: str
    oof: pd.DataFrame
    cv: CvMetrics

    @property
    def model_file(self) -> Path:
        """Path of the model file."""
        return self.folder / MODEL

    @cached_property
    def nested(self) -> pd.DataFrame:
        """PDs of the nested cross-validation; see `TrainedModel.nested`."""
        return read_frame(self.folder / NESTED)


def load_contenders(
    folder: Path,
    trained: Path,
    entries: Mapping[str, Algorithm],
    terms: Terms,
) -> dict[str, Contender]:
    """Read the trained model of each algorithm and measure it out of fold.

    Args:
        folder: data/candidates.
        trained: metrics/train, which has the hashes of the model files and is in Git.
        entries: name to entry of the registry.
        terms: costs and referrals of the training rows.
    """
    contenders = {}
    for name, entry in entries.items():
        model_folder = folder / entry.family / name
        oof = read_frame(model_folder / OOF)
        contenders[name] = Contender(
            name=name,
            label=entry.label,
            family=entry.family,
            simplicity=entry.simplicity,
            folder=model_folder,
            summary=read_summary(model_folder),
            model_sha256=trusted_sha256(trained / f"{name}.json"),
            oof=oof,
            cv=cv_metrics(oof, terms),
        )
    return contenders


def cv_metrics(oof: pd.DataFrame, terms: Terms) -> CvMetrics:
    """Choose the cut-off on out-of-fold PDs, and measure every metric in each fold.

    Args:
        oof: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        terms: costs and referrals of the training rows.

    Returns:
        Numbers rounded as in the JSON files, so that all files and pages show the same digits.
    """
    sample = terms.sample(oof)
    threshold = terms.cut_off(sample)
    referred = terms.with_band(sample, threshold).referred
    folds = compute_fold_metrics(oof, threshold, sample.costs, referred)
    count = folds.index.get_level_values("fold").nunique()
    return CvMetrics(
        threshold=to_jsonable(threshold),
        mean=to_jsonable(folds.mean().to_dict()),
        std=to_jsonable(folds.std(ddof=1).to_dict()),
        se=to_jsonable({name: fold_error(folds[name].to_numpy(), count) for name in folds}),
        by_fold=to_jsonable({name: folds[name].tolist() for name in folds}),
    )


def ensembles_of(contenders: Iterable[Contender]) -> list[str]:
    """List the names of the ensembles."""
    return [contender.name for contender in contenders if contender.family == "ensemble"]


def simplicity_of(contenders: Iterable[Contender]) -> dict[str, int]:
    """Map the name of each contender to its simplicity."""
    return {contender.name: contender.simplicity for contender in contenders}

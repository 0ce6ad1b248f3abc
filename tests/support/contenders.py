"""Contenders for the championship, made of out-of-fold PDs or of scores alone."""

from pathlib import Path

import pandas as pd

from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import NAMES
from creditrisk.select.contenders import Contender, CvMetrics


def contender(name: str, cv: CvMetrics, simplicity: int = 1, oof: pd.DataFrame | None = None):
    return Contender(
        name=name,
        label=f"{name} in words",
        family="single",
        simplicity=simplicity,
        folder=Path("nowhere"),
        summary={"calibration": "none"},
        model_sha256="0" * 64,
        oof=pd.DataFrame() if oof is None else oof,
        cv=cv,
    )


def cv_of_folds(folds: pd.DataFrame, threshold: float) -> CvMetrics:
    """The metrics of each fold, summed up as select does."""
    count = folds.index.get_level_values("fold").nunique()
    return CvMetrics(
        threshold,
        folds.mean().to_dict(),
        folds.std(ddof=1).to_dict(),
        {m: fold_error(folds[m].to_numpy(), count) for m in folds},
    )


def cv_of_score(score: float) -> CvMetrics:
    """The same value for every metric."""
    return CvMetrics(
        0.5, dict.fromkeys(NAMES, score), dict.fromkeys(NAMES, 0.03), dict.fromkeys(NAMES, 0.02)
    )

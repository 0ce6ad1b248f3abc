"""Training rows made, or left out: resamplers, and a sample for estimators that grow fast.

To add a resampler, add an entry to `RESAMPLERS`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from imblearn.combine import SMOTETomek
from imblearn.over_sampling import (
    ADASYN,
    SMOTE,
    SMOTEN,
    SMOTENC,
    BorderlineSMOTE,
    RandomOverSampler,
)
from imblearn.under_sampling import NearMiss, RandomUnderSampler
from sklearn.base import BaseEstimator

# Neighbours that a resampler uses, if the smaller class of a training part has enough rows.
NEIGHBOURS = 5


def _smotenc(seed: int, k: int, levels: list[str]) -> BaseEstimator:
    return SMOTENC(categorical_features=levels, k_neighbors=k, random_state=seed)


# Each makes a resampler from the seed, the number of neighbours and the names of the columns with
# levels. Those in `MIXED` work on the imputed levels before encoding, the others on the encoded
# numbers.
RESAMPLERS: dict[str, Callable[[int, int, list[str]], Any]] = {
    "none": lambda seed, k, levels: "passthrough",
    "smote": lambda seed, k, levels: SMOTE(k_neighbors=k, random_state=seed),
    "smotenc": _smotenc,
    "borderline_smote": lambda seed, k, levels: BorderlineSMOTE(k_neighbors=k, random_state=seed),
    "adasyn": lambda seed, k, levels: ADASYN(n_neighbors=k, random_state=seed),
    "smote_tomek": lambda seed, k, levels: SMOTETomek(
        smote=SMOTE(k_neighbors=k, random_state=seed), random_state=seed
    ),
    "random_over": lambda seed, k, levels: RandomOverSampler(random_state=seed),
    "random_under": lambda seed, k, levels: RandomUnderSampler(random_state=seed),
    "nearmiss": lambda seed, k, levels: NearMiss(version=1, n_neighbors=min(3, k)),
}
MIXED = {"smotenc"}
# These measure no distances, so missing numbers do not stop them.
WITHOUT_DISTANCES = {"none", "random_over", "random_under"}


def resampler(name: str, seed: int, smallest: int, levels: list[str], binned: bool) -> Any:
    """Make a resampler.

    Args:
        name: a key of `RESAMPLERS`.
        seed: random seed.
        smallest: rows of the smaller class in the smallest training part; it limits the number of
            neighbours.
        levels: names of the columns with levels.
        binned: whether all columns are bins: SMOTE-NC, which needs a number, is then SMOTE-N.
    """
    neighbours = max(1, min(NEIGHBOURS, smallest - 1))
    if binned and name in MIXED:
        return SMOTEN(k_neighbors=neighbours, random_state=seed)
    return RESAMPLERS[name](seed, neighbours, levels)


def row_sampler(fit_rows: int | None, rows: int, seed: int) -> Any:
    """Make the first step of a pipeline: fit on a stratified sample of the training rows.

    Args:
        fit_rows: number of rows at most; None for all.
        rows: number of training rows, of which a fold takes a part.
        seed: random seed.

    Returns:
        A sampler, or `passthrough` if there are no more rows than that.
    """
    if fit_rows is None or rows <= fit_rows:
        return "passthrough"
    return RandomUnderSampler(sampling_strategy=partial(_stratified, fit_rows), random_state=seed)


def _stratified(fit_rows: int, outcomes: Any) -> dict[Any, int]:
    """Return the rows of each class in a sample: all, if there are no more."""
    labels, counts = np.unique(outcomes, return_counts=True)
    total = int(counts.sum())
    if total <= fit_rows:
        return dict(zip(labels.tolist(), counts.tolist(), strict=True))
    bad = min(max(1, round(fit_rows * int(counts[-1]) / total)), int(counts[-1]))
    return {labels[0].item(): fit_rows - bad, labels[-1].item(): bad}

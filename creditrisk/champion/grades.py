"""Rating grades: bands of PDs, by the edges that a bank has set, or learned from outcomes."""

from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator
from scipy.special import xlogy
from sklearn.isotonic import IsotonicRegression

from creditrisk.core.params import Number, Strict

MIN_SHARE = 0.05  # of the rows, in a learned grade
MIN_OUTCOMES = 5  # good rows, and bad rows, in a learned grade

Edge = Annotated[Number, Field(gt=0, lt=1)]


class GradesParams(Strict):
    """The block `grades`: the bands of PDs that are one rating grade each.

    Attributes:
        bands: `optimal` learns the bands from out-of-fold PDs, see `learn_edges`; or the upper PDs
            of all grades but the last, ascending. A PD that equals an edge is in the grade above.
        count: number of learned grades, at most.
    """

    bands: Literal["optimal"] | Annotated[list[Edge], Field(min_length=1, max_length=25)] = (
        "optimal"
    )
    count: Annotated[int, Field(ge=2, le=20)] = 7

    @field_validator("bands")
    @classmethod
    def _ascending(cls, bands: Any) -> Any:
        if isinstance(bands, list) and any(a >= b for a, b in pairwise(bands)):
            raise ValueError("the upper PDs of the grades must ascend")
        return bands


def grade_edges(bad: np.ndarray, pd_: np.ndarray, params: GradesParams) -> np.ndarray:
    """Return the PDs between the grades, ascending, shape (grades - 1,).

    Args:
        bad: outcome, shape (n,); of the training rows, never of test rows.
        pd_: out-of-fold PDs, shape (n,).
        params: the block of parameters.
    """
    if params.bands == "optimal":
        return learn_edges(bad, pd_, params.count)
    return np.array(params.bands, dtype="float64")


def grade_of(pd_: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the position of each PD's grade, 0 for the least risky, shape (n,)."""
    return np.searchsorted(edges, pd_, side="right")


def grade_names(count: int) -> list[str]:
    """Name grades with letters: A is the least risky."""
    return [chr(ord("A") + place) for place in range(count)]


def learn_edges(bad: np.ndarray, pd_: np.ndarray, count: int) -> np.ndarray:
    """Find the bands of PDs that describe the outcomes best, with bad rates that rise.

    Isotonic regression (Ayer et al. 1955, "An Empirical Distribution Function for Sampling with
    Incomplete Information") gives the finest bands whose bad rates rise. Of all ways to join them
    to at most `count` grades, each with `MIN_SHARE` of the rows and `MIN_OUTCOMES` rows of each
    outcome, dynamic programming takes the one with the greatest log likelihood, in which each grade
    has one bad rate (Fisher 1958, "On Grouping for Maximum Homogeneity"). A further grade must
    raise it by more than 1, the price of one more rate (Akaike 1974, "A New Look at the Statistical
    Model Identification"), so there can be fewer grades than `count`.

    Args:
        bad: outcome, shape (n,).
        pd_: PDs of models that have not seen the rows, shape (n,).
        count: number of grades, at most.

    Returns:
        The PDs between the grades, ascending, each in the middle between two PDs. None, that is
        one grade, where the rows are too few or the PDs do not rank them.
    """
    distinct, place = np.unique(pd_, return_inverse=True)
    rows = np.bincount(place).astype("float64")
    bads = np.bincount(place, weights=np.asarray(bad, dtype="float64"))
    # By rank: scikit-learn takes neighbouring floats for one value.
    ranks = np.arange(len(distinct))
    rates = IsotonicRegression().fit_transform(ranks, bads / rows, sample_weight=rows)
    # The first distinct PD of each band of one rate, and the counts below it.
    starts = np.flatnonzero(np.concatenate([[True], rates[1:] != rates[:-1]]))
    below = np.concatenate([[0.0], np.cumsum(rows)])[[*starts, len(rows)]]
    bad_below = np.concatenate([[0.0], np.cumsum(bads)])[[*starts, len(rows)]]
    cuts = _best_cuts(below, bad_below, count)
    lower, upper = distinct[starts[cuts] - 1], distinct[starts[cuts]]
    middle = (lower + upper) / 2
    # A midpoint may be rounded down to the lower PD, which belongs to the lower grade.
    return np.where(middle > lower, middle, upper)


def _best_cuts(below: np.ndarray, bad_below: np.ndarray, count: int) -> np.ndarray:
    """Choose at which bands a grade starts, except for the first; positions, ascending.

    Args:
        below: rows below each band, and below the end, shape (bands + 1,).
        bad_below: bad rows below each band, and below the end, shape (bands + 1,).
        count: number of grades, at most.
    """
    n, bands = below[-1], len(below) - 1
    # gain[i, j]: the log likelihood of a grade from band i to before band j.
    rows, bads = (side[None, :] - side[:, None] for side in (below, bad_below))
    goods = rows - bads
    allowed = (rows >= MIN_SHARE * n) & (bads >= MIN_OUTCOMES) & (goods >= MIN_OUTCOMES)
    some = np.where(rows > 0, rows, 1.0)
    likelihood = xlogy(bads, np.clip(bads / some, 0, 1)) + xlogy(goods, np.clip(goods / some, 0, 1))
    gain = np.where(allowed, likelihood, -np.inf)
    best = gain[0]  # of one grade that ends before each band
    choices: list[np.ndarray] = []
    totals = [best[bands]]
    for _ in range(1, count):
        joined = best[:, None] + gain
        choices.append(joined.argmax(axis=0))
        best = joined.max(axis=0)
        totals.append(best[bands])
    penalised = np.array(totals) - np.arange(len(totals))
    grades = int(np.argmax(penalised)) + 1
    cuts, end = [], bands
    for chosen in reversed(choices[: grades - 1]):
        end = int(chosen[end])
        cuts.append(end)
    return np.array(cuts[::-1], dtype=int)

"""Tests of a window against the reference: is it more than chance, and how far has it moved?

Both sides are samples: of the training rows too there are only so many. So all tests compare two
samples, none takes the shares of the reference as exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from creditrisk.champion.reference import Distribution, Spread
from creditrisk.metrics.stability import psi_of_counts

LEAST_EXPECTED = 5.0  # rows in a bin, for the chi-squared distribution to hold (Cochran 1954)


@dataclass(frozen=True)
class Moved:
    """How a distribution differs from the reference.

    Attributes:
        psi: the PSI, all bins.
        by_chance: the PSI that is expected without drift.
        p: how often there is as much of a difference without drift.
    """

    psi: float
    by_chance: float
    p: float


@dataclass(frozen=True)
class Share:
    """A share in the window and in the reference, and how often they differ as much by chance."""

    now: float
    then: float
    p: float


def compare(
    reference: np.ndarray, now: np.ndarray, ordered: bool, spread: Spread | None = None
) -> Moved:
    """Compare two samples that are counted by bin.

    A chi-squared test finds any difference; for ordered bins a test of the mean rank (Wilcoxon)
    finds a shift of all values with fewer rows, and the smaller p counts twice (Bonferroni).
    PSI without drift: (k - 1)(1/n + 1/N) for k bins (Yurdakul and Naranjo 2020).

    PDs come out of fold from other models than the champion. What these models differ in beyond
    chance (`Spread`) makes the statistic larger without any drift: the sum of squares is then one
    of weighted chi-squared variables, and is approximated by a scaled one (Satterthwaite 1946),
    with all of the excess on one of them, which is the widest case.

    Args:
        reference: rows by bin, shape (k,).
        now: rows of the window by bin, shape (k,).
        ordered: whether the bins have an order.
        spread: of the models, for PDs.
    """
    n, m = now.sum(), reference.sum()
    if not n or not m:
        return Moved(float("nan"), float("nan"), 1.0)
    size = 1 / n + 1 / m
    excess = 0.0 if spread is None else spread.excess / size
    used = int((reference + now > 0).sum())
    chance = size * (used - 1 + excess)
    psi = psi_of_counts(reference, now)
    old, new = _merged(reference, now, ordered)
    k = len(old)
    if k < 2:
        return Moved(psi, chance, 1.0)
    pooled = (old + new) / (n + m)
    statistic = float((((new / n - old / m) ** 2) / (pooled * size)).sum())
    mean, half_variance = k - 1 + excess, k - 2 + (1 + excess) ** 2
    scale, freedom = half_variance / mean, mean**2 / half_variance
    p = float(stats.chi2.sf(statistic / scale, freedom))
    if ordered:
        p = min(1.0, 2 * min(p, _trend(old, new, excess)))
    return Moved(psi, chance, p)


def _trend(old: np.ndarray, new: np.ndarray, excess: float) -> float:
    """Wilcoxon's test of mean ranks, for many ties; normal approximation, two-sided."""
    n, m = new.sum(), old.sum()
    both = old + new
    rank = np.cumsum(both) - both / 2
    mean = (rank * both).sum() / (n + m)
    variance = ((rank - mean) ** 2 * both).sum() / (n + m - 1) * (1 / n + 1 / m)
    difference = (rank * new).sum() / n - (rank * old).sum() / m
    if variance <= 0:
        return 1.0
    return float(2 * stats.norm.sf(abs(difference) / np.sqrt(variance * (1 + excess))))


def _merged(reference: np.ndarray, now: np.ndarray, ordered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Put bins together until enough rows are expected in each, on the smaller side."""
    both = reference + now
    smaller = min(reference.sum(), now.sum()) / both.sum()
    order = np.arange(len(both)) if ordered else np.argsort(both, kind="stable")
    groups: list[list[int]] = []
    held: list[int] = []
    for place in order:
        held.append(int(place))
        if both[held].sum() * smaller >= LEAST_EXPECTED:
            groups.append(held)
            held = []
    if held and groups:
        groups[-1] += held
    return (
        np.array([side[group].sum() for group in groups], dtype=float) for side in (reference, now)
    )  # type: ignore[return-value]


def compare_shares(
    now: float, rows: float, then: float, reference_rows: float, more_only: bool = False
) -> Share:
    """Compare a count of the window with one of the reference by Fisher's exact test.

    Args:
        now: rows of the window that have it.
        rows: rows of the window.
        then: rows of the reference that have it.
        reference_rows: rows of the reference.
        more_only: whether only more than in the reference counts.
    """
    if not rows or not reference_rows:
        return Share(float("nan"), float("nan"), 1.0)
    old, of = round(then), max(round(reference_rows), round(then))
    table = [[int(now), int(rows - now)], [old, of - old]]
    side = "greater" if more_only else "two-sided"
    p = float(stats.fisher_exact(table, alternative=side).pvalue) if now or old else 1.0
    return Share(now / rows, then / reference_rows, p)


def compare_decisions(
    now: float, rows: float, then: float, reference_rows: float, spread: Spread
) -> Share:
    """Compare shares of a decision; what the folds' models differ in does not count (`Spread`)."""
    if not rows or not reference_rows:
        return Share(float("nan"), float("nan"), 1.0)
    old = np.array([then, reference_rows - then])
    found = compare(old, np.array([now, rows - now], dtype=float), ordered=False, spread=spread)
    return Share(now / rows, then / reference_rows, found.p)


def bins_of(like: Distribution) -> np.ndarray:
    """Rows of the reference that have a value, by bin and special code, shape (k,)."""
    return np.array([*like.counts, *like.special.values()], dtype=float)


def holm(p: Mapping[str, float]) -> dict[str, tuple[float, int]]:
    """Adjust p-values so that all together err as seldom as one (Holm 1979).

    Args:
        p: name to p-value.

    Returns:
        Name to the adjusted p-value and the factor that it was multiplied by.
    """
    found: dict[str, tuple[float, int]] = {}
    highest = 0.0
    for place, name in enumerate(sorted(p, key=lambda name: (p[name], name))):
        factor = len(p) - place
        highest = max(highest, min(1.0, factor * p[name]))
        found[name] = (highest, factor)
    return found

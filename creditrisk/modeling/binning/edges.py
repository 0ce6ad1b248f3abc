"""Where a number is cut into bins: fine bins first, which are then merged.

Fine bins are the values themselves if there are few, and a value that many rows have is one by
itself; the other values are cut by quantiles. Neighbours are merged until each bin has rows enough,
their bad rates differ, and there are no more than asked for (ChiMerge, Kerber 1992); with a
direction, until the bad rates go that way (pool adjacent violators, Ayer et al. 1955).
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np

FINE_BINS = 20  # a value that this share of the rows has is a fine bin by itself
MIN_ROWS = 30
MIN_SHARE = 0.005  # of the rows, in each bin
DIFFERENT = 3.841  # chi-square with one degree of freedom, 5%: neighbours below it are merged
# Monotone bins are taken where they keep this share of the information value.
KEPT_VALUE = 0.95
UP, DOWN = 1, -1


@dataclass(frozen=True)
class Bins:
    """Neighbouring bins of a numeric variable.

    Attributes:
        edges: the lower end of each bin but the first, ascending, shape (k - 1,). A bin has the
            values from its lower end on, up to the next bin's.
        rows: rows of each bin, shape (k,).
        bads: bad rows of each bin, shape (k,).
    """

    edges: np.ndarray
    rows: np.ndarray
    bads: np.ndarray

    @property
    def rates(self) -> np.ndarray:
        """Bad rate of each bin, shape (k,)."""
        return self.bads / np.maximum(self.rows, 1)

    def join(self, i: int) -> "Bins":
        """Merge bin i with the next."""
        rows, bads = np.delete(self.rows, i + 1), np.delete(self.bads, i + 1)
        rows[i], bads[i] = self.rows[i] + self.rows[i + 1], self.bads[i] + self.bads[i + 1]
        return Bins(np.delete(self.edges, i), rows, bads)


def find_bins(
    values: np.ndarray, bad: np.ndarray, most: int, monotone: bool | str, direction: int = 0
) -> Bins:
    """Cut a numeric variable into bins.

    Args:
        values: without missing ones, shape (n,).
        bad: outcomes, shape (n,).
        most: number of bins at most.
        monotone: whether the bad rates must go one way: True, False, or `auto` for where that costs
            hardly any information value.
        direction: `UP` or `DOWN` if it is known whether risk rises with the value; 0 if not.

    Returns:
        The bins; a single one if the variable says nothing.
    """
    fine = _fine_bins(values, bad)
    least = max(MIN_ROWS, MIN_SHARE * len(values))
    free = _merge(fine, most, least)
    if not (monotone or direction):
        return free
    ways = [direction] if direction else [UP, DOWN]
    forced = [_merge(_pool(fine, way), most, least, way) for way in ways]
    best = max(forced, key=information_value)
    if direction or monotone is True:
        return best
    return best if information_value(best) >= KEPT_VALUE * information_value(free) else free


def count_bins(edges: np.ndarray, values: np.ndarray, bad: np.ndarray) -> Bins:
    """Count the rows of bins whose edges are given.

    Args:
        edges: ascending, shape (k - 1,).
        values: without missing ones, shape (n,).
        bad: outcomes, shape (n,).
    """
    place = np.searchsorted(edges, values, side="right")
    rows = np.bincount(place, minlength=len(edges) + 1)
    bads = np.bincount(place, weights=bad, minlength=len(edges) + 1)
    return Bins(np.asarray(edges, dtype="float64"), rows, bads)


def join_against(bins: Bins, way: int) -> Bins:
    """Join the bins of given edges that hold no row, or whose bad rate goes against a direction.

    Args:
        bins: from `count_bins`.
        way: `UP` or `DOWN`; 0 if the rates may go any way.

    Returns:
        The bins: an empty one joins the next lower one, the lowest the next higher one.
    """
    while len(bins.edges) and not bins.rows.all():
        i = int(np.flatnonzero(bins.rows == 0)[0])
        bins = bins.join(max(i - 1, 0))
    return _pool(bins, way) if way else bins


def information_value(bins: Bins) -> float:
    """Compute the information value of bins (Siddiqi 2006), half a row added to each count."""
    bads, goods = bins.bads + 0.5, bins.rows - bins.bads + 0.5
    of_bad, of_good = bads / bads.sum(), goods / goods.sum()
    return float(((of_bad - of_good) * np.log(of_bad / of_good)).sum())


def _fine_bins(values: np.ndarray, bad: np.ndarray) -> Bins:
    distinct, counts = np.unique(values, return_counts=True)
    few = len(distinct) <= FINE_BINS
    starts = np.arange(1, len(distinct)) if few else _starts(counts)
    # A little play lets an edge be a round number: a quarter of a fine bin to either side.
    play = 0 if few else len(values) / FINE_BINS / 4
    before = np.cumsum(counts) - counts
    heavy = counts >= len(values) / FINE_BINS
    edges = []
    for start in starts:
        low, high = start - 1, start
        room = 0 if heavy[low] or heavy[high] else play  # a heavy value stays alone
        while low > 0 and before[start] - before[low] <= room and not heavy[low - 1]:
            low -= 1
        while (
            high + 1 < len(distinct)
            and before[high + 1] - before[start] <= room
            and not heavy[high + 1]
        ):
            high += 1
        edges.append(shortest_between(distinct[low], distinct[high]))
    return count_bins(np.unique(edges), values, bad)


def _starts(counts: np.ndarray) -> np.ndarray:
    """Choose the values that start a fine bin: positions among the distinct ones, without 0."""
    share = counts.sum() / FINE_BINS
    heavy = counts >= share
    starts: set[int] = set()
    filled = 0
    for i, count in enumerate(counts):
        if heavy[i]:
            starts |= {i, i + 1}
            filled = 0
            continue
        if filled + count / 2 > share:
            starts.add(i)
            filled = 0
        filled += count
    return np.array(sorted(starts - {0, len(counts)}), dtype=int)


def shortest_between(low: float, high: float) -> float:
    """Find the number with the fewest digits that is above `low` and at most `high`."""
    if low < 0 <= high:
        return 0.0
    exact = Decimal(repr(float(high)))
    top = max(abs(Decimal(repr(float(low)))), abs(exact)).adjusted()
    for digits in range(18):
        step = Decimal(1).scaleb(top - digits)
        rounded = exact.quantize(step, rounding=ROUND_FLOOR, context=_WIDE)
        if low < float(rounded) <= high:
            return float(rounded)
    return float(high)


_WIDE = Context(prec=400, rounding=ROUND_CEILING, Emax=999999, Emin=-999999)


def _pool(bins: Bins, way: int) -> Bins:
    """Merge neighbours until the bad rates go one way."""
    i = 0
    while i < len(bins.edges):
        rates = bins.rates
        if way * (rates[i + 1] - rates[i]) < 0:
            bins = bins.join(i)
            i = max(i - 1, 0)
        else:
            i += 1
    return bins


def _merge(bins: Bins, most: int, least: float, way: int = 0) -> Bins:
    """Merge neighbours until bins have rows enough, differ, and are few enough."""
    while len(bins.edges):
        gaps = _chi_squares(bins)
        small = np.flatnonzero(bins.rows < least)
        if len(small):
            # The smallest one joins the neighbour that it is more like.
            i = small[bins.rows[small].argmin()]
            sides = [j for j in (i - 1, i) if 0 <= j < len(gaps)]
            bins = bins.join(min(sides, key=lambda j: gaps[j]))
        elif len(gaps) >= most or gaps.min() < DIFFERENT:
            bins = bins.join(int(gaps.argmin()))
        else:
            break
        if way:
            bins = _pool(bins, way)
    return bins


def _chi_squares(bins: Bins) -> np.ndarray:
    """Pearson's chi-square of the bad rates of each two neighbours, shape (k - 1,)."""
    rows, bads = bins.rows.astype(float), bins.bads
    pooled = (bads[:-1] + bads[1:]) / np.maximum(rows[:-1] + rows[1:], 1)
    spread = pooled * (1 - pooled) * (1 / np.maximum(rows[:-1], 1) + 1 / np.maximum(rows[1:], 1))
    rates = bins.rates
    return np.where(spread > 0, (rates[1:] - rates[:-1]) ** 2 / np.maximum(spread, 1e-300), 0.0)

"""Rows of numbers that are equal, found column by column in time that is nearly linear."""

from typing import NamedTuple

import numpy as np


class EqualRows(NamedTuple):
    """Groups of equal rows, in the order of their content (the first column counts most).

    Attributes:
        first: position of the first row of each group, shape (groups,).
        group: number of each row's group, shape (n,).
        counts: number of rows in each group, shape (groups,).
    """

    first: np.ndarray
    group: np.ndarray
    counts: np.ndarray


def equal_rows(codes: np.ndarray, *more: np.ndarray) -> EqualRows:
    """Group equal rows, as `np.unique(codes, axis=0)` does.

    That one compares whole rows while it sorts. Here one column after the other is sorted, and
    those rows only that no column before has told from all others: after an amount or two, these
    are the copies.

    Args:
        codes: whole numbers from -1 on, shape (n, d).
        more: further columns of such numbers, behind the others, each of shape (n,).
    """
    n = len(codes)
    # The number of rows that come before a row's group: right for a row that is alone in it.
    place = np.zeros(n, dtype=np.int64)
    together = np.arange(n if n > 1 else 0)  # rows that are not alone yet
    for column in (*codes.T, *more):
        if not len(together):
            break
        values = column[together].astype(np.int64) + 1
        before = place[together]
        order = np.argsort(_joint(before, values), kind="stable")
        before, values, rows = before[order], values[order], together[order]
        starts = _starts(before)
        inside = _starts(before, values)
        # Where a row's old group and its new one start among the sorted rows.
        old = np.flatnonzero(starts)[np.cumsum(starts) - 1]
        new = np.flatnonzero(inside)[np.cumsum(inside) - 1]
        place[rows] = before + (new - old)
        alone = inside & np.append(inside[1:], True)
        together = np.sort(rows[~alone])
    is_start = np.zeros(n, dtype=bool)
    is_start[place] = True
    group = (np.cumsum(is_start) - 1)[place]
    first = np.empty(int(is_start.sum()), dtype=np.int64)
    first[group[::-1]] = np.arange(n)[::-1]  # of several rows the first one is written last
    return EqualRows(first, group, np.bincount(group, minlength=len(first)))


def _joint(major: np.ndarray, minor: np.ndarray) -> np.ndarray:
    """Return numbers that are in the order of two numbers; the product fits in 64 bits."""
    return major * (int(minor.max(initial=0)) + 1) + minor


def _starts(*columns: np.ndarray) -> np.ndarray:
    """Tell of sorted rows which of them differ from the one before."""
    starts = np.ones(len(columns[0]), dtype=bool)
    starts[1:] = False
    for column in columns:
        starts[1:] |= column[1:] != column[:-1]
    return starts

"""Whether rows that agree belong to one applicant, or agree by chance.

In record linkage, the probability that two strangers agree in their cells is their u-probability
(Fellegi and Sunter 1969, "A Theory for Record Linkage"). Times the number of rows, it is the number
of strangers that are expected to agree with a row, here called its expected matches. In a narrow
table, that is many: with ten combinations of levels, equal rows are strangers. So agreement is
evidence only as far as much more of it is found than expected.

Rows are taken in the order of their expected matches, the fewest first, as far as the pairs that
chance alone would give are a small share of the pairs that are found (as the false discovery rate
of Benjamini and Hochberg 1995), and their number is no accident.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import poisson

MISSING = -1
MIN_ROWS_FOR_CHANCE = 30  # with fewer rows, shares of values are no estimate of chance
MAX_CHANCE_SHARE = 0.2  # of the pairs that are found
MAX_ACCIDENT = 0.01  # probability that chance alone gives as many pairs as are found
MAX_OWN_ROWS = 5
MAX_CONTEXT = 4  # columns that a share is conditional on
PRIOR_ROWS = 30  # rows that a share with one column less counts for
# Columns whose dependence on each other is weighed: those with the fewest levels.
MAX_DEPENDENT_COLUMNS = 30
MAX_DEPENDENT_LEVELS = 50
DEPENDENCE_SAMPLE = 20_000  # rows that tell which columns depend on each other
MANY_ROWS_EACH = 10  # rows for each of very few combinations of levels: these are no applicants


def believable_copies(codes: np.ndarray, max_expected_matches: float) -> np.ndarray:
    """Tell for each row whether the rows that equal it are one applicant, rather than chance.

    Args:
        codes: the cells as numbers, a missing one as `MISSING`, shape (n, d).
        max_expected_matches: a row with more expected matches is not believed, unless it has many
            times as many copies. With the number of rows or more, all equal rows are believed.

    Returns:
        Bool, shape (n,); False for a row that no other one equals.
    """
    n = len(codes)
    _, first, inverse, copies = np.unique(
        codes, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    inverse = inverse.ravel()
    several = copies[inverse] > 1
    if not several.any() or n < MIN_ROWS_FOR_CHANCE or max_expected_matches >= n:
        return several
    if len(copies) < MIN_ROWS_FOR_CHANCE and n >= MANY_ROWS_EACH * len(copies):
        return np.zeros(n, dtype=bool)
    expected = expected_copies(codes, copies[inverse])[first]
    found = _Found(expected, copies * (copies - 1) / 2, copies - 1)
    limit = _limit(expected, copies, found)
    many = np.minimum(MAX_CHANCE_SHARE * (copies - 1), 5 * max_expected_matches)
    highest = np.maximum(max_expected_matches, many)
    return several & (expected <= np.minimum(limit, highest))[inverse]


def believable_pairs(
    codes: np.ndarray, pairs: np.ndarray, max_expected_matches: float
) -> np.ndarray:
    """Tell for each pair of rows that agree where both have a cell, whether it is one applicant.

    Args:
        codes: the cells as numbers, a missing one as `MISSING`, shape (n, d).
        pairs: positions, shape (pairs, 2).
        max_expected_matches: as for `believable_copies`.

    Returns:
        Bool, shape (pairs,).
    """
    if not len(pairs) or len(codes) < MIN_ROWS_FOR_CHANCE or max_expected_matches >= len(codes):
        return np.ones(len(pairs), dtype=bool)
    expected = expected_matches(codes)
    of_pair = expected[pairs].max(axis=1)
    ones = np.ones(len(pairs))
    limit = _limit(expected, np.ones(len(codes)), _Found(of_pair, ones, ones))
    return of_pair <= min(limit, max_expected_matches)


class _Found(NamedTuple):
    """Agreement that was found, in groups of equal rows or pairs; arrays of shape (groups,).

    Attributes:
        expected: expected matches of each row of the group.
        pairs: number of pairs in the group.
        extra: rows of the group beyond the first, which are as many independent findings.
    """

    expected: np.ndarray
    pairs: np.ndarray
    extra: np.ndarray


def _limit(expected: np.ndarray, rows: np.ndarray, found: _Found) -> float:
    """Return the greatest number of expected matches up to which agreement is believed.

    Args:
        expected: expected matches of each row, by groups of equal rows.
        rows: the number of rows in each group.
        found: the agreement that was found.

    Returns:
        Minus infinity if no agreement is believed.
    """
    # Each row expects that many matches, and a pair is one match of two rows.
    order = np.argsort(expected, kind="stable")
    by_chance = np.cumsum((expected * rows / 2)[order])
    steps = np.argsort(found.expected, kind="stable")
    limits = found.expected[steps]
    pairs, extra = np.cumsum(found.pairs[steps]), np.cumsum(found.extra[steps])
    chance = by_chance[np.searchsorted(expected[order], limits, side="right") - 1]
    believed = chance <= MAX_CHANCE_SHARE * pairs
    believed &= poisson.sf(extra - 1, chance) <= MAX_ACCIDENT
    return float(limits[believed].max(initial=-np.inf))


def expected_copies(codes: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """Estimate how many strangers equal each row in all cells; missing counts as a value.

    The probability of a row is a product over its columns: the share of the value among the rows
    that agree with the row in up to `MAX_CONTEXT` other columns, those which tell most about it.
    Shares from few rows are drawn towards the share with one column less. The rows that equal the
    row count as at most `MAX_OWN_ROWS`, and not at all for what columns tell about each other: many
    rows of one applicant do not make its values common, nor dependent.

    Args:
        codes: the cells as numbers, shape (n, d).
        copies: how many rows equal each row, itself included, shape (n,).

    Returns:
        Shape (n,).
    """
    n = len(codes)
    few = np.minimum(copies, MAX_OWN_ROWS)
    left_out = copies - few
    distinct = np.unique(codes, axis=0)
    contexts = _contexts(distinct)
    log_probability = np.zeros(n)
    for j in range(codes.shape[1]):
        value, width = codes[:, j].astype("int64") + 1, int(codes[:, j].max(initial=0)) + 2
        share = (_count(value) - left_out) / (n - left_out)
        context = np.zeros(n, dtype="int64")
        for k in contexts.get(j, ()):
            levels, context = np.unique(
                context * (codes[:, k].max() + 2) + codes[:, k] + 1, return_inverse=True
            )
            if len(distinct) < PRIOR_ROWS * len(levels):
                break  # a few applicants each, who would seem to depend on themselves
            both = _count(context * width + value) - few
            share = (both + PRIOR_ROWS * share) / (_count(context) - few + PRIOR_ROWS)
        log_probability += np.log(share)
    return n * np.exp(log_probability)


def expected_matches(codes: np.ndarray) -> np.ndarray:
    """Estimate how many strangers agree with each row in the cells that both have.

    Columns are treated as independent, and a missing cell agrees with any value.

    Returns:
        Shape (n,).
    """
    n = len(codes)
    log_probability = np.zeros(n)
    for column in codes.T:
        known = column != MISSING
        agree = (_count(column) + (n - known.sum())) / n
        log_probability += np.where(known, np.log(agree), 0.0)
    return n * np.exp(log_probability)


def _count(values: np.ndarray) -> np.ndarray:
    """Count for each row how many rows have the same value, itself included; shape (n,)."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[inverse]


def _contexts(codes: np.ndarray) -> dict[int, list[int]]:
    """Find for each column with few levels the earlier ones that tell most about it, best first."""
    sample = codes[:: max(1, len(codes) // DEPENDENCE_SAMPLE)]
    levels = [len(np.unique(column)) for column in sample.T]
    few = [j for j in np.argsort(levels, kind="stable") if 1 < levels[j] <= MAX_DEPENDENT_LEVELS]
    few = few[:MAX_DEPENDENT_COLUMNS]
    compact = {j: np.unique(sample[:, j], return_inverse=True)[1] for j in few}
    contexts = {}
    for position, j in enumerate(few):
        told = [(_information(compact[k], compact[j]), -p, k) for p, k in enumerate(few[:position])]
        best = sorted((each for each in told if each[0] > 0), reverse=True)[:MAX_CONTEXT]
        contexts[int(j)] = [int(k) for _, _, k in best]
    return contexts


def _information(a: np.ndarray, b: np.ndarray) -> float:
    """Mutual information of two columns in nats, less its bias for independent ones (Miller 1955).

    Args:
        a: numbers of the levels, from 0, shape (n,).
        b: likewise.
    """
    rows, columns = int(a.max()) + 1, int(b.max()) + 1
    table = np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns)
    share = table / len(a)
    of_a, of_b = share.sum(axis=1, keepdims=True), share.sum(axis=0, keepdims=True)
    present = share > 0
    told = (share[present] * np.log((share / (of_a * of_b))[present])).sum()
    return float(told - (rows - 1) * (columns - 1) / (2 * len(a)))

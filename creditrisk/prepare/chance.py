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
import pandas as pd

from creditrisk.prepare.equal_rows import EqualRows, equal_rows

MISSING = -1
MIN_ROWS_FOR_CHANCE = 30  # with fewer rows, shares of values are no estimate of chance
MAX_CHANCE_SHARE = 0.2  # of the pairs that are found
MAX_ACCIDENT = 0.01  # probability that chance alone gives as many pairs as are found
MAX_OWN_ROWS = 5
MAX_CONTEXT = 4  # columns that a share is conditional on
PRIOR_ROWS = 30  # rows that a share with one column less counts for, if nothing depends on it
MIN_PRIOR = 0.03  # share of these rows that always counts
# Columns of levels whose dependence on each other is weighed: those with the fewest levels.
MAX_DEPENDENT_COLUMNS = 30
MAX_NUMERIC_LEVELS = 50  # a numeric column with more values measures, it does not classify
DEPENDENCE_SAMPLE = 2_000  # rows that tell which columns depend on each other
MIN_DEPENDENCE = 0.06  # adjusted mutual information from which a column tells about another
SIGNIFICANT = 1e-6  # p-value of a dependence that is smaller
MIN_ROWS_PER_CELL = 5  # of the table of two columns, for the test
FUNCTION = 0.5  # from which it is treated as nearly a function of it


def believable_copies(
    codes: np.ndarray, max_expected_matches: float, is_level: np.ndarray | None = None
) -> np.ndarray:
    """Tell for each row whether the rows that equal it are one applicant, rather than chance.

    Args:
        codes: the cells as numbers, a missing one as `MISSING`, shape (n, d).
        max_expected_matches: a row with more expected matches is not believed, unless it has many
            times as many copies. With the number of rows or more, all equal rows are believed.
        is_level: from `level_columns`, shape (d,); None if all columns are levels.

    Returns:
        Bool, shape (n,); False for a row that no other one equals.
    """
    n = len(codes)
    equal = equal_rows(codes)
    first, inverse, copies = equal
    several = copies[inverse] > 1
    if not several.any() or n < MIN_ROWS_FOR_CHANCE or max_expected_matches >= n:
        return several
    contexts = _contexts(codes, is_level, equal)
    expected = expected_copies(codes, copies[inverse], contexts)[first]
    found = _Found(expected, copies * (copies - 1) / 2, copies - 1)
    limit = _limit(expected, copies, found)
    many = np.minimum(MAX_CHANCE_SHARE * (copies - 1), 5 * max_expected_matches)
    highest = np.maximum(max_expected_matches, many)
    return several & (expected <= np.minimum(limit, highest))[inverse]


def believable_pairs(
    codes: np.ndarray,
    pairs: np.ndarray,
    max_expected_matches: float,
    is_level: np.ndarray | None = None,
) -> np.ndarray:
    """Tell for each pair of rows that agree where both have a cell, whether it is one applicant.

    Args:
        codes: the cells as numbers, a missing one as `MISSING`, shape (n, d).
        pairs: positions, shape (pairs, 2).
        max_expected_matches: as for `believable_copies`.
        is_level: as for `believable_copies`.

    Returns:
        Bool, shape (pairs,).
    """
    if not len(pairs) or len(codes) < MIN_ROWS_FOR_CHANCE or max_expected_matches >= len(codes):
        return np.ones(len(pairs), dtype=bool)
    contexts = _contexts(codes, is_level)
    functions = [j for j, best in contexts.items() if best and best[0][0] >= FUNCTION]
    expected = expected_matches(np.delete(codes, functions, axis=1))
    of_pair = expected[pairs].max(axis=1)
    ones = np.ones(len(pairs))
    limit = _limit(expected, np.ones(len(codes)), _Found(of_pair, ones, ones))
    return of_pair <= min(limit, max_expected_matches)


def level_columns(
    codes: np.ndarray, is_numeric: np.ndarray, distinct: int | None = None
) -> np.ndarray:
    """Tell which columns classify, so that one may be a function of another (branch and city).

    A number that nearly each applicant has for itself, or that has many values, measures: that two
    such numbers go together is what tells an applicant from others.

    Args:
        codes: the cells as numbers, shape (n, d).
        is_numeric: whether a column is numeric, shape (d,).
        distinct: number of distinct rows; None to count them.

    Returns:
        Bool, shape (d,).
    """
    distinct = len(equal_rows(codes).first) if distinct is None else distinct
    values = np.array([np.count_nonzero(np.bincount(column + 1)) for column in codes.T])
    return ~is_numeric | ((values <= MAX_NUMERIC_LEVELS) & (2 * values < distinct))


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
    from scipy.stats import poisson  # not above: most files have no equal rows, and it takes long

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


def expected_copies(
    codes: np.ndarray, copies: np.ndarray, contexts: dict[int, list[tuple[float, int]]]
) -> np.ndarray:
    """Estimate how many strangers equal each row in all cells; missing counts as a value.

    The probability of a row is a product over its columns: the share of the value among the rows
    that agree with the row in the columns of its context. Shares from few rows are drawn towards
    the share with one column less, the more the less the columns depend on each other. The rows
    that equal the row count as at most `MAX_OWN_ROWS`: many rows of one applicant do not make its
    values common.

    Args:
        codes: the cells as numbers, shape (n, d).
        copies: how many rows equal each row, itself included, shape (n,).
        contexts: from `_contexts`.

    Returns:
        Shape (n,).
    """
    n = len(codes)
    few = np.minimum(copies, MAX_OWN_ROWS)
    left_out = copies - few
    log_probability = np.zeros(n)
    for j in range(codes.shape[1]):
        value, width = codes[:, j].astype("int64") + 1, int(codes[:, j].max(initial=0)) + 2
        share = (_count(value) - left_out) / (n - left_out)
        context = np.zeros(n, dtype="int64")
        for information, k in contexts.get(j, ()):
            context = pd.factorize(context * (codes[:, k].max() + 2) + codes[:, k] + 1)[0]
            both = _count(context * width + value) - few
            prior = PRIOR_ROWS * float(np.clip(1 - information, MIN_PRIOR, 1))
            share = (both + prior * share) / (_count(context) - few + prior)
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
    numbers = pd.factorize(values)[0]  # by a hash table: sorting takes several times as long
    return np.bincount(numbers)[numbers]


def _contexts(
    codes: np.ndarray, is_level: np.ndarray | None, equal: EqualRows | None = None
) -> dict[int, list[tuple[float, int]]]:
    """Find for each column of levels the earlier ones that tell about it, the best first.

    How much they tell is the adjusted mutual information (Vinh, Epps and Bailey 2010), which is 0
    on average for independent columns, however many levels they have. Distinct rows tell it, so
    that many rows of one applicant do not; if there are only very few, all rows do.

    Returns:
        Column to pairs of the information and the other column.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    rows = (equal_rows(codes) if equal is None else equal).first
    rows = rows if len(rows) >= MIN_ROWS_FOR_CHANCE else np.arange(len(codes))
    sample = codes[rows[:: max(1, len(rows) // DEPENDENCE_SAMPLE)]]
    levels = np.array([len(np.unique(column)) for column in sample.T])
    usable = (levels > 1) & (True if is_level is None else is_level)
    order = [int(j) for j in np.argsort(levels, kind="stable") if usable[j]][:MAX_DEPENDENT_COLUMNS]
    contexts = {}
    for position, j in enumerate(order):
        found = [
            (float(adjusted_mutual_info_score(sample[:, k], sample[:, j])), k)
            for k in order[:position]
        ]
        best = sorted(
            (
                (share, k)
                for share, k in found
                if share >= MIN_DEPENDENCE or _is_significant(sample[:, k], sample[:, j])
            ),
            reverse=True,
        )
        contexts[j] = best[:MAX_CONTEXT]
    return contexts


def _is_significant(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two columns depend on each other, however little, by a G test (Wilks 1938)."""
    levels = len(np.unique(a)), len(np.unique(b))
    if len(a) < MIN_ROWS_PER_CELL * levels[0] * levels[1]:
        return False
    from scipy.stats import chi2
    from sklearn.metrics import mutual_info_score

    statistic = 2 * len(a) * mutual_info_score(a, b)
    return float(chi2.sf(statistic, (levels[0] - 1) * (levels[1] - 1))) <= SIGNIFICANT

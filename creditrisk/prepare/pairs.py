"""Pairs of rows that agree in every cell that both have, found without comparing all pairs."""

import numpy as np

from creditrisk.prepare.chance import MIN_ROWS_FOR_CHANCE, MISSING

BRUTE_FORCE_PAIRS = 1 << 14  # maximum number of pairs that are compared directly, cell by cell


def chance(codes: np.ndarray) -> np.ndarray:
    """Compute the log probability of agreeing with each cell by chance.

    In record linkage this is the log of the value's u-probability (Fellegi and Sunter 1969, "A
    Theory for Record Linkage"). The columns are treated as independent.

    Args:
        codes: from `encode`, shape (n, d).

    Returns:
        Log of the value's share among the known cells of its column, 0 for a missing cell, shape
        (n, d). The sum over the cells that two rows share, plus log n, is the log of the number of
        rows that are expected to agree in those cells by chance.
    """
    weights = np.zeros(codes.shape)
    for position, column in enumerate(codes.T):
        known = column != MISSING
        shares = np.bincount(column[known]) / max(1, known.sum())
        weights[known, position] = np.log(shares[column[known]])
    return weights


def chance_limit(n: int, max_expected_matches: float) -> float:
    """Return the greatest sum of weights (see `chance`) at which an agreement is not chance.

    Args:
        n: number of rows, all distinct.
        max_expected_matches: greatest expected number of rows that agree by chance.
    """
    return float(np.log(max_expected_matches) - np.log(n)) if n >= MIN_ROWS_FOR_CHANCE else np.inf


def find_pairs(
    codes: np.ndarray, min_cells: int, max_expected_matches: float = 1.0, keys: int = 1
) -> np.ndarray:
    """Find all pairs of rows that agree in every cell that both have.

    A pair must have at least `min_cells` such cells, and at most `max_expected_matches` rows may be
    expected to agree in these cells by chance.

    The search is a recursive join over the columns, the most selective first. At each column, a
    pair stays if both rows have the same value, or if at least one of the cells is missing. Small
    blocks of pairs are compared directly. A block is dropped if even agreement in all remaining
    columns could be chance. If few cells are missing, the run time is nearly linear in the rows.

    Args:
        codes: from `encode`, shape (n, keys + d).
        min_cells: cells that both rows must have, not counting the keys.
        max_expected_matches: greatest expected number of rows that agree by chance; with a very
            large number every pair is found.
        keys: number of columns that are keys.

    Returns:
        Each pair of positions once, the smaller first, shape (pairs, 2).
    """
    weights = chance(codes)
    limit = chance_limit(len(codes), max_expected_matches)
    eligible = np.flatnonzero((codes[:, keys:] != MISSING).sum(axis=1) >= min_cells)
    found: list[np.ndarray] = []
    order = _by_selectivity(codes[eligible])
    # remaining[depth] is the lowest sum of weights that the columns from `depth` on can add.
    remaining = np.append(np.cumsum(weights.min(axis=0, initial=0.0)[order][::-1])[::-1], 0.0)
    # A block is (rows a; rows b, or None to pair a with itself; columns done; sum of weights).
    stack: list[tuple[np.ndarray, np.ndarray | None, int, float]] = [(eligible, None, 0, 0.0)]
    while stack:
        a, b, depth, weight = stack.pop()
        if weight + remaining[depth] > limit:
            continue
        if len(a) * (len(a) if b is None else len(b)) <= BRUTE_FORCE_PAIRS or depth == len(order):
            found.append(_compare(codes, weights, a, b, min_cells, limit, keys))
            continue
        column = order[depth]
        a_gap, a_buckets = _buckets(a, codes[:, column])
        a_known = np.setdiff1d(a, a_gap, assume_unique=True)
        sums = {value: weight + weights[rows[0], column] for value, rows in a_buckets.items()}
        if b is None:
            stack.extend(
                (rows, None, depth + 1, sums[value])
                for value, rows in a_buckets.items()
                if len(rows) > 1
            )
            stack.append((a_gap, None, depth + 1, weight))
            stack.append((a_gap, a_known, depth + 1, weight))
            continue
        b_gap, b_buckets = _buckets(b, codes[:, column])
        stack.extend(
            (rows, b_buckets[value], depth + 1, sums[value])
            for value, rows in a_buckets.items()
            if value in b_buckets
        )
        stack.append((a_gap, b, depth + 1, weight))
        stack.append((a_known, b_gap, depth + 1, weight))
    pairs = np.concatenate(found) if found else np.empty((0, 2), dtype="int64")
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _by_selectivity(codes: np.ndarray) -> np.ndarray:
    """Order the columns by the share of random pairs that agree or lack a cell, lowest first."""
    undecided = []
    for column in codes.T:
        counts = np.bincount(column[column != MISSING])
        missing = np.mean(column == MISSING) if len(column) else 0.0
        undecided.append(((counts / max(1, len(column))) ** 2).sum() + 2 * missing - missing**2)
    return np.argsort(undecided, kind="stable")


def _buckets(rows: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Split rows into those without a value in `column`, and the others by value."""
    values = column[rows]
    by_value = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[by_value], return_index=True)
    parts = np.split(rows[by_value], starts[1:])
    buckets = dict(zip(distinct.tolist(), parts, strict=True)) if len(rows) else {}
    return buckets.pop(MISSING, rows[:0]), buckets


def _compare(
    codes: np.ndarray,
    weights: np.ndarray,
    a: np.ndarray,
    b: np.ndarray | None,
    min_cells: int,
    limit: float,
    keys: int,
) -> np.ndarray:
    """Compare all pairs of a block, in slices that limit the memory."""
    other = a if b is None else b
    step = max(1, (BRUTE_FORCE_PAIRS * 8) // max(1, len(other)))
    found = []
    for start in range(0, len(a), step):
        left = codes[a[start : start + step], None, :]
        right = codes[None, other, :]
        both = (left != MISSING) & (right != MISSING)
        agree = (both[:, :, keys:].sum(axis=2) >= min_cells) & ~((left != right) & both).any(axis=2)
        i, j = np.nonzero(agree)
        not_chance = (weights[a[start + i]] * both[i, j]).sum(axis=1) <= limit
        pairs = np.column_stack([a[start + i], other[j]])[not_chance]
        if b is None:
            pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        found.append(np.sort(pairs, axis=1))
    return np.concatenate(found) if found else np.empty((0, 2), dtype="int64")

"""Pairs of rows that agree in every cell that both have, found without comparing all pairs."""

import numpy as np

from creditrisk.prepare.chance import MIN_ROWS_FOR_CHANCE, MISSING

BRUTE_FORCE_PAIRS = 1 << 14  # maximum number of pairs that are compared directly, cell by cell
ROWS_AT_ONCE = 1 << 16  # whose chances are held


class Chance:
    """The log probability of agreeing with each cell by chance.

    In record linkage this is the log of the value's u-probability (Fellegi and Sunter 1969, "A
    Theory for Record Linkage"). The columns are treated as independent. The sum over the cells that
    two rows share, plus log n, is the log of the number of rows that are expected to agree in those
    cells by chance.

    Args:
        codes: from `encode`, shape (n, d).

    Attributes:
        tables: for each column, the log of each value's share among its known cells, by its code; a
            missing cell, whose code is -1, has 0.
    """

    def __init__(self, codes: np.ndarray):
        # A table per column: there are fewer values than cells.
        self.tables: list[np.ndarray] = []
        for column in codes.T:
            known = column[column != MISSING]
            counts = np.bincount(known)
            table = np.zeros(len(counts) + 1)
            seen = np.flatnonzero(counts)
            table[seen] = np.log(counts[seen] / max(1, len(known)))
            self.tables.append(table)

    def of(self, codes: np.ndarray) -> np.ndarray:
        """Look up the cells of some rows; shape (rows, d) as that of `codes`."""
        found = np.empty(codes.shape)
        for position, table in enumerate(self.tables):
            found[:, position] = table[codes[:, position]]
        return found

    def too_common(self, codes: np.ndarray, limit: float) -> int:
        """Count the rows whose agreement in all cells may be chance: their sum is above a limit."""
        parts = range(0, len(codes), ROWS_AT_ONCE)
        return sum(
            int((self.of(codes[start : start + ROWS_AT_ONCE]).sum(axis=1) > limit).sum())
            for start in parts
        )


def chance_limit(n: int, max_expected_matches: float) -> float:
    """Return the greatest sum of weights (see `Chance`) at which an agreement is not chance.

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
    chances = Chance(codes)
    limit = chance_limit(len(codes), max_expected_matches)
    eligible = np.flatnonzero((codes[:, keys:] != MISSING).sum(axis=1) >= min_cells)
    found: list[np.ndarray] = []
    order = _by_selectivity(codes, eligible)
    # remaining[depth] is the lowest sum of weights that the columns from `depth` on can add.
    least = np.array([table.min() for table in chances.tables])
    remaining = np.append(np.cumsum(least[order][::-1])[::-1], 0.0)
    # A block is (rows a; rows b, or None to pair a with itself; columns done; sum of weights).
    stack: list[tuple[np.ndarray, np.ndarray | None, int, float]] = [(eligible, None, 0, 0.0)]
    while stack:
        a, b, depth, weight = stack.pop()
        if weight + remaining[depth] > limit:
            continue
        if len(a) * (len(a) if b is None else len(b)) <= BRUTE_FORCE_PAIRS or depth == len(order):
            found.append(_compare(codes, chances, a, b, order[depth:], min_cells, limit, keys))
            continue
        column, table = codes[:, order[depth]], chances.tables[order[depth]]
        in_a = _Buckets(a, column)
        if b is None:
            stack.extend(
                (in_a.rows(place), None, depth + 1, weight + table[in_a.values[place]])
                for place in np.flatnonzero(in_a.sizes > 1).tolist()
            )
            stack.append((in_a.gap, None, depth + 1, weight))
            stack.append((in_a.gap, in_a.known, depth + 1, weight))
            continue
        in_b = _Buckets(b, column)
        common = np.intersect1d(in_a.values, in_b.values, assume_unique=True, return_indices=True)
        stack.extend(
            (in_a.rows(of_a), in_b.rows(of_b), depth + 1, weight + table[value])
            for value, of_a, of_b in zip(*(part.tolist() for part in common), strict=True)
        )
        stack.append((in_a.gap, b, depth + 1, weight))
        stack.append((in_a.known, in_b.gap, depth + 1, weight))
    pairs = np.concatenate(found) if found else np.empty((0, 2), dtype="int64")
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _by_selectivity(codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Order the columns by the share of random pairs that agree or lack a cell, lowest first."""
    undecided = []
    for column in codes.T:
        here = column[rows]
        counts = np.bincount(here[here != MISSING])
        missing = np.mean(here == MISSING) if len(here) else 0.0
        undecided.append(((counts / max(1, len(here))) ** 2).sum() + 2 * missing - missing**2)
    return np.argsort(undecided, kind="stable")


class _Buckets:
    """Rows by their value in a column. They are cut out when asked for: most are alone.

    Attributes:
        gap: the rows without a value.
        known: the others, in the order given.
        values: the distinct values, ascending.
        sizes: number of rows with each of them.
    """

    def __init__(self, rows: np.ndarray, column: np.ndarray):
        values = column[rows]
        is_known = values != MISSING
        self.gap, self.known = rows[~is_known], rows[is_known]
        values = values[is_known]
        by_value = np.argsort(values, kind="stable")
        self._rows = self.known[by_value]
        self.values, self._starts, self.sizes = np.unique(
            values[by_value], return_index=True, return_counts=True
        )

    def rows(self, place: int) -> np.ndarray:
        """Return the rows with the value at a place of `values`."""
        start = self._starts[place]
        return self._rows[start : start + self.sizes[place]]


def _compare(
    codes: np.ndarray,
    chances: Chance,
    a: np.ndarray,
    b: np.ndarray | None,
    columns: np.ndarray,
    min_cells: int,
    limit: float,
    keys: int,
) -> np.ndarray:
    """Compare all pairs of a block in the columns that are not done, in slices of bounded size."""
    other = a if b is None else b
    step = max(1, (BRUTE_FORCE_PAIRS * 8) // max(1, len(other)))
    found = []
    for start in range(0, len(a), step):
        left = a[start : start + step]
        # The first columns leave few pairs for the others.
        agree = np.ones((len(left), len(other)), dtype=bool)
        for column in columns[:2]:
            agree &= _agree(codes[left, column][:, None], codes[other, column])
        i, j = (rows[places] for rows, places in zip((left, other), agree.nonzero(), strict=True))
        if b is None:
            i, j = i[i < j], j[i < j]
        for column in columns[2:]:
            if not len(i):
                break
            stay = _agree(codes[i, column], codes[j, column])
            i, j = i[stay], j[stay]
        both = (codes[i] != MISSING) & (codes[j] != MISSING)
        enough = both[:, keys:].sum(axis=1) >= min_cells
        i, j, both = i[enough], j[enough], both[enough]
        not_chance = (chances.of(codes[i]) * both).sum(axis=1) <= limit
        found.append(np.sort(np.column_stack([i, j])[not_chance], axis=1))
    return np.concatenate(found) if found else np.empty((0, 2), dtype="int64")


def _agree(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether values are equal, or one of them is missing."""
    return (left == right) | (left == MISSING) | (right == MISSING)

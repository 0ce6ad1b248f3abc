"""Rows that are one applicant: exact duplicates, and near-duplicates where cells are missing.

Two rows are twins when they agree in every cell that both have, enough cells are compared, and
their ids (if there are any) don't differ. The resolution does not depend on the order of the rows:
they are taken from the most complete to the least, ties by their content, and each joins the first
kept row that is its twin and agrees with what that row holds by then; else it is kept itself. A
row whose twins disagree among themselves is ambiguous: it neither gives cells nor takes any.
Filling cells can make new twins, so all this repeats until nothing changes.

Rows that are identical fare alike: where copies are kept, each is filled, or joins another row, as
the first of them does.

Where the cells compared are so common that rows agree in them by chance, agreement says nothing:
such pairs are no twins (`chance`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BRUTE_FORCE_PAIRS = 1 << 14  # pairs up to which a block is compared cell by cell
MISSING = -1
MIN_ROWS_FOR_CHANCE = 30  # rows below which the shares of values say nothing of chance


@dataclass
class DuplicateGroups:
    """What became of each row, by position; arrays of shape (n,), `cell_source` (n, d).

    Attributes:
        representative: position of the row that stands for this one (itself where it stays).
        cell_source: for each cell, the position of the row that it is taken from.
        is_exact: rejected as an exact duplicate.
        ambiguous: rejected, and one of several rows that disagree might stand for it.
        group: rows that might be one applicant share a number, rejected ones included.
        first_identical: position of the first row that was identical to this one (itself where it
            is that).
        copies_group: rows that are copies of each other, and of which each is kept, share a number.
        too_common: number of rows that any row's agreement with would be one by chance.
    """

    representative: np.ndarray
    cell_source: np.ndarray
    is_exact: np.ndarray
    ambiguous: np.ndarray
    group: np.ndarray
    first_identical: np.ndarray
    copies_group: np.ndarray
    too_common: int


def encode(cells: pd.DataFrame, ids: pd.Series | None) -> np.ndarray:
    """Number each column's values in sorted order, -1 for missing.

    Returns:
        Int32, shape (n, 1 + d); the first column is the id's, which is always there and never
        counted.
    """
    who = np.full(len(cells), MISSING) if ids is None else pd.factorize(ids, sort=True)[0]
    columns = [pd.factorize(cells[name], sort=True)[0] for name in cells]
    return np.column_stack([who, *columns]).astype("int32")


def least_cells(min_cells: int, columns: int) -> int:
    """Cells that must be compared: `min_cells`, or three quarters of the columns if fewer."""
    return max(1, min(min_cells, int(np.ceil(0.75 * columns))))


def chance(codes: np.ndarray) -> np.ndarray:
    """Weigh what an agreement is worth, as if the columns were independent.

    Args:
        codes: as from `encode`, shape (n, d).

    Returns:
        Log share of the rows that have this cell's value, 0 where missing, shape (n, d). Its sum
        over the cells that two rows share, plus log n, is the log of the number of rows expected to
        agree in them by chance.
    """
    weights = np.zeros(codes.shape)
    for place, column in enumerate(codes.T):
        known = column != MISSING
        shares = np.bincount(column[known]) / max(1, known.sum())
        weights[known, place] = np.log(shares[column[known]])
    return weights


def chance_limit(n: int, max_chance: float) -> float:
    """Tell which weight of an agreement (see `chance`) is beyond chance: at most this one.

    Args:
        n: rows, all distinct.
        max_chance: rows that may be expected to agree by chance.
    """
    return float(np.log(max_chance) - np.log(n)) if n >= MIN_ROWS_FOR_CHANCE else np.inf


def find_pairs(codes: np.ndarray, min_cells: int, max_chance: float = 1.0) -> np.ndarray:
    """Find all pairs of distinct rows that agree in each cell both have, in `min_cells` at least.

    Left out are pairs where more than `max_chance` rows are expected to agree so by chance.

    A recursive join over the columns, the most selective first: where both rows have the column's
    cell they must fall in one bucket; where one lacks it the pair is carried on to the next column.
    Small blocks are compared directly, and a block that can't get beyond chance is dropped. Near
    linear in the rows where few cells are missing.

    Args:
        codes: as from `encode`; no two rows identical.
        min_cells: cells that both rows must have, the id not counted.
        max_chance: a large number takes every pair.

    Returns:
        Pairs of positions, shape (pairs, 2), each once, smaller position first.
    """
    weights = chance(codes)
    limit = chance_limit(len(codes), max_chance)
    enough = np.flatnonzero((codes[:, 1:] != MISSING).sum(axis=1) >= min_cells)
    found: list[np.ndarray] = []
    order = _by_selectivity(codes[enough])
    # The most that the columns from a depth on can add to the weight of an agreement.
    rest = np.append(np.cumsum(weights.min(axis=0, initial=0.0)[order][::-1])[::-1], 0.0)
    # A block is (rows a, rows b or None for a with itself, columns settled, weight so far).
    stack: list[tuple[np.ndarray, np.ndarray | None, int, float]] = [(enough, None, 0, 0.0)]
    while stack:
        a, b, depth, weight = stack.pop()
        if weight + rest[depth] > limit:
            continue
        if len(a) * (len(a) if b is None else len(b)) <= BRUTE_FORCE_PAIRS or depth == len(order):
            found.append(_compare(codes, weights, a, b, min_cells, limit))
            continue
        place = order[depth]
        a_gap, a_buckets = _buckets(a, codes[:, place])
        a_known = np.setdiff1d(a, a_gap, assume_unique=True)
        shares = {value: weight + weights[rows[0], place] for value, rows in a_buckets.items()}
        if b is None:
            stack.extend(
                (rows, None, depth + 1, shares[value])
                for value, rows in a_buckets.items()
                if len(rows) > 1
            )
            stack.append((a_gap, None, depth + 1, weight))
            stack.append((a_gap, a_known, depth + 1, weight))
            continue
        b_gap, b_buckets = _buckets(b, codes[:, place])
        stack.extend(
            (rows, b_buckets[value], depth + 1, shares[value])
            for value, rows in a_buckets.items()
            if value in b_buckets
        )
        stack.append((a_gap, b, depth + 1, weight))
        stack.append((a_known, b_gap, depth + 1, weight))
    pairs = np.concatenate(found) if found else np.empty((0, 2), dtype="int64")
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _by_selectivity(codes: np.ndarray) -> np.ndarray:
    """Order the columns by the share of random pairs that they can't tell apart."""
    blur = []
    for column in codes.T:
        counts = np.bincount(column[column != MISSING])
        missing = np.mean(column == MISSING) if len(column) else 0.0
        blur.append(((counts / max(1, len(column))) ** 2).sum() + 2 * missing - missing**2)
    return np.argsort(blur, kind="stable")


def _buckets(rows: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Part rows into those without a cell in `column` and the others by its value."""
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
) -> np.ndarray:
    """Compare all pairs of a block, in slices that bound the memory."""
    other = a if b is None else b
    step = max(1, (BRUTE_FORCE_PAIRS * 8) // max(1, len(other)))
    found = []
    for start in range(0, len(a), step):
        left = codes[a[start : start + step], None, :]
        right = codes[None, other, :]
        both = (left != MISSING) & (right != MISSING)
        agree = (both[:, :, 1:].sum(axis=2) >= min_cells) & ~((left != right) & both).any(axis=2)
        i, j = np.nonzero(agree)
        telling = (weights[a[start + i]] * both[i, j]).sum(axis=1) <= limit
        pairs = np.column_stack([a[start + i], other[j]])[telling]
        if b is None:
            pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        found.append(np.sort(pairs, axis=1))
    return np.concatenate(found) if found else np.empty((0, 2), dtype="int64")


def resolve(
    cells: pd.DataFrame,
    ids: pd.Series | None,
    min_cells: int,
    duplicates: str = "drop",
    near_duplicates: str = "merge",
    max_chance: float = 1.0,
) -> DuplicateGroups:
    """Find the twins and decide what becomes of each row.

    Args:
        cells: the feature columns, shape (n, d).
        ids: what tells applicants apart, shape (n,), or None.
        min_cells: cells to be compared for a near-duplicate (see `least_cells`).
        duplicates: drop exact duplicates, or keep them as rows of one applicant.
        near_duplicates: merge them into the kept row, drop them, or keep them likewise.
        max_chance: see `find_pairs`.
    """
    codes = encode(cells, ids)
    n = len(codes)
    places = np.arange(n)
    source = np.repeat(places[:, None], codes.shape[1], axis=1)
    first = _first_alike(codes, places)
    alone = np.unique(first)
    duplicate_groups = DuplicateGroups(
        representative=first.copy(),
        cell_source=source,
        is_exact=first != places,
        ambiguous=np.zeros(n, bool),
        group=places,
        first_identical=first,
        copies_group=places,
        too_common=int(
            (chance(codes[alone]).sum(axis=1) > chance_limit(len(alone), max_chance)).sum()
        ),
    )
    links = [_same_id(codes[:, 0]), np.column_stack([first, places])]
    while True:
        pairs = alone[find_pairs(codes[alone], min_cells, max_chance)]
        links.append(pairs)
        if near_duplicates == "keep" or not len(pairs):
            break
        if not _join(codes, duplicate_groups, pairs, fill=near_duplicates == "merge"):
            break
        # Rows that filling made alike are near-duplicates still.
        standing = alone[duplicate_groups.representative[alone] == alone]
        stands_for = _first_alike(codes, standing)
        links.append(np.column_stack([stands_for, standing]))
        duplicate_groups.representative[standing] = stands_for
        alone = np.unique(stands_for)
    while not np.array_equal(
        duplicate_groups.representative,
        duplicate_groups.representative[duplicate_groups.representative],
    ):
        duplicate_groups.representative = duplicate_groups.representative[
            duplicate_groups.representative
        ]
    if duplicates == "keep":
        _keep_copies(duplicate_groups)
    stay = duplicate_groups.representative == places
    apart = [
        links[1][stay] if duplicates == "keep" else links[1][:0],
        pairs if near_duplicates == "keep" else pairs[:0],
    ]
    duplicate_groups.copies_group = _components(n, np.concatenate(apart))
    duplicate_groups.cell_source = duplicate_groups.cell_source[:, 1:]
    duplicate_groups.group = _components(n, np.concatenate(links))
    return duplicate_groups


def _keep_copies(duplicate_groups: DuplicateGroups) -> None:
    """Let each copy fare as the first of its kind, in `twins`: stay, filled as that one is, or join
    what that one joined."""
    copies = np.flatnonzero(duplicate_groups.is_exact)
    head = duplicate_groups.first_identical[copies]
    stay = duplicate_groups.representative[head] == head
    duplicate_groups.representative[copies] = np.where(
        stay, copies, duplicate_groups.representative[head]
    )
    duplicate_groups.ambiguous[copies] = duplicate_groups.ambiguous[head]
    given = duplicate_groups.cell_source[head]
    duplicate_groups.cell_source[copies] = np.where(given == head[:, None], copies[:, None], given)
    duplicate_groups.is_exact[:] = False


def _same_id(who: np.ndarray) -> np.ndarray:
    """Link each row to the first one with the same id."""
    known = np.flatnonzero(who != MISSING)
    _, first, inverse = np.unique(who[known], return_index=True, return_inverse=True)
    return np.column_stack([known[first[inverse]], known])


def _first_alike(codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """For each of `rows`, the first of them that is identical to it, id included."""
    _, first, inverse = np.unique(codes[rows], axis=0, return_index=True, return_inverse=True)
    return rows[first[inverse.ravel()]]


def _join(
    codes: np.ndarray, duplicate_groups: DuplicateGroups, pairs: np.ndarray, fill: bool
) -> bool:
    """Let each row join the first kept row that it agrees with; tell whether any did.

    Fills `codes` and `twins` in place.
    """
    neighbours: dict[int, list[int]] = {}
    for a, b in pairs.tolist():
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    rows = np.array(list(neighbours))
    order = rows[_canonical_order(codes[rows])].tolist()
    rank = {row: i for i, row in enumerate(order)}
    unsure = {row for row, near in neighbours.items() if not _all_agree(codes[near])}
    heads: set[int] = set()
    for row in order:
        near = sorted((r for r in neighbours[row] if r in heads), key=rank.__getitem__)
        head = next((r for r in near if _all_agree(codes[[r, row]])), None)
        if head is None:
            heads.add(row)
            continue
        duplicate_groups.representative[row] = head
        duplicate_groups.ambiguous[row] = row in unsure or head in unsure
        if fill and not duplicate_groups.ambiguous[row]:
            gaps = (codes[head] == MISSING) & (codes[row] != MISSING)
            codes[head, gaps] = codes[row, gaps]
            duplicate_groups.cell_source[head, gaps] = duplicate_groups.cell_source[row, gaps]
    return len(heads) < len(order)


def _all_agree(codes: np.ndarray) -> bool:
    """Tell whether no two of some rows have different values in one cell."""
    high = codes.max(axis=0)
    low = np.where(codes == MISSING, high, codes).min(axis=0)
    return bool((low == high).all())


def _canonical_order(codes: np.ndarray) -> np.ndarray:
    """Order rows: those with an id first, from the most complete to the least, then by content."""
    return np.lexsort((*codes.T[::-1], (codes == MISSING).sum(axis=1), codes[:, 0] == MISSING))


def _components(n: int, links: np.ndarray) -> np.ndarray:
    """Number the connected components of the links; shape (n,)."""
    ones = np.ones(len(links), dtype=bool)
    graph = coo_array((ones, (links[:, 0], links[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1]

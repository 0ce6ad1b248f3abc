"""Exact duplicates and near-duplicates: rows that belong to the same applicant.

Exact duplicates are identical in every cell and in the keys (ids and groups). Near-duplicates
differ only in missing cells: they agree in every cell that both have, enough cells are compared,
and their keys (if there are any) do not differ. Rows without a common key that agree as often as
strangers would by chance are neither (see `creditrisk.prepare.chance`).

One applicant, whose rows stay together in the split and in the folds, are: rows with a common key;
duplicates and near-duplicates; and rows that are equal in all cells that a model sees, whatever
their keys, unless chance explains that.

The result does not depend on the order of the rows. Near-duplicates are processed from the most
complete row to the least complete, ties by content. Each row is merged into the first kept row that
is its near-duplicate and still agrees with it, including the cells filled so far; otherwise the row
is kept. A row is ambiguous if its near-duplicates disagree with each other: its values do not fill
the cells of other rows, and its own cells are not filled. Filled cells can make new
near-duplicates, so all this is repeated until nothing changes.

Identical rows are treated identically: if copies are kept, each of them is filled or merged in the
same way as the first.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from creditrisk.prepare.chance import (
    MISSING,
    believable_copies,
    believable_pairs,
    level_columns,
)
from creditrisk.prepare.equal_rows import EqualRows, equal_rows
from creditrisk.prepare.pairs import Chance, chance_limit, find_pairs


@dataclass
class DuplicateGroups:
    """The result for each row; arrays of shape (n,).

    Attributes:
        representative: position of the kept row that represents this one; its own if it is kept.
        cell_source: for each row with cells that were filled, the position of the row that each of
            its cells is taken from, shape (d,). All other cells are the row's own.
        is_exact: whether the row is rejected as an exact duplicate.
        ambiguous: whether the row is rejected although rows that disagree could represent it.
        group: number of the applicant; rows that may belong to one applicant share it, including
            rejected rows.
        first_identical: position of the first row that was identical to this one before filling.
        copies_group: number that duplicates share if they are kept as separate rows.
        too_common: number of distinct rows whose values are so common that even an agreement in all
            cells may be chance.
        same_cells: number that rows share if they are equal in all cells that a model sees,
            whatever their keys.
    """

    representative: np.ndarray
    cell_source: dict[int, np.ndarray]
    is_exact: np.ndarray
    ambiguous: np.ndarray
    group: np.ndarray
    first_identical: np.ndarray
    copies_group: np.ndarray
    too_common: int
    same_cells: np.ndarray


def encode(cells: pd.DataFrame, keys: pd.DataFrame | None) -> np.ndarray:
    """Replace each value by its number in the sorted distinct values of its column.

    Args:
        cells: the feature columns, shape (n, d).
        keys: the ids and groups, shape (n, k), or None.

    Returns:
        Int32, -1 for a missing cell, shape (n, max(1, k) + d). The keys come first, a missing one
        if there is none; they do not count as compared cells.
    """
    no_keys = keys is None or keys.empty
    frames = [cells] if no_keys or keys is None else [keys, cells]
    columns = [frame[name] for frame in frames for name in frame]
    # Filled column by column: what a column is made of is held for one at a time.
    codes = np.full((len(cells), no_keys + len(columns)), MISSING, dtype="int32")
    for position, column in enumerate(columns, start=no_keys):
        codes[:, position] = pd.factorize(column, sort=True)[0]
    return codes


def least_cells(min_cells: int, columns: int) -> int:
    """Return the required number of compared cells: `min_cells`, at most 3/4 of the columns."""
    return max(1, min(min_cells, int(np.ceil(0.75 * columns))))


def resolve(
    cells: pd.DataFrame,
    keys: pd.DataFrame | None,
    min_cells: int,
    duplicates: str = "drop",
    near_duplicates: str = "merge",
    max_expected_matches: float = 1.0,
    dates: pd.Series | None = None,
    audited: Collection[str] = (),
) -> DuplicateGroups:
    """Find duplicates and near-duplicates, and decide which rows are kept.

    Args:
        cells: the feature columns, shape (n, d).
        keys: the ids and groups, shape (n, k), or None.
        min_cells: number of compared cells for a near-duplicate (see `least_cells`).
        duplicates: `drop` exact duplicates, or `keep` them as rows of one applicant.
        near_duplicates: `merge` them into the row that is kept, `drop` them, or `keep` them as rows
            of one applicant.
        max_expected_matches: see `find_pairs` and `believable_copies`.
        dates: of the applications, shape (n,), or None. Applications of different dates are
            different ones, of one applicant or of two: neither is a duplicate of the other.
        audited: the columns of `cells` that no model sees. Duplicates agree in them as well, but
            rows that are equal in all others are equal to the model, so they are one applicant in
            the split unless chance explains them.

    Returns:
        The result for each row.
    """
    ids = 0 if keys is None else keys.shape[1]
    if dates is not None:
        keys = pd.DataFrame({} if keys is None else keys, index=cells.index).assign(date=dates)
    codes = encode(cells, keys)
    width = codes.shape[1] - cells.shape[1]
    keyless = (codes[:, :ids] == MISSING).all(axis=1)
    equal = equal_rows(codes[:, width:])
    is_level = level_columns(
        codes[:, width:],
        np.array([is_numeric_dtype(cells[name]) for name in cells]),
        len(equal.first),
    )
    n = len(codes)
    positions = np.arange(n)
    key_links = [_same_key(column) for column in codes[:, :ids].T]
    by_key = _components(n, key_links)
    seen = np.array([name not in audited for name in cells], dtype=bool)
    shown = codes[:, width:]
    if not seen.all():
        shown = shown[:, seen]
        equal = equal_rows(shown)
    same_cells, equals, believed = _equal_rows(
        shown, equal, by_key, max_expected_matches, is_level[seen]
    )
    # A number of its own for each row that no key and no odds show to be the same applicant as
    # those that equal it, so that they count as different rows.
    stranger = np.where(equals & ~believed & keyless, positions + 1, 0)
    first = _first_identical(codes, positions, stranger)
    distinct = np.unique(first)
    duplicate_groups = DuplicateGroups(
        representative=first.copy(),
        cell_source={},
        is_exact=first != positions,
        ambiguous=np.zeros(n, bool),
        group=positions,
        first_identical=first,
        copies_group=positions,
        too_common=_count_too_common(codes[distinct], max_expected_matches),
        same_cells=same_cells,
    )
    identical = _links(first, positions)
    links = [*key_links, identical]
    links.append(_links(equal.first[same_cells][believed], positions[believed]))
    while True:
        pairs = _near_pairs(
            codes, distinct, min_cells, max_expected_matches, (ids, width), stranger, is_level
        )
        links.append(pairs)
        if near_duplicates == "keep" or not len(pairs):
            break
        if not _merge_pairs(codes, duplicate_groups, pairs, near_duplicates == "merge", width):
            break
        # Rows that became identical by filling are rejected as near-duplicates, not as exact ones.
        kept = distinct[duplicate_groups.representative[distinct] == distinct]
        first_kept = _first_identical(codes, kept, stranger)
        links.append(_links(first_kept, kept))
        duplicate_groups.representative[kept] = first_kept
        distinct = np.unique(first_kept)
    # A representative may have been merged later: follow the chain to the row that is kept.
    while not np.array_equal(
        duplicate_groups.representative,
        duplicate_groups.representative[duplicate_groups.representative],
    ):
        duplicate_groups.representative = duplicate_groups.representative[
            duplicate_groups.representative
        ]
    if duplicates == "keep":
        _keep_copies(duplicate_groups)
    is_kept = duplicate_groups.representative == positions
    kept_links = [
        identical[is_kept[identical[:, 1]]] if duplicates == "keep" else identical[:0],
        pairs if near_duplicates == "keep" else pairs[:0],
    ]
    duplicate_groups.copies_group = _components(n, kept_links)
    duplicate_groups.cell_source = {
        row: source[width:] for row, source in duplicate_groups.cell_source.items()
    }
    duplicate_groups.group = _components(n, links)
    return duplicate_groups


def _equal_rows(
    codes: np.ndarray,
    equal: EqualRows,
    by_key: np.ndarray,
    max_expected_matches: float,
    is_level: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the rows that are equal in all cells that a model sees, whatever their keys.

    Equal rows of one applicant by their keys count once: they say nothing about the odds that
    strangers are equal.

    Args:
        codes: the cells that a model sees as numbers, shape (n, d).
        equal: the rows that are equal in them.
        by_key: number of the applicant as far as the keys tell, shape (n,).
        max_expected_matches: see `believable_copies`.
        is_level: likewise.

    Returns:
        The number of each row's group of equal rows; whether others equal it; and whether these are
        the same applicant, rather than equal by chance. Each of shape (n,).
    """
    same_cells, counts = equal.group, equal.counts
    equals = counts[same_cells] > 1
    if not equals.any():
        return same_cells, equals, equals
    once = equal_rows(np.column_stack([same_cells, by_key])).first
    shown = np.zeros(len(counts), dtype=bool)
    shown[same_cells[once]] = believable_copies(codes[once], max_expected_matches, is_level)
    return same_cells, equals, shown[same_cells] & equals


def _near_pairs(
    codes: np.ndarray,
    rows: np.ndarray,
    min_cells: int,
    max_expected_matches: float,
    widths: tuple[int, int],
    stranger: np.ndarray,
    is_level: np.ndarray,
) -> np.ndarray:
    """Find the near-duplicates among some rows: positions of pairs, shape (pairs, 2)."""
    ids, width = widths
    here = codes[rows]
    pairs = find_pairs(here, min_cells, max_expected_matches, width)
    alike = (here[pairs[:, 0]] == here[pairs[:, 1]]).all(axis=1)
    pairs = pairs[~(alike & (stranger[rows[pairs]] > 0).all(axis=1))]
    # A common key shows that rows are one applicant; otherwise chance has to be ruled out.
    keys = here[:, :ids]
    has_key = ((keys[pairs[:, 0]] == keys[pairs[:, 1]]) & (keys[pairs[:, 0]] != MISSING)).any(
        axis=1
    )
    believed = believable_pairs(here[:, width:], pairs[~has_key], max_expected_matches, is_level)
    has_key[~has_key] = believed
    return rows[pairs[has_key]]


def _keep_copies(duplicate_groups: DuplicateGroups) -> None:
    """Treat every exact copy as its first occurrence: keep it, fill it or merge it the same way.

    Changes `duplicate_groups` in place.
    """
    copies = np.flatnonzero(duplicate_groups.is_exact)
    first = duplicate_groups.first_identical[copies]
    representative = duplicate_groups.representative[first]
    duplicate_groups.representative[copies] = np.where(
        representative == first, copies, representative
    )
    duplicate_groups.ambiguous[copies] = duplicate_groups.ambiguous[first]
    for copy, one in zip(copies.tolist(), first.tolist(), strict=True):
        source = duplicate_groups.cell_source.get(one)
        if source is not None:
            duplicate_groups.cell_source[copy] = np.where(source == one, copy, source)
    duplicate_groups.is_exact[:] = False


def _same_key(codes: np.ndarray) -> np.ndarray:
    """Link each row that has a key to the first row with the same one; see `_links`."""
    known = np.flatnonzero(codes != MISSING)
    first = np.empty(int(codes.max(initial=MISSING)) + 1, dtype=known.dtype)
    first[codes[known[::-1]]] = known[::-1]  # of several rows the first one is written last
    return _links(first[codes[known]], known)


def _links(first: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Link rows to the first ones of their kind, those that are not the first; shape (links, 2)."""
    others = first != rows
    return np.column_stack([first[others], rows[others]])


def _first_identical(codes: np.ndarray, rows: np.ndarray, stranger: np.ndarray) -> np.ndarray:
    """Find, for each of `rows`, the first of them that is identical to it, including the keys."""
    content = codes if len(rows) == len(codes) else codes[rows]
    equal = equal_rows(content, stranger[rows])
    return rows[equal.first[equal.group]]


def _count_too_common(codes: np.ndarray, max_expected_matches: float) -> int:
    """Count the rows that agree in all cells with more strangers than are accepted."""
    limit = chance_limit(len(codes), max_expected_matches)
    return Chance(codes).too_common(codes, limit)


def _merge_pairs(
    codes: np.ndarray,
    duplicate_groups: DuplicateGroups,
    pairs: np.ndarray,
    fill: bool,
    width: int,
) -> bool:
    """Merge each row of the pairs into the first kept row that it agrees with.

    Changes `codes` and `duplicate_groups` in place.

    Args:
        codes: from `encode`, shape (n, width + d).
        duplicate_groups: the result so far.
        pairs: positions of near-duplicates, shape (pairs, 2).
        fill: whether missing cells of the kept row are filled from the merged row.
        width: number of columns that are keys.

    Returns:
        Whether any row was merged.
    """
    neighbours: dict[int, list[int]] = {}
    for a, b in pairs.tolist():
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    rows = np.array(list(neighbours))
    order = rows[_canonical_order(codes[rows], width)].tolist()
    rank = {row: i for i, row in enumerate(order)}
    ambiguous = {row for row, near in neighbours.items() if not _all_agree(codes[near])}
    kept: set[int] = set()
    for row in order:
        near = sorted((r for r in neighbours[row] if r in kept), key=rank.__getitem__)
        target = next((r for r in near if _all_agree(codes[[r, row]])), None)
        if target is None:
            kept.add(row)
            continue
        duplicate_groups.representative[row] = target
        duplicate_groups.ambiguous[row] = row in ambiguous or target in ambiguous
        if fill and not duplicate_groups.ambiguous[row]:
            gaps = (codes[target] == MISSING) & (codes[row] != MISSING)
            codes[target, gaps] = codes[row, gaps]
            source = duplicate_groups.cell_source
            of_target = source.setdefault(target, np.full(codes.shape[1], target))
            of_target[gaps] = source[row][gaps] if row in source else row
    return len(kept) < len(order)


def _all_agree(codes: np.ndarray) -> bool:
    """Check that no column has two different values; missing cells are ignored."""
    high = codes.max(axis=0)
    low = np.where(codes == MISSING, high, codes).min(axis=0)
    return bool((low == high).all())


def _canonical_order(codes: np.ndarray, width: int) -> np.ndarray:
    """Order the rows: those with a key first, then the most complete first, then by content."""
    without_key = (codes[:, :width] == MISSING).all(axis=1)
    return np.lexsort((*codes.T[::-1], (codes == MISSING).sum(axis=1), without_key))


def _components(n: int, several: Sequence[np.ndarray]) -> np.ndarray:
    """Return the number of each row's connected component in the graph of links; shape (n,)."""
    links = np.concatenate([*several, np.empty((0, 2), dtype="int64")])
    ones = np.ones(len(links), dtype=bool)
    graph = coo_array((ones, (links[:, 0], links[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1]

"""Trees: few rows walk through all trees of a model at once, many rows through one at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from creditrisk.champion.fixed_order import ProbabilityHead

# Up to so many rows, it is faster to walk through all trees at once; and with so few trees never.
FEW_ROWS = 256
FEW_TREES = 16
# Walks that have come to a leaf are put aside after so many steps: at each step, that costs more.
STEPS = 6
# Walks at once; the numbers of more would not fit into the cache.
WALKS = 65_536


class Nodes(NamedTuple):
    """One tree: node 0 is its root. All arrays have one entry per node.

    Attributes:
        left: the left child's number; below 0 for a leaf.
        right: the right child's number.
        column: of the encoded number that decides.
        threshold: single precision; a larger number goes to the right.
        missing_right: whether a missing number goes to the right.
        value: of a leaf.
    """

    left: np.ndarray
    right: np.ndarray
    column: np.ndarray
    threshold: np.ndarray
    missing_right: np.ndarray
    value: np.ndarray


class Walk:
    """All nodes of some trees as one table, level by level.

    The right child is next to the left one, so that a step needs no branch; a leaf leads to itself.
    """

    def __init__(self, trees: Sequence[Nodes]):
        first = np.cumsum([0, *(len(tree.left) for tree in trees)])
        self.trees = len(trees)

        def children(sides: list[np.ndarray]) -> np.ndarray:
            return np.concatenate([own + at for own, at in zip(sides, first, strict=False)])

        is_leaf = np.concatenate([tree.left < 0 for tree in trees])
        left, right = (children([tree[side] for tree in trees]) for side in (0, 1))
        level, levels = first[:-1], []
        while len(level):
            levels.append(level)
            inner = level[~is_leaf[level]]
            level = np.column_stack([left[inner], right[inner]]).ravel()
        order = np.concatenate(levels)
        inner = ~is_leaf[order]
        self.left = np.arange(len(order))
        self.left[inner] = self.trees + 2 * np.arange(inner.sum())
        _, _, column, threshold, missing_right, value = (
            np.concatenate(parts)[order] for parts in zip(*trees, strict=True)
        )
        self.column = np.where(inner, column, 0).astype(np.intp)
        self.threshold = np.where(inner, threshold, np.float32(np.inf))
        self.missing_right = missing_right & inner
        self.value = value

    def values(self, encoded: np.ndarray) -> np.ndarray:
        """Return the value of each tree's leaf; shape (trees, n) for numbers of (width, n)."""
        width, count = encoded.shape
        flat = encoded.T.astype(np.float32, order="C").ravel()
        has_gaps = bool(np.isnan(flat).any())
        step = max(1, WALKS // count)
        parts = [
            self._leaves(flat, has_gaps, width, count, range(self.trees)[start : start + step])
            for start in range(0, self.trees, step)
        ]
        return self.value[np.concatenate(parts)].reshape(self.trees, count)

    def _leaves(
        self, flat: np.ndarray, has_gaps: bool, width: int, count: int, trees: range
    ) -> np.ndarray:
        row = np.tile(np.arange(0, width * count, width), len(trees))
        node = np.repeat(np.asarray(trees), count)
        leaves = np.empty(len(node), dtype=np.intp)
        walk = np.arange(len(node))
        while True:
            for _ in range(STEPS):
                place = self.column.take(node)
                place += row
                number = flat.take(place)
                right = number > self.threshold.take(node)
                if has_gaps:
                    right |= np.isnan(number) & self.missing_right.take(node)
                node = self.left.take(node)
                node += right
            leaves[walk] = node
            going = np.flatnonzero(self.left.take(node) != node)
            if not len(going):
                return leaves
            node, walk, row = node[going], walk[going], row[going]


class Trees(ProbabilityHead):
    """Decision trees, whose mean is taken one tree after the other.

    Args:
        trees: fitted, with two classes.
    """

    def __init__(self, trees: list[DecisionTreeClassifier]):
        self.trees = [one.tree_ for one in trees]
        # The share of bad rows in each node.
        self.shares = [tree.value[:, 0, 1] for tree in self.trees]
        self.walk = None
        if len(self.trees) > FEW_TREES:
            self.walk = Walk(
                [
                    Nodes(
                        tree.children_left,
                        tree.children_right,
                        tree.feature,
                        _rounded_down(tree.threshold),
                        tree.missing_go_to_left == 0,
                        share,
                    )
                    for tree, share in zip(self.trees, self.shares, strict=True)
                ]
            )

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return the mean share of bad rows in the leaves."""
        if self.walk is not None and encoded.shape[1] <= FEW_ROWS:
            # Not `sum`, whose order depends on the shape.
            return self.walk.values(encoded).cumsum(axis=0)[-1] / len(self.trees)
        rows = np.ascontiguousarray(encoded.T, dtype=np.float32)
        total = np.zeros(len(rows))
        for tree, shares in zip(self.trees, self.shares, strict=True):
            total += shares[tree.apply(rows)]
        return total / len(self.trees)


def _rounded_down(thresholds: np.ndarray) -> np.ndarray:
    """Round to single precision, so that each number of single precision stays on its side."""
    near = thresholds.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > thresholds, lower, near)

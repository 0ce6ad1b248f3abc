"""Forests: the mean of decision trees, one after the other."""

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from creditrisk.champion.fixed_order import ProbabilityHead

# Up to so many rows, it is faster to walk through all trees of a forest at once.
FEW_ROWS = 16
# Walks that have come to a leaf are put aside after so many steps: at each step, that costs more.
STEPS = 6


class Trees(ProbabilityHead):
    """Decision trees, whose mean is taken one tree after the other.

    Few rows walk through all trees at once, many rows through one tree at a time: both come to the
    same leaves.

    Args:
        trees: fitted, with two classes.
    """

    def __init__(self, trees: list[DecisionTreeClassifier]):
        self.trees = [one.tree_ for one in trees]
        # The share of bad rows in each node.
        self.shares = [tree.value[:, 0, 1] for tree in self.trees]
        if len(self.trees) > FEW_ROWS:
            self._lay_out()

    def _lay_out(self) -> None:
        """Write all nodes as one table: what a step needs of a node lies in one place."""
        sizes = [tree.node_count for tree in self.trees]
        self.roots = np.cumsum([0, *sizes[:-1]])
        self.all_shares = np.concatenate(self.shares)
        # Threshold in single precision, column, left and right child; a leaf leads to itself.
        self.nodes = np.empty((sum(sizes), 4), dtype=np.int32)
        self.missing_right = np.empty(sum(sizes), dtype=bool)
        for tree, root in zip(self.trees, self.roots, strict=True):
            here = slice(root, root + tree.node_count)
            leaf, own = tree.children_left < 0, np.arange(root, root + tree.node_count)
            self.nodes[here, 0] = _rounded_down(tree.threshold).view(np.int32)
            self.nodes[here, 1] = np.where(leaf, 0, tree.feature)
            self.nodes[here, 2] = np.where(leaf, own, tree.children_left + root)
            self.nodes[here, 3] = np.where(leaf, own, tree.children_right + root)
            self.missing_right[here] = tree.missing_go_to_left == 0

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return the mean share of bad rows in the leaves."""
        if encoded.shape[1] <= FEW_ROWS < len(self.trees):
            return self._at_once(encoded.astype(np.float32))
        rows = np.ascontiguousarray(encoded.T, dtype=np.float32)
        total = np.zeros(len(rows))
        for tree, shares in zip(self.trees, self.shares, strict=True):
            total += shares[tree.apply(rows)]
        return total / len(self.trees)

    def _at_once(self, encoded: np.ndarray) -> np.ndarray:
        count = encoded.shape[1]
        flat = encoded.ravel()
        has_gaps = bool(np.isnan(flat).any())
        row = np.tile(np.arange(count), len(self.trees))
        node = np.repeat(self.roots, count)
        leaves = np.empty(len(node), dtype=np.intp)
        walk = np.arange(len(node))
        while len(walk):
            for _ in range(STEPS):
                record = self.nodes.take(node, axis=0)
                value = flat.take(record[:, 1] * count + row)
                right = value > record.view(np.float32)[:, 0]
                if has_gaps:
                    right |= np.isnan(value) & self.missing_right.take(node)
                node = np.where(right, record[:, 3], record[:, 2])
            ended = self.nodes[:, 2].take(node) == node
            leaves[walk[ended]] = node[ended]
            node, walk, row = node[~ended], walk[~ended], row[~ended]
        # Not `sum`, whose order depends on the shape.
        total = self.all_shares[leaves].reshape(len(self.trees), count).cumsum(axis=0)[-1]
        return total / len(self.trees)


def _rounded_down(thresholds: np.ndarray) -> np.ndarray:
    """Round to single precision, so that each number of single precision stays on its side."""
    near = thresholds.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > thresholds, lower, near)

"""Explainable boosting machines: sums of tables."""

from typing import Any

import numpy as np
from scipy.special import expit

from creditrisk.champion.fixed_order import AT_ONCE, CHECKED_ROWS, weighted_sum


class Additive:
    """An explainable boosting machine: terms of one or two columns, each a table of scores.

    Where tables of its terms do not give what it gives (columns that it takes for levels), it adds
    up its terms itself, also row by row.
    """

    def __init__(self, fitted: Any):
        self.fitted = fitted
        terms = fitted.term_features_
        # Of each column of each term; a column has coarser bins where it is one of two.
        self.columns = np.array([column for term in terms for column in term], dtype=np.intp)
        self.edges = [
            fitted.bins_[column][min(len(fitted.bins_[column]), len(term)) - 1]
            for term in terms for column in term
        ]  # fmt: skip
        self.tabled = all(isinstance(edges, np.ndarray) for edges in self.edges)
        if self.tabled:
            self._lay_out()
            self.tabled = self._agrees()

    def _lay_out(self) -> None:
        """Write the scores of all terms, one after the other, and the edges of all bins."""
        scores = self.fitted.term_scores_
        self.scores = np.concatenate([one.ravel() for one in scores])
        self.starts = np.cumsum([0, *(one.size for one in scores)])[:-1, None]
        steps = [np.array(one.strides) // one.itemsize for one in map(np.ascontiguousarray, scores)]
        self.steps = np.concatenate(steps)[:, None]
        self.first = np.cumsum([0, *(one.ndim for one in scores)])[:-1]
        self.padded = np.full((len(self.edges), max(map(len, self.edges))), np.nan)
        for row, edges in zip(self.padded, self.edges, strict=True):
            row[: len(edges)] = edges
        self.intercept = float(np.ravel(self.fitted.intercept_)[0])

    def _agrees(self) -> bool:
        """Compare with the model itself, on rows at the edges, between them and without values."""
        rng = np.random.default_rng(0)
        probes = rng.normal(size=(self.fitted.n_features_in_, CHECKED_ROWS))
        for column, edges in zip(self.columns, self.edges, strict=True):
            at = rng.choice([*edges, np.nan], CHECKED_ROWS)
            probes[column] = at + rng.choice([0.0, 0.0, 1e-9, -1e-9, 1.0], CHECKED_ROWS)
        own = self._sum(probes)
        return bool((own == self.fitted.decision_function(np.ascontiguousarray(probes.T))).all())

    def _sum(self, encoded: np.ndarray) -> np.ndarray:
        values = encoded[self.columns]
        if self.padded.size * values.shape[1] <= AT_ONCE:
            bins = (self.padded[:, :, None] <= values[:, None]).sum(axis=1)
        else:
            found = zip(self.edges, values, strict=True)
            bins = np.array([edges.searchsorted(own, side="right") for edges, own in found])
        bins = np.where(np.isnan(values), 0, bins + 1)  # 0: missing
        places = np.add.reduceat(bins * self.steps, self.first, axis=0) + self.starts
        terms = np.vstack([np.full(values.shape[1], self.intercept), self.scores.take(places)])
        return weighted_sum(terms, np.ones(len(terms)))

    def score(self, encoded: np.ndarray) -> np.ndarray:
        """Return the log-odds, shape (n,)."""
        if self.tabled:
            return self._sum(encoded)
        return self.fitted.decision_function(np.ascontiguousarray(encoded.T))

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        """Return PDs, shape (n,)."""
        return expit(self.score(encoded))

"""PDs. A row's PD is the same, bit for bit, alone, in any batch and in any order.

One predictor serves whoever wants PDs: evaluate, score, the service, monitoring. It is made once of
a fitted model: levels are encoded by tables (`tables`), and what follows works on each row by
itself (`heads`).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import StackingClassifier
from sklearn.pipeline import Pipeline

from creditrisk.champion.coding import Coded, Vocabulary
from creditrisk.champion.fixed_order import Head, in_blocks
from creditrisk.champion.heads import Stacked, combine, head_of
from creditrisk.champion.parts import ensemble_members, split_pipeline
from creditrisk.champion.tables import NotTabled, Tables, columns_of, fingerprint, transform

# Rows that are encoded at once: encoded, a wide table takes many times its memory.
ENCODED = 4096


class Predictor:
    """Gives PDs of a fitted model.

    Args:
        model: from train, or fitted like one: pipelines of `modeling.pipeline`, each perhaps with
            a calibrator; one, or several in an ensemble.

    Attributes:
        vocabulary: the columns that the model takes, and the levels that it knows.

    Raises:
        TypeError: the model has no such pipeline.
    """

    def __init__(self, model: BaseEstimator):
        self.model = model
        split = [split_pipeline(member) for member in ensemble_members(model)]
        pipelines = [pipeline for pipeline, _ in split if pipeline is not None]
        if len(pipelines) < len(split):
            raise TypeError("a model without a pipeline")
        self.vocabulary = columns_of(pipelines)
        tables = _tables(pipelines, self.vocabulary)
        self._members = [
            _Member(pipeline, rest, self.vocabulary, own)
            for pipeline, (_, rest), own in zip(pipelines, split, tables, strict=True)
        ]
        stack = isinstance(model, StackingClassifier)
        self._last = Stacked(model.final_estimator_) if stack else None

    def pd(self, rows: pd.DataFrame | Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the PD of each row.

        Args:
            rows: the features, as a frame of n rows or as arrays of n values.

        Returns:
            PDs, shape (n,); equal to `model.predict_proba(rows)[:, 1]` except for the last bits.
        """
        return self.pd_of_coded(self.vocabulary.code(rows))

    def pd_of_coded(self, rows: Coded) -> np.ndarray:
        """Return the PD of each row; shape (n,)."""
        parts = [
            self._pd(rows.take(slice(start, start + ENCODED)))
            for start in range(0, len(rows), ENCODED)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def _pd(self, rows: Coded) -> np.ndarray:
        # Members with the same tables share what they encode.
        encoded: dict[int, np.ndarray] = {}
        pds = []
        for member in self._members:
            if member.key not in encoded:
                encoded[member.key] = member.encode(rows)
            pds.append(member.head.probability(encoded[member.key]))
        if self._last is not None:
            return self._last.probability(pds)
        if len(pds) == 1:
            return pds[0]
        return combine(pds, getattr(self.model, "weights", None))


class _Member:
    """One model: its preprocessing and what follows."""

    def __init__(
        self,
        pipeline: Pipeline,
        rest: BaseEstimator,
        vocabulary: Vocabulary,
        tables: Tables | None,
    ):
        self.pipeline, self.vocabulary, self.tables = pipeline, vocabulary, tables
        self.head: Head = head_of(rest)
        self.key = id(self if tables is None else tables)

    def encode(self, rows: Coded) -> np.ndarray:
        """Encode rows, shape (width, n)."""
        if self.tables is not None:
            return self.tables.encode(rows)

        def encoded(block: np.ndarray) -> np.ndarray:
            return transform(self.pipeline, self.vocabulary.frame(rows.take(block)))

        return np.ascontiguousarray(in_blocks(encoded, np.arange(len(rows))).T)


def _tables(pipelines: list[Pipeline], vocabulary: Vocabulary) -> list[Tables | None]:
    """Make the tables of some pipelines; None for one that can't have any.

    They take a tenth of a second, so pipelines with equal steps share theirs.
    """
    made: dict[bytes, Tables | None] = {}
    keys = [fingerprint(pipeline) for pipeline in pipelines]
    for key, pipeline in zip(keys, pipelines, strict=True):
        if key not in made:
            try:
                made[key] = Tables(pipeline, vocabulary)
            except NotTabled:
                made[key] = None
    return [made[key] for key in keys]


def transform_rows(pipeline: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """Apply the steps of a pipeline before its model; each level is encoded once.

    Args:
        pipeline: from `modeling.pipeline.build_pipeline`, fitted.
        rows: the features, shape (n, d).

    Returns:
        Float64, shape (n, d'): the same as applying the steps one after the other.
    """
    vocabulary = columns_of([pipeline])
    [tables] = _tables([pipeline], vocabulary)
    member = _Member(pipeline, pipeline[-1], vocabulary, tables)
    return member.encode(vocabulary.code(rows)).T

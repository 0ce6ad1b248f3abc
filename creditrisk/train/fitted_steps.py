"""Fit the steps before a model on all rows, without the matrix that the model learns from.

With one-hot columns that matrix is many times as large as the rows. Whoever has the fitted steps
can make a part of it from a part of the rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import TargetEncoder

# Rows of each class of which a step learns its form; five folds of them have both classes.
FEW = 50


@dataclass(frozen=True)
class FittedSteps:
    """The steps before the model.

    Attributes:
        steps: name and fitted step, or `passthrough`.
        columns: number of columns that the model learns from.
        own: columns whose values in training are not those of the fitted step, by the first of
            them; arrays of shape (n, k). A target encoder learns a row's value from other rows.
    """

    steps: list[tuple[str, Any]]
    columns: int
    own: dict[int, np.ndarray]

    def of(self, positions: np.ndarray) -> dict[int, np.ndarray]:
        """Return `own` for some rows."""
        return {first: values[positions] for first, values in self.own.items()}


def fit_steps(pipeline: Pipeline, rows: pd.DataFrame, bad: np.ndarray) -> FittedSteps:
    """Fit all steps but the model.

    Args:
        pipeline: unfitted; without resamplers. Its last step before the model is a
            ColumnTransformer.
        rows: features, shape (n, d).
        bad: outcomes, shape (n,).
    """
    frame: Any = rows
    names = [name for name, step in pipeline.steps[:-1] if step != "passthrough"]
    fitted: dict[str, Any] = {}
    for name in names[:-1]:
        fitted[name] = clone(pipeline.named_steps[name])
        frame = fitted[name].fit_transform(frame, bad)
    last = pipeline.named_steps[names[-1]]
    fitted[names[-1]], own = _fit_columns(last, frame, bad)
    steps = [(name, fitted.get(name, "passthrough")) for name, _ in pipeline.steps[:-1]]
    return FittedSteps(steps, transformed(steps, rows.iloc[:1]).shape[1], own)


def _fit_columns(
    step: ColumnTransformer, frame: pd.DataFrame, bad: np.ndarray
) -> tuple[ColumnTransformer, dict[int, np.ndarray]]:
    """Fit the transformers of a ColumnTransformer, whose own `fit` would make all columns."""
    few = np.concatenate([np.flatnonzero(bad == outcome)[:FEW] for outcome in (0, 1)])
    found = clone(step).fit(frame.iloc[few], bad[few])
    unfitted = {name: transformer for name, transformer, _ in step.transformers}
    parts, places, own, width = [], {}, {}, 0
    for name, transformer, columns in found.transformers_:
        if name in unfitted and len(columns):
            rows = frame[columns]
            if isinstance(unfitted[name], BaseEstimator):
                transformer = clone(unfitted[name])
                if isinstance(transformer, TargetEncoder):
                    own[width] = transformer.fit_transform(rows, bad)
                else:
                    transformer.fit(rows, bad)
            end = width + np.shape(transformer.transform(rows.iloc[:1]))[1]
            places[name], width = slice(width, end), end
        parts.append((name, transformer, columns))
    found.transformers_ = parts
    found.output_indices_ = {name: places.get(name, slice(0, 0)) for name in found.output_indices_}
    return found, own


def transformed(steps: list[tuple[str, Any]], rows: pd.DataFrame) -> np.ndarray:
    """Take rows through fitted steps."""
    matrix: Any = rows
    for _, step in steps:
        if step != "passthrough":
            matrix = step.transform(matrix)
    return np.asarray(matrix)


def part_matrix(
    part: tuple[pd.DataFrame, dict[int, np.ndarray]], steps: list[tuple[str, Any]], kind: str
) -> np.ndarray:
    """Make what the model learns from of a part of the rows; a job of a cluster.

    Args:
        part: rows, and `FittedSteps.own` of them.
        steps: of `FittedSteps`.
        kind: type of the numbers.
    """
    rows, own = part
    matrix = np.ascontiguousarray(transformed(steps, rows), dtype=kind)
    for first, values in own.items():
        matrix[:, first : first + values.shape[1]] = values
    return matrix

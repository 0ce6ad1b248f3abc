"""Fast PDs. A row's PD is the same, bit for bit, alone, in any batch and in any order.

With a model's own `predict_proba`, the last bits of a row's PD depend on the batch, because the
linear algebra libraries use other code for other shapes. So here the model only gets blocks of one
size.

Text is slow to encode, but there are few distinct texts. So each distinct text is encoded once, by
the model's own fitted transformers.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from creditrisk.modeling.binning.binner import Binner

# Rows per call of a model. To score a single row takes as long as to score a block.
BLOCK = 8192
# Rows that are encoded at once: encoded, a wide table takes many times its memory.
ENCODED = 4 * BLOCK


def default_pd(model: BaseEstimator, rows: pd.DataFrame) -> np.ndarray:
    """Return the PD of each row.

    Args:
        model: a fitted model from train, which gives probabilities.
        rows: the features, shape (n, d).

    Returns:
        PDs, shape (n,); equal to `model.predict_proba(rows)[:, 1]` except for the last bits.
    """
    parts = [rows.iloc[start : start + ENCODED] for start in range(0, len(rows), ENCODED)]
    return np.concatenate([_default_pd(model, part) for part in parts]) if parts else np.empty(0)


def _default_pd(model: BaseEstimator, rows: pd.DataFrame) -> np.ndarray:
    pds = [_member_pd(member, rows) for member in ensemble_members(model)]
    if isinstance(model, StackingClassifier):
        last = model.final_estimator_
        return in_blocks(lambda block: last.predict_proba(block)[:, 1], np.column_stack(pds))
    # The same average as in VotingClassifier.
    return np.average(pds, axis=0, weights=getattr(model, "weights", None))


def _member_pd(model: BaseEstimator, rows: pd.DataFrame) -> np.ndarray:
    pipeline, rest = split_pipeline(model)
    if pipeline is not None:
        rows = transform_rows(pipeline, rows)
    # XGBoost returns single precision, which is too coarse for the average.
    return in_blocks(lambda block: rest.predict_proba(block)[:, 1].astype(np.float64), rows)


def in_blocks(work: Callable[[Any], np.ndarray], rows: Any) -> np.ndarray:
    """Apply a row-wise function to blocks of `BLOCK` rows.

    The last block is filled up with copies of its first row.

    Args:
        work: takes a frame or an array of `BLOCK` rows and returns as many results.
        rows: shape (n, d), n > 0.

    Returns:
        The results of the n rows.
    """
    parts = []
    for start in range(0, len(rows), BLOCK):
        positions = np.arange(start, start + BLOCK)
        count = min(BLOCK, len(rows) - start)
        positions[count:] = start
        block = rows[positions] if isinstance(rows, np.ndarray) else rows.iloc[positions]
        parts.append(work(block)[:count])
    return np.concatenate(parts)


def ensemble_members(model: BaseEstimator) -> list[BaseEstimator]:
    """Return the members of an ensemble, or the model itself if it is none."""
    if isinstance(model, VotingClassifier | StackingClassifier):
        return [m.estimator if isinstance(m, FrozenEstimator) else m for m in model.estimators_]
    return [model]


def split_pipeline(model: BaseEstimator) -> tuple[Pipeline | None, BaseEstimator]:
    """Split a model into its preprocessing and the part that takes encoded numbers.

    Returns:
        The pipeline, or None if there is none; and the final estimator, with its calibrator if it
        has one.
    """
    if isinstance(model, Pipeline):
        return model, model[-1]
    if isinstance(model, CalibratedClassifierCV) and len(model.calibrated_classifiers_) == 1:
        inner = model.calibrated_classifiers_[0]
        if isinstance(inner.estimator, Pipeline):
            bare, part = copy.copy(model), copy.copy(inner)
            part.estimator = inner.estimator[-1]
            bare.calibrated_classifiers_ = [part]
            return inner.estimator, bare
    return None, model


def transform_rows(pipeline: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """Apply the steps of a pipeline before its model; each distinct text is encoded once.

    Args:
        pipeline: from `modeling.pipeline.build_pipeline`, fitted.
        rows: the features, shape (n, d).

    Returns:
        Float64, shape (n, d'): the same as applying the steps one after the other.
    """
    impute, encode = pipeline.named_steps["impute"], pipeline.named_steps["encode"]
    if isinstance(impute, Binner):
        # The few bins are encoded like texts.
        bins = impute.transform(rows).astype(object)
        return _encode([encode.named_transformers_["bins"]], bins).astype(np.float64, copy=False)
    parts = []
    for name, first, columns in impute.transformers_:
        if not len(columns) or name not in encode.named_transformers_:
            continue
        steps = [first, encode.named_transformers_[name]]
        parts.append(_encode(steps, rows[list(columns)]))
    return np.hstack(parts).astype(np.float64, copy=False)


def _encode(steps: list[Any], rows: pd.DataFrame) -> np.ndarray:
    if any(pd.api.types.is_numeric_dtype(dtype) for dtype in rows.dtypes):
        return in_blocks(lambda block: _apply_steps(steps, block), rows)
    # Probes are copies of the first row in which one column takes each of its values in turn.
    codes, levels = zip(
        *(pd.factorize(rows[name], use_na_sentinel=False) for name in rows), strict=True
    )
    ends = np.cumsum([len(values) for values in levels])
    probes = np.repeat(rows.iloc[[0]].to_numpy(dtype=object), ends[-1], axis=0)
    for column, (end, values) in enumerate(zip(ends, levels, strict=True)):
        probes[end - len(values) : end, column] = np.asarray(values, dtype=object)
    table = _apply_steps(steps, pd.DataFrame(probes, columns=rows.columns).astype(rows.dtypes))
    out = np.repeat(table[:1], len(rows), axis=0)
    seen = np.zeros(table.shape[1], dtype=bool)
    for code, end, values in zip(codes, ends, levels, strict=True):
        own = table[end - len(values) : end]
        changed = (own != table[:1]).any(axis=0)
        if (changed & seen).any():
            # An encoded value depends on two columns: fall back to row-wise encoding.
            return in_blocks(lambda block: _apply_steps(steps, block), rows)
        seen |= changed
        out[:, changed] = own[:, changed][code]
    return out


def _apply_steps(steps: list[Any], rows: Any) -> np.ndarray:
    for step in steps:
        rows = rows if isinstance(step, str) else step.transform(rows)
    return np.asarray(rows, dtype=np.float64)

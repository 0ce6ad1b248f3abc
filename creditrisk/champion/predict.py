"""PDs of any rows: fast, and each row's the same alone, in any batch and in any order.

A model's own `predict_proba` gives a row another last bit in another batch: the linear algebra
below it takes other ways for other shapes. Here the model only ever sees blocks of one size.

Text is slow to encode, and a block holds few distinct texts: each is encoded once, by the model's
own fitted transformers.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

# Rows that a model sees at once. A single row costs as much as a block.
BLOCK = 8192


def default_pd(model: BaseEstimator, rows: pd.DataFrame) -> np.ndarray:
    """Give each row its PD.

    Args:
        model: fitted, gives probabilities; one that train made.
        rows: the features, shape (n, d).

    Returns:
        Shape (n,); equal to `model.predict_proba(rows)[:, 1]` but for the last bits.
    """
    if not len(rows):
        return np.empty(0)
    # Averaged as VotingClassifier does it.
    return np.average([_of_member(member, rows) for member in ensemble_members(model)], axis=0)


def _of_member(model: BaseEstimator, rows: pd.DataFrame) -> np.ndarray:
    pipeline, rest = split_pipeline(model)
    if pipeline is not None:
        rows = transform_rows(pipeline, rows)
    # XGBoost answers in single precision: too coarse to add up.
    return in_blocks(lambda block: rest.predict_proba(block)[:, 1].astype(np.float64), rows)


def in_blocks(work: Callable[[Any], np.ndarray], rows: Any) -> np.ndarray:
    """Do row-wise work on blocks of `BLOCK` rows, the last one filled up with its first row.

    Args:
        work: takes a frame or an array of `BLOCK` rows, gives as many results.
        rows: shape (n, d), n > 0.
    """
    parts = []
    for start in range(0, len(rows), BLOCK):
        places = np.arange(start, start + BLOCK)
        count = min(BLOCK, len(rows) - start)
        places[count:] = start
        block = rows[places] if isinstance(rows, np.ndarray) else rows.iloc[places]
        parts.append(work(block)[:count])
    return np.concatenate(parts)


def ensemble_members(model: BaseEstimator) -> list[BaseEstimator]:
    """List the models whose mean PD a model gives: itself, or those that vote."""
    if isinstance(model, VotingClassifier):
        return [m.estimator if isinstance(m, FrozenEstimator) else m for m in model.estimators_]
    return [model]


def split_pipeline(model: BaseEstimator) -> tuple[Pipeline | None, BaseEstimator]:
    """Part a model into its preprocessing and what works on the encoded numbers.

    Returns:
        The pipeline, or None where there is none, and the rest: the final estimator, with its
        calibrator if it has one.
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
    """Do what a pipeline does to rows before its model, each distinct text once.

    Args:
        pipeline: of `preprocess.build_pipeline`, fitted.
        rows: the features, shape (n, d).

    Returns:
        Float64, shape (n, d'): equal to what its steps give one after the other.
    """
    impute, encode = pipeline.named_steps["impute"], pipeline.named_steps["encode"]
    parts = []
    for name, first, columns in impute.transformers_:
        if not len(columns):
            continue
        steps = [first, encode.named_transformers_[name]]
        parts.append(_part(steps, rows[list(columns)]))
    return np.hstack(parts).astype(np.float64, copy=False)


def _part(steps: list[Any], rows: pd.DataFrame) -> np.ndarray:
    if any(pd.api.types.is_numeric_dtype(dtype) for dtype in rows.dtypes):
        return in_blocks(lambda block: _apply_steps(steps, block), rows)
    # Probes: the first row, with each value of each column in turn in its place.
    codes, levels = zip(
        *(pd.factorize(rows[name], use_na_sentinel=False) for name in rows), strict=True
    )
    ends = np.cumsum([len(values) for values in levels])
    probes = np.repeat(rows.iloc[[0]].to_numpy(dtype=object), ends[-1], axis=0)
    for place, (end, values) in enumerate(zip(ends, levels, strict=True)):
        probes[end - len(values) : end, place] = np.asarray(values, dtype=object)
    table = _apply_steps(steps, pd.DataFrame(probes, columns=rows.columns).astype(rows.dtypes))
    out = np.repeat(table[:1], len(rows), axis=0)
    seen = np.zeros(table.shape[1], dtype=bool)
    for code, end, values in zip(codes, ends, levels, strict=True):
        own = table[end - len(values) : end]
        hangs = (own != table[:1]).any(axis=0)
        if (hangs & seen).any():  # a number that hangs on two columns: no table serves
            return in_blocks(lambda block: _apply_steps(steps, block), rows)
        seen |= hangs
        out[:, hangs] = own[:, hangs][code]
    return out


def _apply_steps(steps: list[Any], rows: Any) -> np.ndarray:
    for step in steps:
        rows = rows if isinstance(step, str) else step.transform(rows)
    return np.asarray(rows, dtype=np.float64)

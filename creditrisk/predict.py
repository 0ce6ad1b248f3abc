"""PDs of any rows: fast, and each row's the same alone, in any batch and in any order.

A model's own `predict_proba` gives a row another last bit in another batch: the linear algebra
below it takes other ways for other shapes. Here the model only ever sees blocks of one size.

Text is slow to encode, and a block holds few distinct texts: each is encoded once, by the model's
own fitted transformers.
"""

import copy
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

    Parameters
    ----------
    model : fitted, gives probabilities; one that train made.
    rows : the features, shape (n, d).

    Returns
    -------
    shape (n,); equal to `model.predict_proba(rows)[:, 1]` but for the last bits.
    """
    parts = []
    for start in range(0, len(rows), BLOCK):
        block = rows.iloc[start : start + BLOCK]
        count = len(block)
        # Filled up with its first row.
        places = np.concatenate([np.arange(count), np.zeros(BLOCK - count, dtype=int)])
        parts.append(_probability(model, block.iloc[places].reset_index(drop=True))[:count])
    return np.concatenate(parts) if parts else np.empty(0)


def members(model: BaseEstimator) -> list[BaseEstimator]:
    """List the models whose mean PD a model gives: itself, or those that vote."""
    if isinstance(model, VotingClassifier):
        return [m.estimator if isinstance(m, FrozenEstimator) else m for m in model.estimators_]
    return [model]


def taken_apart(model: BaseEstimator) -> tuple[Pipeline | None, BaseEstimator]:
    """Part a model into its preprocessing and what works on the encoded numbers.

    Returns
    -------
    the pipeline, or None where there is none, and the rest: the final estimator, with its
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


def encoded(pipeline: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """Do what a pipeline does to rows before its model, each distinct text once.

    Parameters
    ----------
    pipeline : of `preprocess.build_pipeline`, fitted.
    rows : the features, shape (n, d).

    Returns
    -------
    float64, shape (n, d'): equal to what its steps give one after the other.
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
        return _through(steps, rows)
    names, codes, places, start = list(rows), [], [], 0
    base = rows.iloc[[0]]
    columns: dict[str, list[pd.Series]] = {name: [] for name in names}
    # Rows that differ from the first one in one column, which takes each of its values.
    for name in names:
        code, values = pd.factorize(rows[name], use_na_sentinel=False)
        codes.append(code)
        places.append(start)
        start += len(values)
        for other in names:
            cells = values if other == name else base[other].repeat(len(values))
            columns[other].append(pd.Series(cells).reset_index(drop=True))
    probes = pd.DataFrame(
        {n: pd.concat(c, ignore_index=True).astype(rows[n].dtype) for n, c in columns.items()}
    )
    table = _through(steps, probes)
    out = np.repeat(table[:1], len(rows), axis=0)
    seen = np.zeros(table.shape[1], dtype=bool)
    ends = [*places[1:], start]
    for code, first, end in zip(codes, places, ends, strict=True):
        hangs = (table[first:end] != table[:1]).any(axis=0)
        if (hangs & seen).any():  # a number that hangs on two columns: no table serves
            return _through(steps, rows)
        seen |= hangs
        out[:, hangs] = table[first:end][:, hangs][code]
    return out


def _through(steps: list[Any], rows: Any) -> np.ndarray:
    for step in steps:
        rows = rows if isinstance(step, str) else step.transform(rows)
    return np.asarray(rows, dtype=np.float64)


def _probability(model: BaseEstimator, rows: pd.DataFrame) -> np.ndarray:
    each = []
    for member in members(model):
        pipeline, rest = taken_apart(member)
        each.append(rest.predict_proba(rows if pipeline is None else encoded(pipeline, rows))[:, 1])
    return np.average(each, axis=0)

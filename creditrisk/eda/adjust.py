"""Adjustments (caps and merged levels), learned from the training rows and applied to any rows.

Scoring needs only `apply`, so this module imports neither the descriptive tables nor the page.
"""

import math
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from creditrisk.core.columns import MANY_LEVELS
from creditrisk.core.distinct import map_distinct
from creditrisk.core.params import Number, Strict
from creditrisk.core.text import fold
from creditrisk.schema import Column, Schema

MERGED_LEVEL = "rare levels"


class EdaParams(Strict):
    """The block `eda`.

    Attributes:
        cap_iqr_factor: numbers are capped at this many interquartile ranges beyond the quartiles;
            null means no caps.
        rare_level_share: nominal levels with less than this share of the training rows are merged;
            0 means no merging.
    """

    cap_iqr_factor: Annotated[Number, Field(gt=0)] | None = 3.0
    rare_level_share: Annotated[Number, Field(ge=0, lt=1)] = 0.01


def learn(
    train: pd.DataFrame,
    schema: Schema,
    params: EdaParams,
    grouped: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Learn the adjustments from the training rows.

    Caps: a side of a numeric column is capped only if there are training rows beyond its fence. A
    column with equal quartiles has no fence: at least half of its rows have the same value, and
    capping would erase all other values. Caps of an integer column are rounded towards the middle.

    Merges: the levels of a nominal column that are rarer than `rare_level_share` are merged into
    one, if there are at least two of them (merging one would only rename it) and at least one other
    level (else the column would become constant). Levels that are not in the training rows are
    merged into the same level. Ordinal levels are never merged, because that would lose their
    order. Columns with more than `MANY_LEVELS` levels, most rows of which have a rare one (job
    titles), are left to the models, which merge or target-encode them (`many_levels` in
    params.yaml). Columns for audit only are not adjusted: no model learns from them.

    Args:
        train: the training rows of the clean frame, shape (n, d).
        schema: the schema of the data set.
        params: the thresholds.
        grouped: nominal column to levels that are not merged, however rare: a person has put them
            into groups (`bins.grouped_levels`).

    Returns:
        `{"caps": {column: {"low", "high", "rows_low", "rows_high"}}, "merges": {column: {"into",
        "kept", "merged": {level: number of training rows}, "rows"}}}`. A side that is not capped is
        None. A round trip through `write_json` changes nothing.
    """
    caps = {name: _cap(train[name], schema.variables[name], params.cap_iqr_factor)
            for name in schema.of_kind("numeric") if name in schema.inputs}  # fmt: skip
    share = params.rare_level_share
    merges = {name: _merge(train[name], schema.variables[name], share, grouped.get(name, ()))
              for name in schema.of_kind("nominal") if name in schema.inputs}  # fmt: skip
    return {
        "caps": {name: cap for name, cap in caps.items() if cap},
        "merges": {name: merge for name, merge in merges.items() if merge},
    }


def apply(frame: pd.DataFrame, adjustments: dict[str, Any]) -> pd.DataFrame:
    """Apply learned adjustments to any rows; applying them again changes nothing.

    Missing cells stay missing. A level that was not in the training rows becomes the merged level
    if the column has one, and else stays as it is.

    Args:
        frame: rows with the columns to adjust, typed as in the clean frame, shape (n, d); it is not
            changed.
        adjustments: the result of `learn`, or that from its JSON file.

    Returns:
        A new frame with the same columns, rows and index.
    """
    adjusted = frame.copy()
    for name, cap in adjustments["caps"].items():
        adjusted[name] = capped(frame[name].to_numpy(), cap)
    for name, merge in adjustments["merges"].items():
        column = frame[name]
        stays = column.isin(merge["kept"]) | column.isna()
        adjusted[name] = column.where(stays, merge["into"])
    return adjusted


def apply_to_arrays(
    columns: Mapping[str, np.ndarray], adjustments: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Apply learned adjustments as `apply` does, to arrays of n values."""
    adjusted = dict(columns)
    for name, cap in adjustments["caps"].items():
        adjusted[name] = capped(columns[name], cap)
    for name, merge in adjustments["merges"].items():
        adjusted[name] = map_distinct(columns[name], _or_else(merge), None)
    return adjusted


def _or_else(merge: Mapping[str, Any]) -> Callable[[str], str]:
    kept, into = {level: level for level in merge["kept"]}, merge["into"]
    return lambda level: kept.get(level, into)


def capped(numbers: np.ndarray, cap: Mapping[str, float | None]) -> np.ndarray:
    """Apply caps to numbers; a missing one stays missing."""
    low, high = cap["low"], cap["high"]
    return np.clip(numbers, -np.inf if low is None else low, np.inf if high is None else high)


def fences(values: pd.Series, factor: float) -> tuple[float, float]:
    """Compute Tukey's fences: the quartiles moved outwards by `factor` interquartile ranges.

    Quartiles are interpolated linearly. Both fences are NaN if the quartiles are equal or there are
    no values.
    """
    q1, q3 = float(values.quantile(0.25)), float(values.quantile(0.75))
    if not q3 > q1:
        return math.nan, math.nan
    return q1 - factor * (q3 - q1), q3 + factor * (q3 - q1)


def _cap(values: pd.Series, column: Column, factor: float | None) -> dict[str, Any] | None:
    if factor is None:
        return None
    low, high = fences(values, factor)
    # Very large values or factors have infinite fences, beyond which there is no row.
    if column.integer:
        low = math.ceil(low) if math.isfinite(low) else low
        high = math.floor(high) if math.isfinite(high) else high
    # write_json keeps ten digits. Round here, so that this run applies the same caps as the file.
    low, high = float(f"{low:.10g}"), float(f"{high:.10g}")
    below, above = int((values < low).sum()), int((values > high).sum())
    if not below and not above:
        return None
    return {
        "low": low if below else None,
        "high": high if above else None,
        "rows_low": below,
        "rows_high": above,
    }


def _merge(
    values: pd.Series, column: Column, share: float, grouped: Collection[str]
) -> dict[str, Any] | None:
    counts = values.value_counts()
    seen = [level for level in column.levels or () if level in counts.index]
    order = seen or sorted(counts.index)
    rare = {
        level: int(counts[level])
        for level in order
        if counts[level] < share * len(values) and level not in grouped
    }
    kept = [level for level in order if level not in rare]
    many = len(order) > MANY_LEVELS and 2 * sum(rare.values()) > int(counts.sum())
    if len(rare) < 2 or not kept or many:
        return None
    return {
        "into": _free_name([*order, *(column.levels or {})], column),
        "kept": kept,
        "merged": rare,
        "rows": sum(rare.values()),
    }


def _free_name(levels: list[str], column: Column) -> str:
    """Choose a name for the merged level that differs from every level and label."""
    taken = {fold(text) for text in (*levels, *(column.levels or {}).values())}
    name, number = MERGED_LEVEL, 2
    while fold(name) in taken:
        name, number = f"{MERGED_LEVEL} {number}", number + 1
    return name

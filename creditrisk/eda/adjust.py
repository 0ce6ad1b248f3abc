"""The adjustments: learned from the train rows, applied to any rows.

`apply` is all that a program needs which brings a new record into the model's form; this module
imports nothing of the description and nothing of the page.
"""

import math
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from creditrisk.core.params import Strict
from creditrisk.schema import Column, Schema, code_key, fold

MERGED_LEVEL = "rare levels"


class EdaParams(Strict):
    """The block `eda`.

    Attributes:
        cap_iqr_factor: numbers further than this many interquartile ranges beyond the quartiles are
            capped there; null caps nothing.
        rare_level_share: nominal levels with fewer than this share of the train rows are merged; 0
            merges nothing.
    """

    cap_iqr_factor: Annotated[float, Field(gt=0)] | None = 3.0
    rare_level_share: Annotated[float, Field(ge=0, lt=1)] = 0.01


def learn(train: pd.DataFrame, schema: Schema, params: EdaParams) -> dict[str, Any]:
    """Find the adjustments worth making.

    Caps: a side of a numeric column is capped only where train rows lie beyond its fence, so every
    number here has rows that speak for it. A column whose quartiles are equal has no fence: most of
    its rows are one value, and capping would erase all others. Caps of an integer column are
    rounded towards the middle.

    Merges: the levels of a nominal column that are rarer than `rare_level_share` become one, if
    there are at least two of them (merging one is only renaming it) and at least one level is
    common (else the column would become constant). Levels that the train rows don't have join
    them. Ordinal levels are never merged: their order is what they tell.

    Args:
        train: the train rows of the clean frame.
        schema: the columns' contract.
        params: the thresholds.

    Returns:
        Ready for JSON, and unchanged by a round trip through `write_json`: `{"caps": {column:
        {"low", "high", "rows_low", "rows_high"}}, "merges": {column: {"into", "kept", "merged":
        {level: train rows}, "rows"}}}`. A side that is not capped is None.
    """
    caps = {name: _cap(train[name], schema.features[name], params.cap_iqr_factor)
            for name in schema.of_kind("numeric")}  # fmt: skip
    merges = {name: _merge(train[name], schema.features[name], params.rare_level_share)
              for name in schema.of_kind("nominal")}  # fmt: skip
    return {
        "caps": {name: cap for name, cap in caps.items() if cap},
        "merges": {name: merge for name, merge in merges.items() if merge},
    }


def apply(frame: pd.DataFrame, adjustments: dict[str, Any]) -> pd.DataFrame:
    """Apply learned adjustments to any rows; applying them twice is applying them once.

    Missing cells stay missing. A level that the train rows didn't have becomes the merged level
    where the column has one, and stays as it is where it has none.

    Args:
        frame: rows with the adjusted columns, typed as in the clean frame; it is not changed.
        adjustments: what `learn` gave, or its JSON.

    Returns:
        A new frame with the same columns, rows and index.
    """
    adjusted = frame.copy()
    for name, cap in adjustments["caps"].items():
        adjusted[name] = frame[name].clip(cap["low"], cap["high"])
    for name, merge in adjustments["merges"].items():
        column = frame[name]
        stays = column.isin(merge["kept"]) | column.isna()
        adjusted[name] = column.where(stays, merge["into"])
    return adjusted


def fences(values: pd.Series, factor: float) -> tuple[float, float]:
    """Tukey's fences: the quartiles moved outwards by `factor` interquartile ranges.

    Quartiles are interpolated linearly. Without a value, or with equal quartiles, there is no fence
    and both are NaN.
    """
    q1, q3 = values.quantile(0.25), values.quantile(0.75)
    if not q3 > q1:
        return math.nan, math.nan
    return float(q1 - factor * (q3 - q1)), float(q3 + factor * (q3 - q1))


def _cap(values: pd.Series, column: Column, factor: float | None) -> dict[str, Any] | None:
    if factor is None:
        return None
    low, high = fences(values, factor)
    if column.integer and not math.isnan(low):
        low, high = math.ceil(low), math.floor(high)
    # Ten digits are what write_json keeps: what is applied now is what the file says.
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


def _merge(values: pd.Series, column: Column, share: float) -> dict[str, Any] | None:
    counts = values.value_counts()
    seen = [level for level in column.levels or () if level in counts.index]
    order = seen or sorted(counts.index)
    rare = {level: int(counts[level]) for level in order if counts[level] < share * len(values)}
    kept = [level for level in order if level not in rare]
    if len(rare) < 2 or not kept:
        return None
    return {
        "into": _free_name([*order, *(column.levels or {})], column),
        "kept": kept,
        "merged": rare,
        "rows": sum(rare.values()),
    }


def _free_name(levels: list[str], column: Column) -> str:
    """Name the merged level as no level and no label is named, however it is spelled."""
    taken = {code_key(level) for level in levels}
    taken |= {fold(words) for words in (column.levels or {}).values()}
    name, number = MERGED_LEVEL, 2
    while fold(name) in taken:
        name, number = f"{MERGED_LEVEL} {number}", number + 1
    return name

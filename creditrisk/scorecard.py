"""The scorecard: a linear model on bins and levels, written as a table of points."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from creditrisk.points import Scale
from creditrisk.predict import encoded, taken_apart
from creditrisk.schema import Schema

COLUMNS = ("variable", "bin", "code", "low", "high", "rows", "bad_rate", "woe", "coefficient",
           "points")  # fmt: skip

OTHER = "any other level"


@dataclass(frozen=True)
class Linear:
    """A model whose log-odds of being bad are `intercept + encoded @ weights`.

    Attributes
    ----------
    pipeline : does the encoding.
    weights : shape (d,).
    intercept : a number.
    """

    pipeline: Pipeline
    weights: np.ndarray
    intercept: float


def linear(model: BaseEstimator) -> Linear | None:
    """See a fitted model as a linear one, if it is: bare, or calibrated by Platt's sigmoid."""
    pipeline, rest = taken_apart(model)
    if pipeline is None or not hasattr(pipeline[-1], "coef_"):
        return None
    weights, intercept = np.ravel(pipeline[-1].coef_), float(pipeline[-1].intercept_[0])
    if rest is pipeline[-1]:
        return Linear(pipeline, weights, intercept)
    sigmoid = rest.calibrated_classifiers_[0].calibrators[0]
    if not hasattr(sigmoid, "a_"):
        return None
    return Linear(pipeline, -sigmoid.a_ * weights, -sigmoid.a_ * intercept - sigmoid.b_)


def is_binned(best_params: dict[str, Any]) -> bool:
    """Tell whether a candidate's numbers are cut into bins, so that a table can hold its points."""
    return bool(best_params.get("bins"))


def scorecard(
    model: BaseEstimator, frame: pd.DataFrame, features: dict[str, Any], schema: Schema,
    scale: Scale,
) -> pd.DataFrame:  # fmt: skip
    """Write a binned linear model as a table.

    An applicant's points are the sum of one line a variable; that is the scale's offset minus its
    factor times the log-odds of the PD.

    Parameters
    ----------
    model : linear, its numbers cut into bins.
    frame : the training rows: `bad` and the features.
    features : features.json.
    schema : names the levels.
    scale : of the points.

    Returns
    -------
    `variable`; `bin`, in words; `code` of a level, or `low` (inclusive) and `high` (exclusive) of
    a bin; `rows` and `bad_rate` of the training rows, missing numbers in the bin that stands for
    them; `woe`, the encoded value, above 0 where there are more bad than on average (missing where
    the encoder gives several numbers); its `coefficient`; `points`.

    Raises
    ------
    RuntimeError : the model is no such one, which is a bug of ours.
    """
    found = linear(model)
    if found is None:
        raise RuntimeError("no linear model, so no table of points")
    columns = [*features["numeric"], *features["nominal"], *features["ordinal"]]
    impute = found.pipeline.named_steps["impute"]
    imputed = impute.transform(frame[columns])
    base = frame[columns].iloc[[0]]
    share = (scale.offset - scale.factor * found.intercept) / len(columns)
    lines = []
    for name in columns:
        bins = list(_bins(name, found.pipeline, frame, imputed, features, schema))
        probes = base.iloc[np.zeros(len(bins), dtype=int)].reset_index(drop=True)
        values = [line.pop("value") for line in bins]
        probes[name] = pd.Series(values, dtype=frame[name].dtype)
        codes = encoded(found.pipeline, probes)
        own = _own(found.pipeline, name, columns)
        for line, code in zip(bins, codes[:, own], strict=True):
            one = own.stop - own.start == 1
            line |= {
                "woe": code[0] if one else np.nan,
                "coefficient": found.weights[own][0] if one else np.nan,
                "points": share - scale.factor * float(code @ found.weights[own]),
            }
            lines.append({"variable": name} | line)
    return pd.DataFrame(lines)[list(COLUMNS)]


def _own(pipeline: Pipeline, name: str, columns: list[str]) -> slice:
    """Find the encoded columns of a variable, by the widths of its part's encoders."""
    start = 0
    encode = pipeline.named_steps["encode"]
    for part, _, inside in encode.transformers_:
        if not len(inside):
            continue
        step = encode.named_transformers_[part]
        step = step[-1] if isinstance(step, Pipeline) else step
        for variable, width in zip(inside, _widths(step, list(inside)), strict=True):
            if variable == name:
                return slice(start, start + width)
            start += width
    raise RuntimeError(f"the model does not encode {name}")


def _widths(step: Any, inside: list[str]) -> list[int]:
    if hasattr(step, "categories_") and hasattr(step, "drop_idx_"):
        return [len(levels) for levels in step.categories_]
    coder = getattr(step, "base_n_encoder", None)
    if coder is not None:
        return [entry["mapping"].shape[1] for entry in coder.mapping]
    return [1] * len(inside)


def _bins(
    name: str, pipeline: Pipeline, frame: pd.DataFrame, imputed: pd.DataFrame,
    features: dict[str, Any], schema: Schema,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    bad = frame["bad"].to_numpy()
    if name in features["numeric"]:
        cut = pipeline.named_steps["encode"].named_transformers_["numeric"][0]
        inner = cut.bin_edges_[features["numeric"].index(name)][1:-1]
        places = np.searchsorted(inner, imputed[name].to_numpy(dtype=float), side="right")
        ends = [-np.inf, *inner, np.inf]
        for place, (low, high) in enumerate(pairwise(ends)):
            value = low if np.isfinite(low) else np.nextafter(high, -np.inf)
            value = value if np.isfinite(value) else frame[name].median()
            here = places == place
            yield _counted(here, bad) | {
                "bin": _interval(low, high),
                "code": "",
                "low": low if np.isfinite(low) else np.nan,
                "high": high if np.isfinite(high) else np.nan,
                "value": value,
            }
        return
    given = frame[name].dropna()
    column = schema.features[name]
    order = [level for level in column.levels or () if level in set(given)]
    order += sorted(set(given) - set(order))
    filled = imputed[name].to_numpy(dtype=object)
    for level in order:
        yield _counted(filled == level, bad) | {
            "bin": schema.label(name, level), "code": level,
            "low": np.nan, "high": np.nan, "value": level,
        }  # fmt: skip
    # Missing is a level of its own, or has that of the imputation; the others are unknown to it.
    lost = frame[name].isna().to_numpy() & ~np.isin(filled, order)
    nobody = np.zeros(len(frame), dtype=bool)
    for words, here, value in (("missing", lost, np.nan), (OTHER, nobody, OTHER)):
        yield _counted(here, bad) | {
            "bin": words, "code": "", "low": np.nan, "high": np.nan, "value": value,
        }  # fmt: skip


def _counted(here: np.ndarray, bad: np.ndarray) -> dict[str, Any]:
    rows = int(here.sum())
    return {"rows": rows, "bad_rate": float(bad[here].mean()) if rows else np.nan}


def _interval(low: float, high: float) -> str:
    if not np.isfinite(low) and not np.isfinite(high):
        return "any"
    if not np.isfinite(low):
        return f"under {high:g}"
    return f"from {low:g}" if not np.isfinite(high) else f"from {low:g} to under {high:g}"

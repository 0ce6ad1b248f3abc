"""Add up the points of applicants, and decide by them."""

import numpy as np
import pandas as pd

from creditrisk.champion.card.model import Card, Variable
from creditrisk.core.columns import SPECIAL


def card_points(card: Card, rows: pd.DataFrame, exact: bool = False) -> np.ndarray:
    """Add up the points of each row.

    Args:
        card: the card.
        rows: the features as in data/processed/test.parquet: after caps and merges, with derived
            columns and those of special codes; n rows.
        exact: whether to take the points before they were rounded.

    Returns:
        Float64, shape (n,): the sum of rounded lines, with no error in its last decimal (whole
        numbers if `digits` is 0). A row's score does not depend on the other rows.
    """
    found = variable_points(card, rows, exact)
    total = np.zeros(len(next(iter(found.values()))))
    for points in found.values():  # one after the other: the same order for every row
        total = total + points
    return total if exact else card.scale.rounded(total)


def variable_points(card: Card, rows: pd.DataFrame, exact: bool = False) -> dict[str, np.ndarray]:
    """Look up the points of each variable: name to points, shape (n,). Arguments as above."""
    return {variable.name: _points(variable, rows, exact) for variable in card.variables}


def card_accepts(card: Card, points: np.ndarray) -> np.ndarray:
    """Tell who is accepted by the card.

    The score at the cut-off itself is refused, as is the PD. So without rounding the decisions are
    those of the linear model, calibrated or not: `pd >= threshold` is refused.

    Args:
        card: the card.
        points: scores, shape (n,).

    Returns:
        Bool, shape (n,).
    """
    return points > card.cutoff_points


def _points(variable: Variable, rows: pd.DataFrame, exact: bool) -> np.ndarray:
    name = "points_exact" if exact else "points"
    if not variable.bins:
        known = {code: getattr(line, name) for code, line in variable.by_code.items()}
        missing, other = getattr(variable.missing, name), getattr(variable.other, name)
        codes, levels = pd.factorize(rows[variable.name].to_numpy(dtype=object))
        values = [known.get(level, other) for level in levels]
        return np.array([*values, missing], dtype="float64")[codes]  # -1 is a missing level
    numbers = rows[variable.name].to_numpy(dtype="float64", na_value=np.nan)
    of_bins = np.array([getattr(line, name) for line in variable.bins])
    found = of_bins[np.searchsorted(variable.edges, numbers, side="right")]
    found = np.where(np.isnan(numbers), getattr(variable.missing, name), found)
    if SPECIAL + variable.name in rows:
        special = rows[SPECIAL + variable.name].to_numpy(dtype=object)
        for code, line in variable.by_code.items():
            found[special == code] = getattr(line, name)
    return found

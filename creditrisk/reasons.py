"""Reasons: what sets an applicant's log-odds apart from those of a typical good applicant.

A variable's contribution is its Shapley value (Shapley 1953; Strumbelj and Kononenko 2010) for the
log-odds of the PD, where a variable that is left out has the reference's value. It is taken over a
few fixed orders of the variables and their reverses: in each, the variables pass one after the
other from the reference's value to the applicant's, and each is charged the step that it makes. So
the contributions of a row always sum to its log-odds minus the reference's, whatever the model; and
where the log-odds are a sum over the variables, one order gives them exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.calibration import log_odds
from creditrisk.predict import default_pd
from creditrisk.schema import Schema
from creditrisk.scorecard import linear

ORDERS = 4  # and as many reversed
RAISES, LOWERS = "raises the risk", "lowers the risk"


@dataclass(frozen=True)
class Contributions:
    """What each variable adds to the log-odds of being bad.

    Attributes
    ----------
    shares : one column a variable, shape (n, d).
    base : log-odds of the reference.
    """

    shares: pd.DataFrame
    base: float


def contributions(
    model: BaseEstimator, rows: pd.DataFrame, reference: pd.DataFrame, orders: int = ORDERS
) -> Contributions:
    """Share the log-odds of rows out among the variables.

    Parameters
    ----------
    model : gives PDs.
    rows : the features, shape (n, d).
    reference : one row of the same columns.
    orders : pairs of an order and its reverse; the more, the nearer to the Shapley value.
    """
    names = list(rows)
    # Variables in which a row is the reference's equal never make a step.
    differs = np.column_stack([_differs(rows[n], reference[n].iloc[0]) for n in names])
    base = float(log_odds(default_pd(model, reference))[0])
    total = np.zeros(differs.shape)
    sequences = _orders(len(names), 1 if linear(model) else orders)
    if linear(model):
        sequences = sequences[:1]
    for sequence in sequences:
        total += _steps(model, rows, reference, differs, sequence, base)
    return Contributions(
        pd.DataFrame(total / len(sequences), columns=names, index=rows.index), base
    )


def _differs(values: pd.Series, one: object) -> np.ndarray:
    if pd.isna(one):
        return values.notna().to_numpy()
    return ~(values == one).fillna(False).to_numpy(dtype=bool)


def _orders(count: int, pairs: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)  # always the same: a row's reasons don't hang on its company
    drawn = [rng.permutation(count) for _ in range(pairs)]
    return [order for one in drawn for order in (one, one[::-1])]


def _steps(
    model: BaseEstimator,
    rows: pd.DataFrame,
    reference: pd.DataFrame,
    differs: np.ndarray,
    sequence: np.ndarray,
    base: float,
) -> np.ndarray:
    """Let the variables pass over in one order; all stations of all rows are scored in one go."""
    names, count = list(rows), len(rows)
    place = np.empty(len(names), dtype=int)
    place[sequence] = np.arange(len(names))
    # Of each row the stations at which something changes, in order.
    who, step = np.nonzero(differs[:, sequence])
    columns = {}
    for at, name in enumerate(names):
        both = pd.concat([rows[name], reference[name]], ignore_index=True)
        columns[name] = both.take(np.where(place[at] <= step, who, count)).reset_index(drop=True)
    after = log_odds(default_pd(model, pd.DataFrame(columns)))
    first = np.r_[True, who[1:] != who[:-1]] if len(who) else np.zeros(0, dtype=bool)
    before = np.where(first, base, np.roll(after, 1))
    out = np.zeros(differs.shape)
    out[who, sequence[step]] = after - before
    return out


def worded(
    found: pd.DataFrame,
    rows: pd.DataFrame,
    refused: np.ndarray,
    describe: Callable[[str, object], str],
    top: int,
) -> list[str]:
    """Word each row's main reasons.

    For a refused applicant those that raise the risk, the gravest first: what a refusal must be
    explained with. For an accepted one the largest in either direction.

    Parameters
    ----------
    found : contributions, shape (n, d).
    rows : the features, shape (n, d).
    refused : shape (n,).
    describe : words a variable with its value.
    top : how many at most.
    """
    values = found.to_numpy()
    weight = np.where(refused[:, None], values, np.abs(values))
    order = np.argsort(-weight, axis=1, kind="stable")[:, :top]
    names, cells = list(rows), {name: rows[name].to_numpy(dtype=object) for name in rows}
    texts = []
    for row, places in enumerate(order):
        parts = [
            f"{describe(names[at], cells[names[at]][row])} "
            f"{RAISES if values[row, at] > 0 else LOWERS}"
            for at in places
            if weight[row, at] > 0
        ]
        texts.append("; ".join(parts))
    return texts


def describer(schema: Schema, derived: dict[str, dict]) -> Callable[[str, object], str]:
    """Make a function that words a variable with its value: `status: below 0 DM`."""

    def describe(name: str, value: object) -> str:
        words = name.replace("_", " ")
        if name in derived:
            of = [column.replace("_", " ") for column in derived[name]["of"]]
            words += f" ({derived[name]['op']} of {of[0]} and {of[1]})"
        if pd.isna(value):
            return f"{words}: not given"
        if isinstance(value, float):
            column = schema.features.get(name)
            unit = f" {column.unit[0]}" if column and column.unit else ""
            return f"{words}: {value:.6g}{unit}"
        return f"{words}: {schema.label(name, value)}"

    return describe

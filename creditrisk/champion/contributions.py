"""Why an applicant's log-odds differ from the baseline applicant's.

A variable's contribution is its Shapley value (Shapley 1953; Strumbelj and Kononenko 2010) for the
log-odds of the PD, where a variable that is left out has the baseline's value. It is an average
over a few fixed orders of the variables and their reverses. In each order, the variables change one
after the other from the baseline's value to the applicant's, and each contributes the change in
log-odds at its step. So for any model, the contributions to a row sum to its log-odds minus the
baseline's. If the log-odds are a sum over the variables, one order gives the exact values.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from creditrisk.champion.coding import Coded
from creditrisk.champion.log_odds import log_odds
from creditrisk.champion.predict import Predictor
from creditrisk.champion.scorecard import linear
from creditrisk.core.columns import SPECIAL

ORDERS = 4  # the reverse of each is used too
STEPS = 65_536  # steps that are scored in one call


@dataclass(frozen=True)
class Contributions:
    """What each variable adds to the log-odds of being bad.

    Attributes:
        names: the d variables.
        by_variable: one column per variable, shape (n, d); that of a variable with special codes is
            about the number and the code together.
        base: log-odds of the baseline applicant.
        base_pd: PD of the baseline applicant.
    """

    names: list[str]
    by_variable: np.ndarray
    base: float
    base_pd: float

    @property
    def shares(self) -> pd.DataFrame:
        """The contributions with the names as columns."""
        return pd.DataFrame(self.by_variable, columns=self.names)


def contributions(
    predictor: Predictor,
    rows: pd.DataFrame | Mapping[str, np.ndarray],
    baseline: pd.DataFrame | Mapping[str, np.ndarray],
    orders: int = ORDERS,
) -> Contributions:
    """Split the log-odds of each row among the variables.

    Args:
        predictor: gives PDs.
        rows: the features of n rows.
        baseline: the features of the baseline applicant, as one row.
        orders: number of orders, each used with its reverse. With more orders, the contributions
            come nearer to the Shapley values.
    """
    names = [name for name in rows if not name.startswith(SPECIAL)]
    coded, base_row = predictor.vocabulary.code(rows), predictor.vocabulary.code(baseline)
    base_pd = predictor.pd_of_coded(base_row)
    base = float(log_odds(base_pd)[0])
    places = _places(predictor, names)
    # A variable that has the baseline's value contributes nothing, so it needs no step.
    differs = np.column_stack([_differs(coded, base_row, *places[name]) for name in names])
    one_order = linear(predictor.model) is not None
    sequences = _orders(len(names), 1 if one_order else orders)
    sequences = sequences[: 1 if one_order else None]
    values = np.zeros(differs.shape)
    at_once = max(1, STEPS // (len(sequences) * max(1, len(names))))
    for start in range(0, len(coded), at_once):
        here = slice(start, start + at_once)
        values[here] = _shares(
            predictor,
            coded.take(here),
            base_row,
            differs[here],
            [*places.values()],
            sequences,
            base,
        )
    return Contributions(names, values, base, float(base_pd[0]))


def _places(predictor: Predictor, names: list[str]) -> dict[str, tuple[list[int], list[int]]]:
    """Return the places of each variable, and of its special codes, in numbers and in codes."""
    numeric, levels = predictor.vocabulary.numeric, list(predictor.vocabulary.levels)
    return {
        name: (
            [numeric.index(name)] if name in numeric else [],
            [levels.index(column) for column in (name, SPECIAL + name) if column in levels],
        )
        for name in names
    }


def _differs(rows: Coded, base: Coded, numbers: list[int], codes: list[int]) -> np.ndarray:
    found = np.zeros(len(rows), dtype=bool)
    for place in numbers:
        own, other = rows.numbers[place], base.numbers[place]
        found |= (own != other) & ~(np.isnan(own) & np.isnan(other))
    for place in codes:
        found |= rows.codes[place] != base.codes[place]
    return found


def _orders(count: int, pairs: int) -> list[np.ndarray]:
    # A fixed seed, since a row's reasons must not depend on the other rows in the batch.
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(count) for _ in range(pairs)]
    return [sequence for order in drawn for sequence in (order, order[::-1])]


def _shares(
    predictor: Predictor,
    rows: Coded,
    base_row: Coded,
    differs: np.ndarray,
    places: list[tuple[list[int], list[int]]],
    sequences: list[np.ndarray],
    base: float,
) -> np.ndarray:
    """Return the contributions; all steps of all rows, in all orders, are scored in one call."""
    # Of each step: the number of its order, its row and how many variables have changed.
    order, row, step = np.nonzero(np.array([differs[:, sequence] for sequence in sequences]))
    positions = np.argsort(sequences, axis=1)
    numbers = np.empty((len(rows.numbers), len(row)))
    codes = np.empty((len(rows.codes), len(row)), dtype=np.intp)
    for variable, (own_numbers, own_codes) in enumerate(places):
        changed = positions[order, variable] <= step
        for place in own_numbers:
            numbers[place] = np.where(changed, rows.numbers[place][row], base_row.numbers[place])
        for place in own_codes:
            codes[place] = np.where(changed, rows.codes[place][row], base_row.codes[place])
    after = log_odds(predictor.pd_of_coded(Coded(numbers, codes)))
    first = np.ones(len(row), dtype=bool)
    first[1:] = (row[1:] != row[:-1]) | (order[1:] != order[:-1])
    before = np.where(first, base, np.roll(after, 1))
    total = np.zeros(differs.shape)
    for number, sequence in enumerate(sequences):
        here = order == number
        # Each variable changes once in an order.
        total[row[here], sequence[step[here]]] += (after - before)[here]
    return total / len(sequences)

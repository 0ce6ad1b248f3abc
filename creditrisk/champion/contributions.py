"""Why an applicant's log-odds differ from the baseline applicant's.

A variable's contribution is its Shapley value (Shapley 1953; Strumbelj and Kononenko 2010) for the
log-odds of the PD, where a variable that is left out has the baseline's value. It is an average
over a few fixed orders of the variables. In each order, the variables change one after the other
from the baseline's value to the applicant's, and each contributes the change in log-odds at its
step. So for any model, the contributions to a row sum to its log-odds minus the baseline's. If the
log-odds are a sum over the variables, one order gives the exact values.

An order is drawn and used in six ways, so that each variable comes early, in the middle and late:
such a balance takes fewer orders than drawing alone (Mitchell, Cooper, Frank and Holmes 2022).
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

ORDERS = 1
THIRDS = 3  # an order starts at each of its thirds, forwards and backwards
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


class Explainer:
    """Splits the log-odds of rows among the variables.

    Args:
        predictor: gives PDs.
        baseline: the features of the baseline applicant, as one row.
        orders: number of orders, each used in six ways. With more orders, the contributions come
            nearer to the Shapley values.
    """

    def __init__(
        self,
        predictor: Predictor,
        baseline: pd.DataFrame | Mapping[str, np.ndarray],
        orders: int = ORDERS,
    ):
        self.predictor = predictor
        self.names = [name for name in baseline if not name.startswith(SPECIAL)]
        self.base_row = predictor.vocabulary.code(baseline)
        base_pd = predictor.pd_of_coded(self.base_row)
        self.base_pd, self.base = float(base_pd[0]), float(log_odds(base_pd)[0])
        self.places = _places(predictor, self.names)
        self.sequences = _sequences(len(self.names), orders)
        if linear(predictor.model) is not None:
            self.sequences = self.sequences[:1]
        self.positions = np.argsort(self.sequences, axis=1)

    def contributions(self, rows: pd.DataFrame | Mapping[str, np.ndarray]) -> Contributions:
        """Return the contributions to the features of n rows."""
        coded = self.predictor.vocabulary.code(rows)
        values = np.zeros((len(coded), len(self.names)))
        at_once = max(1, STEPS // (len(self.sequences) * max(1, len(self.names))))
        for start in range(0, len(coded), at_once):
            here = slice(start, start + at_once)
            values[here] = self._shares(coded.take(here))
        return Contributions(self.names, values, self.base, self.base_pd)

    def _shares(self, rows: Coded) -> np.ndarray:
        """Return the contributions; all steps of all rows are scored in one call."""
        # A variable that has the baseline's value contributes nothing, so it needs no step.
        differs = np.column_stack([_differs(rows, self.base_row, *at) for at in self.places])
        # Of each step: the number of its order, its row and how many variables have changed.
        order, row, step = np.nonzero(differs[:, self.sequences].transpose(1, 0, 2))
        first = np.ones(len(row), dtype=bool)
        first[1:] = (row[1:] != row[:-1]) | (order[1:] != order[:-1])
        changed = (self.positions[order] <= step[:, None]) & differs[row]
        # Orders meet on their way: where the same variables have changed, one PD is enough.
        chosen, same = _distinct(row, changed)
        steps = self._steps(rows.take(row[chosen]), changed[chosen])
        after = log_odds(self.predictor.pd_of_coded(steps))[same]
        before = np.where(first, self.base, np.roll(after, 1))
        total = np.zeros(differs.shape)
        for number, sequence in enumerate(self.sequences):
            here = order == number
            # Each variable changes once in an order.
            total[row[here], sequence[step[here]]] += (after - before)[here]
        return total / len(self.sequences)

    def _steps(self, rows: Coded, changed: np.ndarray) -> Coded:
        """Return the applicants on their way from the baseline to the rows."""
        numbers, codes = np.empty_like(rows.numbers), np.empty_like(rows.codes)
        base = self.base_row
        for own, (own_numbers, own_codes) in zip(changed.T, self.places, strict=True):
            for at in own_numbers:
                numbers[at] = np.where(own, rows.numbers[at], base.numbers[at])
            for at in own_codes:
                codes[at] = np.where(own, rows.codes[at], base.codes[at])
        return Coded(numbers, codes)


def _distinct(row: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find steps that come to the same applicant: of one row, with the same variables changed.

    Returns:
        The place of one step for each applicant, and for each step the number of its applicant.
    """
    parts = [row.astype(np.int64)[:, None].view(np.uint8), np.packbits(changed, axis=1)]
    keys = np.ascontiguousarray(np.hstack(parts))
    _, chosen, same = np.unique(
        keys.view(f"V{keys.shape[1]}")[:, 0], return_index=True, return_inverse=True
    )
    return chosen, same


def _places(predictor: Predictor, names: list[str]) -> list[tuple[list[int], list[int]]]:
    """Return the places of each variable, and of its special codes, in numbers and in codes."""
    numeric, levels = predictor.vocabulary.numeric, list(predictor.vocabulary.levels)
    return [
        (
            [numeric.index(name)] if name in numeric else [],
            [levels.index(column) for column in (name, SPECIAL + name) if column in levels],
        )
        for name in names
    ]


def _differs(rows: Coded, base: Coded, numbers: list[int], codes: list[int]) -> np.ndarray:
    found = np.zeros(len(rows), dtype=bool)
    for place in numbers:
        own, other = rows.numbers[place], base.numbers[place]
        found |= (own != other) & ~(np.isnan(own) & np.isnan(other))
    for place in codes:
        found |= rows.codes[place] != base.codes[place]
    return found


def _sequences(count: int, orders: int) -> np.ndarray:
    # A fixed seed, since a row's reasons must not depend on the other rows in the batch.
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(count) for _ in range(orders)]
    rolled = [np.roll(o, -(count * third // THIRDS)) for o in drawn for third in range(THIRDS)]
    return np.array([way for order in rolled for way in (order, order[::-1])])

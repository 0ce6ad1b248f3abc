"""What changes of a few variables are worth a look, for one applicant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from creditrisk.champion.substitute import Columns
from creditrisk.score.counterfactuals.variables import Variable

WORTH = 1e-9  # a change that lowers the log-odds by less is none
MOST_LEVELS = 30


class Options(NamedTuple):
    """Possible changes of some variables of one applicant, k of them.

    Attributes:
        values: variable to its new values, each of shape (k,).
        sizes: how large the changes are, shape (k,).
        deltas: what they add to the log-odds, exact or estimated, shape (k,).
    """

    values: dict[str, np.ndarray]
    sizes: np.ndarray
    deltas: np.ndarray

    def take(self, places: np.ndarray) -> "Options":
        """Select some of the changes."""
        values = {name: column[places] for name, column in self.values.items()}
        return Options(values, self.sizes[places], self.deltas[places])


class Applicant(Protocol):
    """One applicant, as a search sees it.

    Attributes:
        start: the log-odds of the applicant as stated.
    """

    start: float

    def least(self, name: str) -> float:
        """Return the lowest sum that a change of one variable adds to the log-odds."""

    def together(self, names: Sequence[str]) -> bool:
        """Whether what some variables add depends on their combination."""

    def options(self, names: Sequence[str]) -> Options | None:
        """Return the changes of all of some variables; None if there is none."""


@dataclass(frozen=True)
class Stated:
    """One applicant's cells, as stated.

    Attributes:
        cells: feature to value.
        free: variables of which any value may be needed, because they are missing or hold a level
            that no training row had.
    """

    cells: dict[str, Any]
    free: frozenset[str]


def cells_of(columns: Columns, row: int) -> dict[str, Any]:
    """Return the cells of one row."""
    return {name: values[row] for name, values in columns.items()}


def thinned(
    variable: Variable, values: np.ndarray, sizes: np.ndarray, deltas: np.ndarray, free: bool
) -> Options | None:
    """Keep the changes of one variable that can be part of a smallest set.

    A change that does not lower the risk is none, unless any value is needed. A change of a number
    is dropped if a smaller one lowers the risk as much. Of levels that are as far and count the
    same, the first one stays.

    Args:
        variable: the variable.
        values: to which it can change, shape (k,), in the order in which equal sizes are preferred.
        sizes: of the changes, shape (k,).
        deltas: what they add to the log-odds, shape (k,).
        free: whether any value may be needed.
    """
    every = Options({variable.name: values}, sizes, deltas)
    if not free:
        every = every.take(np.flatnonzero(deltas < -WORTH))
    if not variable.is_number and len({*sizes.tolist()}) == 1:
        _, first = np.unique(np.round(every.deltas, 12), return_index=True)
        first = np.sort(first)
        if len(first) > MOST_LEVELS:
            best = first[every.deltas[first].argmin()]
            first = np.unique([*first[: MOST_LEVELS - 1], best])
        every = every.take(first)
    else:
        every = pareto(every)
    return every if len(every.sizes) else None


def pareto(every: Options) -> Options:
    """Drop each change if one that is not larger lowers the risk as much or more."""
    order = np.lexsort((every.deltas, every.sizes))
    deltas = every.deltas[order]
    before = np.concatenate([[np.inf], np.minimum.accumulate(deltas)[:-1]])
    return every.take(order[deltas < before - 1e-12])


def combined(parts: Sequence[Options | None]) -> Options | None:
    """Combine the changes of variables, whose sizes and parts of the log-odds add up."""
    found = Options({}, np.zeros(1), np.zeros(1))
    for part in parts:
        if part is None:
            return None
        a, b = len(found.sizes), len(part.sizes)
        left, right = np.repeat(np.arange(a), b), np.tile(np.arange(b), a)
        found = Options(
            {name: column[left] for name, column in found.values.items()}
            | {name: column[right] for name, column in part.values.items()},
            found.sizes[left] + part.sizes[right],
            found.deltas[left] + part.deltas[right],
        )
    return found

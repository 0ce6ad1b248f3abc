"""The changes of an applicant of any model: usual values, tried one variable at a time."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from creditrisk.champion.log_odds import log_odds
from creditrisk.champion.substitute import Columns, take_rows
from creditrisk.score.counterfactuals.options import (
    Options,
    Stated,
    combined,
    thinned,
)
from creditrisk.score.counterfactuals.variables import Variable

# Takes applicants as stated, and new values of some variables in each of these rows.
Predict = Callable[[Columns, Mapping[str, np.ndarray]], np.ndarray]


class SampledApplicant:
    """One applicant of any model: see `options.Applicant`. What changes add is an estimate.

    Args:
        start: the log-odds.
        single: variable to its changes.
    """

    def __init__(self, start: float, single: Mapping[str, Options | None]):
        self.start, self._single = start, single

    def least(self, name: str) -> float:
        """Return the lowest sum that a change of one variable adds to the log-odds."""
        own = self._single[name]
        return np.inf if own is None else float(own.deltas.min())

    def together(self, names: Sequence[str]) -> bool:
        """Whether what some variables add depends on their combination: not that we know."""
        return False

    def options(self, names: Sequence[str]) -> Options | None:
        """Return the changes of all of some variables; None if there is none."""
        return combined([self._single[name] for name in names])


def sampled_applicants(
    stated: Columns,
    pds: np.ndarray,
    cells: Sequence[Stated],
    variables: Mapping[str, Variable],
    predict: Predict,
) -> list[SampledApplicant]:
    """Try each usual value of each variable in each of n applicants.

    Args:
        stated: the features as stated, each of shape (n,).
        pds: the PDs, shape (n,).
        cells: the same applicants one by one.
        variables: those that applicants can change.
        predict: gives the PDs of applicants with changes.
    """
    start = log_odds(pds)
    single: list[dict[str, Options | None]] = [{} for _ in cells]
    for name, variable in variables.items():
        values = variable.usual
        rows = np.repeat(np.arange(len(cells)), len(values))
        tried = np.tile(values, len(cells))
        possible = np.concatenate(
            [variable.possible(one.cells[name], values) for one in cells] or [np.empty(0, bool)]
        )
        odds = np.full(len(rows), np.nan)
        odds[possible] = log_odds(
            predict(take_rows(stated, rows[possible]), {name: tried[possible]})
        )
        for row, one in enumerate(cells):
            here = slice(row * len(values), (row + 1) * len(values))
            chosen = np.flatnonzero(possible[here])
            own = values[chosen]
            sizes = variable.sizes(one.cells[name], own)
            deltas = odds[here][chosen] - start[row]
            single[row][name] = thinned(variable, own, sizes, deltas, name in one.free)
    return [SampledApplicant(float(at), own) for at, own in zip(start, single, strict=True)]

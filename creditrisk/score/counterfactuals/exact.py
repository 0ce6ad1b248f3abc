"""The changes of an applicant of a scorecard: all that matter, by its tables."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from creditrisk.champion.substitute import Columns
from creditrisk.core.columns import SPECIAL
from creditrisk.eda.adjust import apply_to_arrays
from creditrisk.featurize import derived_columns
from creditrisk.score.counterfactuals.card import Card
from creditrisk.score.counterfactuals.options import (
    Options,
    Stated,
    combined,
    pareto,
    thinned,
)
from creditrisk.score.counterfactuals.variables import Variable

MOST_WHOLE = 1000  # values of a number that are all looked at


class ExactOptions:
    """Makes the changes of applicants of a scorecard.

    Within a bin, the log-odds do not change, so the number nearest to the applicant's is enough: it
    is beside an end of the bin. A derived variable has bins as well. If one of its operands
    changes, the ends of its bins are found in the operand, given the other one. If both change, all
    values of one are looked at if they are few, otherwise those beside the ends of bins; each with
    the ends of the bins in the other.

    Args:
        card: the tables.
        variables: those that applicants can change.
        adjustments: caps and merged levels.
        derived: name of each derived variable to its operation and operands.
    """

    def __init__(
        self,
        card: Card,
        variables: Mapping[str, Variable],
        adjustments: Mapping[str, Any],
        derived: Mapping[str, dict[str, Any]],
    ):
        self.card, self.variables = card, variables
        self.adjustments, self.derived = dict(adjustments), dict(derived)
        self.operands = {name: self._operands(name) for name in derived}
        every = combinations([v.name for v in variables.values() if v.is_number], 2)
        self.pairs = {
            frozenset(pair) for pair in every
            if any({*pair} <= operands for operands in self.operands.values())
        }  # fmt: skip

    def _operands(self, name: str) -> set[str]:
        """Return the stated variables on which a derived one depends."""
        if name not in self.derived:
            return {name}
        return set().union(*map(self._operands, self.derived[name]["of"]))

    def model_cells(self, cells: Mapping[str, Any], changed: Columns) -> dict[str, np.ndarray]:
        """Return numbers as the model takes them, derived ones too, of an applicant with changes.

        Args:
            cells: the applicant's cells as stated.
            changed: variable to k new values, as stated.
        """
        count = len(next(iter(changed.values())))
        affected = [d for d, of in self.operands.items() if of & changed.keys()]
        needed = set().union(*(self.operands[name] for name in affected)) - changed.keys()
        columns = dict(changed) | {name: np.full(count, cells[name], float) for name in needed}
        caps = {n: cap for n, cap in self.adjustments["caps"].items() if n in columns}
        merges = {n: one for n, one in self.adjustments["merges"].items() if n in columns}
        columns = apply_to_arrays(columns, {"caps": caps, "merges": merges})
        chain = {name: self.derived[name] for name in self.derived if name in affected}
        known = columns | derived_columns(columns, chain)
        return {name: known[name] for name in (*changed, *affected)}

    def deltas(self, cells: Mapping[str, Any], changed: Columns) -> np.ndarray:
        """Return what changes add to the log-odds of an applicant, shape (k,)."""
        old = {name: _column([cells[name]], values) for name, values in changed.items()}
        before, after = self.model_cells(cells, old), self.model_cells(cells, changed)
        total = np.zeros(len(next(iter(changed.values()))))
        for name, values in after.items():
            own = before[name]
            if SPECIAL + name in cells:
                code = np.array([cells[SPECIAL + name]], dtype=object)
                was = self.card.parts({name: own, SPECIAL + name: code}, name)
            else:
                was = self.card.part(name, own)
            total += self.card.part(name, values) - was
        return total

    def points(self, name: str, others: Columns, count: int) -> np.ndarray:
        """Return the ends of bins in a number, given the other variables.

        Args:
            name: the number.
            others: the other numbers as the model takes them, each of shape (count,).
            count: number of rows.

        Returns:
            Shape (count, k); NaN where there is no such end.
        """
        own = np.tile(self.card.edges[name], (count, 1))
        found = [own]
        for derived, definition in self.derived.items():
            first, second = definition["of"]
            if name in (first, second) and first != second:
                other = others[second if name == first else first][:, None]
                edges = self.card.edges[derived][None, :]
                found.append(_ends(definition["op"], name == first, other, edges))
        return np.concatenate(found, axis=1)


class ExactApplicant:
    """One applicant of a scorecard: see `options.Applicant`.

    Args:
        maker: makes the changes.
        stated: the applicant.
        start: the log-odds.
    """

    def __init__(self, maker: ExactOptions, stated: Stated, start: float):
        self.maker, self.stated, self.start = maker, stated, start
        self._made: dict[frozenset[str], Options | None] = {}

    def least(self, name: str) -> float:
        """Return the lowest sum that a change of one variable adds to the log-odds."""
        own = self.options([name])
        return np.inf if own is None else float(own.deltas.min())

    def together(self, names: Sequence[str]) -> bool:
        """Whether what some variables add depends on their combination."""
        return any(frozenset(pair) in self.maker.pairs for pair in combinations(names, 2))

    def options(self, names: Sequence[str]) -> Options | None:
        """Return the changes of all of some variables; None if there is none."""
        key = frozenset(names)
        if key not in self._made:
            self._made[key] = self._make(names)
        return self._made[key]

    def _make(self, names: Sequence[str]) -> Options | None:
        if len(names) == 1:
            return self._single(self.maker.variables[names[0]])
        pairs = (pair for pair in combinations(names, 2) if frozenset(pair) in self.maker.pairs)
        pair = next(pairs, None)
        if pair is None:
            return combined([self.options([name]) for name in names])
        if len(names) == 2:
            return self._pair(*pair)
        [third] = [name for name in names if name not in pair]
        both = combined([self.options(pair), self.options([third])])
        if both is None or not any(self.together([third, name]) for name in pair):
            return both
        # Three numbers that depend on each other: these are not all changes that matter.
        return pareto(both._replace(deltas=self.maker.deltas(self.stated.cells, both.values)))

    def _single(self, variable: Variable) -> Options | None:
        name, cells = variable.name, self.stated.cells
        if variable.is_number:
            points = self.maker.points(name, self._model_numbers(), 1)[0]
            values = self._numbers(variable, points)
        else:
            values = np.array(variable.levels, dtype=object)
        values = values[variable.possible(cells[name], values)]
        if not len(values):
            return None
        sizes = variable.sizes(cells[name], values)
        deltas = self.maker.deltas(cells, {name: values})
        return thinned(variable, values, sizes, deltas, name in self.stated.free)

    def _numbers(self, variable: Variable, points: np.ndarray) -> np.ndarray:
        found = variable.beside(points)
        return np.unique([*found[~np.isnan(found)], variable.middle])

    def _model_numbers(self) -> dict[str, np.ndarray]:
        """Return the numbers as the model takes them, each of shape (1,)."""
        cells = self.stated.cells
        numbers = {name: np.array([cells[name]], float) for name in self.maker.card.edges
                   if name not in self.maker.derived}  # fmt: skip
        return self.maker.model_cells(cells, numbers)

    def _pair(self, first: str, second: str) -> Options | None:
        """Return the changes of both operands of a derived variable."""
        grid, other = sorted(
            (self.maker.variables[first], self.maker.variables[second]), key=_whole_values
        )
        cells = self.stated.cells
        values = self._grid(grid, other)
        values = values[grid.possible(cells[grid.name], values)]
        if not len(values):
            return None
        counted = self.maker.model_cells(cells, {grid.name: values})
        count = len(values)
        numbers = {n: np.full(count, v[0]) for n, v in self._model_numbers().items()} | counted
        points = other.beside(self.maker.points(other.name, numbers, count))
        points = np.column_stack([points, np.full(count, other.middle)])
        left, right = np.repeat(values, points.shape[1]), points.ravel()
        there = other.possible(cells[other.name], right)
        left, right = left[there], right[there]
        if not len(left):
            return None
        changed = {grid.name: left, other.name: right}
        sizes = grid.sizes(cells[grid.name], left) + other.sizes(cells[other.name], right)
        every = Options(changed, sizes, self.maker.deltas(cells, changed))
        return pareto(every)

    def _grid(self, grid: Variable, other: Variable) -> np.ndarray:
        """Return the values of the first of two operands that both change."""
        if _whole_values(grid) <= MOST_WHOLE:
            steps = np.arange(round((grid.high - grid.low) * 10**grid.decimals) + 1)
            return grid.rounded(grid.low + steps / 10**grid.decimals)
        numbers = self._model_numbers()
        ends = self.maker.points(other.name, numbers, 1)[0]
        of_other = self._numbers(other, ends)
        of_other = of_other[other.possible(self.stated.cells[other.name], of_other)]
        counted = self.maker.model_cells(self.stated.cells, {other.name: of_other})
        count = len(of_other)
        every = {n: np.full(count, v[0]) for n, v in numbers.items()} | counted
        given = self.maker.points(grid.name, every, count) if count else np.empty(0)
        own = self.maker.points(grid.name, numbers, 1)
        return self._numbers(grid, np.concatenate([given.ravel(), own.ravel()]))


def _column(values: list[Any], like: np.ndarray) -> np.ndarray:
    out = np.empty(len(values), dtype=like.dtype)
    out[:] = values
    return out


def _whole_values(variable: Variable) -> float:
    """Count the values that a number can have."""
    return (variable.high - variable.low) * 10.0**variable.decimals + 1


def _ends(operation: str, is_first: bool, other: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return where an operand makes a derived variable reach the ends of its bins.

    Args:
        operation: of the derived variable.
        is_first: whether the operand is the first one.
        other: the other operand, shape (n, 1).
        edges: the ends, shape (1, k).
    """
    with np.errstate(all="ignore"):
        if operation == "sum":
            return edges - other
        if operation == "difference":
            return edges + other if is_first else other - edges
        if operation == "product":
            return edges / other
        if is_first:
            return edges * other
        # The sign of a ratio changes at 0 as well.
        return np.concatenate([other / edges, np.zeros_like(other)], axis=1)

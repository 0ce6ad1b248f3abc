"""The variables that an applicant can change: their possible values, and how far a change goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from creditrisk.champion.description import ChampionDescription
from creditrisk.schema import Column

MOST_DECIMALS = 6
NOMINAL_CHANGE = 1.0  # the size of a change of a nominal variable, and of stating what was missing


@dataclass(frozen=True)
class Variable:
    """A variable of the model that an applicant can change.

    Values are as an applicant states them, before caps and merged levels.

    Attributes:
        name: its name.
        kind: `number`, `ordinal` or `nominal`.
        direction: 1 if it can only rise, -1 if it can only fall, 0 for both ways.
        usual: usual values of the training rows: numbers in ascending order, or levels in the order
            of the schema.
        levels: all levels that training rows had, in the order of the schema; empty for a number.
        low: least possible number.
        high: greatest possible number.
        decimals: to how many decimals numbers are stated.
        span: width of the middle nine tenths of the training rows, in the unit of the number.
        ranks: ordinal level to its place in the schema.
    """

    name: str
    kind: Literal["number", "ordinal", "nominal"]
    direction: int
    usual: np.ndarray
    levels: tuple[str, ...] = ()
    low: float = -np.inf
    high: float = np.inf
    decimals: int = 0
    span: float = 1.0
    ranks: Mapping[str, int] | None = None

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers, not levels."""
        return self.kind == "number"

    @property
    def middle(self) -> float:
        """The middle one of the usual numbers."""
        return float(self.usual[len(self.usual) // 2])

    def rounded(self, numbers: np.ndarray) -> np.ndarray:
        """Round numbers to the decimals in which the variable is stated."""
        return np.round(numbers, self.decimals) + 0.0

    def possible(self, current: Any, values: np.ndarray) -> np.ndarray:
        """Tell which values the applicant can change to; bool of the shape of `values`.

        Args:
            current: the applicant's value; NaN or None if it is missing.
            values: other values.
        """
        if self.is_number:
            inside = (values >= self.low) & (values <= self.high)
            return inside & self._goes_right(current, values) & (values != current)
        ranks = self.ranks or {}
        others = np.array([value != current for value in values], dtype=bool)
        if self.direction and current in ranks:
            places = np.array([ranks.get(value, -1) for value in values])
            others &= self.direction * (places - ranks[current]) > 0
        return others

    def _goes_right(self, current: float, values: np.ndarray) -> np.ndarray:
        if not self.direction or np.isnan(current):
            return np.ones(values.shape, dtype=bool)
        return self.direction * (values - current) > 0

    def sizes(self, current: Any, values: np.ndarray) -> np.ndarray:
        """Measure how large the changes from a value to others are.

        Each kind of change is measured on a scale of its own, as in Gower's distance (Gower 1971,
        "A General Coefficient of Similarity and Some of Its Properties"): a number by the width of
        the middle nine tenths of the training rows, an ordinal level by the number of steps from
        the first level to the last. Any change of a nominal variable has the size 1. So has stating
        what was missing, plus the distance from the middle of what is usual.

        Args:
            current: the applicant's value; NaN or None if it is missing.
            values: other values, shape (k,).

        Returns:
            Shape (k,).
        """
        if self.is_number:
            if np.isnan(current):
                return NOMINAL_CHANGE + np.abs(values - self.middle) / self.span
            return np.abs(values - current) / self.span
        ranks = self.ranks or {}
        if current not in ranks:
            return np.full(len(values), NOMINAL_CHANGE)
        steps = np.array([abs(ranks.get(value, 0) - ranks[current]) for value in values])
        return steps / max(1, len(ranks) - 1)

    def beside(self, points: np.ndarray) -> np.ndarray:
        """Return the numbers that can be stated beside some points, on both sides of each.

        Args:
            points: where a bin ends, shape (..., k); those that are not finite are left out.

        Returns:
            Numbers of the shape (..., 3 k), NaN for what is left out.
        """
        scale = 10.0**self.decimals
        with np.errstate(all="ignore"):
            # Points that are computed may be a little off, so the next number on is there too.
            steps = np.ceil(np.round(points * scale, 6))
            found = np.concatenate([steps - 1, steps, steps + 1], axis=-1) / scale
        return self.rounded(np.where(np.isfinite(found), found, np.nan))


def changeable(described: ChampionDescription) -> list[Variable]:
    """List the variables that an applicant can change, in the order of the schema.

    Args:
        described: of the champion; `usual` names them. One without any usual value is left out.
    """
    columns = described.schema_contract.variables
    order = [name for name in columns if described.usual.get(name)]
    return [
        (_number if name in described.features["numeric"] else _levels)(
            name, columns[name], described
        )
        for name in order
    ]


def _direction(column: Column) -> int:
    return {"up": 1, "down": -1}.get(str(column.mutable), 0)


def _number(name: str, column: Column, described: ChampionDescription) -> Variable:
    usual = np.array(sorted(described.usual[name]), dtype=float)
    # What is never negative in training is not suggested below 0.
    low = column.min if column.min is not None else (0.0 if usual[0] >= 0 else -np.inf)
    decimals = 0 if column.integer else max(map(_decimals, usual))
    span = float(usual[-1] - usual[0])
    return Variable(
        name, "number", _direction(column), usual,
        low=low,
        high=np.inf if column.max is None else column.max,
        decimals=decimals,
        span=span if span > 0 else max(abs(float(usual[0])), 1.0),
    )  # fmt: skip


def _decimals(value: float) -> int:
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    return min(MOST_DECIMALS, max(0, -int(exponent)))


def _levels(name: str, column: Column, described: ChampionDescription) -> Variable:
    merge = described.adjustments["merges"].get(name)
    usual = described.usual[name]
    raw = _unmerged(usual, merge)
    # Where new levels are usual, no rule lists those of the training rows.
    trained = described.referral.levels.get(name, raw)
    listed = list(column.levels or ())
    known = [one for one in dict.fromkeys([*listed, *sorted(trained)]) if one in {*trained}]
    ordinal = name in described.features["ordinal"]
    return Variable(
        name, "ordinal" if ordinal else "nominal", _direction(column),
        np.array([level for level in known if level in {*raw}], dtype=object),
        levels=tuple(known),
        ranks={level: place for place, level in enumerate(listed)} if ordinal else None,
    )  # fmt: skip


def _unmerged(levels: list[str], merge: Mapping[str, Any] | None) -> list[str]:
    """Replace the name of the merged levels, which nobody can state, by those levels."""
    if merge is None:
        return list(levels)
    return [
        one for level in levels for one in (merge["merged"] if level == merge["into"] else [level])
    ]

"""What may be tried: the ranges of creditrisk/workflow/tune/ranges.yaml."""

import json
from pathlib import Path
from typing import Annotated, Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import Field, ValidationError, model_validator

from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import Strict, read_yaml
from creditrisk.modeling.registry import CHOICES, algorithm, grid

Number = int | float
DIGITS = 3  # a value is tried as it will be written, and nobody wants to read sixteen digits


class Range(Strict):
    """Numbers from `low` to `high`, both included; tune.yaml explains the fields."""

    low: Number
    high: Number
    log: bool = False
    step: Annotated[Number, Field(gt=0)] | None = None
    default: Number | None = None

    @model_validator(mode="after")
    def _sensible(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low is {self.low} and high {self.high}: give a low below high")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError("log goes with a low above 0 and without step")
        return self

    @property
    def whole(self) -> bool:
        """Whether the values are integers."""
        return all(isinstance(v, int) for v in (self.low, self.high, self.step) if v is not None)

    def distribution(self) -> BaseDistribution:
        """Word it for Optuna."""
        if self.whole:
            return IntDistribution(self.low, self.high, self.log, self.step or 1)
        return FloatDistribution(self.low, self.high, self.log, self.step)

    def decode(self, proposed: Number) -> Number:
        """Turn what Optuna proposes into a value of params.yaml."""
        return proposed if self.whole else float(f"{proposed:.{DIGITS}g}")

    def encode(self, value: Any) -> Any:
        """The other way about."""
        return value

    @property
    def ends(self) -> list[Any]:
        """Values to check the range by."""
        return [self.low, self.high]


class Choice(Strict):
    """Some values; tune.yaml explains the field."""

    choices: Annotated[list[Any], Field(min_length=1)]
    default: Any = None

    def distribution(self) -> BaseDistribution:
        """Word it for Optuna, which stores texts: a list is none of its values."""
        return CategoricalDistribution([self.encode(choice) for choice in self.choices])

    def decode(self, proposed: str) -> Any:
        """Turn what Optuna proposes into a value of params.yaml."""
        return json.loads(proposed)

    def encode(self, value: Any) -> str:
        """The other way about."""
        return json.dumps(value)

    @property
    def ends(self) -> list[Any]:
        """Values to check the choices by."""
        return self.choices


Space = dict[str, Range | Choice]


def read_space(path: str | Path, algo: str, seed: int) -> Space:
    """Read and check what tune.yaml gives an algorithm to search.

    Args:
        path: a YAML file with a block an algorithm.
        algo: a registered algorithm.
        seed: for estimators that take one.

    Raises:
        InputError: there is no block, a name is unknown, or a value is impossible for the
            algorithm.
    """
    if algorithm(algo).family != "single":
        problem = f"{algo} combines other candidates and has nothing of its own to search"
        raise InputError("make tune", "ALGO", problem, "Tune its members.")
    blocks = read_yaml(path)
    block = blocks.get(algo)
    if not isinstance(block, dict) or not block:
        hint = (
            nearest(algo, blocks) if algo not in blocks else "Write `name: {low: ..., high: ...}`."
        )
        raise InputError(path, algo, "no ranges for this algorithm", hint)
    space = {name: _entry(path, f"{algo}.{name}", given) for name, given in block.items()}
    entry = algorithm(algo)
    tunable = set(entry.build(seed).get_params(deep=False)) - set(entry.fixed) - {"random_state"}
    for name, values in space.items():
        if name not in tunable | set(CHOICES):
            hint = nearest(name, sorted(tunable) + list(CHOICES))
            raise InputError(path, f"{algo}.{name}", "unknown parameter", hint)
        for value in values.ends:
            try:
                grid(algo, {name: [value]}, seed)
            except InputError as error:
                # It says params.yaml, where such a value would stand otherwise.
                problem = str(error).partition(f"algorithms.{algo}.{name}: ")[2]
                problem, _, hint = problem.partition(". ")
                raise InputError(path, f"{algo}.{name}", problem, hint) from None
    return space


def _entry(path: str | Path, location: str, given: Any) -> Range | Choice:
    if not isinstance(given, dict):
        hint = "Write {low: ..., high: ...} or {choices: [...]}."
        raise InputError(path, location, "no range", hint)
    kind = Choice if "choices" in given else Range
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise from_validation(path, error, kind.model_fields, location) from None

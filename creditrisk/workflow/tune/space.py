"""The search space: the ranges in creditrisk/workflow/tune/ranges.yaml."""

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
from creditrisk.modeling.blocks import CHOICES, grid
from creditrisk.modeling.registry import algorithm

Number = int | float
DIGITS = 3  # significant digits; a value is tried exactly as it will be written


class Range(Strict):
    """Numbers from `low` to `high`, both included; ranges.yaml explains the fields."""

    low: Number
    high: Number
    log: bool = False
    step: Annotated[Number, Field(gt=0)] | None = None
    default: Number | None = None

    @model_validator(mode="after")
    def _sensible(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError("log needs a low above 0 and no step")
        return self

    @property
    def is_integer(self) -> bool:
        """Whether all values are integers."""
        return all(isinstance(v, int) for v in (self.low, self.high, self.step) if v is not None)

    def distribution(self) -> BaseDistribution:
        """Make Optuna's distribution for the range."""
        if self.is_integer:
            return IntDistribution(int(self.low), int(self.high), self.log, int(self.step or 1))
        return FloatDistribution(self.low, self.high, self.log, self.step)

    def decode(self, proposed: Number) -> Number:
        """Turn a value that Optuna proposes into a value for params.yaml."""
        return proposed if self.is_integer else float(f"{proposed:.{DIGITS}g}")

    def encode(self, value: Any) -> Any:
        """Turn a value of params.yaml into a value for Optuna."""
        return value

    @property
    def ends(self) -> list[Any]:
        """The values that are checked; the ones between them are then valid too."""
        return [self.low, self.high]


class Choice(Strict):
    """A list of values; ranges.yaml explains the field."""

    choices: Annotated[list[Any], Field(min_length=1)]
    default: Any = None

    def distribution(self) -> BaseDistribution:
        """Make Optuna's distribution; values are encoded as JSON, as Optuna can't store lists."""
        return CategoricalDistribution([self.encode(choice) for choice in self.choices])

    def decode(self, proposed: str) -> Any:
        """Turn a value that Optuna proposes into a value for params.yaml."""
        return json.loads(proposed)

    def encode(self, value: Any) -> str:
        """Turn a value of params.yaml into a value for Optuna."""
        return json.dumps(value)

    @property
    def ends(self) -> list[Any]:
        """The values to check, which are all of them."""
        return self.choices


Space = dict[str, Range | Choice]


def read_space(path: str | Path, algo: str, seed: int) -> Space:
    """Read and check the search space of an algorithm.

    Args:
        path: a YAML file with one block per algorithm.
        algo: a registered algorithm.
        seed: random seed of the estimators.

    Returns:
        Parameter to range or choice.

    Raises:
        InputError: there is no block for the algorithm, a name is unknown, or the algorithm does
            not accept a value.
    """
    if algorithm(algo).family != "single":
        problem = f"{algo} combines other models and has no parameters to search"
        raise InputError("make tune", "ALGO", problem, "Tune its members.")
    blocks = read_yaml(path)
    block = blocks.get(algo)
    if not isinstance(block, dict) or not block:
        hint = (
            nearest(algo, blocks) if algo not in blocks else "Write `name: {low: ..., high: ...}`."
        )
        raise InputError(path, algo, "no ranges for this algorithm", hint)
    space = {name: _range(path, f"{algo}.{name}", entry) for name, entry in block.items()}
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
                # The error names params.yaml, but the value is in the file of the ranges.
                problem = str(error).partition(f"algorithms.{algo}.{name}: ")[2]
                problem, _, hint = problem.partition(". ")
                raise InputError(path, f"{algo}.{name}", problem, hint) from None
    return space


def undecided(candidates: list[dict[str, Any]], space: Space) -> Space:
    """Return a choice for what the data, not the block, make the candidates differ in.

    Args:
        candidates: those that train searches.
        space: the search space.
    """
    found = {c["missing_indicator"] for c in candidates if "missing_indicator" in c}
    if len(found) < 2 or "missing_indicator" in space:
        return {}
    return {"missing_indicator": Choice(choices=[False, True])}


def _range(path: str | Path, location: str, entry: Any) -> Range | Choice:
    if not isinstance(entry, dict):
        hint = "Write {low: ..., high: ...} or {choices: [...]}."
        raise InputError(path, location, "not a range", hint)
    kind = Choice if "choices" in entry else Range
    try:
        return kind.model_validate(entry)
    except ValidationError as error:
        raise from_validation(path, error, kind, location) from None

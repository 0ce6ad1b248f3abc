"""The registry of algorithms, and the grid of candidates that a block of params.yaml spans."""

import importlib
import re
import sys
from collections.abc import Collection
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid

from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import READ_EVENT
from creditrisk.core.yaml_text import parse_yaml
from creditrisk.modeling.pipeline import BINS, ENCODERS, MANY_LEVELS, RESAMPLERS
from creditrisk.modeling.values import check_by_fits, check_values, refuse_odd_values

REGISTRY = "creditrisk/algorithms.yaml"
# Estimators come from these; another library is a line here and a dependency in pyproject.toml.
PACKAGES = ("sklearn", "imblearn", "xgboost", "category_encoders")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
CHOICES: dict[str, Collection[Any]] = {
    "encoder": ENCODERS,
    "resample": RESAMPLERS,
    "bins": BINS,
    "many_levels": MANY_LEVELS,
}


class Algorithm(BaseModel):
    """An entry of algorithms.yaml, whose comments explain the fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    family: Literal["single", "ensemble"]
    reads: str
    estimator: str
    fixed: dict[str, Any]
    simplicity: int
    calibration: tuple[str, ...] = ("none", "platt", "isotonic")

    def build(self, seed: int) -> BaseEstimator:
        """Make the estimator with its fixed values, and with the seed if it has a random state.

        Raises:
            InputError: `estimator` is not the path of a scikit-learn estimator, which alone is
                called, or it does not take a fixed value.
        """
        kind = _estimator_class(self.estimator)
        try:
            estimator = kind(**self.fixed)
        except TypeError as error:
            problem = f"{self.estimator} does not take a fixed value: {error}"
            raise InputError(REGISTRY, "fixed", problem, "Correct the entry.") from None
        if "random_state" in estimator.get_params(deep=False):
            estimator.set_params(random_state=seed)
        return estimator


def _estimator_class(path: str) -> type[BaseEstimator]:
    """Find a class of estimators, and run nothing before it is known to be one.

    To import a module is to run it, so only those of known packages are imported.
    """
    hint = "Name a class, such as sklearn.linear_model.LogisticRegression."
    module, _, name = path.rpartition(".")
    package = module.partition(".")[0]
    if not all(map(str.isidentifier, path.split("."))) or package not in PACKAGES:
        problem = f"not a class of {', '.join(PACKAGES)}, so it is not imported"
        raise InputError(REGISTRY, f"estimator: {path}", problem, hint)
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        raise InputError(REGISTRY, f"estimator: {path}", "no such class", hint) from None
    if not (isinstance(found, type) and issubclass(found, BaseEstimator)):
        problem = "not a class of scikit-learn's estimators, so it is not called"
        raise InputError(REGISTRY, f"estimator: {path}", problem, hint)
    return found


def names() -> list[str]:
    """List the names of the registered algorithms."""
    return list(_entries())


def algorithm(name: str) -> Algorithm:
    """Return the entry of an algorithm.

    Raises:
        InputError: there is no algorithm of that name.
    """
    entries = _entries()
    if name not in entries:
        raise InputError(
            "params.yaml", f"algorithms.{name}", "unknown algorithm", nearest(name, entries)
        )
    sys.audit(READ_EVENT, f"{REGISTRY}:algorithms.{name}")
    location = f"algorithms.{name}"
    try:
        return Algorithm.model_validate(entries[name])
    except ValidationError as error:
        raise from_validation(REGISTRY, error, Algorithm.model_fields, location) from None


def _entries() -> dict[str, Any]:
    text = resources.files("creditrisk").joinpath("algorithms.yaml").read_text(encoding="utf-8")
    entries = parse_yaml(text, REGISTRY)["algorithms"]
    for name in entries:
        # A name becomes part of paths, of a stage's name and of commands.
        if not isinstance(name, str) or not NAME.fullmatch(name):
            problem = "not a name of an algorithm"
            hint = "Use a letter, then letters, digits, _ or -, at most 40."
            raise InputError(REGISTRY, f"algorithms.{name}", problem, hint)
    return entries


def grid(name: str, block: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """List the candidates of an algorithm: all combinations of the values in its block.

    A list is searched and a single value is fixed. A list within a list is one value, for example
    the layers of a perceptron. All values are checked before the search starts.

    Args:
        name: the algorithm.
        block: its block of params.yaml.
        seed: random seed of the estimator.

    Returns:
        One dict per candidate, from parameter to value, in a fixed order.

    Raises:
        InputError: a name is unknown, or a value is invalid.
    """
    location = f"algorithms.{name}"
    refuse_odd_values(name, block)
    entry = algorithm(name)
    estimator = entry.build(seed)
    tunable = set(estimator.get_params(deep=False)) - set(entry.fixed) - {"random_state"}
    for key in block:
        if key not in tunable | set(CHOICES):
            hint = nearest(key, sorted(tunable) + list(CHOICES))
            raise InputError("params.yaml", f"{location}.{key}", "unknown parameter", hint)
    axes: dict[str, list[Any]] = {"encoder": ["onehot"], "resample": ["none"]}
    axes |= {key: value if isinstance(value, list) else [value] for key, value in block.items()}
    for key, values in axes.items():
        if not values:
            hint = "Write a value, or a list of values to search."
            raise InputError("params.yaml", f"{location}.{key}", "an empty list", hint)
        for value in values if key in CHOICES else []:
            if not any(type(value) is type(v) and value == v for v in CHOICES[key]):
                problem, hint = f"unknown {key} {value!r}", nearest(str(value), CHOICES[key])
                raise InputError("params.yaml", f"{location}.{key}", problem, hint)
    candidates = [dict(sorted(c.items())) for c in ParameterGrid(axes)]
    for candidate in candidates:
        check_values(location, estimator, model_params(candidate))
    # scikit-learn checks what kind of value a list is, not what is in it.
    lists = any(isinstance(value, list) for values in axes.values() for value in values)
    if lists or not hasattr(estimator, "_parameter_constraints"):
        first = {key: values[0] for key, values in axes.items()}
        others = [first | {key: value} for key, values in axes.items() for value in values[1:]]
        check_by_fits(location, entry.build(seed), list(map(model_params, [first, *others])))
    return candidates


def model_params(candidate: dict[str, Any]) -> dict[str, Any]:
    """Select the parameters of the estimator from a candidate; inner lists become tuples."""
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in candidate.items()
        if key not in CHOICES
    }

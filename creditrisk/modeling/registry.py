"""The registry of algorithms, and the grid of candidates that a block of params.yaml spans."""

import importlib
import re
import sys
import warnings
from collections.abc import Collection
from importlib import resources
from typing import Any, Literal, get_args

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import ParameterGrid
from sklearn.utils._param_validation import InvalidParameterError

from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import READ_EVENT
from creditrisk.modeling.pipeline import BINS, ENCODERS, RESAMPLERS

REGISTRY = "creditrisk/algorithms.yaml"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
CHOICES: dict[str, Collection[Any]] = {
    "encoder": ENCODERS,
    "resample": RESAMPLERS,
    "bins": BINS,
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
    """Find a class of estimators, and call nothing before it is known to be one."""
    hint = "Name a class, such as sklearn.linear_model.LogisticRegression."
    module, _, name = path.rpartition(".")
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
    entries = yaml.safe_load(text)["algorithms"]
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
            if value not in CHOICES[key]:
                problem, hint = f"unknown {key} {value!r}", nearest(str(value), CHOICES[key])
                raise InputError("params.yaml", f"{location}.{key}", problem, hint)
    candidates = [dict(sorted(c.items())) for c in ParameterGrid(axes)]
    for candidate in candidates:
        _check_values(location, estimator, candidate)
    if not hasattr(estimator, "_parameter_constraints"):
        _check_by_fits(location, entry.build(seed), axes)
    return candidates


def model_params(candidate: dict[str, Any]) -> dict[str, Any]:
    """Select the parameters of the estimator from a candidate; inner lists become tuples."""
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in candidate.items()
        if key not in CHOICES
    }


def _check_values(location: str, estimator: BaseEstimator, candidate: dict[str, Any]) -> None:
    values = model_params(candidate)
    for key, value in values.items():
        # XGBoost checks its values only when fitted, and may take text like 'four' as missing.
        if isinstance(value, str) and not _takes_text(estimator, key):
            problem = f"expected a number, got the text {value!r}"
            raise InputError("params.yaml", f"{location}.{key}", problem, "Write a number.")
        # In Python `true` is an int: `n_estimators: true` would give a model with one tree.
        if isinstance(value, bool) and not _takes_flag(estimator, key):
            problem = f"expected a number, got {str(value).lower()}"
            raise InputError("params.yaml", f"{location}.{key}", problem, "Write a number.")
    try:
        estimator.set_params(**values)
        if hasattr(estimator, "_parameter_constraints"):
            estimator._validate_params()
    except InvalidParameterError as error:
        key = next((k for k in values if f"'{k}'" in str(error)), "")
        raise InputError(
            "params.yaml", f"{location}.{key}", str(error), "Correct the value."
        ) from None


def _check_by_fits(location: str, estimator: BaseEstimator, axes: dict[str, list[Any]]) -> None:
    """Check the values of an estimator that declares no constraints, by fitting it.

    There is one fit per value, with the first value of every other parameter. This is a candidate
    of the grid, so no value is refused that would not fail in the search.
    """
    first = {key: values[0] for key, values in axes.items()}
    others = [first | {key: value} for key, values in axes.items() for value in values[1:]]
    for candidate in map(model_params, [first, *others]):
        error = _failure(estimator, candidate)
        if error:
            culprit = [k for k, v in candidate.items() if _failure(estimator, {k: v})][:1]
            parameter = ".".join([location, *culprit])
            hint = "Use a value that the estimator accepts."
            raise InputError("params.yaml", parameter, _cause(error), hint) from error


def _failure(estimator: BaseEstimator, values: dict[str, Any]) -> Exception | None:
    """Fit the estimator to a few rows of noise and return the exception, or None.

    The rows have many columns because some values are indices of columns.
    """
    rng = np.random.default_rng(0)
    rows, bad = rng.normal(size=(16, 200)), np.tile([0, 1], 8)
    trees = values.get(_COUNT)
    if trees is not None:
        if not isinstance(trees, int) or trees < 1:  # -1 gives a model without trees
            return ValueError(f"{_COUNT} must be a whole number of at least 1, got {trees}")
        values = values | {_COUNT: min(trees, 2)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clone(estimator).set_params(**values).fit(rows, bad)
    except Exception as error:  # each library raises its own classes
        return error
    return None


# The number of trees in all boosting libraries: the only parameter that makes a fit slow.
_COUNT = "n_estimators"


def _cause(error: Exception) -> str:
    """Return the first line of a library's error, without time stamp and source file."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    first = re.sub(r"^\[[0-9:]+\] [^ ]+: ", "", lines[0])
    return f"can't be fitted: {first}"


def _takes_text(estimator: BaseEstimator, key: str) -> bool:
    """Check whether a parameter may be text; true if scikit-learn will check the value anyway."""
    if key in getattr(estimator, "_parameter_constraints", {}):
        return True
    kinds = _annotated(estimator, key)
    return not kinds or str in kinds


def _takes_flag(estimator: BaseEstimator, key: str) -> bool:
    """Check whether a parameter may be a boolean."""
    allowed = getattr(estimator, "_parameter_constraints", {}).get(key)
    if allowed is not None:
        return allowed == "no_validation" or "boolean" in allowed
    default = type(estimator)().get_params(deep=False).get(key)
    if isinstance(default, int | float):
        return isinstance(default, bool)
    kinds = _annotated(estimator, key)
    return not kinds or bool in kinds


def _annotated(estimator: BaseEstimator, key: str) -> tuple[Any, ...]:
    """Return the types in the annotation of a parameter; empty if it has no annotation."""
    for kind in type(estimator).__mro__:
        hint = getattr(vars(kind).get("__init__"), "__annotations__", {}).get(key)
        if hint is not None:
            return get_args(hint) or (hint,)
    return ()

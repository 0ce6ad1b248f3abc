"""The registry of algorithms: which there are, and how an estimator is made."""

import importlib
import re
import sys
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from sklearn.base import BaseEstimator

from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import READ_EVENT
from creditrisk.core.yaml_text import parse_yaml

REGISTRY = "creditrisk/algorithms.yaml"
# Estimators come from these; another library is a line here and a dependency in pyproject.toml.
PACKAGES = ("sklearn", "imblearn", "xgboost", "lightgbm", "interpret", "category_encoders",
            "creditrisk")  # fmt: skip
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)


class Algorithm(BaseModel):
    """An entry of algorithms.yaml, whose comments explain the fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    family: Literal["single", "ensemble"]
    estimator: str
    fixed: dict[str, Any]
    simplicity: int
    handles_missing: bool = False
    constraints: str | None = None
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


def estimator_kind(estimator: BaseEstimator) -> str:
    """Name the class of an estimator as an entry does: its package and its name."""
    return f"{type(estimator).__module__.partition('.')[0]}.{type(estimator).__name__}"


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

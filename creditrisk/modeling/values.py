"""The values of an algorithm's parameters, checked before a search starts."""

import math
import re
import warnings
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import InvalidParameterError

from creditrisk.core.errors import InputError, shorten

# Libraries keep whole numbers in 32 bits.
MAX_WHOLE = 2**31 - 1


# Returns the dotted place of a parameter in params.yaml, for errors; of the block for "".
Place = Callable[[str], str]


def refuse_odd_values(place: Place, block: dict[str, Any]) -> None:
    """Refuse what no estimator takes, whatever the parameter.

    Args:
        place: see `Place`.
        block: its block of params.yaml.

    Raises:
        InputError: a number is not finite or too large, or a value is a date or a block.
    """
    for key, value in block.items():
        items = [value]
        while items:
            item = items.pop()
            if isinstance(item, list):
                items.extend(item)
                continue
            problem = _oddity(item)
            if problem:
                hint = "Write a number, a word, or a list of them."
                raise InputError("params.yaml", place(key), problem, hint)


def _oddity(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"a finite number is needed, got {value}"
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        return f"a whole number of at most {MAX_WHOLE} is needed, got {shorten(str(value))}"
    if value is not None and not isinstance(value, bool | int | float | str):
        return f"a {type(value).__name__} is no value of a parameter"
    return None


def check_values(place: Place, estimator: BaseEstimator, values: dict[str, Any]) -> None:
    """Check the values of a candidate as far as the estimator declares what it takes.

    Args:
        place: see `Place`.
        estimator: its parameters are set to the values.
        values: from parameter to value.

    Raises:
        InputError: a value is of a wrong kind or outside its limits.
    """
    for key, value in values.items():
        # XGBoost checks its values only when fitted, and may take text like 'four' as missing.
        if isinstance(value, str) and not _takes_text(estimator, key):
            problem = f"expected a number, got the text {value!r}"
            raise InputError("params.yaml", place(key), problem, "Write a number.")
        # In Python `true` is an int: `n_estimators: true` would give a model with one tree.
        if isinstance(value, bool) and not _takes_flag(estimator, key):
            problem = f"expected a number, got {str(value).lower()}"
            raise InputError("params.yaml", place(key), problem, "Write a number.")
    try:
        estimator.set_params(**values)
        if hasattr(estimator, "_parameter_constraints"):
            estimator._validate_params()
    except InvalidParameterError as error:
        key = next((k for k in values if f"'{k}'" in str(error)), "")
        raise InputError("params.yaml", place(key), str(error), "Correct the value.") from None


def check_by_fits(place: Place, estimator: BaseEstimator, candidates: list[dict[str, Any]]) -> None:
    """Check values that the estimator does not check itself, by fitting it to a few rows.

    Args:
        place: see `Place`.
        estimator: is not changed.
        candidates: from parameter to value. There is one fit per candidate, so give one for each
            value, with the first value of every other parameter. This is a candidate of the grid,
            so no value is refused that would not fail in the search.

    Raises:
        InputError: a fit fails.
    """
    for candidate in candidates:
        error = _failure(estimator, candidate)
        if error:
            culprit = [k for k, v in candidate.items() if _failure(estimator, {k: v})][:1]
            hint = "Use a value that the estimator accepts."
            where = place("".join(culprit))
            raise InputError("params.yaml", where, _cause(error), hint) from error


def _failure(estimator: BaseEstimator, values: dict[str, Any]) -> Exception | None:
    """Fit the estimator to a few rows of noise and return the exception, or None.

    What fails with few columns is tried with many, because some values are indices of columns.
    Few come first: a search for pairs of columns is slow over many.
    """
    for name in _COUNTS:
        trees = values.get(name)
        # -1 gives a model without trees.
        if trees is not None and (not isinstance(trees, int) or trees < 1):
            return ValueError(f"{name} must be a whole number of at least 1, got {trees}")
    known = estimator.get_params(deep=False)
    few = {key: 2 for key in (*_COUNTS, "max_iter") if key in known}
    values = values | few
    return _failure_on(8, estimator, values) and _failure_on(200, estimator, values)


def _failure_on(columns: int, estimator: BaseEstimator, values: dict[str, Any]) -> Exception | None:
    rows, bad = np.random.default_rng(0).normal(size=(16, columns)), np.tile([0, 1], 8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clone(estimator).set_params(**values).fit(rows, bad)
    except Exception as error:  # each library raises its own classes
        return error
    return None


# The numbers of trees and of rounds in the boosting libraries. They and the number of iterations
# make a fit slow.
_COUNTS = ("n_estimators", "max_rounds")


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

"""An algorithm's block of params.yaml: what holds for the number of rows, and its grid."""

from collections.abc import Collection
from typing import Any

from sklearn.model_selection import ParameterGrid

from creditrisk.core.errors import InputError, nearest
from creditrisk.modeling.encode import ENCODERS, MANY_LEVELS
from creditrisk.modeling.impute import indicated
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.pipeline import BINS, MONOTONE
from creditrisk.modeling.registry import algorithm
from creditrisk.modeling.resample import RESAMPLERS, WITHOUT_DISTANCES
from creditrisk.modeling.values import Place, check_by_fits, check_values, refuse_odd_values

# What a candidate says beside the parameters of the estimator.
CHOICES: dict[str, Collection[Any]] = {
    "encoder": ENCODERS,
    "resample": RESAMPLERS,
    "bins": BINS,
    "monotone": MONOTONE,
    "many_levels": MANY_LEVELS,
    "missing_indicator": (True, False),
}
FIT_ROWS, WHEN = "fit_rows", "when_rows_above"
LEAST_ROWS = 100


def block_for(name: str, block: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the block that holds for a number of training rows.

    Args:
        name: the algorithm, for errors.
        block: its block of params.yaml. `when_rows_above` maps numbers of rows to values, which
            replace those of the block if there are more training rows; the highest number last.
        rows: number of training rows.

    Returns:
        The block without `when_rows_above`.

    Raises:
        InputError: `when_rows_above` is no map from numbers of rows to blocks.
    """
    chosen = {key: value for key, value in block.items() if key != WHEN}
    for limit, values in sorted(_overrides(name, block).items()):
        if rows > limit:
            chosen |= values
    return chosen


def _overrides(name: str, block: dict[str, Any]) -> dict[int, dict[str, Any]]:
    location, hint = f"algorithms.{name}.{WHEN}", "Write {10000: {max_depth: 6}}."
    overrides = block.get(WHEN, {})
    if not isinstance(overrides, dict):
        raise InputError("params.yaml", location, "not a map", hint)
    found: dict[int, dict[str, Any]] = {}
    for limit, values in overrides.items():
        if not str(limit).isdecimal():
            raise InputError("params.yaml", location, f"{limit!r} is no number of rows", hint)
        if not isinstance(values, dict) or WHEN in values:
            raise InputError("params.yaml", f"{location}.{limit}", "not a block of values", hint)
        if int(limit) in found:
            raise InputError("params.yaml", location, f"{limit} stands twice", hint)
        found[int(limit)] = values
    return found


def place_of(name: str, block: dict[str, Any], rows: int, key: str) -> list[str | int]:
    """Return the keys that lead from the block to where a parameter's value comes from.

    Args:
        name: the algorithm, for errors.
        block: its block of params.yaml.
        rows: number of training rows.
        key: the parameter.
    """
    overrides = _overrides(name, block)
    limits = [limit for limit, values in overrides.items() if rows > limit and key in values]
    return [WHEN, max(limits)] if limits else []


def fit_rows(block: dict[str, Any]) -> int | None:
    """Return how many rows an estimator is fitted on at most; None for all.

    Args:
        block: from `block_for`.
    """
    return block.get(FIT_ROWS)


def grid(
    name: str, block: dict[str, Any], seed: int, rows: int | None = None
) -> list[dict[str, Any]]:
    """List the candidates of an algorithm: all combinations of the values in its block.

    A list is searched and a single value is fixed. A list within a list is one value, for example
    the layers of a perceptron. All values are checked before the search starts.

    Args:
        name: the algorithm.
        block: its block of params.yaml.
        seed: random seed of the estimator.
        rows: number of training rows; None for the largest grid, after a check of all of them.

    Returns:
        One dict per candidate, from parameter to value, in a fixed order.

    Raises:
        InputError: a name is unknown, or a value is invalid.
    """
    if rows is not None:
        return _candidates(name, block, seed, rows)
    every = _numbers_of_rows(name, block)
    return max((_candidates(name, block, seed, count) for count in every), key=len)


def refuse_odd_block(name: str, block: dict[str, Any]) -> None:
    """Refuse what no estimator takes, in a block and in what replaces its values.

    Raises:
        InputError: a number is not finite or too large, or a value is a date or a block.
    """
    for count in _numbers_of_rows(name, block):
        refuse_odd_values(_place(name, block, count), block_for(name, block, count))


def _numbers_of_rows(name: str, block: dict[str, Any]) -> list[int]:
    """List numbers of rows, one for each set of values that may hold."""
    return [0, *(limit + 1 for limit in _overrides(name, block))]


def _place(name: str, block: dict[str, Any], rows: int) -> Place:
    def place(key: str) -> str:
        keys = [*place_of(name, block, rows, key), key] if key else []
        return ".".join(["algorithms", name, *map(str, keys)])

    return place


def _candidates(name: str, whole: dict[str, Any], seed: int, rows: int) -> list[dict[str, Any]]:
    block, place = block_for(name, whole, rows), _place(name, whole, rows)
    refuse_odd_values(place, block)
    _check_fit_rows(place(FIT_ROWS), block)
    block = {key: value for key, value in block.items() if key != FIT_ROWS}
    entry = algorithm(name)
    estimator = entry.build(seed)
    tunable = set(estimator.get_params(deep=False)) - set(entry.fixed) - {"random_state"}
    for key in block:
        if key not in tunable | set(CHOICES):
            hint = nearest(key, [*sorted(tunable), *CHOICES, FIT_ROWS, WHEN])
            raise InputError("params.yaml", place(key), "unknown parameter", hint)
    axes: dict[str, list[Any]] = {"encoder": ["onehot"], "resample": ["none"]}
    axes |= {key: value if isinstance(value, list) else [value] for key, value in block.items()}
    for key, values in axes.items():
        if not values:
            hint = "Write a value, or a list of values to search."
            raise InputError("params.yaml", place(key), "an empty list", hint)
        for value in values if key in CHOICES else []:
            if not any(type(value) is type(v) and value == v for v in CHOICES[key]):
                problem = f"unknown {key} {value!r}"
                hint = nearest(str(value), map(str, CHOICES[key]))
                raise InputError("params.yaml", place(key), problem, hint)
    if "monotone" in block and "bins" not in block:
        hint = "Add bins, or name the direction in the schema: `monotone: up`."
        raise InputError(
            "params.yaml", place("monotone"), "it is for bins, and there are none", hint
        )
    candidates = [dict(sorted(c.items())) for c in ParameterGrid(axes)]
    for candidate in candidates:
        check_values(place, estimator, model_params(candidate))
    # scikit-learn checks what kind of value a list is, not what is in it.
    lists = any(isinstance(value, list) for values in axes.values() for value in values)
    if lists or not hasattr(estimator, "_parameter_constraints"):
        first = {key: values[0] for key, values in axes.items()}
        others = [first | {key: value} for key, values in axes.items() for value in values[1:]]
        check_by_fits(place, entry.build(seed), list(map(model_params, [first, *others])))
    return candidates


def _check_fit_rows(location: str, block: dict[str, Any]) -> None:
    rows = block.get(FIT_ROWS)
    if rows is None:
        return
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < LEAST_ROWS:
        problem = f"a whole number of at least {LEAST_ROWS} is needed, got {rows!r}"
        hint = "Write one number; leave the line out to fit on all rows."
        raise InputError("params.yaml", location, problem, hint)


def model_params(candidate: dict[str, Any]) -> dict[str, Any]:
    """Select the parameters of the estimator from a candidate; inner lists become tuples."""
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in candidate.items()
        if key not in CHOICES
    }


def relevant_candidates(
    candidates: list[dict[str, Any]],
    features: dict[str, Any],
    params: PreprocessParams,
    handles_missing: bool,
) -> list[dict[str, Any]]:
    """Drop the choices that make no difference for the data, and add those of missing values.

    `many_levels` makes none without a column of many levels, `missing_indicator` none without
    missing training cells, and neither does with bins; `monotone` makes none without bins.

    Args:
        candidates: from `grid`.
        features: the content of features.json.
        params: the block `preprocess`.
        handles_missing: whether the estimator takes missing numbers as they are.
    """
    gaps = bool(indicated(features, params))
    # What takes missing numbers as they are still has its nominal columns imputed.
    levels_lost = bool(indicated(features | {"numeric": [], "ordinal": {}}, params))
    kept: list[dict[str, Any]] = []
    for candidate in candidates:
        binned = bool(candidate.get("bins"))
        dropped = {"monotone"} if not binned else {"many_levels", "missing_indicator"}
        dropped |= {"many_levels"} if not features.get("many") else set()
        dropped |= {"missing_indicator"} if not gaps else set()
        one = {key: value for key, value in candidate.items() if key not in dropped}
        as_is = handles_missing and one["resample"] in WITHOUT_DISTANCES
        added: list[dict[str, Any]] = [{}]
        if gaps and not binned and "missing_indicator" not in one:
            if params.missing_indicator != "auto":
                added = [{"missing_indicator": params.missing_indicator}]
            elif levels_lost or not as_is:
                added = [{"missing_indicator": False}, {"missing_indicator": True}]
        for more in added:
            if (whole := dict(sorted((one | more).items()))) not in kept:
                kept.append(whole)
    return kept

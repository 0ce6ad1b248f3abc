"""The pipeline of one candidate: sample, impute, encode, resample, model."""

from dataclasses import dataclass
from typing import Any

from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from creditrisk.core.columns import NO_CODE, SPECIAL
from creditrisk.core.errors import InputError
from creditrisk.core.text import in_order_of_codes
from creditrisk.modeling.binning.binner import Binner
from creditrisk.modeling.encode import (
    ENCODERS,
    KEPT_LEVELS,
    MANY_LEVELS,
    OF_RISK,
    onehot_of,
    ordinal_of,
)
from creditrisk.modeling.impute import (
    MISSING_LEVEL,
    imputer_step,
    indicated,
    indicator_names,
    rank_encoder,
)
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.resample import MIXED, WITHOUT_DISTANCES, resampler

# Allowed numbers of bins for numeric columns; None means no binning.
BINS = (None, *range(2, 21))
# Of the bad rates of bins: `auto` where that costs little, true always, false never.
MONOTONE = ("auto", True, False)
# The constraint of a linear model: no coefficient below 0, for columns that rise with the risk.
POSITIVE = "positive"


@dataclass(frozen=True)
class Recipe:
    """What does not differ between the candidates of an algorithm.

    Attributes:
        features: features.json: `numeric` and `nominal` (lists of names), `ordinal` (name to levels
            in ascending order); where they apply `many` (the nominal ones with many levels),
            `missing` (variables with missing training cells), `monotone` (variable to 1 or -1),
            `levels` (nominal variable to its levels) and `bins` (those made by hand).
        params: the block `preprocess`.
        seed: random seed of resamplers and samples.
        handles_missing: whether the estimator takes missing numbers as they are.
        constraints: the estimator's parameter for monotone constraints; None if it has none.
    """

    features: dict[str, Any]
    params: PreprocessParams
    seed: int = 0
    handles_missing: bool = False
    constraints: str | None = None


def build_pipeline(model: BaseEstimator) -> Pipeline:
    """Build sampler, preprocessor, resampler and model as one pipeline.

    The steps are `sample`, `impute` (which also scales the numbers, or finds the bins),
    `resample_mixed`, `encode`, `resample` and `model`. `candidate_params` sets all but the last.
    Steps that don't depend on the candidate come first: a search runs them once for all.

    Args:
        model: the estimator.

    Returns:
        The unfitted pipeline, which does nothing but the model yet.
    """
    names = ("sample", "impute", "resample_mixed", "encode", "resample")
    return Pipeline([*((name, "passthrough") for name in names), ("model", model)])


def candidate_params(
    recipe: Recipe,
    candidate: dict[str, Any],
    model: dict[str, Any],
    classes: tuple[int, int],
    sample: BaseEstimator | str = "passthrough",
) -> dict[str, Any]:
    """Turn a candidate into parameters for `set_params` of the pipeline of `build_pipeline`.

    Args:
        recipe: what all candidates share.
        candidate: `encoder`, a key of `ENCODERS`; `resample`, a key of `RESAMPLERS`; where wanted
            `bins`, the number of bins of numeric columns, which makes a linear model a table of
            points, with `monotone`; `many_levels`, a key of `MANY_LEVELS`; and
            `missing_indicator`.
        model: the parameters of the estimator.
        classes: good and bad rows in the smallest training part.
        sample: from `row_sampler`.

    Returns:
        Maps names of pipeline parameters to values.
    """
    features, bins = recipe.features, candidate.get("bins")
    encoder, resample = candidate["encoder"], candidate["resample"]
    levels = [*features["nominal"], *features["ordinal"]]
    chosen = resampler(resample, recipe.seed, min(classes), levels, bool(bins))
    mixed = resample in MIXED
    steps = (
        _binned(recipe, encoder, bins, candidate.get("monotone", "auto"))
        if bins
        else _encoded(recipe, candidate)
    )
    if bins:
        constrained = {POSITIVE: encoder in OF_RISK} if recipe.constraints == POSITIVE else {}
    else:
        constrained = _constraints(recipe, candidate)
    return {
        "sample": sample,
        **steps,
        "resample_mixed": chosen if mixed else "passthrough",
        "resample": "passthrough" if mixed else chosen,
        **{f"model__{key}": value for key, value in (constrained | model).items()},
    }


def _encoded(recipe: Recipe, candidate: dict[str, Any]) -> dict[str, Any]:
    features, params = recipe.features, recipe.params
    as_is = recipe.handles_missing and candidate["resample"] in WITHOUT_DISTANCES
    indicators = bool(candidate.get("missing_indicator", False))
    many = features.get("many", [])
    few = [name for name in features["nominal"] if name not in many]
    coded = MANY_LEVELS[candidate.get("many_levels", "target")]
    ranks = rank_encoder(features, as_is)
    parts = [
        ("numeric", "passthrough", features["numeric"]),
        ("nominal", _nominal_encoder(recipe, candidate["encoder"], few), few),
        *([("many", coded(recipe.seed), many)] if many else []),
        (
            "ordinal",
            make_pipeline(ranks, StandardScaler()) if params.scale_ordinal else ranks,
            list(features["ordinal"]),
        ),
    ]
    if indicators:
        parts += [
            (part, "passthrough", indicator_names(names))
            for part, names in indicated(features, params).items()
        ]
    # Candidates with and without indicators share the imputed columns of a fold: the encoder leaves
    # out what is not wanted. A resampler before the encoder would not.
    shared = not as_is and candidate["resample"] not in MIXED
    return {
        "impute": imputer_step(features, params, as_is, indicators or shared),
        "encode": ColumnTransformer(parts),
    }


def _nominal_encoder(recipe: Recipe, encoder: str, names: list[str]) -> BaseEstimator:
    known = recipe.features.get("levels", {})
    if encoder == "onehot" and _constrained(recipe):
        return onehot_of([_imputed_levels(known[name]) for name in names])
    if encoder == "ordinal":
        ordered = {name: in_order_of_codes(known.get(name, [])) for name in names}
        # Text order is what the encoder has without being told, and needs no list of levels.
        if any(levels != sorted(levels) for levels in ordered.values()):
            return ordinal_of([_imputed_levels(levels) for levels in ordered.values()])
    return ENCODERS[encoder](names)


def _imputed_levels(levels: list[str]) -> list[str]:
    return [*levels, *({MISSING_LEVEL} - set(levels))]


def _constrained(recipe: Recipe) -> bool:
    has_list = recipe.constraints and recipe.constraints != POSITIVE
    return bool(has_list and recipe.features.get("monotone"))


def _constraints(recipe: Recipe, candidate: dict[str, Any]) -> dict[str, Any]:
    """Tell the estimator which encoded columns are monotone: the numbers, which come first."""
    features, wanted = recipe.features, recipe.features.get("monotone", {})
    if not _constrained(recipe):
        return {}
    many = features.get("many", [])
    few = [name for name in features["nominal"] if name not in many]
    onehot = candidate["encoder"] == "onehot"
    _refuse_unknown_width(candidate, bool(many))
    width = len(few)
    if onehot:
        width = sum(len(_imputed_levels(features["levels"][name])) for name in few)
    width += len(many) + len(features["ordinal"])
    if candidate.get("missing_indicator"):
        width += sum(map(len, indicated(features, recipe.params).values()))
    ways = [wanted.get(name, 0) for name in features["numeric"]]
    return {str(recipe.constraints): (*ways, *[0] * width)}


def _refuse_unknown_width(candidate: dict[str, Any], many: bool) -> None:
    """Refuse encoders whose number of columns is known after the fit only: a constraint each."""
    found = {"encoder": candidate["encoder"] == "binary",
             "many_levels": many and candidate.get("many_levels") == "merge"}  # fmt: skip
    for key, refused in found.items():
        if refused:
            problem = f"{candidate[key]} does not go with `monotone` in the schema"
            hint = "It makes as many columns as the rows need. Choose another one."
            raise InputError("params.yaml", f"algorithms, {key}", problem, hint)


def _binned(recipe: Recipe, encoder: str, bins: int, monotone: bool | str) -> dict[str, Any]:
    features = recipe.features
    companions = {
        name: SPECIAL + name
        for name in features["numeric"]
        if SPECIAL + name in features["nominal"]
    }
    levels = [*features["nominal"], *features["ordinal"]]
    nominal = [name for name in levels if name not in companions.values()]
    variables = [*features["numeric"], *nominal]
    binner = Binner(
        list(features["numeric"]),
        nominal,
        companions,
        NO_CODE,
        list(features.get("many", [])),
        KEPT_LEVELS,
        bins,
        monotone,
        dict(features.get("monotone", {})),
        dict(features.get("bins", {})),
    )
    return {
        "impute": binner,
        "encode": ColumnTransformer([("bins", ENCODERS[encoder](variables), variables)]),
    }

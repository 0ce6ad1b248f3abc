"""The preprocessing before the model: impute, encode, resample.

To add an encoder or a resampler, add one entry to `ENCODERS` or `RESAMPLERS`.
"""

from collections.abc import Callable
from typing import Any, Literal

import category_encoders as ce
import numpy as np
from imblearn.combine import SMOTETomek
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, BorderlineSMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import NearMiss, RandomUnderSampler
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
    TargetEncoder,
)

from creditrisk.core.params import Strict

MISSING_LEVEL = "missing"
# Neighbours that a resampler uses, if the smaller class of a training part has enough rows.
NEIGHBOURS = 5


class PreprocessParams(Strict):
    """The block `preprocess`.

    Attributes:
        numeric_impute: replacement of a missing number.
        nominal_impute: replacement of a missing nominal level; `level` makes missing its own level.
        ordinal_impute: replacement of a missing ordinal level.
        power_transform: whether to apply a Yeo-Johnson transform to the numeric columns.
        scale_ordinal: whether to scale the ordinal ranks to unit variance, like the numbers.
    """

    numeric_impute: Literal["median", "mean", "most_frequent"]
    nominal_impute: Literal["level", "most_frequent"]
    ordinal_impute: Literal["most_frequent"]
    power_transform: bool
    scale_ordinal: bool


def _by_position(kind: Any) -> Callable[[list[str]], BaseEstimator]:
    """Make an encoder of category_encoders know its columns by position, not by name.

    It would name its outputs COLUMN_1, COLUMN_2, which may be names of other columns. It is told
    which columns to encode: if it has to guess, it leaves out those whose type the imputer has
    changed. Only functions of public libraries are used, so that a model file needs nothing else.
    """
    return lambda columns: make_pipeline(
        FunctionTransformer(np.asarray), kind(cols=list(range(len(columns))))
    )


# Each makes an encoder for the given nominal columns.
ENCODERS: dict[str, Callable[[list[str]], BaseEstimator]] = {
    "onehot": lambda columns: OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    "binary": _by_position(ce.BinaryEncoder),
    "ordinal": _by_position(ce.OrdinalEncoder),
    "woe": _by_position(ce.WOEEncoder),
    "target": _by_position(ce.TargetEncoder),
}


# How nominal columns with many levels are encoded, whatever the encoder of the others: by the bad
# rate of their level (in training that of other rows, and drawn towards the mean), or one-hot with
# the rarer levels as one.
MANY_LEVELS: dict[str, Callable[[int], BaseEstimator]] = {
    "target": lambda seed: TargetEncoder(
        target_type="binary", cv=StratifiedKFold(5, shuffle=True, random_state=seed)
    ),
    "merge": lambda seed: OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=KEPT_LEVELS, sparse_output=False
    ),
}


def _smotenc(seed: int, k: int, categorical: list[str]) -> BaseEstimator:
    return SMOTENC(categorical_features=categorical, k_neighbors=k, random_state=seed)


# Each makes a resampler from the seed, the number of neighbours and the names of the columns with
# levels. Those in `MIXED` work on the imputed levels before encoding, the others on the encoded
# numbers.
RESAMPLERS: dict[str, Callable[[int, int, list[str]], Any]] = {
    "none": lambda seed, k, levels: "passthrough",
    "smote": lambda seed, k, levels: SMOTE(k_neighbors=k, random_state=seed),
    "smotenc": _smotenc,
    "borderline_smote": lambda seed, k, levels: BorderlineSMOTE(k_neighbors=k, random_state=seed),
    "adasyn": lambda seed, k, levels: ADASYN(n_neighbors=k, random_state=seed),
    "smote_tomek": lambda seed, k, levels: SMOTETomek(
        smote=SMOTE(k_neighbors=k, random_state=seed), random_state=seed
    ),
    "random_over": lambda seed, k, levels: RandomOverSampler(random_state=seed),
    "random_under": lambda seed, k, levels: RandomUnderSampler(random_state=seed),
    "nearmiss": lambda seed, k, levels: NearMiss(version=1, n_neighbors=min(3, k)),
}
MIXED = {"smotenc"}

# Of a column with many levels, the merged one included, where they are merged.
KEPT_LEVELS = 50

# Allowed numbers of bins for numeric columns (quantile bins); None means no binning.
BINS = (None, *range(2, 21))


def build_pipeline(
    features: dict[str, Any], params: PreprocessParams, model: BaseEstimator
) -> Pipeline:
    """Build preprocessor, resampler and model as one pipeline of library classes.

    The steps are `impute` (which also scales the numbers), `resample_mixed`, `encode`, `resample`
    and `model`. `candidate_params` sets the values of a candidate. Steps that don't depend on the
    candidate come first, so that they are cached once.

    Args:
        features: features.json: `numeric` and `nominal` (lists of names), `many` (those of the
            nominal ones with many levels; may be absent), `ordinal` (name to levels in ascending
            order).
        params: the block `preprocess`.
        model: the estimator.

    Returns:
        The unfitted pipeline, without resampling and with one-hot encoding.
    """
    numeric, nominal = features["numeric"], features["nominal"]
    many = features.get("many", [])
    few = [name for name in nominal if name not in many]
    ordinal = list(features["ordinal"])
    numbers = [_imputer(params.numeric_impute), StandardScaler()]
    if params.power_transform:
        numbers.append(PowerTransformer())
    nominal_imputer = (
        SimpleImputer(strategy="constant", fill_value=MISSING_LEVEL, keep_empty_features=True)
        if params.nominal_impute == "level"
        else _imputer(params.nominal_impute)
    )
    impute = ColumnTransformer(
        [
            ("numeric", make_pipeline(*numbers), numeric),
            ("nominal", nominal_imputer, few),
            *([("many", nominal_imputer, many)] if many else []),
            ("ordinal", _imputer(params.ordinal_impute), ordinal),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    ranks = OrdinalEncoder(
        categories=[features["ordinal"][name] for name in ordinal],
        handle_unknown="use_encoded_value",
        unknown_value=-1,
    )
    encode = ColumnTransformer(
        [
            ("numeric", "passthrough", numeric),
            ("nominal", ENCODERS["onehot"](few), few),
            *([("many", MANY_LEVELS["merge"](0), many)] if many else []),
            (
                "ordinal",
                make_pipeline(ranks, StandardScaler()) if params.scale_ordinal else ranks,
                ordinal,
            ),
        ],
    )
    steps = [
        ("impute", impute),
        ("resample_mixed", "passthrough"),
        ("encode", encode),
        ("resample", "passthrough"),
        ("model", model),
    ]
    return Pipeline(steps)


def _imputer(strategy: str) -> SimpleImputer:
    return SimpleImputer(strategy=strategy, keep_empty_features=True)


def candidate_params(
    encoder: str,
    resample: str,
    model: dict[str, Any],
    features: dict[str, Any],
    seed: int,
    smallest: int,
    bins: int | None = None,
    numeric_impute: str = "median",
    many_levels: str | None = None,
) -> dict[str, Any]:
    """Turn a candidate into parameters for `set_params` of the pipeline of `build_pipeline`.

    Args:
        encoder: a key of `ENCODERS`.
        resample: a key of `RESAMPLERS`.
        model: the parameters of the estimator.
        features: features.json.
        seed: random seed of the resampler.
        smallest: rows of the smaller class in the smallest training part; it limits the number of
            neighbours.
        bins: number of quantile bins for the numeric columns, which are then encoded like the
            nominal ones, as are the ordinal columns; a linear model becomes a table of points. None
            means no binning.
        numeric_impute: replacement of a missing number before binning.
        many_levels: a key of `MANY_LEVELS`; None means `target`, and `merge` with bins, where each
            level would be a line of the table of points.

    Returns:
        Maps names of pipeline parameters to values.
    """
    levels = [*features["nominal"], *features["ordinal"]]
    neighbours = max(1, min(NEIGHBOURS, smallest - 1))
    resampler = RESAMPLERS[resample](seed, neighbours, levels)
    mixed = resample in MIXED
    many = features.get("many", [])
    few = [name for name in features["nominal"] if name not in many]
    coded = MANY_LEVELS[many_levels or ("merge" if bins else "target")]
    return {
        "encode__nominal": ENCODERS[encoder](few),
        **({"encode__many": coded(seed)} if many else {}),
        "resample_mixed": resampler if mixed else "passthrough",
        "resample": "passthrough" if mixed else resampler,
        **(_binned(encoder, bins, features, numeric_impute) if bins else {}),
        **{f"model__{key}": value for key, value in model.items()},
    }


def _binned(
    encoder: str, bins: int, features: dict[str, Any], numeric_impute: str
) -> dict[str, Any]:
    discretizer = KBinsDiscretizer(
        bins, encode="ordinal", quantile_method="averaged_inverted_cdf", subsample=None
    ).set_output(transform="pandas")
    return {
        "impute__numeric": _imputer(numeric_impute).set_output(transform="pandas"),
        "encode__numeric": make_pipeline(discretizer, ENCODERS[encoder](features["numeric"])),
        "encode__ordinal": ENCODERS[encoder](list(features["ordinal"])),
    }

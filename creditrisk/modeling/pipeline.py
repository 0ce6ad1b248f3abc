"""What stands before the model in its pipeline: impute, encode, resample.

Both choices are registries: adding an encoder or a resampler is one entry.
"""

from collections.abc import Callable
from typing import Any, Literal

import category_encoders as ce
from imblearn.combine import SMOTETomek
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, BorderlineSMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import NearMiss, RandomUnderSampler
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
)

from creditrisk.core.params import Strict

MISSING_LEVEL = "missing"
# Rows of the smaller class that a resampler looks at, where the folds have that many.
NEIGHBOURS = 5


class PreprocessParams(Strict):
    """The block `preprocess`.

    Attributes:
        numeric_impute: what stands for a missing number.
        nominal_impute: `level` makes missing a level of its own.
        ordinal_impute: what stands for a missing ordinal level.
        power_transform: Yeo-Johnson on the numeric columns.
        scale_ordinal: bring the ordinal ranks to unit variance, as the numbers are.
    """

    numeric_impute: Literal["median", "mean", "most_frequent"]
    nominal_impute: Literal["level", "most_frequent"]
    ordinal_impute: Literal["most_frequent"]
    power_transform: bool
    scale_ordinal: bool


# Each makes an encoder of the named nominal columns. category_encoders is told the columns: left
# to guess, it encodes nothing where an imputer has changed their type.
ENCODERS: dict[str, Callable[[list[str]], BaseEstimator]] = {
    "onehot": lambda columns: OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    "binary": lambda columns: ce.BinaryEncoder(cols=columns),
    "ordinal": lambda columns: ce.OrdinalEncoder(cols=columns),
    "woe": lambda columns: ce.WOEEncoder(cols=columns),
    "target": lambda columns: ce.TargetEncoder(cols=columns),
}


def _smotenc(seed: int, k: int, categorical: list[str]) -> BaseEstimator:
    return SMOTENC(categorical_features=categorical, k_neighbors=k, random_state=seed)


# Each makes a resampler of (seed, neighbours, the columns that hold levels). `mixed` ones work on
# the imputed levels, before they are encoded; the others on the encoded numbers.
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

# Into how many bins of about equally many rows the numbers may be cut; None leaves them numbers.
BINS = (None, *range(2, 21))


def build_pipeline(
    features: dict[str, Any], params: PreprocessParams, model: BaseEstimator
) -> Pipeline:
    """Build preprocessor, resampler and model as one pipeline of public classes.

    The steps: `impute` (and scale the numbers), `resample_mixed`, `encode`, `resample`, `model`;
    `candidate_params` sets what a candidate chooses. What hangs on no choice stands first, so that
    a cache of the steps serves all candidates.

    Args:
        features: features.json: `numeric`, `nominal` (names), `ordinal` (name to levels in order).
        params: the block `preprocess`.
        model: the estimator.
    """
    numeric, nominal = features["numeric"], features["nominal"]
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
            ("nominal", nominal_imputer, nominal),
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
            ("nominal", ENCODERS["onehot"](nominal), nominal),
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
) -> dict[str, Any]:
    """Word a candidate as parameters of `build_pipeline`'s pipeline.

    Args:
        encoder, resample: names in the registries.
        model: the estimator's values.
        features: features.json.
        seed: for the resampler.
        smallest: rows of the smaller class in the smallest training part; a resampler that looks at
            neighbours looks at no more than there are.
        bins: cut the numbers into so many bins, and encode bins and ordinal levels as the nominal
            ones are; a linear model is then a table of points. None leaves them numbers.
        numeric_impute: what stands for a missing number before it is cut.
    """
    levels = [*features["nominal"], *features["ordinal"]]
    neighbours = max(1, min(NEIGHBOURS, smallest - 1))
    resampler = RESAMPLERS[resample](seed, neighbours, levels)
    mixed = resample in MIXED
    return {
        "encode__nominal": ENCODERS[encoder](features["nominal"]),
        "resample_mixed": resampler if mixed else "passthrough",
        "resample": "passthrough" if mixed else resampler,
        **(_binned(encoder, bins, features, numeric_impute) if bins else {}),
        **{f"model__{key}": value for key, value in model.items()},
    }


def _binned(
    encoder: str, bins: int, features: dict[str, Any], numeric_impute: str
) -> dict[str, Any]:
    cut = KBinsDiscretizer(
        bins, encode="ordinal", quantile_method="averaged_inverted_cdf", subsample=None
    ).set_output(transform="pandas")
    return {
        "impute__numeric": _imputer(numeric_impute).set_output(transform="pandas"),
        "encode__numeric": make_pipeline(cut, ENCODERS[encoder](features["numeric"])),
        "encode__ordinal": ENCODERS[encoder](list(features["ordinal"])),
    }

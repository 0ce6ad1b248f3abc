"""What stands for a missing value, and the columns that say that a value was missing."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, PowerTransformer, StandardScaler

from creditrisk.modeling.params import PreprocessParams

MISSING_LEVEL = "missing"


def imputer_step(
    features: dict[str, Any], params: PreprocessParams, as_is: bool, indicators: bool
) -> ColumnTransformer:
    """Make the step that imputes all columns and scales the numbers.

    Args:
        features: the content of features.json.
        params: the block `preprocess`.
        as_is: whether missing numbers and ranks stay missing, for an estimator that handles them;
            its numbers get no power transform, which is slow and would not change a split.
        indicators: whether to add a column of zeros and ones for each variable with missing
            training cells (`features["missing"]`).
    """
    many = features.get("many", [])
    few = [name for name in features["nominal"] if name not in many]
    numbers = [StandardScaler()] if as_is else [_imputer(params.numeric_impute), StandardScaler()]
    if params.power_transform and not as_is:  # what handles missing values asks for order alone
        numbers.append(PowerTransformer())
    nominal = (
        SimpleImputer(strategy="constant", fill_value=MISSING_LEVEL, keep_empty_features=True)
        if params.nominal_impute == "level"
        else _imputer(params.nominal_impute)
    )
    ordinal = "passthrough" if as_is else _imputer(params.ordinal_impute)
    parts = [
        ("numeric", make_pipeline(*numbers), features["numeric"]),
        ("nominal", nominal, few),
        *([("many", nominal, many)] if many else []),
        ("ordinal", ordinal, list(features["ordinal"])),
    ]
    if indicators:
        parts += [
            (part, MissingIndicator(features="all"), columns)
            for part, columns in indicated(features, params).items()
        ]
    return ColumnTransformer(parts, verbose_feature_names_out=False).set_output(transform="pandas")


def indicated(features: dict[str, Any], params: PreprocessParams) -> dict[str, list[str]]:
    """List the columns that get an indicator, by part: one column has one type of values.

    A nominal one needs none where missing is a level of its own.
    """
    missing = set(features.get("missing", ()))
    parts = {"numeric": features["numeric"], "ordinal": list(features["ordinal"])}
    if params.nominal_impute != "level":
        parts["nominal"] = features["nominal"]
    found = {
        f"missing {part}": [name for name in names if name in missing]
        for part, names in parts.items()
    }
    return {part: names for part, names in found.items() if names}


def indicator_names(names: list[str]) -> list[str]:
    """Return the names that MissingIndicator gives its columns."""
    return [f"missingindicator_{name}" for name in names]


def rank_encoder(features: dict[str, Any], as_is: bool) -> BaseEstimator:
    """Make the encoder of ordinal levels, as ranks from 0; an unknown level is -1.

    Args:
        features: the content of features.json.
        as_is: whether a missing level stays missing.
    """
    gap = [np.nan] if as_is else []
    return OrdinalEncoder(
        categories=[
            np.array([*levels, *gap], dtype=object) if as_is else levels
            for levels in features["ordinal"].values()
        ],
        handle_unknown="use_encoded_value",
        unknown_value=-1,
    )


def _imputer(strategy: str) -> SimpleImputer:
    return SimpleImputer(strategy=strategy, keep_empty_features=True)

"""The predecessor's recipes, rebuilt: preprocessing, resamplers, models and grids."""

import tempfile
import time
from typing import Any

import category_encoders as ce
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import NearMiss
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder, PowerTransformer
from xgboost import XGBClassifier


def recipes(seed: int) -> dict[str, tuple[Any, BaseEstimator, dict[str, list[Any]]]]:
    """Return the predecessor's recipes: name to resampler, model and grid."""
    forest = {
        "n_estimators": [100, 200],
        "max_depth": [5, 10, 15],
        "min_samples_split": [2, 3, 4],
    }
    boosting = {
        "max_depth": 3,
        "learning_rate": 0.1,
        "subsample": 0.8,
        "colsample_bytree": 0.8,
        "n_jobs": 1,
        "random_state": seed,
    }
    return {
        # l1_ratio=1 gives the same results, to the last digit, as the old penalty="l1".
        "predecessor LR": (
            SMOTE(random_state=seed),
            LogisticRegression(
                l1_ratio=1.0, solver="liblinear", class_weight="balanced", random_state=seed
            ),
            {"C": [0.01, 0.1]},
        ),
        "predecessor RF": (
            NearMiss(version=3),
            RandomForestClassifier(class_weight="balanced", n_jobs=1, random_state=seed),
            forest,
        ),
        "predecessor XGB": (
            NearMiss(),
            XGBClassifier(**boosting),
            {"n_estimators": [100, 200]},
        ),
    }


def predecessor_pipeline(features: dict[str, Any], resampler: Any, model: Any) -> Pipeline:
    """Build the predecessor's preprocessing, resampler and model.

    Args:
        features: the content of features.json.
        resampler: the resampler of a recipe.
        model: the model of a recipe.
    """
    numeric = [name for name in features["numeric"] if name not in features["derived"]]
    nominal, ordinal = features["nominal"], list(features["ordinal"])
    ranks = OrdinalEncoder(
        categories=[features["ordinal"][name] for name in ordinal],
        handle_unknown="use_encoded_value",
        unknown_value=-1,
    )
    levels = SimpleImputer(strategy="most_frequent").set_output(transform="pandas")
    prepare = ColumnTransformer(
        [
            (
                "numeric",
                make_pipeline(SimpleImputer(strategy="mean"), MinMaxScaler(), PowerTransformer()),
                numeric,
            ),
            ("nominal", make_pipeline(levels, ce.BinaryEncoder(cols=nominal)), nominal),
            (
                "ordinal",
                make_pipeline(SimpleImputer(strategy="most_frequent"), ranks, MinMaxScaler()),
                ordinal,
            ),
        ]
    )
    return Pipeline([("prepare", prepare), ("resample", resampler), ("model", model)])


def predecessor_pd(
    name: str, features: dict[str, Any], inside: pd.DataFrame, outside: pd.DataFrame, seed: int
) -> np.ndarray:
    """Tune a recipe as the predecessor did, and predict rows that it has not seen.

    Args:
        name: a key of `recipes`.
        features: the content of features.json.
        inside: training rows of an outer fold.
        outside: test rows of an outer fold, n rows.
        seed: random seed.

    Returns:
        PDs of the test rows, shape (n,).
    """
    resampler, model, values = recipes(seed)[name]
    # The candidates differ only in the model, so the steps before it are cached once per fold.
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as memory:
        tuned = GridSearchCV(
            predecessor_pipeline(features, resampler, model).set_params(memory=memory),
            {f"model__{key}": value for key, value in values.items()},
            scoring="roc_auc",
            cv=StratifiedKFold(5, shuffle=True, random_state=seed),
            n_jobs=-1,
            error_score="raise",
        )
        tuned.fit(inside, inside["bad"].to_numpy())
        return tuned.predict_proba(outside)[:, 1]


def search_seconds(features: dict[str, Any], frame: pd.DataFrame, seed: int) -> float:
    """Measure the predecessor's three searches on all training rows: 22 candidates x 15 folds.

    Args:
        features: the content of features.json.
        frame: the training rows.
        seed: random seed.
    """
    started = time.perf_counter()
    for resampler, model, values in recipes(seed).values():
        GridSearchCV(
            predecessor_pipeline(features, resampler, model),
            {f"model__{key}": value for key, value in values.items()},
            scoring="roc_auc",
            cv=RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=seed),
            n_jobs=-1,
        ).fit(frame, frame["bad"].to_numpy())
    return time.perf_counter() - started

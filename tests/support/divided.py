"""Made-up applicants, and searches of one candidate, for fits that are divided among machines."""

from typing import Any

import numpy as np
import pandas as pd

from creditrisk.modeling.params import PreprocessParams
from creditrisk.train.params import TrainParams
from creditrisk.train.spec import SearchSpec, make_spec

FEATURES: dict[str, Any] = {
    "numeric": ["income", "debt"],
    "nominal": ["region", "town"],
    "ordinal": {"grade": ["a", "b", "c"]},
    "many": [],
    "missing": ["income"],
    "levels": {"region": ["n", "s", "w"], "town": [f"t{number}" for number in range(12)]},
}
# Every row in every tree, and leaves far from the least number of rows.
SMALL = {
    "xgb": {"n_estimators": 20, "max_depth": 3, "colsample_bytree": 0.5},
    "lgbm": {"n_estimators": 8, "num_leaves": 4, "colsample_bytree": 0.5},
}


def applicants(rows: int = 2000) -> pd.DataFrame:
    """Sorted by income, which has few values, so that all of them are in every part."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"row_id": np.arange(rows) + 1, "applicant": np.arange(rows)})
    frame["income"] = np.sort(rng.integers(0, 12, rows)).astype(float)
    frame["debt"] = rng.integers(0, 9, rows).astype(float)
    frame["region"] = rng.choice(FEATURES["levels"]["region"], rows)
    frame["town"] = rng.choice(FEATURES["levels"]["town"], rows)
    frame["grade"] = rng.choice(FEATURES["ordinal"]["grade"], rows)
    risk = frame["debt"] / 3 - frame["income"] / 4 + (frame["region"] == "n")
    frame["bad"] = (rng.random(rows) < 1 / (1 + np.exp(1 - risk))).astype("int8")
    frame.loc[rng.random(rows) < 0.1, "income"] = np.nan
    return frame


def spec_of(
    name: str,
    rows: int = 2000,
    features: dict[str, Any] = FEATURES,
    final_fit: str = "local",
    **block: Any,
) -> SearchSpec:
    """Specify a search of one candidate."""
    preprocess = PreprocessParams(
        numeric_impute="median",
        nominal_impute="level",
        ordinal_impute="most_frequent",
        power_transform=False,
        scale_ordinal=True,
    )
    train = TrainParams(
        folds=2,
        repeats=1,
        scoring="roc_auc",
        calibration="platt",
        nested=True,
        outer_folds=2,
        inner_folds=2,
        search_rows=1000,
        final_fit=final_fit,
    )
    block = {"encoder": "onehot", "resample": "none"} | SMALL.get(name, {}) | block
    return make_spec(name, block, features, preprocess, train, 1, rows)

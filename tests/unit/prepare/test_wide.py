"""A wide table: as quiet as a narrow one."""

import warnings

import numpy as np
import pandas as pd

from creditrisk.schema import parse_schema
from tests.support.small_data import clean


def test_more_than_a_hundred_columns_bring_no_warning():
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(150)]
    raw = pd.DataFrame(rng.integers(0, 999, (60, 150)), columns=names).astype("str")
    raw["outcome"] = np.where(rng.random(60) < 0.4, "bad", "good")
    raw.insert(0, "row_id", range(1, 61))
    raw.insert(1, "line", range(2, 62))
    raw.insert(2, "malformed", pd.Series([None] * 60, dtype="str"))
    schema = parse_schema(
        {
            "name": "wide",
            "target": {"column": "outcome", "good": ["good"], "bad": ["bad"]},
            "columns": {name: {"name": name, "kind": "numeric"} for name in names},
        },
        "wide.yaml",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = clean(raw, schema)
    assert found.clean.shape == (60, 154)

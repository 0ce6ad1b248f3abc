"""Columns that a person should look at are named, with the reason; the others are not."""

import numpy as np
import pandas as pd

from creditrisk.eda.describe import information_value, levels, missing
from creditrisk.eda.look_at import columns_to_look_at
from creditrisk.schema import parse_schema

RNG = np.random.default_rng(0)
N = 1000
BAD = (RNG.random(N) < 0.2).astype("int8")
COLUMNS = {
    "same": ("nominal", ["EUR"] * N),
    "url": ("nominal", [f"https://{i}" for i in range(N)]),
    "title": ("nominal", [f"t{i}" for i in RNG.integers(0, 400, N)]),
    "zip_code": ("numeric", RNG.integers(10000, 99999, N).astype(float)),
    "recovered": ("numeric", np.where(BAD == 1, RNG.uniform(1, 9, N), 0.0)),
    "age": ("numeric", RNG.integers(20, 70, N).astype(float)),
    "home": ("nominal", RNG.choice(["own", "rent"], N)),
}


def found(**extra):
    schema = parse_schema(
        {
            "name": "t",
            "target": {"column": "y", "good": ["0"], "bad": ["1"]},
            "columns": {
                name: {"name": name, "kind": kind} | extra.get(name, {})
                for name, (kind, _) in COLUMNS.items()
            },
        },
        "t.yaml",
    )
    frame = pd.DataFrame(
        {n: pd.Series(v, dtype="str" if k == "nominal" else None) for n, (k, v) in COLUMNS.items()}
    ).assign(bad=BAD)
    values = information_value(levels(frame, schema))
    return columns_to_look_at(frame, schema, values).set_index("variable")


def test_each_kind_is_named_once():
    table = found()
    assert table["finding"].to_dict() == {
        "same": "constant",
        "url": "unique_text",
        "title": "almost_id",
        "zip_code": "code_as_number",
        "recovered": "high_information_value",
    }
    assert "1,000 different texts in 1,000" in table.loc["url", "detail"]
    assert "400 levels" not in table.loc["url", "detail"]


def test_a_forced_text_is_no_finding_of_its_own():
    assert found(url={"force": "true"}).loc["url", "finding"] == "almost_id"


def test_special_codes_are_levels_and_not_missing():
    schema = parse_schema(
        {
            "name": "t",
            "target": {"column": "y", "good": ["0"], "bad": ["1"]},
            "columns": {"late": {"name": "late", "kind": "numeric", "special": {"98": "refused"}}},
        },
        "t.yaml",
    )
    codes = np.where(np.arange(N) % 4 == 0, "98", "none")
    late = np.where(codes == "98", np.nan, np.arange(N) % 3)
    late[1] = np.nan
    frame = pd.DataFrame({"late": late, "special.late": codes, "bad": BAD})
    table = levels(frame, schema).set_index("label")
    assert table.loc["98: refused", "rows"] == 250
    assert table.loc["98: refused", "bad_rate"] == BAD[codes == "98"].mean()
    assert table.loc["missing", "rows"] == 1
    assert table["rows"].sum() == N
    assert missing(frame, schema)["missing"].tolist() == [1]

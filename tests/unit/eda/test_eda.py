"""eda: statistics by hand, adjustments from train rows alone, pages of any shape of data."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.files import write_json
from creditrisk.eda import associate, describe
from creditrisk.eda.adjust import EdaParams, apply, learn
from creditrisk.eda.findings import Findings, summarise
from creditrisk.eda.report import build_page
from creditrisk.schema import parse_schema
from tests.support.browser import needs_chromium, open_page

PARAMS = EdaParams(cap_iqr_factor=3.0, rare_level_share=0.05)
_PURPOSES = {"1": "car", "2": "tv", "3": "others"}
SCHEMA = parse_schema(
    {
        "name": "small",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {
            "A": {"name": "amount", "kind": "numeric", "unit": ["EUR"], "integer": "true"},
            "P": {"name": "purpose", "kind": "nominal", "levels": _PURPOSES},
            "R": {"name": "region", "kind": "nominal"},
            "G": {"name": "grade", "kind": "ordinal", "levels": ["low", "mid", "high"]},
        },
    },
    "small.yaml",
)  # fmt: skip


def frame(**columns):
    rows = len(next(iter(columns.values())))
    given = {
        "row_id": range(1, rows + 1), "split": ["train"] * rows, "bad": [0, 1] * (rows // 2),
        "amount": [float(i) for i in range(rows)], "purpose": ["1"] * rows,
        "region": ["north"] * rows, "grade": ["low"] * rows,
    } | columns  # fmt: skip
    made = pd.DataFrame(given).astype({"bad": "int8", "amount": "float64"})
    return made.astype(dict.fromkeys(("purpose", "region", "grade"), "str"))


def test_weight_of_evidence_and_information_value_by_hand():
    # Level 1: 3 good, 1 bad; level 2: 1 good, 3 bad; s = 0.5, k = 2.
    train = frame(purpose=["1"] * 4 + ["2"] * 4, bad=[0, 0, 0, 1, 0, 1, 1, 1])
    found = describe.levels(train, SCHEMA).query("variable == 'purpose'")
    share = 3.5 / 5
    woe = math.log(share / (1.5 / 5))
    assert found["label"].tolist() == ["car", "tv"]
    assert found["woe"].tolist() == pytest.approx([woe, -woe])
    assert found["bad_rate"].tolist() == [0.25, 0.75]
    value = describe.information_value(describe.levels(train, SCHEMA)).set_index("variable")
    iv = 2 * (share - 0.3) * woe
    assert value.loc["purpose", "information_value"] == pytest.approx(iv)
    assert value.loc["region", "information_value"] == 0


def test_missing_cells_are_a_level_of_their_own():
    train = frame(purpose=["1", "1", None, None], bad=[0, 0, 1, 1])
    found = describe.levels(train, SCHEMA).query("variable == 'purpose'")
    assert found[["code", "label", "rows", "bads"]].to_numpy().tolist() == [
        ["1", "car", 2, 0],
        ["", "missing", 2, 2],
    ]
    assert describe.missing(train, SCHEMA).set_index("variable").loc["purpose", "share"] == 0.5


def test_quantile_bins_hold_each_present_value_once():
    amount = [0.0] * 50 + list(range(1, 50)) + [np.nan]
    found = describe.levels(frame(amount=amount), SCHEMA).query("variable == 'amount'")
    assert found["rows"].sum() == 100
    assert found["label"].tolist()[0] == "0"
    assert found["rows"].tolist()[0] == 50
    assert found["label"].tolist()[-2:] == ["40 to 49", "missing"]


def test_wilson_interval_by_hand():
    # p = 0.1, n = 100, z = 1.96: centre (0.1 + 0.019208) / 1.038416, half 0.0596.
    low, high = describe.wilson([10, 0, 5, 0], [100, 10, 5, 0])
    assert low[:3] == pytest.approx([0.05523, 0, 0.56552], abs=1e-4)
    assert high[:3] == pytest.approx([0.17437, 0.27753, 1], abs=1e-4)
    assert np.isnan([low[3], high[3]]).all()


def test_cramers_v_by_hand():
    # chi2 = 100 * (40*40 - 10*10)^2 / 50^4 = 36; corrected phi2 = 0.36 - 1/99.
    phi2 = 0.36 - 1 / 99
    room = 2 - 1 / 99 - 1
    value = associate.cramers_v(np.array([[40, 10], [10, 40]]))
    assert value == pytest.approx(math.sqrt(phi2 / room))
    assert associate.cramers_v(np.array([[25, 25], [25, 25]])) == 0
    assert associate.cramers_v(np.array([[40, 0], [0, 60]])) == pytest.approx(1, abs=1e-9)
    assert math.isnan(associate.cramers_v(np.array([[3, 4]])))
    assert math.isnan(associate.cramers_v(np.eye(5)))


def test_spearman_orders_ordinal_levels_as_the_schema_does():
    train = frame(
        amount=[1, 2, 30, 40, 500, 600], grade=["low", "low", "mid", "mid", "high", "high"]
    )
    found = associate.spearman(train, SCHEMA)
    # Ranks 1..6 against 1.5 1.5 3.5 3.5 5.5 5.5: 16 / sqrt(17.5 * 16).
    assert found["rho"].tolist() == pytest.approx([16 / math.sqrt(17.5 * 16)])


def test_outliers_are_counted_beyond_the_fences():
    train = frame(amount=[1, 2, 3, 4, 5, 6, 7, 100])
    row = describe.outliers(train, SCHEMA).iloc[0]
    # Quartiles 2.75 and 6.25: fences -2.5 and 11.5.
    assert row.tolist() == ["amount", -2.5, 11.5, 0, 1, 0.125]


def test_caps_stand_where_train_rows_lie_beyond_and_stay_whole():
    train = frame(amount=[1, 2, 3, 4, 5, 6, 7, 100])
    cap = learn(train, SCHEMA, PARAMS)["caps"]["amount"]
    assert cap == {"low": None, "high": 16.0, "rows_low": 0, "rows_high": 1}
    assert apply(train, learn(train, SCHEMA, PARAMS))["amount"].max() == 16
    assert learn(frame(amount=[1, 2, 3, 4, 5, 6, 7, 8]), SCHEMA, PARAMS)["caps"] == {}
    assert learn(train, SCHEMA, EdaParams(cap_iqr_factor=None))["caps"] == {}


def test_column_of_mostly_one_value_is_not_capped():
    train = frame(amount=[0.0] * 90 + [5.0] * 10)
    assert learn(train, SCHEMA, PARAMS)["caps"] == {}


def merging(rare=("x", "y")):
    return frame(region=["north"] * 60 + ["south"] * 36 + [rare[0]] * 2 + [rare[1]] * 2)


def test_two_rare_levels_and_levels_never_seen_become_one():
    merge = learn(merging(), SCHEMA, PARAMS)["merges"]["region"]
    assert merge == {
        "into": "rare levels",
        "kept": ["north", "south"],
        "merged": {"x": 2, "y": 2},
        "rows": 4,
    }
    new = apply(
        frame(region=["north", "x", "never seen", None]), {"caps": {}, "merges": {"region": merge}}
    )
    assert new["region"].tolist()[:3] == ["north", "rare levels", "rare levels"]
    assert new["region"].isna().tolist() == [False, False, False, True]


def test_one_rare_level_stays_and_so_does_a_column_of_rare_levels_only():
    one = frame(region=["north"] * 96 + ["x"] * 4)
    assert learn(one, SCHEMA, PARAMS)["merges"] == {}
    assert apply(frame(region=["north", "new"]), learn(one, SCHEMA, PARAMS))["region"][1] == "new"
    many = frame(region=[f"r{i}" for i in range(100)])
    assert learn(many, SCHEMA, PARAMS)["merges"] == {}


@pytest.mark.parametrize("taken", ["rare levels", "Rare  LEVELS"])
def test_merged_level_takes_no_name_that_is_in_use(taken):
    assert (
        learn(merging((taken, "y")), SCHEMA, PARAMS)["merges"]["region"]["into"] == "rare levels 2"
    )


def whole(rows=400, seed=1):
    rng = np.random.default_rng(seed)
    made = frame(
        amount=np.where(rng.random(rows) < 0.05, 1e6, rng.integers(1, 1000, rows)),
        purpose=rng.choice(["1", "2", "3"], rows, p=[0.96, 0.02, 0.02]),
        region=rng.choice(["n", "s", *"abcdef"], rows, p=[0.5, 0.44, *[0.01] * 6]),
        grade=rng.choice(["low", "mid", "high"], rows),
    )
    made["split"] = np.where(np.arange(rows) % 4 == 0, "test", "train")
    return made


def test_adjustments_do_not_see_the_test_rows():
    clean = whole()
    changed = clean.copy()
    test = changed["split"] == "test"
    changed.loc[test, ["amount", "region"]] = [-1e9, "elsewhere"]
    a, b = (learn(f[f["split"] == "train"], SCHEMA, PARAMS) for f in (clean, changed))
    assert a == b
    assert a["caps"]
    assert set(a["merges"]) == {"purpose", "region"}


def test_apply_is_pure_idempotent_and_the_same_from_the_file(tmp_path):
    clean = whole()
    before = clean.copy()
    adjustments = learn(clean[clean["split"] == "train"], SCHEMA, PARAMS)
    write_json(adjustments, tmp_path / "a.json")
    read = json.loads((tmp_path / "a.json").read_text())
    assert read == adjustments
    once = apply(clean, read)
    pd.testing.assert_frame_equal(clean, before)
    pd.testing.assert_frame_equal(apply(once, read), once)
    assert list(once.columns) == list(clean.columns)
    assert once.dtypes.equals(clean.dtypes)


def test_adjustments_count_the_train_rows_that_they_touch():
    clean = whole()
    train = clean[clean["split"] == "train"]
    adjustments = learn(train, SCHEMA, PARAMS)
    after = apply(train, adjustments)
    summary = summarise(train, Findings.of(train, SCHEMA), adjustments)
    changed = after.compare(train)
    assert summary["rows_adjusted"] == len(changed)
    assert summary["cells_capped"] == (after["amount"] != train["amount"]).sum()
    merged = sum((after[c] != train[c]).sum() for c in ("purpose", "region"))
    assert summary["cells_merged"] == merged


def prepared(clean, schema, rejected):
    cells = {"valid": len(clean), "empty": 1, "null_word": 2, "unparseable": 0, "out_of_domain": 3}
    return {
        "rows_read": len(clean) + len(rejected),
        "rows_clean": len(clean),
        "rows_rejected": len(rejected),
        "rejected": {r: int((rejected["reason"] == r).sum()) for r in ("malformed", "duplicate")},
        "bad_rate": clean["bad"].mean(),
        "cells": dict.fromkeys(schema.features, cells),
        "missing": {name: int(clean[name].isna().sum()) for name in schema.features},
        "special": {},
    }


def page_of(clean, schema, rejected=()):
    rejected = pd.DataFrame(rejected, columns=["row_id", "reason", "detail", "kept_row_id"])
    rejected = rejected.astype({"kept_row_id": "Int64"})
    train = clean[clean["split"] == "train"]
    found = Findings.of(train, schema)
    adjustments = learn(train, schema, PARAMS)
    account = prepared(clean, schema, rejected)
    summarise(train, found, adjustments)
    return build_page(train, schema, found, adjustments, PARAMS, account, rejected).html()


EVIL = "<img src=x onerror=alert(1)></script>"


def hard(rows=2000):
    """Every shape at once: one value, none, 300 levels, markup in names, 5% bad."""
    rng = np.random.default_rng(3)
    tree = {
        "name": EVIL,
        "description": EVIL,
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {
            "a": {"name": "one_value", "kind": "numeric"},
            "b": {"name": "all_missing", "kind": "numeric", "unit": [EVIL]},
            "c": {"name": "spread", "kind": "numeric"},
            "d": {"name": "many", "kind": "nominal"},
            "e": {"name": EVIL, "kind": "nominal", "levels": {"1": EVIL, "2": "$5 to $9 " * 20}},
            "f": {"name": "empty_nominal", "kind": "nominal"},
            "g": {"name": "grade", "kind": "ordinal", "levels": ["low", "high"]},
            "h": {"name": "empty_ordinal", "kind": "ordinal", "levels": ["low", "high"]},
        },
    }
    made = pd.DataFrame(
        {
            "row_id": np.arange(rows), "split": np.where(np.arange(rows) % 7, "train", "test"),
            "bad": (np.arange(rows) % 20 == 1).astype("int8"), "one_value": 7.0,
            "all_missing": np.nan, "spread": np.exp(rng.normal(0, 3, rows)),
            "many": pd.Series([f"{EVIL} {i % 300}" for i in range(rows)], dtype="str"),
            EVIL: pd.Series(rng.choice(["1", "2"], rows), dtype="str"),
            "empty_nominal": pd.Series([None] * rows, dtype="str"),
            "grade": pd.Series(rng.choice(["low", "high"], rows), dtype="str"),
            "empty_ordinal": pd.Series([None] * rows, dtype="str"),
        }
    )  # fmt: skip
    return made, parse_schema(tree, "hard.yaml")


REJECTED = [(1, "malformed", EVIL, None), (2, "duplicate", "line 3", 1)]


def test_page_of_any_shape_is_escaped_and_says_what_it_leaves_out():
    clean, schema = hard()
    html = page_of(clean, schema, REJECTED)
    assert "<img" not in html[html.index("<body>") :]
    assert "The 20 most frequent of 300 levels" in html
    assert "one value is constant in the training rows: 7." in html
    assert "empty nominal is constant in the training rows: missing." in html
    assert html == page_of(clean, schema, REJECTED)


@pytest.mark.parametrize("kind", ["numeric", "ordinal", "nominal"])
def test_page_without_a_kind_of_column(kind):
    clean, schema = hard(200)
    columns = {k: c for k, c in schema.columns.items() if c.kind != kind}
    html = page_of(clean, schema.model_copy(update={"columns": columns}))
    assert f"The schema has no {kind} column." in html


def test_page_of_100_000_rows_stays_small():
    clean, schema = hard(100_000)
    assert len(page_of(clean, schema)) < 6_500_000


@needs_chromium
@pytest.mark.parametrize("width", [1200, 400])
def test_page_opens_without_a_network_and_draws_every_chart(tmp_path, width):
    clean, schema = hard()
    html = page_of(clean, schema, REJECTED)
    path = tmp_path / "eda.html"
    path.write_text(html, encoding="utf-8")
    opened = open_page(path, tmp_path / "profile", width)
    assert opened.console == []
    assert opened.charts == html.count("<figure>") > 10

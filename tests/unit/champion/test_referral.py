"""Who is referred: by what is lacking, by what training did not have, by a band, by a gain."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from creditrisk.champion.referral import (
    check_band,
    columns_of,
    find_referrals,
    learn_rules,
    model_columns,
    referred_rows,
    static_referrals,
)
from creditrisk.champion.substitute import leave_out, substitute, usual_values
from creditrisk.core.errors import InputError
from creditrisk.metrics.costs import DecisionParams
from creditrisk.schema import parse_schema

SCHEMA = parse_schema(
    {
        "name": "few",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "application_date": "applied",
        "columns": {
            "applied": {"name": "applied", "kind": "date", "format": "%Y-%m-%d"},
            "opened": {"name": "opened", "kind": "date", "format": "%Y-%m-%d"},
            "income": {"name": "income", "kind": "numeric", "special": {"-1": "not asked"}},
            "debt": {"name": "debt", "kind": "numeric"},
            "town": {"name": "town", "kind": "nominal"},
            "home": {"name": "home", "kind": "nominal"},
        },
    },
    "schema.yaml",
)
FEATURES = {
    "numeric": ["opened", "income", "debt", "burden"],
    "nominal": ["town", "home", "special.income"],
    "ordinal": {},
    "derived": {"burden": {"op": "ratio", "of": ["debt", "income"]}},
}
EVERY = [*FEATURES["numeric"], *FEATURES["nominal"]]


def frame(count=200):
    """Training rows: debt and home have gaps, income has codes, towns are many and rare."""
    rng = np.random.default_rng(3)
    income = rng.uniform(10, 20, count)
    asked = np.arange(count) % 4 != 0
    debt = np.where(np.arange(count) % 10 == 0, np.nan, rng.uniform(1, 9, count))
    home = np.where(np.arange(count) % 20 == 0, None, np.where(income > 15, "own", "rent"))
    return pd.DataFrame(
        {
            "row_id": np.arange(1, count + 1),
            "bad": (np.arange(count) % 3 == 0).astype(int),
            "opened": rng.uniform(5, 99, count),
            "income": np.where(asked, income, np.nan),
            "debt": debt,
            "burden": debt / np.where(asked, income, np.nan),
            "town": pd.array([f"t{n // 2 if n < 100 else n}" for n in range(count)], "str"),
            "home": pd.array(home, "str"),
            "special.income": pd.array(np.where(asked, "none", "-1"), "str"),
        }
    )


def decision(**refer):
    required = refer.pop("required", [])
    return DecisionParams(
        cost_bad_accepted=5, cost_good_rejected=1, cost_referred=0.3, threshold="theory",
        required=required, refer=refer,
    )  # fmt: skip


def applicants(**changed):
    """Two training rows without a gap, of which the first is changed."""
    rows = frame().iloc[[1, 3]].reset_index(drop=True).copy()
    for name, value in changed.items():
        rows[name] = rows[name].astype(object)
        rows.loc[0, name] = value
        rows[name] = rows[name].astype(frame()[name].dtype)
    rows["burden"] = rows["debt"] / rows["income"]
    return rows


def found(rows, pds=(0.1, 0.1), predict=None, **refer):
    params = decision(**refer)
    rules = learn_rules(frame(), FEATURES, SCHEMA, params).at(1 / 6, params, frame())
    stated = columns_of(rows, EVERY, FEATURES["derived"])
    predict = predict or (lambda columns: np.full(len(columns["debt"]), 0.1))
    causes = find_referrals(
        rules, stated, model_columns(rows, EVERY), np.array(pds), 1 / 6, predict
    )
    assert not any(one.rows[1] for one in causes if one.kind != "band")
    return [(one.kind, one.variable) for one in causes if one.rows[0]]


def test_nobody_is_referred_who_is_like_a_training_row():
    assert found(applicants()) == []
    rules = learn_rules(frame(), FEATURES, SCHEMA, decision())
    assert not static_referrals(rules, frame(), FEATURES).any()


def test_a_field_that_no_training_row_lacked():
    assert found(applicants(opened=np.nan)) == [("missing", "opened")]
    assert found(applicants(town=None)) == [("missing", "town")]
    # Training rows lacked these.
    assert found(applicants(debt=np.nan)) == []
    assert found(applicants(home=None)) == []
    # A number in a row is its number or its code; a code is no gap, nothing in its place is one.
    assert found(applicants(income=np.nan, **{"special.income": "-1"})) == []
    assert found(applicants(income=np.nan)) == [("missing", "income")]


def test_a_derived_value_that_no_training_row_lacked():
    # Of a ratio to zero: its operands are there, so the ratio is what is named.
    rows = applicants(income=0.0)
    rows.loc[0, "burden"] = np.nan
    assert found(rows, unseen=False) == [("missing", "burden")]


def test_more_fields_than_any_training_row_lacked():
    both = frame()[["debt", "home"]].isna().sum(axis=1).max()
    assert both == 2  # every twentieth row lacks both
    assert found(applicants(debt=np.nan, home=None)) == []
    some = frame().assign(home="own")
    params = decision()
    rules = learn_rules(some, FEATURES, SCHEMA, params)
    assert rules.most_missing == 1
    rows = applicants(debt=np.nan, home=None)
    causes = find_referrals(
        rules.model_copy(update={"missing": []}), columns_of(rows, EVERY, FEATURES["derived"]),
        model_columns(rows, EVERY), np.zeros(2), 1 / 6, lambda c: np.zeros(2),
    )  # fmt: skip
    assert [(one.kind, one.rows.tolist()) for one in causes] == [("most_missing", [True, False])]


def test_missing_can_be_asked_of_all_or_of_none():
    assert found(applicants(debt=np.nan), missing=True) == [("missing", "debt")]
    assert found(applicants(opened=np.nan), missing=False) == []


def test_required_fields():
    assert found(applicants(debt=np.nan), required=["debt"]) == [("required", "debt")]
    rules = learn_rules(frame(), FEATURES, SCHEMA, decision(required=["debt"]))
    assert static_referrals(rules, frame(), FEATURES).tolist() == frame()["debt"].isna().tolist()
    with pytest.raises(InputError, match="no variable dept") as caught:
        learn_rules(frame(), FEATURES, SCHEMA, decision(required=["dept"]))
    assert "debt" in str(caught.value)


def test_levels_and_dates_that_no_training_row_had():
    assert found(applicants(home="castle")) == [("unseen", "home")]
    assert found(applicants(opened=300.0)) == [("unseen", "opened")]
    assert found(applicants(**{"special.income": "-2"}, income=np.nan)) == [
        ("unseen", "special.income")
    ]
    # Half of the towns occur once: a new one is usual, unless it is asked for.
    assert found(applicants(town="new")) == []
    assert found(applicants(town="new"), unseen=True) == [("unseen", "town")]
    assert found(applicants(home="castle", opened=300.0), unseen=False) == []


def test_numbers_far_from_those_of_all_training_rows():
    debts = frame()["debt"]
    length = debts.max() - debts.min()
    assert found(applicants(debt=debts.max() + 0.99 * length)) == []  # of a long tail
    assert found(applicants(debt=debts.max() + 1.01 * length)) == [("unseen", "debt")]
    assert debts.min() - length < 0
    assert found(applicants(debt=0.0)) == []
    assert found(applicants(debt=-0.01)) == [("unseen", "debt")]  # no training row has less than 0
    assert found(applicants(debt=-1e308)) == [("unseen", "debt")]
    assert found(applicants(debt=-1e308), unseen=False) == []


def test_the_ends_of_far_are_numbers_for_any_training_rows():
    rows = frame()
    rows["debt"] = np.where(rows.index % 2, -1.6e308, 1.6e308)
    rules = learn_rules(rows, FEATURES, SCHEMA, decision())
    assert np.isfinite(rules.ranges["debt"]).all()
    rows["debt"] = np.linspace(-3, 1, len(rows))
    assert learn_rules(rows, FEATURES, SCHEMA, decision()).ranges["debt"] == (-7, 5)


@pytest.mark.parametrize("band", [[0.05, 0.1], [0.3, 0.4]])
def test_a_band_that_leaves_a_hole_at_the_cut_off_is_an_error(band):
    with pytest.raises(ValidationError, match=r"does not contain the cut-off 0\.166667"):
        decision(band=band)
    rules = learn_rules(frame(), FEATURES, SCHEMA, decision())
    holed = rules.model_copy(update={"band": tuple(band)})
    with pytest.raises(InputError, match=r"does not contain the cut-off 0\.166667"):
        check_band(holed, 1 / 6)
    for fits in ([0.1, 0.2], [0.1, 1 / 6], [1 / 6, 0.2]):
        check_band(rules.model_copy(update={"band": tuple(fits)}), 1 / 6)
        decision(band=fits)


@pytest.mark.parametrize(
    ("band", "pds", "expected"),
    [
        (None, (1 / 6, 0.1), []),
        (0.05, (0.2, 0.1), [("band", "")]),
        (0.05, (0.1166666667, 0.1), [("band", "")]),
        (0.05, (1 / 6 + 0.0500001, 0.1), []),
        ([0.15, 0.4], (0.3, 0.1), [("band", "")]),
        ([0.15, 0.4], (0.4, 0.1), []),
        ("auto", (0.06, 0.05), [("band", "")]),  # 0.3 / 5
        ("auto", (0.0599, 0.05), []),
        ("auto", (0.6999, 0.05), [("band", "")]),  # 1 - 0.3 / 1
        ("auto", (0.7, 0.05), []),
    ],
)
def test_the_band(band, pds, expected):
    assert found(applicants(), pds, band=band) == expected


def test_an_acceptance_that_depends_on_a_missing_value():
    def risky_if_high(columns):
        return np.where(columns["burden"] > 0.3, 0.5, 0.1)  # NaN is not above

    rows = applicants(debt=np.nan)
    assert found(rows, predict=risky_if_high) == []
    gained = found(rows, predict=risky_if_high, gain=True)
    assert gained == [("gain", "debt")]  # the ratio is derived again from each usual debt
    assert found(applicants(), predict=risky_if_high, gain=True) == []
    refused = found(rows, (0.3, 0.1), risky_if_high, gain=True)
    assert refused == []  # a refusal needs no gain


def test_a_value_is_substituted_with_all_that_follows_from_it():
    columns = model_columns(applicants(), EVERY)
    changed = substitute(columns, "income", 12.0, FEATURES["derived"])
    assert changed["burden"].tolist() == pytest.approx((columns["debt"] / 12).tolist())
    assert changed["special.income"].tolist() == ["none", "none"]
    without = leave_out(columns, "debt", FEATURES["derived"])
    assert np.isnan(without["debt"]).all()
    assert np.isnan(without["burden"]).all()
    assert leave_out(columns, "home", {})["home"].tolist() == [None, None]
    assert not np.isnan(columns["debt"]).any()  # the columns themselves are as they were


def test_usual_values():
    counts = frame()["home"].value_counts()
    assert usual_values(frame(), "home") == counts.index.tolist()
    debts = usual_values(frame(), "debt")
    assert len(debts) == 19
    assert set(debts) <= set(frame()["debt"])
    assert usual_values(frame().assign(debt=np.nan), "debt") == []


def test_rows_of_several_causes_count_once():
    rows = applicants(opened=np.nan, home="castle")
    params = decision()
    rules = learn_rules(frame(), FEATURES, SCHEMA, params)
    causes = find_referrals(
        rules, columns_of(rows, EVERY, FEATURES["derived"]), model_columns(rows, EVERY),
        np.zeros(2), 1 / 6, lambda c: np.zeros(2),
    )  # fmt: skip
    assert len(causes) == 2
    assert referred_rows(causes, 2).tolist() == [True, False]

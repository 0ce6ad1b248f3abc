"""Bins: where numbers are cut, what stays apart, and what a person has fixed."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.modeling.binning.binner import ASIDE, ENOUGH_ROWS, UNSEEN, Binner
from creditrisk.modeling.binning.edges import (
    MIN_ROWS,
    count_bins,
    find_bins,
    information_value,
    shortest_between,
)


def drawn(values, rates, seed=0):
    """Outcomes of values whose bad rates are known."""
    return (np.random.default_rng(seed).random(len(values)) < rates).astype(float)


def counts(rows=20_000, seed=0):
    """Late payments: 84% have none, and each one more is worse."""
    shares = [0.84, 0.10, 0.035, 0.015, 0.01]
    late = np.random.default_rng(seed).choice(5, rows, p=shares).astype(float)
    return late, drawn(late, np.array([0.04, 0.15, 0.25, 0.35, 0.5])[late.astype(int)], 1)


def test_a_count_that_is_mostly_zero_has_a_bin_for_each_number():
    late, bad = counts()
    found = find_bins(late, bad, 8, "auto")
    assert found.edges.tolist() == [1, 2, 3, 4]
    # Quantiles make one bin of it; the number itself says as much as the bins.
    assert information_value(found) == pytest.approx(
        information_value(count_bins(np.arange(1, 5), late, bad))
    )


def test_two_values_are_two_bins():
    rng = np.random.default_rng(1)
    term = rng.choice([36.0, 60.0], 900)
    found = find_bins(term, drawn(term, np.where(term == 36, 0.15, 0.35)), 6, False)
    assert len(found.rows) == 2
    assert 36 < found.edges[0] <= 60


def test_a_value_that_many_rows_have_stays_apart():
    rng = np.random.default_rng(2)
    balance = np.where(rng.random(5000) < 0.3, 0.0, rng.normal(0, 1000, 5000))
    bad = drawn(balance, np.where(balance == 0, 0.5, 0.2))
    edges = find_bins(balance, bad, 8, False).edges
    low, high = edges[edges <= 0].max(), edges[edges > 0].min()
    inside = balance[(balance >= low) & (balance < high)]
    assert (inside == 0).mean() > 0.9


def test_noise_has_few_bins_that_say_little():
    rng = np.random.default_rng(3)
    found = [
        find_bins(rng.normal(size=2000), (rng.random(2000) < 0.3) * 1.0, 6, "auto")
        for _ in range(50)
    ]
    assert np.mean([len(bins.rows) for bins in found]) < 3
    assert np.mean([information_value(bins) for bins in found]) < 0.02


@given(
    values=st.lists(st.integers(-50, 50), min_size=0, max_size=300),
    seed=st.integers(0, 1000),
    most=st.integers(2, 10),
    monotone=st.sampled_from(["auto", True, False]),
)
def test_bins_hold_every_row_and_are_few_and_full_enough(values, seed, most, monotone):
    numbers = np.array(values, dtype=float)
    bad = (np.random.default_rng(seed).random(len(numbers)) < 0.3).astype(float)
    found = find_bins(numbers, bad, most, monotone)
    assert found.rows.sum() == len(numbers)
    assert found.bads.sum() == bad.sum()
    assert (np.diff(found.edges) > 0).all()
    assert len(found.rows) <= most
    assert len(found.rows) == 1 or found.rows.min() >= MIN_ROWS
    if monotone is True:
        steps = np.diff(found.rates)
        assert (steps >= 0).all() or (steps <= 0).all()


@pytest.mark.parametrize("way", [1, -1])
def test_a_direction_that_is_known_is_kept_to(way):
    rng = np.random.default_rng(5)
    age = rng.uniform(18, 80, 3000)
    bad = drawn(age, 0.1 + 0.3 * np.abs(age - 50) / 32)  # a U
    steps = np.diff(find_bins(age, bad, 8, False, way).rates)
    assert (way * steps >= 0).all()
    free = np.diff(find_bins(age, bad, 8, "auto").rates)
    assert (free > 0).any()
    assert (free < 0).any()


def test_auto_is_monotone_where_the_data_are():
    rng = np.random.default_rng(6)
    income = rng.lognormal(8, 1, 5000)
    bad = drawn(income, 0.4 / (1 + income / 3000))
    assert (np.diff(find_bins(income, bad, 8, "auto").rates) <= 0).all()


@given(st.floats(-1e9, 1e9, allow_nan=False), st.floats(1e-9, 1e9, allow_nan=False))
def test_an_edge_is_the_shortest_number_that_parts_two_values(low, gap):
    high = low + gap
    if not low < high:
        return
    edge = shortest_between(low, high)
    assert low < edge <= high
    digits = len(Decimal(repr(edge)).normalize().as_tuple().digits)
    assert digits <= len(Decimal(repr(high)).normalize().as_tuple().digits)


@pytest.mark.parametrize(
    ("low", "high", "edge"),
    [(1250, 1268, 1260), (-3.2, 2, 0), (0, 1, 1), (99.5, 100.2, 100), (-0.31, -0.29, -0.3),
     (0.123, 0.124, 0.124)],
)  # fmt: skip
def test_edges_that_a_person_reads(low, high, edge):
    assert shortest_between(low, high) == edge


def applicants(rows=2000, seed=7):
    rng = np.random.default_rng(seed)
    late = rng.choice([0.0, 1.0, 2.0], rows)
    code = np.where(rng.random(rows) < 0.1, "98", "none")
    late[code == "98"] = np.nan
    absent = (code == "none") & (rng.random(rows) < 0.1)
    late[absent] = np.nan
    home = pd.Series(rng.choice(["own", "rent", "free"], rows), dtype="str")
    home = home.mask(rng.random(rows) < 0.01)
    risk = 0.1 + 0.1 * np.nan_to_num(late) + 0.3 * (code == "98") + 0.2 * (home == "rent")
    frame = pd.DataFrame({"late": late, "home": home, "special.late": pd.Series(code, dtype="str")})
    return frame, (rng.random(rows) < risk).astype(int)


def binner(**more):
    return Binner(["late"], ["home"], {"late": "special.late"}, **more)


def test_missing_and_special_values_have_bins_of_their_own_where_there_are_rows_enough():
    frame, bad = applicants()
    fitted = binner().fit(frame, bad)
    codes = fitted.transform(frame)
    special, absent = frame["special.late"] == "98", frame["late"].isna()
    assert set(codes.loc[special, "late"]).isdisjoint(codes.loc[~special, "late"])
    only = absent & ~special
    assert set(codes.loc[only, "late"]).isdisjoint(codes.loc[~only, "late"])


def test_a_thin_missing_bin_counts_as_the_worst_one():
    frame, bad = applicants()
    assert frame["home"].isna().sum() < ENOUGH_ROWS
    fitted = binner().fit(frame, bad)
    codes = fitted.transform(frame)["home"]
    assert set(codes[frame["home"].isna()]) == set(codes[frame["home"] == "rent"])
    whole = frame.assign(late=frame["late"].fillna(1.0), **{"special.late": "none"})
    never = binner().fit(whole, bad)
    worst = never.transform(whole.assign(late=2.0))["late"].iloc[0]
    assert (never.transform(whole.assign(late=np.nan))["late"] == worst).all()
    assert (
        never.transform(whole.assign(late=np.nan, **{"special.late": "98"}))["late"] == worst
    ).all()


def test_the_worst_bin_is_that_of_the_greatest_risk_however_thin():
    frame, bad = applicants()
    odd = frame.assign(home=frame["home"].mask(frame.index < 40, "boat"))
    bad = np.where(frame.index < 40, 1, bad)
    bad[frame["special.late"] == "98"] = 1
    late = frame["late"].mask(frame.index > 1990)
    fitted = binner().fit(odd.assign(late=late.fillna(0.0).mask(frame.index > 1990)), bad)
    codes = fitted.codes_
    assert codes["home"].missing == codes["home"].levels["boat"]
    assert codes["late"].missing == codes["late"].special["98"]  # a code is a bin like others


def test_in_training_a_borrowed_bin_is_left_as_it_is():
    frame, bad = applicants()
    fitted = binner()
    trained, scored = fitted.fit_transform(frame, bad), fitted.transform(frame)
    absent = frame["home"].isna()
    assert (trained.loc[absent, "home"] == ASIDE).all()
    assert trained[~absent].equals(scored[~absent])
    assert trained["late"].equals(scored["late"])


def test_a_heavy_value_stays_alone():
    rng = np.random.default_rng(3)
    values = np.where(rng.random(4000) < 0.4, 0.0, np.rint(rng.lognormal(6, 1.2, 4000)) + 1)
    bins = find_bins(values, drawn(values, np.where(values == 0, 0.05, 0.3)), 8, False)
    assert bins.edges[0] <= values[values > 0].min()
    assert bins.rows[0] == (values == 0).sum()


def test_bins_by_hand_follow_the_direction_and_hold_rows():
    rng = np.random.default_rng(2)
    late = rng.choice([0.0, 1.0, 2.0, 3.0], 2000)
    bad = drawn(late, np.array([0.1, 0.4, 0.2, 0.5])[late.astype(int)])
    frame = pd.DataFrame({"late": late})
    fixed = {"late": {"edges": [-5.0, 1.0, 2.0, 3.0, 50.0]}}
    free = Binner(["late"], [], fixed=fixed).fit(frame, bad).codes_["late"]
    assert free.edges.tolist() == [1.0, 2.0, 3.0]  # no row is below -5, none from 50 on
    up = Binner(["late"], [], fixed=fixed, directions={"late": 1}).fit(frame, bad).codes_["late"]
    assert up.edges.tolist() == [1.0, 3.0]


def test_groups_by_hand_hold_where_a_column_has_many_levels():
    rng = np.random.default_rng(8)
    job = pd.Series([f"job {n}" for n in rng.zipf(1.3, 3000).clip(max=400)], dtype="str")
    rare = job.value_counts().index[-3:].tolist()
    fixed = {"job": {"groups": [rare]}}
    fitted = Binner([], ["job"], many=["job"], kept=10, fixed=fixed)
    codes = fitted.fit(pd.DataFrame({"job": job}), rng.random(3000) < 0.3).codes_["job"]
    group = {codes.levels[level] for level in rare}
    assert len(group) == 1
    assert [n for n, code in codes.levels.items() if code in group] == sorted(rare)


def test_unseen_levels_have_the_code_that_the_encoders_know_as_unknown():
    frame, bad = applicants()
    codes = binner().fit(frame, bad).transform(frame.assign(home="a boat"))
    assert (codes["home"] == UNSEEN).all()


def test_rare_levels_of_many_are_one_bin():
    rng = np.random.default_rng(8)
    job = pd.Series([f"job {n}" for n in rng.zipf(1.3, 3000).clip(max=400)], dtype="str")
    frame = pd.DataFrame({"job": job})
    fitted = Binner([], ["job"], many=["job"], kept=10).fit(frame, rng.random(3000) < 0.3)
    codes = fitted.transform(frame)["job"]
    assert codes.nunique() == 10
    unseen = fitted.transform(pd.DataFrame({"job": pd.Series(["a new job"], dtype="str")}))
    assert unseen["job"].iloc[0] == fitted.codes_["job"].unseen != UNSEEN


def test_bins_made_by_hand_are_taken_as_they_are():
    frame, bad = applicants()
    fixed = {"late": {"edges": [0.5]}, "home": {"groups": [["own", "free"]]}}
    codes = binner(fixed=fixed).fit(frame, bad).transform(frame)
    assert set(codes.loc[frame["late"] >= 1, "late"]) == {1}
    assert (
        codes.loc[frame["home"] == "own", "home"].iloc[0]
        == (codes.loc[frame["home"] == "free", "home"].iloc[0])
    )
    assert (
        codes.loc[frame["home"] == "rent", "home"].iloc[0]
        != (codes.loc[frame["home"] == "own", "home"].iloc[0])
    )


def test_a_variable_that_says_nothing_is_named():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"x": np.ones(500), "y": np.arange(500.0)})
    fitted = Binner(["x", "y"], [], bins=5).fit(frame, (frame["y"] > 250) & (rng.random(500) < 0.9))
    assert fitted.one_bin_ == ["x"]


def test_a_bin_hangs_on_its_own_row_only():
    frame, bad = applicants()
    fitted = binner().fit(frame, bad)
    whole = fitted.transform(frame)
    order = np.random.default_rng(0).permutation(len(frame))
    assert fitted.transform(frame.iloc[order]).equals(whole.iloc[order])
    alone = pd.concat([fitted.transform(frame.iloc[[i]]) for i in range(50)])
    assert alone.equals(whole.head(50))

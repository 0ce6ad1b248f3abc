"""Refused applicants against the others: by hand, in order, and never more than can be known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.champion.predict import Predictor
from creditrisk.core.files import read_csv, write_csv
from creditrisk.evaluate.refused import (
    COLUMNS,
    compare_pds,
    feature_ranges,
    is_outside,
    part_of,
    refused_table,
)
from creditrisk.evaluate.refused_bounds import (
    EDGES,
    bounds,
    multiply_odds,
    parcelled,
    pd_bands,
    thin_share,
    together,
)
from creditrisk.evaluate.samples import predicted
from creditrisk.ingest.params import DataParams
from creditrisk.metrics.costs import Costs, DecisionParams, Sample, decide, expected_cost
from creditrisk.prepare.cells import Notation
from creditrisk.score.load_champion import Champion
from creditrisk.score.refused import Refused, read_refused
from tests.support.champions import PARAMS, described, model, part
from tests.support.small_data import DEFAULT, DEFAULT_CSV

CUT = 0.25


def sample(bad, pds, referred=None):
    bad, pds = np.asarray(bad), np.asarray(pds, dtype=float)
    costs = Costs(np.full(len(bad), 5.0), np.ones(len(bad)), 0.2)
    return Sample(bad, pds, costs, None if referred is None else np.asarray(referred))


def test_odds_are_multiplied_as_by_hand():
    # 0.25 are odds of 1 to 3; twice that is 2 to 3, so 0.4; three times 1 to 1; four times 4 to 3.
    for factor, expected in ((1, 0.25), (2, 0.4), (3, 0.5), (4, 4 / 7)):
        assert multiply_odds(np.array([0.25]), factor)[0] == pytest.approx(expected)
    assert multiply_odds(np.array([0.0, 1.0]), 3).tolist() == [0.0, 1.0]


def test_parcelling_starts_from_the_bad_rate_of_the_band_as_by_hand():
    # Nine training rows from 1/9 to under 1/5, two of them bad: (2 + 1/2) / (9 + 1) is 0.25.
    oof = sample([1, 1, 0, 0, 0, 0, 0, 0, 0, 1], [0.15] * 9 + [0.6])
    refused = np.array([0.12, 0.19, 0.7, 0.9])
    bands = pd_bands(oof, refused, CUT)
    here = next(one for one in bands.values() if one["low"] == pytest.approx(1 / 9))
    assert here["high"] == pytest.approx(1 / 5)
    assert (here["accepted"], here["refused"]) == (9, 2)
    assert (here["accepted_share"], here["refused_share"]) == (0.9, 0.5)
    assert here["bad_rate"] == pytest.approx(2 / 9)
    assert here["base"] == pytest.approx(0.25)
    found = parcelled(refused, bands)
    assert found["odds_2"][:2] == pytest.approx([0.4, 0.4])
    assert found["odds_3"][:2] == pytest.approx([0.5, 0.5])
    assert found["odds_4"][:2] == pytest.approx([4 / 7, 4 / 7])
    # No training row is in the bands of 0.7 and 0.9: the PDs themselves are multiplied.
    assert found["odds_2"][2:] == pytest.approx(multiply_odds(refused[2:], 2))
    assert thin_share(bands) == 0.5


def test_a_band_with_few_training_rows_is_thin_from_below_one_in_a_hundred_on():
    for rows, thin in ((99, 0.0), (100, 0.0), (101, 1.0)):
        oof = sample(np.zeros(rows, dtype=int), [0.7] + [0.01] * (rows - 1))
        assert thin_share(pd_bands(oof, np.array([0.75]), CUT)) == thin


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
    st.sampled_from([0.0, 1 / 9, 1 / 6, 0.3, 1.0000001]),
)
def test_bands_count_everybody_once_and_end_at_the_cutoff(own, others, cutoff):
    own, others = np.array(own), np.array(others)
    oof = sample(np.arange(len(own)) % 2, own)
    bands = pd_bands(oof, others, cutoff)
    for pds, name in ((own, "accepted"), (others, "refused")):
        assert sum(one[name] for one in bands.values()) == len(pds)
        assert sum(one[f"{name}_share"] for one in bands.values()) == pytest.approx(1)
        for one in bands.values():
            inside = (pds >= one["low"]) & ((pds < one["high"]) | (one["high"] == 1))
            assert inside.sum() == one[name]
    for one in bands.values():
        assert one["high"] <= cutoff or one["low"] >= cutoff or not 0 < cutoff < 1
    found = parcelled(others, bands)
    ordered = np.array([np.zeros(len(others)), *found.values(), np.ones(len(others))])
    assert (np.diff(ordered, axis=0) >= 0).all()


def test_bounds_as_by_hand():
    # Cut-off 0.25: of four with an outcome two are accepted (one bad), one refused, one referred.
    known = sample([1, 0, 0, 1], [0.1, 0.2, 0.5, 0.1], [False, False, False, True])
    pds, decisions = np.array([0.2, 0.6]), np.array(["accept", "reject"], dtype=object)
    costs = Costs(np.array([5.0, 5.0]), np.array([1.0, 1.0]), 0.2)
    assumed = {"none": np.zeros(2), "pd": pds, "all": np.ones(2)}
    found = bounds(known, assumed, decisions, costs, CUT)
    observed = found["observed"]
    assert np.isnan(observed["bad"])
    assert observed["bad_rate_all"] == 0.5
    assert observed["bad_rate_accepted_all"] == 0.5
    assert observed["cost_all"] == pytest.approx((5 + 0 + 1 + 0.2) / 4)
    assert observed["cost_all"] == pytest.approx(expected_cost(known, CUT))
    for name, bad, lost, cost in (("none", 0, 0, 1), ("pd", 0.8, 0.2, 1.4), ("all", 2, 1, 5)):
        one = found[name]
        assert one["bad"] == pytest.approx(bad)
        assert one["bad_rate"] == pytest.approx(bad / 2)
        assert one["bad_accepted"] == one["bad_rate_accepted"] == pytest.approx(lost)
        assert one["bad_rate_all"] == pytest.approx((2 + bad) / 6)
        assert one["bad_rate_accepted_all"] == pytest.approx((1 + lost) / 3)
        assert one["cost_all"] == pytest.approx((6.2 + cost) / 6)


def test_bounds_of_refused_who_are_all_rejected_have_no_bad_rate_of_the_accepted():
    known = sample([1, 0], [0.5, 0.6])
    nobody = np.array(["reject", "refer"], dtype=object)
    found = bounds(known, {"x": np.ones(2)}, nobody, known.priced, CUT)["x"]
    assert np.isnan(found["bad_rate_accepted"])
    assert np.isnan(found["bad_rate_accepted_all"])
    assert found["cost_all"] == pytest.approx((0 + 1 + 0 + 0.2) / 4)


def test_samples_are_put_together_with_their_referrals():
    both = together([sample([1], [0.1]), sample([0, 1], [0.2, 0.3], [True, False])])
    assert both.bad.tolist() == [1, 0, 1]
    assert both.pd.tolist() == [0.1, 0.2, 0.3]
    assert both.decided.tolist() == [True, False, True]
    assert both.priced.bad_accepted.tolist() == [5, 5, 5]


def test_pds_are_compared_as_by_hand():
    oof = sample([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], [False, True, False, False])
    pds = np.array([0.1, 0.25, 0.9])
    found = compare_pds(oof, pds, np.array(["accept", "reject", "refer"], dtype=object), CUT)
    accepted, refused = found["accepted"], found["refused"]
    assert accepted["mean"] == pytest.approx(0.25)
    assert (accepted["p50"], refused["p50"]) == (pytest.approx(0.25), 0.25)
    # The cut-off itself is refused.
    assert (accepted["above"], refused["above"]) == (0.5, pytest.approx(2 / 3))
    assert [accepted[k] for k in ("accept", "reject", "refer")] == [1, 2, 1]
    assert [refused[f"{k}_share"] for k in ("accept", "reject", "refer")] == pytest.approx(
        [1 / 3] * 3
    )
    assert compare_pds(oof, oof.pd, decide(oof.pd, CUT), CUT)["refused"]["psi"] == 0
    assert refused["psi"] > 0


def test_values_outside_those_of_training():
    nothing = np.array([np.nan])
    numbers = is_outside(np.array([1.0, np.nan, 3.0]), np.array([0.9, 1.0, 3.0, 3.1, np.nan]))
    assert numbers.tolist() == [True, False, False, True, False]
    assert is_outside(nothing, np.array([1.0, np.nan])).tolist() == [True, False]
    seen, levels = np.array(["a", None], object), np.array(["a", "b", None, "none"], object)
    assert is_outside(seen, levels).tolist() == [False, True, False, True]
    assert is_outside(seen, levels, ["none"]).tolist() == [False, True, False, False]


def raw():
    frame = pd.read_csv(DEFAULT_CSV, dtype=str).drop(columns=DEFAULT.target.column)
    return frame.iloc[::4].reset_index(drop=True)


def read(folder, frame):
    path = folder / "refused.csv"
    frame.to_csv(path, index=False)
    notation = Notation.of(".", ",", PARAMS["prepare"]["null_words"])
    data = DataParams(source="x", schema_="y")
    return read_refused(path, Champion(model("lr"), described("lr")), data, notation)


def table_of(refused, **changed):
    champion, predictor = described("lr"), Predictor(model("lr"))
    decision = DecisionParams(**(PARAMS["decision"] | changed))
    oof, test = (predicted(predictor, part(s), champion, decision) for s in ("train", "test"))
    return refused_table(refused, part("train"), oof, test, part("test"), champion, decision)


def test_the_default_data_as_refused_applicants_are_like_themselves(tmp_path):
    refused = read(tmp_path, raw())
    table = table_of(refused)
    assert table.columns.tolist() == COLUMNS
    assert part_of(table, "file").to_dict("records") == [
        # All of them are rows of the data themselves, which the page warns of.
        {"name": "refused", "rows": 250, "unread_rows": 0, "unread_cells": 0, "known_rows": 250}
    ]
    pds = part_of(table, "pds").set_index("name")
    assert pds.loc["accepted", "rows"] == len(part("train"))
    assert pds.loc["refused", ["accept", "reject", "refer"]].sum() == 250
    assert pds.loc["refused", "psi"] < 0.1
    ranges = part_of(table, "ranges")
    assert ranges["psi"].max() < 0.1
    assert ranges["psi"].is_monotonic_decreasing
    shown = part_of(table, "bounds").set_index("name")
    assert shown.index.tolist() == [
        "observed", "all_good", "model", "odds_2", "odds_3", "odds_4", "all_bad"
    ]  # fmt: skip
    assert shown.loc["model", "bad"] == pytest.approx(refused.pd.sum())
    ladder = shown.loc[["all_good", "odds_2", "odds_3", "odds_4", "all_bad"]]
    for name in ("bad", "bad_rate", "bad_accepted", "bad_rate_all", "bad_rate_accepted_all"):
        assert ladder[name].is_monotonic_increasing, name
        assert (
            ladder.loc["all_good", name] <= shown.loc["model", name] <= ladder.loc["all_bad", name]
        )
    bads = sum(part(side)["bad"].sum() for side in ("train", "test"))
    assert shown.loc["all_bad", "bad_rate_all"] == pytest.approx((bads + 250) / 1250)
    pd.testing.assert_frame_equal(table, table_of(read(tmp_path, raw())))


def test_moved_variables_missing_cells_and_new_values_are_found(tmp_path):
    frame = raw()
    frame["hoehe"] = [str(19_000 + row) for row in range(len(frame))]
    frame.loc[:24, "alter"] = ""
    frame.loc[25:49, "alter"] = "?"
    frame.loc[50:74, "alter"] = "young"
    ranges = part_of(table_of(read(tmp_path, frame)), "ranges").set_index("name")
    # Above the highest amount of the training rows, whatever the cap.
    assert part("train")["amount"].max() < 19_000
    assert ranges.loc["amount", "outside"] == 1
    assert ranges.loc["amount", "psi"] > 1
    assert ranges.loc["age", "missing_refused"] == pytest.approx(75 / 250)
    assert ranges.loc["age", "missing_accepted"] == 0
    assert ranges.loc["age", "unread_cells"] == 25
    assert ranges.loc["savings", "outside"] == 0


def test_special_codes_that_training_never_had_are_outside(tmp_path):
    train = pd.DataFrame({"x": [1.0, 2.0, np.nan], "special.x": ["none", "none", "-1"]})
    frame = pd.DataFrame({"x": [np.nan, np.nan, 5.0], "special.x": ["-1", "-2", "none"]})
    refused = Refused(frame, np.full(3, 0.5), np.full(3, "reject"), 3, {}, {}, [])
    features = {"numeric": ["x"], "nominal": ["special.x"], "ordinal": {}, "derived": {}}
    champion = described("lr").model_copy(update={"features": features})
    found = feature_ranges(train, refused, champion)
    assert list(found) == ["x"]
    assert found["x"]["outside"] == pytest.approx(2 / 3)
    assert found["x"]["missing_accepted"] == found["x"]["missing_refused"] == 0


def test_costs_are_those_of_the_stated_amounts(tmp_path):
    refused = read(tmp_path, raw())
    by_amount = {"amount_column": "amount", "loss_given_default": 0.5, "margin": 0.1,
                 "cost_referred": 1.0}  # fmt: skip
    table = table_of(refused, **by_amount)
    shown = part_of(table, "bounds").set_index("name")["cost_all"]
    amounts = raw()["hoehe"].astype(float).to_numpy()
    accepted = refused.decisions == "accept"
    assert (refused.decisions != "refer").all()
    # From all good to all bad, only the costs of the refused change.
    change = 0.5 * amounts[accepted].sum() - 0.1 * amounts[~accepted].sum()
    rows = 250 + len(part("train")) + len(part("test"))
    assert shown["all_bad"] - shown["all_good"] == pytest.approx(change / rows)


def test_without_a_file_there_is_a_table_without_rows(tmp_path):
    table = table_of(None)
    assert table.empty
    assert table.columns.tolist() == COLUMNS
    write_csv(table, tmp_path / "refused.csv")
    assert read_csv(tmp_path / "refused.csv").columns.tolist() == COLUMNS


def test_the_file_says_what_the_table_says(tmp_path):
    frame = raw().assign(**{"=cmd()": "1"})
    table = table_of(read(tmp_path, frame))
    write_csv(table, tmp_path / "table.csv")
    assert "\n=cmd" not in (tmp_path / "table.csv").read_text()
    back = read_csv(tmp_path / "table.csv")
    assert part_of(back, "ignored")["name"].tolist() == ["=cmd()"]
    for name in ("pds", "bands", "ranges", "bounds"):
        # The numbers of bands come back as numbers.
        pd.testing.assert_frame_equal(
            part_of(back, name).drop(columns="name"),
            part_of(table, name).drop(columns="name"),
            rtol=1e-9,
        )


def test_odds_double_from_edge_to_edge():
    odds = EDGES / (1 - EDGES)
    assert odds[1:] / odds[:-1] == pytest.approx(np.full(len(odds) - 1, 2.0))

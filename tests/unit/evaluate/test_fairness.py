"""Fairness: each figure by hand on a table that fits on a screen."""

import math

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from creditrisk.champion.groups import Bins, FairnessParams, groups_of
from creditrisk.evaluate.fairness import (
    OUT_OF_FOLD,
    TEST,
    GroupSample,
    fairness,
    out_of_fold_frame,
)
from creditrisk.evaluate.fairness_cutoffs import CUTOFFS, fairness_cutoffs
from creditrisk.metrics.costs import Costs, Sample
from creditrisk.metrics.ratios import ratio_of_proportions
from creditrisk.schema import parse_schema
from tests.support.small_data import DEFAULT

BY = FairnessParams.model_validate(
    {"age": {"bins": [25, 60]}, "foreign_worker": "levels", "no such column": "levels"}
)


def wilson(k, n, z=1.959963984540054):
    centre, half = (
        (k + z * z / 2) / (n + z * z),
        z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4),
    )
    return centre - half, centre + half


def people(times=1):
    # age, foreign worker, bad, PD; refused from 0.5 on.
    lines = [(20, "1", 1, 0.9), (24, "2", 0, 0.6), (24, "2", 0, 0.2), (24, "2", 1, 0.1),
             (25, "2", 0, 0.1), (60, "2", 1, 0.5), (61, "2", 0, 0.7)] * times  # fmt: skip
    frame = pd.DataFrame(lines, columns=["age", "foreign_worker", "bad", "pd"])
    return frame.astype({"age": float}).assign(row_id=range(1, len(lines) + 1))


def part(frame, referred=None):
    costs = Costs(np.full(len(frame), 5.0), np.ones(len(frame)), 0.25)
    bad, pds = frame["bad"].to_numpy(), frame["pd"].to_numpy()
    return GroupSample(frame, Sample(bad, pds, costs, referred))


def measured(frame, by=BY, schema=DEFAULT, referred=None, test=None):
    given = part(frame, referred)
    return fairness(given, given if test is None else part(test), 0.5, by, schema)


def of_test(found):
    return found[found["sample"] == TEST].reset_index(drop=True)


def test_figures_by_hand():
    found = of_test(measured(people()))
    assert found["group"].tolist() == ["under 25", "25 to 60", "over 60", "yes", "no"]
    young = found.iloc[0]
    assert (young["rows"], young["bad"]) == (4, 2)
    assert young["approval_rate"] == 2 / 4
    assert young["tpr"] == 1 / 2  # of the bad aged 20 and 24 one is refused
    assert young["fpr"] == 1 / 2
    assert young["equal_opportunity"] == 1 / 2
    assert young["bad_rate"] == 2 / 4
    assert young["mean_pd"] == pytest.approx(1.8 / 4)
    assert young["calibration_gap"] == pytest.approx(0.45 - 0.5)
    assert young["expected_cost"] == (5 + 1) / 4  # a bad one accepted, a good one refused
    assert young["referral_rate"] == 0
    for name, (k, n) in {"approval_rate": (2, 4), "tpr": (1, 2), "bad_rate": (2, 4)}.items():
        ends = young[f"{name}_low"], young[f"{name}_high"]
        assert ends == pytest.approx(wilson(k, n)), name
    low, high = wilson(2, 4)
    gap = young["calibration_gap_low"], young["calibration_gap_high"]
    assert gap == pytest.approx((0.45 - high, 0.45 - low))
    middle, old = found.iloc[1], found.iloc[2]
    assert (middle["rows"], middle["approval_rate"], middle["tpr"], middle["fpr"]) == (2, 0.5, 1, 0)
    assert (old["rows"], old["fpr"]) == (1, 1)
    assert np.isnan(old["tpr"])  # no bad one there


def test_ratios_are_to_the_largest_group_with_the_interval_of_katz():
    found = of_test(measured(people(times=20))).set_index("group")
    assert found["reference"].to_dict() == {
        "under 25": True, "25 to 60": False, "over 60": False, "yes": False, "no": True,
    }  # fmt: skip
    middle = found.loc["25 to 60"]
    wanted = ratio_of_proportions(20, 40, 40, 80)
    ends = middle["approval_ratio_low"], middle["approval_ratio_high"]
    assert (middle["approval_ratio"], *ends) == pytest.approx(tuple(wanted))
    wanted = ratio_of_proportions(20, 20, 20, 40)  # of those who paid back
    assert middle["equal_opportunity_ratio"] == pytest.approx(wanted.value) == 2
    assert math.isnan(found.loc["under 25", "approval_ratio"])


def test_the_largest_group_of_the_training_rows_is_the_reference_of_the_test_rows_too():
    few_young = people(times=20).query("age >= 25")
    found = measured(people(times=20), test=few_young)
    for sample in (OUT_OF_FOLD, TEST):
        own = found[(found["sample"] == sample) & found["reference"]]
        assert "under 25" not in set(own["group"]) or sample == OUT_OF_FOLD
    assert of_test(found).query("variable == 'age'")["approval_ratio"].isna().all()


def test_those_without_a_value_are_no_reference_while_there_is_another_group():
    frame = pd.concat([people(times=2), people().assign(age=np.nan)] * 3, ignore_index=True)
    frame = pd.concat([frame, frame.assign(age=np.nan)]).assign(row_id=range(2 * len(frame)))
    found = of_test(measured(frame)).set_index("group")
    assert found.loc["missing", "rows"] > found.loc["under 25", "rows"]
    assert found.index[found["reference"]].tolist() == ["under 25", "no"]


def crowd(*groups):
    """Groups of (foreign worker, rows, accepted, bad); the first rows of each are accepted."""
    parts = []
    for code, rows, accepted, bad in groups:
        pds = np.where(np.arange(rows) < accepted, 0.1, 0.9)
        bads = (np.arange(rows) >= rows - bad).astype(int)
        parts.append(pd.DataFrame({"foreign_worker": code, "bad": bads, "pd": pds, "age": 30.0}))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(row_id=range(len(frame)))


@pytest.mark.parametrize(
    ("group", "flagged", "certain", "reference_below"),
    [
        (("1", 100, 20, 0), True, True, False),
        (("1", 30, 11, 0), True, False, False),  # 0.73, up to 1.2
        (("1", 100, 45, 0), False, False, False),
        (("1", 100, 80, 0), False, False, True),  # the largest has 0.63 of it
        (("1", 29, 0, 0), False, False, False),  # too few
    ],
)
def test_a_group_below_the_least_ratio_is_flagged(group, flagged, certain, reference_below):
    frame = crowd(group, ("2", 400, 200, 0))
    found = of_test(measured(frame)).set_index("group").loc["yes"]
    assert bool(found["flagged"]) == flagged
    assert bool(found["certain"]) == certain
    assert bool(found["reference_below"]) == reference_below
    assert found["min_ratio"] == 0.8


def test_the_least_ratio_is_that_of_the_parameters():
    frame = crowd(("1", 100, 20, 0), ("2", 400, 200, 100))
    loose = FairnessParams.model_validate({"foreign_worker": "levels", "min_ratio": 0.3})
    assert not of_test(measured(frame, loose))["flagged"].any()


def test_a_group_that_is_approved_as_often_but_not_of_the_good_is_flagged():
    frame = crowd(("1", 100, 50, 0), ("2", 400, 200, 150))  # all 200 accepted are good
    found = of_test(measured(frame)).set_index("group").loc["yes"]
    assert found["approval_ratio"] == 1
    assert found["equal_opportunity_ratio"] == pytest.approx((50 / 100) / (200 / 250))
    assert found["flagged"]


def test_who_is_referred_is_neither_approved_nor_refused():
    frame = people()
    referred = frame["age"].to_numpy() == 24
    young = measured(frame, referred=referred)
    young = young[young["sample"] == OUT_OF_FOLD].iloc[0]
    assert (young["approval_rate"], young["referral_rate"]) == (0, 3 / 4)
    assert (young["tpr"], young["fpr"]) == (1 / 2, 0)
    assert young["expected_cost"] == 3 * 0.25 / 4


def test_repeats_are_averaged_and_each_applicant_counts_once():
    frame = people(times=10)
    other = frame.assign(pd=1 - frame["pd"])
    twice = pd.concat([frame, other]).sample(frac=1, random_state=1).reset_index(drop=True)
    once, both = (measured(f).set_index(["sample", "group"]) for f in (frame, twice))
    one, mean = once.loc[(OUT_OF_FOLD, "under 25")], both.loc[(OUT_OF_FOLD, "under 25")]
    assert (mean["rows"], mean["bad"]) == (one["rows"], one["bad"]) == (40, 20)
    accepted = (frame.query("age < 25")["pd"] < 0.5).sum()
    turned = (other.query("age < 25")["pd"] < 0.5).sum()
    assert mean["approval_rate"] == (accepted + turned) / 2 / 40
    ends = mean["approval_rate_low"], mean["approval_rate_high"]
    assert ends == pytest.approx(wilson((accepted + turned) / 2, 40))


def test_out_of_fold_rows_are_found_by_their_number():
    train = people()
    oof = pd.DataFrame({"row_id": [3, 1, 3], "pd": [0.1, 0.2, 0.3]})
    assert out_of_fold_frame(oof, train)["row_id"].tolist() == [3, 1, 3]
    assert out_of_fold_frame(oof, train)["age"].tolist() == [24, 20, 24]


def test_groups_go_by_what_was_told_not_by_what_was_capped_or_merged():
    frame = people()
    told = {"original.age": frame["age"], "original.foreign_worker": frame["foreign_worker"]}
    capped = frame.assign(age=frame["age"].clip(upper=40), foreign_worker="rare levels", **told)
    pd.testing.assert_frame_equal(measured(capped), measured(frame))


def test_a_column_that_is_kept_for_audit_only_is_a_column_to_group_by():
    frame = people()
    kept = frame.rename(columns={name: f"original.{name}" for name in ("age", "foreign_worker")})
    pd.testing.assert_frame_equal(measured(kept), measured(frame))


def test_small_groups_are_shown_and_not_judged():
    found = of_test(measured(people(times=8))).set_index("group")
    assert found["judged"].to_dict() == {
        "under 25": True, "25 to 60": False, "over 60": False, "yes": False, "no": True,
    }  # fmt: skip


def test_every_row_is_in_one_group_missing_ones_too():
    ages = pd.Series([24.9, 25.0, 40.0, 59.9, 60.0, 60.1, np.nan])
    found = groups_of("age", ages, Bins(bins=[25, 40, 60]), DEFAULT)
    assert found.astype(str).tolist() == [
        "under 25", "25 to under 40", "40 to 60", "40 to 60", "40 to 60", "over 60", "missing",
    ]  # fmt: skip
    assert groups_of("age", ages, Bins(bins=[25]), DEFAULT).astype(str).tolist()[:2] == [
        "under 25", "from 25",
    ]  # fmt: skip
    codes = pd.Series(["2", None, "9"], dtype="str")
    words = groups_of("foreign_worker", codes, "levels", DEFAULT).astype(str).tolist()
    assert words == ["no", "missing", "9"]


def test_no_column_to_group_by_gives_no_lines_and_all_columns():
    nothing = measured(people()[["bad", "pd", "row_id"]])
    assert len(nothing) == 0
    assert set(nothing) == set(measured(people()))
    given = part(people()[["bad", "pd", "row_id"]])
    assert len(fairness_cutoffs(given, nothing, 0.5, BY, DEFAULT)) == 0


def test_edges_must_ascend():
    for wrong in ([], [60, 25], [25, 25]):
        with pytest.raises(ValidationError):
            Bins(bins=wrong)


def test_special_codes_are_groups_of_their_own():
    tree = {
        "name": "t",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {"a": {"name": "a", "kind": "numeric", "special": {"98": "refused"}}},
    }
    frame = pd.DataFrame(
        {
            "a": [20.0, 30.0, np.nan, np.nan, np.nan],
            "special.a": ["none", "none", "98", "98", "none"],
            "bad": [0, 1, 1, 0, 0], "pd": 0.0, "row_id": range(5),
        }
    )  # fmt: skip
    by = FairnessParams.model_validate({"a": {"bins": [25]}})
    found = of_test(measured(frame, by, parse_schema(tree, "t.yaml")))
    assert dict(zip(found["group"], found["rows"], strict=True)) == {
        "under 25": 1, "from 25": 1, "missing": 1, "refused": 2,
    }  # fmt: skip


def test_other_cut_offs_have_the_ratios_that_they_would_have():
    frame = people(times=20)
    given = part(frame)
    found = fairness_cutoffs(given, measured(frame), 0.55, BY, DEFAULT)
    cuts = found.query("group == 'under 25'")["threshold"].tolist()
    assert cuts == sorted({*CUTOFFS, 0.55})
    assert found[found["in_use"]]["threshold"].unique().tolist() == [0.55]
    assert found["group"].unique().tolist() == ["under 25", "25 to 60", "over 60", "yes", "no"]
    for cut in (0.15, 0.5, 0.55):
        table = fairness(given, given, cut, BY, DEFAULT)
        table = table[table["sample"] == OUT_OF_FOLD].set_index("group")
        own = found[np.isclose(found["threshold"], cut)].set_index("group")
        for name in ("approval_rate", "equal_opportunity", "approval_ratio",
                     "equal_opportunity_ratio"):  # fmt: skip
            others = ~table["reference"] if name.endswith("ratio") else table["rows"] > 0
            np.testing.assert_allclose(own[name][others], table[name][others], err_msg=name)
        assert (own["judged"] == table["judged"]).all()
        reference = own["approval_ratio"][table["reference"]]
        assert set(reference.dropna()) <= {1.0}


def test_a_cut_off_of_the_grid_is_there_once():
    found = fairness_cutoffs(part(people()), measured(people()), 0.25, BY, DEFAULT)
    young = found.query("group == 'under 25'")
    assert len(young) == len(CUTOFFS)
    assert young["in_use"].sum() == 1

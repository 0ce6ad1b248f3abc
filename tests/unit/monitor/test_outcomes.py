"""Outcomes: joined by id, AUC and calibration against what was promised."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from creditrisk.monitor.outcomes import (
    auc_with_error,
    expected_auc,
    groups_of_outcomes,
    join_outcomes,
    joined,
    judge_outcomes,
    strangers_in,
)
from tests.support.watching import PARAMS, reference


def promised():
    """A reference whose PDs are calibrated."""
    return reference("lr platt")


def scored(lines):
    frame = pd.DataFrame(lines, columns=["batch", "id", "bad", "pd"])
    return frame.astype({"id": "str", "bad": "Int8"})


def later(lines):
    return scored([(*line, 0.0) for line in lines])[["batch", "id", "bad"]]


def test_the_last_outcome_of_an_applicant_counts_once():
    rows = scored(
        [(1, "a", None, 0.1), (1, "b", 1, 0.2), (2, "c", None, 0.3), (2, "a", None, 0.4),
         (3, "d", None, np.nan), (3, None, 0, 0.5), (3, "e", None, 0.6)]
    )  # fmt: skip
    found = join_outcomes(rows, later([(4, "a", 0), (5, "a", 1), (5, "d", 1), (6, "x", 1)]))
    # d was trained on, e has no outcome, x never applied.
    lines = found.astype(object).where(found.notna(), None).to_numpy().tolist()
    assert lines == [["b", 1, 0.2, 1], [None, 0, 0.5, 3], ["a", 1, 0.4, 4]]


def test_an_outcome_that_stands_in_an_earlier_row_is_not_forgotten():
    rows = scored([(1, "a", 1, 0.1), (2, "a", None, 0.3), (2, "b", 1, 0.2), (4, "b", 0, 0.4)])
    found = join_outcomes(rows, later([(3, "b", 1)]))
    assert found[["id", "bad", "pd"]].to_numpy().tolist() == [["a", 1, 0.3], ["b", 0, 0.4]]


def test_outcomes_that_are_stated_again_change_nothing():
    rows = scored([(1, f"a{i}", None, i / 10) for i in range(6)])
    first = [(2, f"a{i}", 0) for i in range(3)]
    again = [(3, f"a{i}", i == 0) for i in range(6)]  # all so far, one of them corrected
    found = join_outcomes(rows, later([*first, *again]))
    assert found["known_by"].tolist() == [2, 2, 2, 3, 3, 3]
    assert found["bad"].tolist() == [1, 0, 0, 0, 0, 0]


def test_what_became_of_the_outcomes_is_counted():
    rows = scored([(1, "a", None, 0.1), (1, "t", None, np.nan), (1, "r", None, 0.2),
                   (2, "r", None, 0.3)])  # fmt: skip
    came = later([(3, "a", 1), (3, "t", 0), (3, "x", 1), (3, "b", None), (4, "y", 1)])
    assert joined(rows, came) == {
        "delivered": 5, "not_known": 1, "unknown_ids": 2, "trained_on": 1, "repeated_ids": 1,
    }  # fmt: skip
    assert strangers_in(rows, came) == set()  # a single one may be a slip
    many = later([(5, f"z{i}", 0) for i in range(9)])
    assert strangers_in(rows, pd.concat([came, many])) == {5}


def test_the_expected_auc_is_the_one_that_the_pds_make():
    rng = np.random.default_rng(0)
    pds = np.round(rng.beta(1, 4, 3000), 2)
    drawn = [roc_auc_score(rng.random(3000) < pds, pds) for _ in range(60)]
    assert expected_auc(pds) == pytest.approx(np.mean(drawn), abs=0.003)
    assert expected_auc(np.array([0.0, 0.0])) is None
    assert expected_auc(np.array([0.3, 0.3, 0.3])) == pytest.approx(0.5)


def test_the_error_of_an_auc_is_that_of_repeated_samples():
    rng = np.random.default_rng(1)

    def sample(n):
        pds = rng.beta(1, 3, n)
        return (rng.random(n) < pds).astype(int), pds

    pairs = [auc_with_error(*sample(400)) for _ in range(200)]
    aucs, errors = np.array(pairs).T
    assert errors.mean() == pytest.approx(aucs.std(), rel=0.2)
    bad, pds = sample(400)
    assert auc_with_error(bad, pds)[0] == pytest.approx(roc_auc_score(bad, pds))


def outcomes(seed: int, rows: int = 400, worse: float = 0.0, noise: bool = False):
    """Outcomes as the reference promises them, or with more defaults, or without order."""
    rng = np.random.default_rng(seed)
    grades = promised().grades
    grade = rng.choice(len(grades), rows, p=np.array([g.rows for g in grades]) / 800)
    mean = np.array([g.mean_pd for g in grades])[grade]
    rate = np.array([g.bad_rate for g in grades])[grade]
    bad = rng.random(rows) < (0.3 if noise else np.clip(rate + worse, 0, 1))
    return pd.DataFrame({"bad": bad.astype("int8"), "pd": mean, "known_by": 1})


def test_outcomes_as_promised_raise_no_alarm():
    found = [judge_outcomes(outcomes(seed), promised(), PARAMS)[1] for seed in range(60)]
    kinds = [{one.kind for one in each} for each in found]
    assert sum("calibration" in each for each in kinds) <= 2
    assert sum("auc" in each for each in kinds) <= 2


def test_more_defaults_and_no_order_are_found():
    _, found = judge_outcomes(outcomes(1, worse=0.15), promised(), PARAMS)
    assert ("calibration", "outcomes") in {(one.kind, one.place) for one in found}
    summary, found = judge_outcomes(outcomes(2, noise=True), promised(), PARAMS)
    assert "auc" in {one.kind for one in found}
    assert summary["auc_low"] < 0.5 < summary["auc_high"]
    grades = [line["grade"] for line in summary["calibration"]]
    assert grades == [one.name for one in promised().grades] == list("ABCDE")


def test_few_outcomes_are_shown_and_raise_no_alarm():
    summary, found = judge_outcomes(outcomes(2, rows=100, noise=True), promised(), PARAMS)
    assert not found
    assert summary["rows"] == 100
    summary, found = judge_outcomes(outcomes(2, rows=1), promised(), PARAMS)
    assert summary["auc"] is None
    summary, found = judge_outcomes(outcomes(2, rows=1).iloc[:0], promised(), PARAMS)
    assert (summary["rows"], summary["bad_rate"], found) == (0, None, [])


def test_groups_of_outcomes_keep_to_the_order_in_which_they_came():
    known = pd.DataFrame({"bad": 0, "pd": 0.5, "known_by": [1] * 3 + [2] * 3 + [5] * 4 + [6]})
    sizes = [len(group) for group in groups_of_outcomes(known, 5)]
    assert sizes == [6, 5, 0]
    assert [len(group) for group in groups_of_outcomes(known, 100)] == [11]
    assert [len(group) for group in groups_of_outcomes(known.iloc[:0], 5)] == [0]

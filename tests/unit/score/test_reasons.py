"""Reasons: they sum to the log-odds, are the Shapley values, and speak the schema's words."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.baseline import baseline_applicant
from creditrisk.champion.contributions import Contributions, Explainer
from creditrisk.champion.log_odds import log_odds
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.predict import Predictor, transform_rows
from creditrisk.champion.scorecard import linear, scorecard
from creditrisk.score.reasons import Cells, main_reasons, reasons_texts, value_formatter
from tests.support.champions import (
    KINDS,
    LINEAR,
    TREES,
    baseline_row,
    columns,
    default_pd,
    model,
    part,
    resampled,
    rows,
)
from tests.support.small_data import DEFAULT

pytestmark = pytest.mark.slow


def format_value(*args):
    return value_formatter(DEFAULT, rows()[1]["derived"])(*args)


def describe(name, original, model_input, cause=None):
    """A variable with its value, in words."""
    return format_value(name, "R01", original, model_input, cause).words


def typical():
    return baseline_row(baseline_applicant(part("train"), rows()[1]), part("test")[columns()])


@pytest.mark.parametrize("kind", [*KINDS, "vote", "stack"])
def test_contributions_sum_to_the_log_odds(kind):
    frame = pd.concat([part("test")[columns()].head(12), resampled(12, 5)], ignore_index=True)
    found = Explainer(Predictor(model(kind)), typical()).contributions(frame)
    total = found.base + found.shares.sum(axis=1)
    assert total.to_numpy() == pytest.approx(log_odds(default_pd(model(kind), frame)), abs=1e-9)
    assert found.base == log_odds(default_pd(model(kind), typical()))[0]
    assert {*LINEAR, *TREES} <= set(KINDS)


@pytest.mark.parametrize("kind", LINEAR)
def test_contributions_to_a_linear_model_are_weights_times_differences(kind):
    frame = part("test")[columns()].head(20)
    seen = linear(model(kind))
    found = Explainer(Predictor(model(kind)), typical()).contributions(frame).shares
    for name in ("status", "age"):
        changed = pd.concat([typical()] * len(frame), ignore_index=True)
        changed[name] = frame[name].to_numpy()
        steps = transform_rows(seen.pipeline, changed) - transform_rows(seen.pipeline, typical())
        assert found[name].to_numpy() == pytest.approx(steps @ seen.weights, abs=1e-9)


def test_contributions_to_a_scorecard_are_differences_of_its_points():
    scale = ScorecardParams(base_points=600, base_odds=50, pdo=20)
    card = scorecard(model("scorecard"), part("train"), rows()[1], DEFAULT, scale)
    points = card[card["variable"] == "purpose"].set_index("code")["points_exact"]
    frame = part("test")[columns()].head(20)
    found = (
        Explainer(Predictor(model("scorecard")), typical()).contributions(frame).shares["purpose"]
    )
    given = points[frame["purpose"]].to_numpy() - points[typical()["purpose"].iloc[0]]
    assert found.to_numpy() * -scale.factor == pytest.approx(given, abs=1e-9)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1e308, "-1e+308"),
        (-1.23456789e300, "-1.23457e+300"),
        (1e15, "1e+15"),
        (123456789012345.0, "123456789012345"),
        (15945.25, "15945.25"),
        (1 / 3, "0.333333"),
    ],
)
def test_a_number_has_at_most_fifteen_digits_before_the_point(value, words):
    assert describe("amount", value, value) == f"amount: {words} DM"


@pytest.mark.parametrize("kind", ["xgb", "rf"])
def test_contributions_near_the_shapley_values_of_all_orders(kind):
    # Rows that differ from the reference in five variables: 120 orders are all there are.
    names = ["status", "duration", "amount", "age", "purpose"]
    frame = pd.concat([typical()] * 10, ignore_index=True)
    for name in names:
        frame[name] = part("test")[name].head(10).to_numpy()
    exact = np.zeros((10, 5))
    orders = list(permutations(range(5)))
    stations = []
    for order in orders:
        rows_ = pd.concat([typical()] * 10, ignore_index=True)
        for at in order:
            rows_ = rows_.assign(**{names[at]: frame[names[at]]})
            stations.append(rows_)
    odds = log_odds(default_pd(model(kind), pd.concat(stations, ignore_index=True)))
    odds = odds.reshape(len(orders), 5, 10)
    base = log_odds(default_pd(model(kind), typical()))[0]
    for order, path in zip(orders, odds, strict=True):
        steps = np.diff(np.vstack([np.full(10, base), path]), axis=0)
        for at, step in zip(order, steps, strict=True):
            exact[:, at] += step / len(orders)
    found = Explainer(Predictor(model(kind)), typical()).contributions(frame).shares
    assert (found.drop(columns=names) == 0).all(axis=None)
    error = np.abs(found[names].to_numpy() - exact)
    assert error.mean() < 0.2 * np.abs(exact).mean()
    many = (
        Explainer(Predictor(model(kind)), typical(), 22)
        .contributions(frame)
        .shares[names]
        .to_numpy()
    )
    assert np.abs(many - exact).mean() < error.mean()


def test_each_variable_comes_early_in_the_middle_and_late():
    explainer = Explainer(Predictor(model("xgb")), typical())
    count = len(explainer.names)
    places = np.argsort(explainer.sequences, axis=1)
    assert (places.mean(axis=0) == (count - 1) / 2).all()
    thirds = (places + 0.5) * 3 / count
    for third in range(3):
        assert ((np.abs(thirds - third - 0.5) < 0.7).sum(axis=0) >= 2).all()


def test_a_step_that_several_orders_share_is_scored_once():
    row = part("test")[columns()].head(1)
    predictor = Predictor(model("xgb"))
    explainer = Explainer(predictor, typical())
    scored, score = [], predictor.pd_of_coded
    predictor.pd_of_coded = lambda steps: scored.append(steps) or score(steps)
    found = explainer.contributions(row).shares.iloc[0]
    [steps] = scored
    assert len(np.unique(np.vstack([steps.numbers, steps.codes]), axis=1).T) == len(steps)

    # The same, each order by itself.
    stations = []
    for sequence in explainer.sequences:
        here = typical()
        for name in np.array(explainer.names)[sequence]:
            here = here.assign(**{name: row[name].to_numpy()})
            stations.append(here)
    odds = log_odds(default_pd(model("xgb"), pd.concat(stations, ignore_index=True)))
    odds = odds.reshape(explainer.sequences.shape)
    changes = np.diff(odds, axis=1, prepend=explainer.base)
    expected = np.zeros(len(explainer.names))
    for sequence, own in zip(explainer.sequences, changes, strict=True):
        expected[sequence] += own / len(changes)
    assert found.to_numpy() == pytest.approx(expected, abs=1e-6)


def test_reasons_do_not_hang_on_the_company():
    frame = part("test")[columns()].head(30)
    together = Explainer(Predictor(model("vote")), typical()).contributions(frame).shares
    alone = Explainer(Predictor(model("vote")), typical()).contributions(frame.iloc[[7]]).shares
    assert (alone.to_numpy() == together.iloc[[7]].to_numpy()).all()


def test_words_name_the_label_and_the_direction_and_not_the_code():
    assert describe("status", "2", "2") == "status: below 0 DM"
    assert describe("duration", 48.0, 48.0) == "duration: 48 months"
    assert describe("purpose", np.nan, np.nan) == "purpose: not given"
    words = describe("monthly_burden", 120.5, 120.5)
    assert words == "monthly burden (ratio of amount and duration): 120.5"
    shares = {"status": [0.5, 0.5], "duration": [-0.9, -0.9], "age": [0.1, 0.0]}
    frame = pd.DataFrame({"status": ["2", "2"], "duration": [6.0, 6.0], "age": [30.0, 30.0]})
    texts = said(shares, [True, False], frame=frame, top=2)
    assert texts[0] == "status: below 0 DM raises the risk; age: 30 years raises the risk"
    assert texts[1] == "duration: 6 months lowers the risk; status: below 0 DM raises the risk"


def said(shares, refused, base_pd=0.1, frame=None, top=4, threshold=1 / 6):
    """Word contributions to rows of three variables."""
    shares = pd.DataFrame(shares)
    if frame is None:
        frame = pd.concat([part("test")[list(shares)].head(1)] * len(shares), ignore_index=True)
    base = float(log_odds(np.array([base_pd]))[0])
    found = Contributions(list(shares), shares.to_numpy(), base, base_pd)
    columns_ = {name: frame[name].to_numpy(dtype=object) for name in frame}
    reasons = main_reasons(
        found, Cells(columns_, columns_, {}), np.array(refused), format_value, top
    )
    return reasons_texts(reasons, found, np.array(refused), threshold)


def test_refused_without_a_reason_of_their_own_are_told_so():
    shares = {"age": [0.0, -0.2, 0.3], "amount": [0.0, -0.1, -0.1]}
    alike, better, worse = said(shares, [True] * 3, base_pd=0.21)
    end = " who paid back, whose own PD of 0.21 is not under the cut-off of 0.167"
    assert alike == "nothing sets the applicant apart from a typical one" + end
    assert better == "nothing raises the risk above that of a typical applicant" + end
    assert worse.startswith("age: ")
    assert worse.endswith(" raises the risk")
    assert ";" not in worse


def test_accepted_are_told_what_lowers_the_risk_or_that_they_are_typical():
    shares = {"age": [-0.2, 0.0], "amount": [-0.3, 0.0]}
    lower, alike = said(shares, [False, False])
    assert [words.rsplit(" ", 3)[1] for words in lower.split("; ")] == ["lowers", "lowers"]
    assert lower.startswith("amount")
    assert alike == (
        "nothing sets the applicant apart from a typical one who paid back, whose own PD of 0.1 is "
        "under the cut-off of 0.167"
    )
    # By a hair on the other side of the cut-off than the typical one.
    assert " is close to the cut-off" in said({"age": [1e-9]}, [True], base_pd=1 / 6 - 1e-10)[0]


@pytest.mark.parametrize("noise", [7e-17, -7e-17, 1e-8])
@pytest.mark.parametrize("refused", [True, False])
def test_rounding_is_no_reason(noise, refused):
    assert "amount" not in said({"age": [0.4], "amount": [noise]}, [refused])[0]
    assert "nothing sets" in said({"age": [0.0], "amount": [noise]}, [refused])[0]


def test_words_are_of_the_applicants_own_value():
    assert describe("amount", 15945.0, 11696.0) == "amount: 15945 DM (counted as 11696 DM)"
    assert describe("amount", 2486400.0, 2486400.0) == "amount: 2486400 DM"
    assert describe("amount", 2486412.55, 2486412.55) == "amount: 2486412.55 DM"
    assert describe("purpose", "8", "rare levels") == "purpose: vacation (counted as rare levels)"
    given = {None: "not given", "empty": "not given", "null_word": "not given",
             "out_of_domain": "no valid value", "unparseable": "no valid value"}  # fmt: skip
    for cause, words in given.items():
        assert describe("status", np.nan, np.nan, cause) == f"status: {words}"
    assert describe("monthly_burden", np.nan, np.nan).endswith(": no value")


def test_reference_is_typical_of_the_good_training_rows():
    frame = pd.DataFrame({"bad": [0, 0, 0, 1, 1, 1], "n": [1.0, 2.0, np.nan, 9, 9, 9],
                          "t": ["a", "b", "b", "c", "c", "c"], "o": [None] * 6})  # fmt: skip
    found = baseline_applicant(frame, {"numeric": ["n"], "nominal": ["t", "o"], "ordinal": {}})
    assert found == {"n": 1.0, "t": "b", "o": None}

"""The verdict, and who is referred: sentences with the numbers of the metrics."""

from dataclasses import replace

import numpy as np
import pytest

from creditrisk.report.card import model_card
from creditrisk.report.page import build_page
from creditrisk.report.verdict import verdict
from tests.support.report_results import inputs, words_of
from tests.support.report_shapes import (
    many_rules,
    no_groups,
    nobody_accepted,
    nobody_referred,
    without,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole():
    return inputs()[0]


def test_the_verdict_begins_with_how_many_of_the_accepted_went_bad(whole):
    found, rows = whole.metrics["decisions"], whole.prepared["split"]["test"]
    low, high = found["bad_rate_accepted_ci"]
    lines = whole.curves["strategy"]
    oof = lines[lines["in_use"] & (lines["sample"] == "out_of_fold")].iloc[0]
    assert verdict(whole)[0] == (
        f"Of {rows['rows']} test applicants {found['accepted']} would be accepted; "
        f"{found['bad_accepted']} of these {found['accepted']} went bad "
        f"({found['bad_rate_accepted']:.1%}, 95% interval {low:.1%} to {high:.1%}), against "
        f"{rows['bad'] / rows['rows']:.1%} of all; {found['referred']} would be referred to a "
        f"person, {found['rejected']} rejected. Out of fold, with models that had "
        "not seen them, "
        f"{int(oof['bad_approved'])} of {int(oof['approved'])} accepted training applicants "
        f"went bad ({oof['bad_rate_approved']:.1%}, {oof['bad_rate_approved_low']:.1%} to "
        f"{oof['bad_rate_approved_high']:.1%}): these are more applicants, so rather "
        "expect this in use."
    )
    assert verdict(whole)[0] in model_card(whole)
    assert "test applicants none would be accepted" in verdict(nobody_accepted(whole))[0]


def test_the_report_says_who_is_referred(whole):
    for given, said in (
        (whole, ["Who lacks any field", "Who has a level that no training row has, in: status."]),
        (nobody_referred(whole), ["Nobody is referred", "by its parameters, nobody is referred"]),
        (
            many_rules(whole),
            [
                "Who lacks one of the required fields: status.",
                "Who lacks one of these fields, which no training row lacked: amount.",
                "Who lacks more than 3 fields", "than in any training row, in: opened.",
                "or below 0 where none is), in: income.", "is from 10.00% to under 20.00%",
                "the decision would not be to accept: amount.",
            ],
        ),
        (no_groups(whole), ["Who lacks a field of the model (decision.refer.missing): amount, "]),
    ):  # fmt: skip
        for told in (words_of(build_page(given).html()), model_card(given)):
            assert [words for words in said if words not in told] == []
            assert ("Nobody is referred" in told) == (said[0] == "Nobody is referred")


def test_the_verdict_says_whether_leaving_a_field_empty_helps(whole):
    table = whole.curves["left_out"]

    def said(frame, **refer):
        rules = whole.champion.referral.model_copy(update=refer)
        champion = whole.champion.model_copy(update={"referral": rules})
        given = replace(whole, curves=whole.curves | {"left_out": frame}, champion=champion)
        (found,) = [line for line in verdict(given) if line.startswith("Leaving a field empty")]
        assert found.removeprefix("Leaving a field empty: ") in words_of(build_page(given).html())
        return found

    assert "nobody is accepted for leaving one out" in said(table.head(0))
    assert "of 60 rejected test applicants who stated it, 12 would be accepted" in said(table)
    assert "Nothing prevents this" in said(table)
    assert "since params.yaml says so" not in said(table)
    assert "Applicants whose acceptance depends" in said(table, gain={"amount": [1.0]})
    open_ = table.assign(missing_in_training=0.0)
    assert "and 2 such fields can be left out" in said(open_)
    assert "Set decision.refer.missing to auto" in said(open_)
    assert "Nothing prevents this" not in said(open_)
    assert "nobody would be accepted" in said(open_.assign(accepted_without=0))


def test_the_verdict_says_what_a_decision_will_cost_in_use(whole):
    mean, se = (whole.selected["nested"][name]["expected_cost"] for name in ("mean", "se"))
    expected = f"In use expect {mean:.3f} a head (nested cross-validation, SE {se:.3f})."
    assert expected in " ".join(verdict(whole))
    assert "In use expect" not in " ".join(verdict(without(whole, nested=None)))


def test_the_verdict_answers_what_is_asked_first(whole):
    said, words = verdict(whole), words_of(build_page(whole).html())
    frame = whole.curves["sensitivity"].query("sample == 'out_of_fold'")
    for line in frame.query("scenario == 'ratio' and not in_use").to_dict("records"):
        asked = (
            f"cost {line['value']:g} times as much as rejecting a good one, "
            f"{line['threshold']:.1%} would fit: {line['approval_rate']:.1%} accepted, of whom "
            f"{line['bad_rate_moved']:.1%} go bad (out of fold)."
        )
        assert asked in said[1]
    worse = frame.query("scenario == 'odds' and not in_use").iloc[0]
    (economy,) = [one for one in said if one.startswith("A worse economy")]
    assert f"{worse['bad_rate_kept']:.1%} of the accepted go bad instead of" in economy
    assert f"{worse['approval_rate']:.1%} are accepted instead of" in economy
    (half,) = [one for one in said if one.startswith("To accept about half")]
    oof = whole.curves["strategy"].query("sample == 'out_of_fold'")
    line = oof.loc[(oof["approval_rate"] - 0.5).abs().idxmin()]
    assert f"a cut-off of {line['threshold']:.1%}, {line['approval_rate']:.1%} are accepted" in half
    lights = whole.curves["grades"].query("sample == 'test'")["light"]
    (grades,) = [one for one in said if one.startswith("Rating grades")]
    assert f"{(lights == 'green').sum()} of {len(lights)} have a green light" in grades
    assert "Against the best scorecard: " in said[-1]
    (person,) = [one for one in said if one.startswith("A person decides")]
    assert "lack a field that no training row lacked" in person
    assert "required field" not in person
    (person,) = [one for one in verdict(many_rules(whole)) if one.startswith("A person decides")]
    for part in ("a required field", "a PD from 10.00% to under 20.00%", "on a missing field."):
        assert part in person
    for one in (economy, half, grades, said[-1]):
        assert one in words
    assert "Nobody is referred" in " ".join(verdict(nobody_referred(whole)))
    few = whole.curves["strategy"].query("approval_rate < 0.5")
    none = replace(whole, curves=whole.curves | {"strategy": few})
    assert "To accept about half" not in " ".join(verdict(none))


def metric_change(given, **parts):
    return replace(given, metrics=given.metrics | parts)


def test_verdict_says_when_it_does_not_pay_or_cannot_be_believed(whole):
    base, found = whole.metrics["baselines"], whole.metrics["calibration"]
    assert "It pays" in " ".join(verdict(whole))
    assert base["saved"] == min(base["accept_all"], base["reject_all"]) - base["champion"] > 0
    lost = {"champion": base["reject_all"] + 0.1, "saved": -0.1}
    dear = metric_change(whole, baselines=base | lost)
    assert "It doesn't pay" in " ".join(verdict(dear))
    assert "It pays" not in " ".join(verdict(dear))
    close = {"ci": whole.metrics["test"]["ci"] | {"expected_cost": [0.0, 9.0]}}
    unsure = metric_change(whole, test=whole.metrics["test"] | close)
    assert "a head may be luck" in " ".join(verdict(unsure))
    for slope, large, said in (
        ([0.9, 1.1], [-0.1, 0.1], "are well calibrated"),
        ([0.5, 0.9], [-0.1, 0.1], "too extreme"),
        ([1.1, 1.9], [0.1, 0.4], "too moderate (slope above 1) and they are too low"),
        ([0.9, 1.1], [-0.3, -0.1], "too high on average"),
    ):
        changed = found | {
            "slope": {"value": np.mean(slope), "ci": slope},
            "in_the_large": {"value": np.mean(large), "ci": large},
        }
        assert said in " ".join(verdict(metric_change(whole, calibration=changed)))


def test_verdict_sends_back_a_nested_estimate_outside_the_test_interval(whole):
    even = metric_change(whole, test=in_interval(whole, 0.0, 1.0))
    assert "the two agree" in " ".join(verdict(even))
    odd = metric_change(whole, test=in_interval(whole, 0.98, 0.99))
    assert "find out why before you sign" in " ".join(verdict(odd))


def in_interval(given, low, high):
    test = given.metrics["test"]
    return test | {"ci": test["ci"] | {"roc_auc": [low, high]}}


def test_lead_within_luck_is_called_so(whole):
    pair = whole.selected["two_best"]
    for more, said, unsaid in (
        (True, "so it is more than luck", "could be luck"),
        (False, "so it could be luck", "more than luck"),
    ):
        given = without(whole, two_best=pair | {"more_than_luck": more})
        words = words_of(build_page(given).html())
        assert said in words
        assert unsaid not in words

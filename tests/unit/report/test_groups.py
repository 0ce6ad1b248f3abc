"""The section on groups: every number is one of the tables, in both languages."""

import re
from functools import cache
from html import unescape

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.groups import FairnessParams
from creditrisk.evaluate.fairness import GroupSample, fairness
from creditrisk.evaluate.fairness_cutoffs import fairness_cutoffs
from creditrisk.html.page import Figure, Page
from creditrisk.metrics.costs import Costs, DecisionParams, Sample
from creditrisk.report.data import ReportData
from creditrisk.report.groups import (
    decisions_table,
    group_notes,
    groups_section,
    protected_lines,
    risk_table,
)
from creditrisk.report.groups_words import group_findings, protected_words
from creditrisk.report.language import MARKDOWN
from creditrisk.report.words import load_words
from tests.support.audited import featured, schema, scorer
from tests.support.rendered import additions_in, rendered

BY = FairnessParams.model_validate(
    {
        "age": {"bins": [25, 60]},
        "foreign_worker": "levels",
        "personal_status_sex": "levels",
        "housing": "levels",
    }
)
EN, ES = load_words("en"), load_words("es")
DECISION = DecisionParams(cost_bad_accepted=5, cost_good_rejected=1, threshold="theory")


def sample_of(frame, seed):
    rng = np.random.default_rng(seed)
    young = frame["original.age"].fillna(30) < 25
    pds = np.clip(rng.uniform(0, 0.6, len(frame)) + 0.3 * young, 0, 1).to_numpy()
    n = len(frame)
    costs = Costs(np.full(n, 5.0), np.ones(n), 0.2)
    return Sample(frame["bad"].to_numpy(), pds, costs, rng.random(n) < 0.05)


@cache
def data(language="en", by=BY):
    frame = featured()[0]
    parts = [
        GroupSample(part, sample_of(part, seed))
        for seed, part in enumerate(
            frame[frame["split"] == side].reset_index(drop=True) for side in ("train", "test")
        )
    ]
    found = fairness(*parts, 0.25, by, schema())
    cutoffs = fairness_cutoffs(parts[0], found, 0.25, by, schema())
    return ReportData(
        metrics={}, selected={}, prepared={}, ingested={}, decision=DECISION,
        champion=scorer().champion.description.model_copy(update={"threshold": 0.25}),
        board=pd.DataFrame(), curves={"fairness": found, "fairness_cutoffs": cutoffs},
        words=load_words(language),
    )  # fmt: skip


def table():
    return data().curves["fairness"]


def line(sample, group):
    return table().query("sample == @sample and group == @group").iloc[0]


def test_the_finding_names_the_group_with_the_figures_of_the_table():
    young, rest = line("out_of_fold", "under 25"), line("out_of_fold", "25 to 60")
    assert young["certain"], "the test data must have a finding"
    first, *_, advice = group_findings(table(), EN, schema())
    assert first == (
        f'Groups by age, "under 25": {young["approval_rate"]:.1%} are accepted out of fold, '
        f'against {rest["approval_rate"]:.1%} of the largest group, "25 to 60". The ratio is '
        f"{young['approval_ratio']:.2f} (95% {young['approval_ratio_low']:.2f} to "
        f"{young['approval_ratio_high']:.2f}), below 0.8 (the four-fifths rule). Among those who "
        f"paid back it is {young['equal_opportunity']:.1%} against {rest['equal_opportunity']:.1%}:"
        f" {young['equal_opportunity_ratio']:.2f} (95% {young['equal_opportunity_ratio_low']:.2f} "
        f"to {young['equal_opportunity_ratio_high']:.2f}), below it, too. An interval is "
        f"wholly below the limit, so this is hardly chance. Of the group "
        f"{young['bad_rate']:.1%} went bad, against {rest['bad_rate']:.1%}."
    )
    assert advice.startswith("This is not a gate")


def test_it_says_the_same_after_the_csv(tmp_path):
    table().to_csv(tmp_path / "fairness.csv", index=False)
    again = pd.read_csv(tmp_path / "fairness.csv")
    assert group_findings(again, EN, schema()) == group_findings(table(), EN, schema())


def numbers(text):
    return re.findall(r"\d[\d.,]*\d%?|\d%?", text)


def test_both_languages_have_the_same_numbers():
    english, spanish = (group_findings(table(), words, schema()) for words in (EN, ES))
    for one, two in zip(english, spanish, strict=True):
        assert numbers(one) == numbers(two)
    assert '"menos de 25"' in spanish[0]
    assert "accepted" not in " ".join(spanish)


def simple(**changes):
    """Three groups in the two samples; nothing is below."""
    base = {"rows": 100, "bad": 30, "judged": True, "approval_rate": 0.5, "bad_rate": 0.3,
            "equal_opportunity": 0.6, "min_ratio": 0.8, "reference": False,
            "flagged": False, "certain": False, "reference_below": False}  # fmt: skip
    ratios = {f"{name}{end}": value for name in ("approval_ratio", "equal_opportunity_ratio")
              for end, value in (("", 0.95), ("_low", 0.9), ("_high", 1.1))}  # fmt: skip
    nothing = dict.fromkeys(ratios, np.nan)
    lines = [
        {"sample": sample, "variable": "v", "group": group} | base
        | (ratios if group != "A" else nothing | {"reference": True})
        | changes.get(f"{sample}_{group}", {})
        for sample in ("out_of_fold", "test") for group in "ABC"
    ]  # fmt: skip
    return pd.DataFrame(lines)


def ratio(value, low, high, name="approval_ratio"):
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def test_without_a_group_below_the_lowest_ratio_is_told():
    found = simple(test_C=ratio(0.85, 0.7, 1.05))
    assert group_findings(found, EN) == [
        "No group of at least 30 rows is below 0.8 (the four-fifths rule) in its approvals, nor in "
        "those of applicants who paid back. The lowest ratio is 0.85 (95% 0.70 to 1.05): v, "
        '"C", on the test rows.'
    ]


def test_the_most_severe_comes_first_and_out_of_fold_before_test():
    found = simple(out_of_fold_B=ratio(0.7, 0.5, 0.9), test_B=ratio(0.2, 0.1, 0.3),
                   test_C=ratio(0.6, 0.4, 0.79))  # fmt: skip
    first, second, _ = group_findings(found, EN)
    assert '"C": 50.0% are accepted on the test rows' in first
    assert "so this is hardly chance" in first
    assert '"B": 50.0% are accepted out of fold' in second
    assert "0.70 (95% 0.50 to 0.90)" in second
    assert "this may be chance" in second
    shortened = group_findings(found, EN, most=1)
    assert shortened[0] == first
    assert "besides these: 1." in shortened[1]


def test_a_certain_difference_comes_before_a_larger_one_that_may_be_chance():
    found = simple(out_of_fold_B=ratio(0.4, 0.1, 1.2), out_of_fold_C=ratio(0.6, 0.5, 0.7))
    first, second, _ = group_findings(found, EN)
    assert '"C"' in first
    assert "so this is hardly chance" in first
    assert '"B"' in second
    assert "this may be chance" in second


def test_a_group_that_is_not_judged_is_no_finding():
    found = simple(out_of_fold_B=ratio(0.1, 0.05, 0.2) | {"judged": False})
    assert "No group" in group_findings(found, EN)[0]
    alone = simple(out_of_fold_A={"judged": False}, test_A={"judged": False})
    assert group_findings(alone, EN) == [
        "No group could be compared with a largest one: it takes 30 rows in both."
    ]
    assert group_findings(simple().head(0), EN) == []


def test_the_largest_group_may_be_the_one_below():
    found = simple(out_of_fold_B=ratio(2.0, 1.6, 2.5) | {"approval_rate": 0.9})
    first = group_findings(found, EN)[0]
    assert first.startswith(
        'Groups by v, "A", the largest group: 50.0% are accepted out of fold, against 90.0% of "B".'
        " The ratio is 0.50 (95% 0.40 to 0.62), below 0.8"
    )


def test_a_ratio_of_the_good_alone_is_a_finding():
    found = simple(out_of_fold_B=ratio(0.5, 0.3, 0.7, "equal_opportunity_ratio"))
    first = group_findings(found, EN)[0]
    assert "0.95 (95% 0.90 to 1.10), not below 0.8" in first
    assert "a ratio of 0.50 (95% 0.30 to 0.70), below 0.8" in first


def test_a_ratio_just_below_the_limit_is_not_shown_as_the_limit():
    found = simple(out_of_fold_B=ratio(0.7996, 0.7, 0.9))
    assert "The ratio is 0.7996 (95% 0.70 to 0.90), below 0.8" in group_findings(found, EN)[0]


def test_another_limit_is_not_called_the_four_fifths_rule():
    found = simple(out_of_fold_B=ratio(0.85, 0.7, 0.95)).assign(min_ratio=0.9)
    first = group_findings(found, EN)[0]
    assert "below 0.9." in first
    assert "four-fifths" not in first


def test_it_says_which_protected_variables_the_model_uses():
    used, audit = protected_lines(data())
    assert used == (
        "Of the variables that groups are compared by, the model uses personal status sex and "
        "housing."
    )
    assert audit == (
        "Kept for audit only, out of the model (audit in the schema): age and foreign worker."
    )
    derived = {"per_age": {"op": "ratio", "of": ["income", "age"]}}
    lines = protected_words(schema(), ["per_age"], derived, ["age"], EN)
    assert lines == ["Of the variables that groups are compared by, the model uses age."]
    lines = protected_words(schema(), ["amount"], {}, ["age", "housing"], EN)
    assert lines[0].endswith("(audit in the schema): age.")
    assert lines[1].startswith("Neither used by the champion nor marked for audit: housing.")
    assert lines[2].startswith("A model that does not see a variable can still treat")
    assert protected_words(schema(), ["amount"], {}, [], EN) == []


@pytest.mark.parametrize("sample", ["out_of_fold", "test"])
def test_the_tables_have_the_figures_of_the_csv(sample):
    part = table().query("sample == @sample").reset_index(drop=True)
    decisions, risk = (make(table(), sample, data()) for make in (decisions_table, risk_table))
    assert len(decisions) == len(risk) == len(part)
    for row in range(len(part)):
        one = part.loc[row]
        low, high = one["approval_rate_low"], one["approval_rate_high"]
        assert decisions.loc[row, "accepted"] == (
            f"{one['approval_rate']:.1%} ({low:.1%} to {high:.1%})"
        )
        shown = "" if one["reference"] else (
            f"{one['approval_ratio']:.2f} ({one['approval_ratio_low']:.2f} to "
            f"{one['approval_ratio_high']:.2f})"
        )  # fmt: skip
        assert decisions.loc[row, "ratio"] == shown
        assert decisions.loc[row, "cost a head"] == f"{one['expected_cost']:.3f}"
        assert decisions.loc[row, "referred"] == f"{one['referral_rate']:.1%}"
        assert risk.loc[row, "mean PD"] == f"{one['mean_pd']:.1%}"
        assert risk.loc[row, "bad"] == one["bad"]
    marks = decisions["note"]
    assert (marks == "largest group").sum() == part["variable"].nunique()
    assert set(marks[~part["judged"] & ~part["reference"]]) <= {"not judged"}
    assert (marks.str.startswith("below 0.8") == (part["flagged"] & part["judged"])).all()


def test_what_the_schema_says_of_a_variable_is_a_note():
    notes = group_notes(data())
    assert any("single men" in note and note.startswith("personal status sex: ") for note in notes)
    assert any(note.startswith("Fewer than 30 rows on the test rows") for note in notes)
    escaped = group_notes(data(), MARKDOWN)
    assert additions_in(rendered("\n".join(f"- {note}" for note in escaped))) == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_section_is_a_page_with_a_chart_of_each_variable_with_two_groups(language):
    blocks = groups_section(data(language))
    charts = [block for block in blocks if isinstance(block, Figure)]
    judged = data().curves["fairness_cutoffs"].query("judged")
    several = [name for name, part in judged.groupby("variable") if len(set(part["group"])) > 1]
    assert len(charts) == len(several) >= 2
    page = unescape(Page("x").section("Groups", *blocks).html())
    assert "{" not in "".join(group_findings(table(), data(language).words, schema()))
    assert ("four-fifths rule" in page) == (language == "en")
    assert ("regla de los cuatro quintos" in page) == (language == "es")


def test_the_chart_draws_the_table_the_limit_and_the_cut_off_in_use():
    charts = [block for block in groups_section(data()) if isinstance(block, Figure)]
    chart = charts[0].chart
    points = data().curves["fairness_cutoffs"]
    young = points.query("group == 'under 25'")
    assert chart.data[0].name == "under 25"
    assert list(chart.data[0].x) == young["threshold"].tolist()
    assert list(chart.data[0].y) == young["approval_ratio"].tolist()
    assert list(chart.data[-2].y) == [0.8, 0.8]
    assert list(chart.data[-1].x) == [0.25, 0.25]


def test_without_groups_the_section_says_so():
    nothing = ReportData(
        metrics={}, selected={}, prepared={}, ingested={}, decision=DECISION,
        champion=scorer().champion.description, board=pd.DataFrame(),
        curves={"fairness": table().head(0)},
    )  # fmt: skip
    (block,) = groups_section(nothing)
    assert "none of the columns to group by" in block.html

"""The verdict of a review: what decides, and what it says to look at."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from creditrisk.select.summary import cv_fold_scores
from creditrisk.workflow.review.changes import INGEST, PREPARE, SELECT
from creditrisk.workflow.review.groups import ratio_changes
from creditrisk.workflow.review.margins import MetricChange, metric_change, of_two, paired_margin
from creditrisk.workflow.review.markdown import Section, document
from creditrisk.workflow.review.tables import verdict_table
from creditrisk.workflow.review.verdict import verdict
from tests.support.review import auc, counted, made, oof, rows, sections

PM = "\N{PLUS-MINUS SIGN}"


def test_test_metrics_have_no_say_in_the_verdict():
    judged = verdict(made(cv=(0.75, 0.95), nested=(0.74, 0.94)))
    assert judged.title == "Better"
    assert judged.reason == (
        f"CV AUC moved by +0.2000 {PM} 0.0566 (95%, from two separate estimates), 0.7500 to 0.9500"
    )


def test_verdict_needs_more_than_the_margin_and_no_objection_of_nested_cv():
    def title(**given: tuple[float, float]) -> str:
        return verdict(made(**given)).title

    assert verdict(made()).title == "No difference that the data can tell"
    # 2 * sqrt(2) * 0.02 = 0.0566
    assert title(cv=(0.75, 0.806)) == "No difference that the data can tell"
    assert title(cv=(0.75, 0.807)) == "Better"
    assert title(cv=(0.807, 0.75), nested=(0.75, 0.74)) == "Worse"
    assert title(cv=(0.75, 0.807), nested=(0.75, 0.74)).endswith("nested CV moved the other way")


def test_same_folds_tell_what_two_separate_estimates_cannot():
    old, new = oof(1.0, 0.0), oof(1.4, 0.05)
    cv = [np.mean([auc(p) for _, p in f.groupby(["repeat", "fold"])]) for f in (old, new)]
    folds = cv_fold_scores(old, "roc_auc"), cv_fold_scores(new, "roc_auc")
    given = made(cv=cv, folds=folds, se=0.03)
    assert verdict(given).title == "Better"
    assert metric_change(given, "roc_auc", "cv").source == "the same folds"
    apart = replace(given, folds=(None, None))
    assert verdict(apart).title == "No difference that the data can tell"
    other = new.assign(fold=new["fold"].to_numpy()[::-1])
    assert paired_margin(folds[0], cv_fold_scores(other, "roc_auc")) is None


def costs(old: list[float], new: list[float], **more):
    """Two revisions with the same folds, whose costs are given fold by fold."""
    sides = [
        {"scores": [0.7] * 4, "folds": 4, "rows_sha256": "x", "metrics": {"expected_cost": values}}
        for values in (old, new)
    ]
    given = made(cv=(0.7, 0.7), folds=tuple(sides), **more)
    means = {"cv.expected_cost": {"old": float(np.mean(old)), "new": float(np.mean(new))}}
    errors = {"cv_se.expected_cost": {"old": 0.1, "new": 0.1}}
    select = given.metrics[SELECT] | means | errors
    return replace(given, metrics=given.metrics | {SELECT: select})


def test_the_cost_is_compared_over_the_same_folds():
    given = costs([0.5, 0.6, 0.4, 0.5], [0.56, 0.65, 0.46, 0.55])
    moved = metric_change(given, "expected_cost", "cv")
    # The differences are 0.06, 0.05, 0.06, 0.05: their standard deviation, corrected for
    # overlapping training rows, times the quantile of Student's t with three degrees of freedom.
    gaps = np.array([0.06, 0.05, 0.06, 0.05])
    margin = t.ppf(0.975, 3) * gaps.std(ddof=1) * np.sqrt(1 / 4 + 1 / 3)
    assert (moved.change, moved.margin) == pytest.approx((0.055, margin))
    assert moved.word("expected_cost") == "**worse**"
    assert verdict(given).look_at[0].startswith("CV cost a head moved by +0.0550")
    wide = costs([0.5, 0.6, 0.4, 0.5], [0.66, 0.45, 0.66, 0.45])
    assert metric_change(wide, "expected_cost", "cv").word("expected_cost") == "within the margin"
    apart = replace(given, folds=(None, None))
    assert metric_change(apart, "expected_cost", "cv").margin == pytest.approx(0.2 * 2**0.5)


def test_costs_in_other_units_are_not_compared():
    changed = {"params.yaml": {"decision.cost_bad_accepted": {"old": 5, "new": 6}}}
    given = costs([0.5, 0.6, 0.4, 0.5], [0.56, 0.65, 0.46, 0.55], params=changed)
    assert metric_change(given, "expected_cost", "cv").word("expected_cost") == "margin not known"
    assert "the costs of errors were changed" in verdict(given).look_at[0]
    other = {"params.yaml": {"decision.threshold": {"old": "oof", "new": "theory"}}}
    assert metric_change(replace(given, params=other), "expected_cost", "cv").margin is not None


def test_an_interval_of_two_estimates_keeps_its_skewness():
    # Zou and Donner 2008: each end takes the arm of either estimate that points to it.
    moved = of_two(0.3, 0.5, [0.2, 0.6], [0.4, 0.9])
    assert (moved.low, moved.high) == pytest.approx(
        (0.2 - np.hypot(0.1, 0.3), 0.2 + np.hypot(0.4, 0.1))
    )
    assert moved.margin is None
    assert of_two(0.3, 0.5, [0.2, 0.4], [0.4, 0.6]).margin == pytest.approx(np.hypot(0.1, 0.1))
    assert of_two(0.3, 0.5, None, [0.4, 0.6]) == MetricChange(0.3, 0.5)
    assert of_two(0.3, 0.5, [np.nan, 0.4], [0.4, 0.6]).is_sure is None


def fair(**ratios: float) -> pd.DataFrame:
    """plots/fairness.csv with the approval ratios of age groups, each 0.1 sure to both sides."""
    lines = []
    for group, ratio in ratios.items():
        line = {"sample": "out_of_fold", "variable": "age", "group": group, "judged": True}
        line |= {"reference": np.isnan(ratio), "min_ratio": 0.8}
        for name, value in (("approval_ratio", ratio), ("equal_opportunity_ratio", ratio + 0.1)):
            line |= {name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.1}
        lines.append(line)
    few = {"group": "few", "judged": False, "approval_ratio": 0.01}
    return pd.DataFrame(
        [*lines, lines[0] | few, lines[0] | {"sample": "test", "approval_ratio": 0.02}]
    )


def test_groups_below_the_limit_are_named_and_the_new_ones_first():
    pair = (fair(young=0.3, old=0.85, most=np.nan), fair(young=0.5, old=0.65, most=np.nan))
    given = made(tables={"fairness": pair})
    assert [each.group for each in ratio_changes(given)] == ["young", "young", "old", "old"]
    new, before = verdict(given).look_at[:2]
    assert new == (
        "age: old: ratio to the largest group 0.65 (approval) and 0.75 (approval of those who "
        "paid back), below 0.8, **which is new**"
    )
    assert before.startswith("age: young: ratio to the largest group 0.50 (approval)")
    assert before.endswith("below 0.8, as before")
    lowest, paid_back = rows(verdict_table(given))[-2:]
    assert lowest["what"] == "lowest ratio of approval (age: young)"
    # 0.2 is more than the square root of twice 0.01.
    assert lowest["change, 95% margin"] == f"+0.2000 {PM} 0.1414"
    assert lowest[""] == "**better**"
    assert paid_back["here"] == "0.6000"
    # Of a base without ratios it is not known what was before.
    alone = made(tables={"fairness": (None, pair[1])})
    assert "as before" not in "".join(verdict(alone).look_at)
    assert "new" not in "".join(verdict(alone).look_at)
    # A table of another version has none.
    old_table = pair[1].drop(columns="sample")
    assert ratio_changes(made(tables={"fairness": (pair[0], old_table)})) == []


def test_a_ratio_above_one_that_rises_is_no_improvement():
    pair = (fair(young=1.1), fair(young=1.5))
    (moved, _) = ratio_changes(made(tables={"fairness": pair}))
    assert moved.word() == "**worse**"


def test_many_groups_are_counted():
    low = {f"g{number}": 0.5 for number in range(6)}
    found = verdict(made(tables={"fairness": (None, fair(**low))})).look_at
    assert found[3] == "groups below 0.8 that are not listed: 3"


def test_the_verdict_and_its_table_agree_and_fit_a_screen():
    given = made(cv=(0.807, 0.75), nested=(0.75, 0.74))
    pair = (fair(young=0.3), fair(young=0.5))
    given = counted(replace(given, tables={"fairness": pair}))
    text = document(given, "heading", Section("Pictures", "x"))
    head = text.partition("### ")[0]
    assert "**Worse.**" in head
    assert rows(head)[0][""] == "**worse**"
    assert len([line for line in head.splitlines() if line.strip()]) <= 16
    assert "inside" not in text
    assert head.index("CV AUC") < head.index("lowest ratio") < head.index("**Decisions.**")
    assert head.index("**Decisions.**") < head.index("**Look at**")
    assert "<details>" not in head


def test_what_the_base_does_not_tell_is_not_known():
    given = made(cv=(0.75, 0.807), nested=(0.74, 0.75))
    ingest = {name: {"old": 1000, "new": 1000} for name in ("source_sha256", "rows_read")}
    select = given.metrics[SELECT] | {"algorithm": {"old": "rf", "new": "rf"}}
    given = replace(given, metrics=given.metrics | {INGEST: ingest, SELECT: select})
    unknown = "not known (the base has no dvc.lock)"
    judged = verdict(given)
    why = "; ".join((*judged.look_at, *judged.facts))
    assert judged.title == "Better"
    assert f"same champion (rf), whether it is the same model is {unknown}" in why
    assert f"same file, whether its rows changed is {unknown}" in why
    assert "unchanged" not in why
    lost = {name: {"old": None, "new": 1000} for name in ingest}
    prepared = {name: {"old": None, "new": 900} for name in ("rows_clean", "rows_rejected")}
    given = replace(given, metrics=given.metrics | {INGEST: lost, PREPARE: prepared})
    assert "not known (the base has no metrics/ingest.json)" in "; ".join(verdict(given).look_at)
    text = document(given, "heading", Section("Pictures", "none"))
    assert "Not known: the base has no dvc.lock." in sections(text)["Stages"]
    counts = {row["count"]: row["base"] for row in rows(sections(text)["Data"])}
    assert counts == dict.fromkeys(("rows read", "rows clean", "rows rejected"), "not known")

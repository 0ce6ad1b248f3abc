"""Cut-offs, folds, swap sets and sensitivity: counted again by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from creditrisk.champion.grades import GradesParams
from creditrisk.evaluate.folds import fold_table
from creditrisk.evaluate.proportions import jeffreys
from creditrisk.evaluate.sensitivity import sensitivity_table, with_odds
from creditrisk.evaluate.strategy import in_use, strategy_table
from creditrisk.evaluate.swap import comparability, swap_set, swap_tables
from creditrisk.evaluate.validation import first_repeat, validate
from creditrisk.metrics.costs import (
    DecisionParams,
    Sample,
    choose_threshold,
    decide,
    expected_cost,
)
from creditrisk.metrics.performance import compute_metrics

MATRIX = DecisionParams(
    cost_bad_accepted=5, cost_good_rejected=1, cost_referred=0.3, threshold="theory"
)
AMOUNTS = DecisionParams(
    cost_bad_accepted=5, cost_good_rejected=1, threshold="oof", cost_referred=20,
    amount_column="amount", loss_given_default=0.6, margin=0.1,
)  # fmt: skip


def sample(decision=MATRIX, rows=200, seed=0, referred=0.1):
    rng = np.random.default_rng(seed)
    pds = expit(rng.normal(-1, 1.3, rows))
    bad = (rng.random(rows) < pds).astype(int)
    frame = pd.DataFrame({"amount": rng.uniform(500, 9000, rows)})
    return Sample(bad, pds, decision.costs(frame), rng.random(rows) < referred)


@pytest.mark.parametrize("decision", [MATRIX, AMOUNTS])
def test_every_line_of_the_strategy_is_what_its_cut_off_brings(decision):
    oof, test = sample(decision, 800), sample(decision, 200, 1)
    table = strategy_table(oof, test, decision.break_even)
    for line in table.itertuples():
        rows = oof if line.sample == "out_of_fold" else test
        accepted = ~rows.referred & (rows.pd < line.threshold)
        bad = rows.bad == 1
        assert (line.approved, line.bad_approved) == (accepted.sum(), (accepted & bad).sum())
        assert line.approval_rate == accepted.mean()
        assert line.referred == rows.referred.sum()
        loss = rows.costs.bad_accepted
        assert line.expected_loss == pytest.approx(sum(rows.pd[accepted] * loss[accepted]))
        assert line.expected_cost == expected_cost(rows, line.threshold)
        low, high = jeffreys(line.bad_approved, line.approved)
        if line.approved:
            assert line.bad_rate_approved == bad[accepted].mean()
            assert (line.bad_rate_approved_low, line.bad_rate_approved_high) == (low, high)
        # What all right decisions would earn, less the cost of the wrong ones.
        earned = rows.costs.good_rejected[~bad].sum()
        assert line.profit == pytest.approx(earned - len(bad) * line.expected_cost)


def test_cut_offs_are_set_on_the_training_rows_by_steps_and_the_one_in_use_is_marked():
    oof, test = sample(rows=800, referred=0), sample(seed=1, referred=0)
    table = strategy_table(oof, test, 0.17)
    lines = table[table["sample"] == "out_of_fold"]
    assert lines["threshold"].tolist() == table.loc[table["sample"] == "test", "threshold"].tolist()
    steps = lines.loc[~lines["in_use"], "approved"].tolist()
    assert steps == [20 * k for k in range(1, 41)]
    assert lines.loc[lines["in_use"], "threshold"].tolist() == [0.17]
    assert lines["threshold"].is_monotonic_increasing
    assert in_use(table, "test")["approved"] == (test.pd < 0.17).sum()


def test_equal_pds_give_one_line_for_each_set_of_decisions():
    oof = sample(rows=100, referred=0)
    few = Sample(oof.bad, np.repeat([0.1, 0.5], 50), oof.costs)
    table = strategy_table(few, few, 0.2)
    assert table.loc[table["sample"] == "test", "approved"].tolist() == [50, 100]


def test_a_cut_off_that_accepts_nobody_has_no_bad_rate():
    line = in_use(strategy_table(sample(), sample(), 0.0), "test")
    assert (line["approved"], line["expected_loss"]) == (0, 0)
    assert np.isnan([line["bad_rate_approved"], line["bad_rate_approved_high"]]).all()


def oof_frame(rows=100, repeats=2):
    return pd.concat(
        pd.DataFrame({"row_id": np.arange(rows), "repeat": r, "fold": (np.arange(rows) + r) % 5})
        for r in range(repeats)
    )


def test_folds_are_measured_each_by_itself():
    oof, rows = oof_frame(), sample(rows=200)
    table = fold_table(oof, rows, 0.17)
    assert len(table) == 10
    assert table["rows"].sum() == 200
    for line in table.itertuples():
        here = ((oof["repeat"] == line.repeat - 1) & (oof["fold"] == line.fold - 1)).to_numpy()
        part = rows.take(np.flatnonzero(here))
        found = compute_metrics(part, 0.17)
        assert (line.roc_auc, line.ks, line.expected_cost) == (
            found["roc_auc"], found["ks"], found["expected_cost"]
        )  # fmt: skip
        accepted = part.accepted(0.17)
        assert line.approval_rate == accepted.mean()
        assert line.bad_rate_approved == part.bad[accepted].mean()


def test_swap_set_counts_pairs_also_those_without_applicants():
    old = np.array(["accept", "accept", "reject", "reject", "reject"])
    new = np.array(["accept", "reject", "reject", "reject", "reject"])
    table = swap_set(old, new, np.array([0, 1, 1, 0, 1]))
    assert table[["old", "new", "rows", "bad"]].to_numpy().tolist() == [
        ["accept", "accept", 1, 0], ["accept", "reject", 1, 1],
        ["reject", "accept", 0, 0], ["reject", "reject", 3, 2],
    ]  # fmt: skip
    assert np.isnan(table["bad_rate"][2])
    assert table["bad_rate"][3] == pytest.approx(2 / 3)
    three = swap_set(old, np.where(new == "reject", "refer", new), np.zeros(5, int))
    assert len(three) == 9
    assert three["rows"].sum() == 5


def decisions(ids, bad, decision):
    return pd.DataFrame({"row_id": ids, "bad": bad, "decision": decision})


def test_decisions_are_compared_only_about_the_same_applicants():
    now = decisions([1, 2, 3], [0, 1, 0], ["accept", "reject", "accept"])
    former = decisions([3, 2, 9], [0, 1, 1], ["reject", "reject", "accept"])
    table, found = swap_tables(now, {"former": former, "scorecard": None})
    assert found == {"former": "compared", "scorecard": "none"}
    assert table["rows"].sum() == 2  # rows 2 and 3 are in both
    won = table.set_index(["old", "new"]).loc[("reject", "accept")]
    assert (won["against"], won["rows"], won["bad"]) == ("former", 1, 0)
    assert comparability(now, former.assign(bad=[0, 0, 1])) == "other_outcomes"
    assert comparability(now, former.assign(row_id=[7, 8, 9])) == "other_rows"
    assert comparability(now, pd.concat([former, former])) == "other_rows"


def test_without_other_models_there_are_no_lines_but_the_columns():
    table, found = swap_tables(decisions([1], [0], ["accept"]), {"former": None})
    assert len(table) == 0
    assert list(table)[:3] == ["against", "old", "new"]
    assert found == {"former": "none"}


@pytest.mark.parametrize("decision", [MATRIX, AMOUNTS])
def test_sensitivity_to_the_cost_ratio_counts_outcomes(decision):
    oof, test = sample(decision, 800), sample(decision, 200, 1)
    threshold = choose_threshold(oof, decision)
    table = sensitivity_table({"test": test}, threshold, decision, oof).query("scenario == 'ratio'")
    ratio = 5 if decision is MATRIX else 6
    assert table["value"].to_numpy() == pytest.approx([0.8 * ratio, ratio, 1.2 * ratio])
    assert table["in_use"].tolist() == [False, True, False]
    for line in table.itertuples():
        costs = test.costs.bad_accepted * line.value / ratio
        priced = Sample(test.bad, test.pd, type(test.costs)(
            costs, test.costs.good_rejected, test.costs.referred), test.referred)  # fmt: skip
        assert line.cost_kept == pytest.approx(expected_cost(priced, threshold))
        assert line.cost_moved == pytest.approx(expected_cost(priced, line.threshold))
        old, new = (decide(test.pd, t, test.referred) for t in (threshold, line.threshold))
        assert line.changed == (old != new).sum()
        assert line.bad_rate_moved == pytest.approx(test.bad[new == "accept"].mean())
        if decision is MATRIX:
            assert line.threshold == pytest.approx(1 / (1 + line.value))
    assert table["threshold"].is_monotonic_decreasing
    assert table.loc[table["in_use"], "threshold"].tolist() == [threshold]


def test_a_worse_economy_raises_the_odds_and_keeps_the_cut_off():
    rows, threshold = sample(), MATRIX.break_even
    table = sensitivity_table({"test": rows}, threshold, MATRIX, rows).query("scenario == 'odds'")
    today, worse = table.itertuples()
    pds = with_odds(rows.pd, 1.5)
    assert pds / (1 - pds) == pytest.approx(1.5 * rows.pd / (1 - rows.pd))
    kept = rows.accepted(threshold)
    moved = ~rows.referred & (pds < threshold)
    assert (today.changed, today.bad_rate_kept) == (0, pytest.approx(rows.pd[kept].mean()))
    assert worse.threshold == threshold
    assert worse.approval_kept == kept.mean()
    assert worse.approval_rate == moved.mean()
    assert worse.changed == (kept != moved).sum() > 0
    assert worse.bad_rate_kept == pytest.approx(pds[kept].mean())
    assert worse.loss_kept == pytest.approx(5 * pds[kept].sum())
    rejected = ~kept & ~rows.referred
    total = 5 * pds[kept].sum() + (1 - pds)[rejected].sum() + 0.3 * rows.referred.sum()
    assert worse.cost_kept == pytest.approx(total / len(pds))
    assert with_odds(np.array([0.0, 1.0]), 1.5).tolist() == [0, 1]


def test_validate_counts_each_training_row_once_and_folds_all_repeats():
    oof, on_oof, test = oof_frame(150), sample(rows=300), sample(rows=80, seed=2)
    now = decisions(np.arange(80), test.bad, decide(test.pd, 0.17, test.referred))
    found = validate(
        oof, on_oof, test, 0.17, MATRIX, GradesParams(), now, {"former": None, "scorecard": now}
    )
    assert first_repeat(oof).tolist() == list(range(150))
    by_sample = {n: found.tables[n].groupby("sample")["rows"] for n in ("grades", "gains")}
    for groups in by_sample.values():
        assert groups.sum().to_dict() == {"out_of_fold": 150, "test": 80}
    assert found.tables["folds"]["rows"].sum() == 300
    assert found.metrics["approved"]["test"]["approved"] == test.accepted(0.17).sum()
    assert found.metrics["swap"] == {"former": "none", "scorecard": "compared"}
    df = {name: test["df"] for name, test in found.metrics["hosmer_lemeshow"].items()}
    grades = found.metrics["hosmer_lemeshow"]["test"]["grades"]
    assert df == {"out_of_fold": max(grades - 2, 0), "test": grades}
    assert set(found.tables["swap"]["against"]) == {"scorecard"}


def test_test_rows_have_no_part_in_the_bands():
    oof, on_oof = oof_frame(150), sample(rows=300)
    edges = []
    for seed in (2, 3):
        test = sample(rows=80, seed=seed)
        now = decisions(np.arange(80), test.bad, decide(test.pd, 0.17))
        found = validate(oof, on_oof, test, 0.17, MATRIX, GradesParams(), now, {"former": None})
        edges.append(found.tables["grades"]["high"].unique().tolist())
    assert edges[0] == edges[1]

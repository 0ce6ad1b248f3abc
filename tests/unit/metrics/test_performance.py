"""The metrics: against scikit-learn and by hand, and what a change of the PDs' scale leaves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn import metrics as sk

from creditrisk.metrics.costs import Costs, Sample
from creditrisk.metrics.performance import (
    LOSSES,
    METRICS,
    NAMES,
    SCORING,
    area_under_roc,
    compute_fold_metrics,
    compute_metrics,
)

# Five good, three bad; refused from 0.5 on: two bad and one good.
BAD = np.array([0, 0, 0, 0, 0, 1, 1, 1])
PD = np.array([0.1, 0.2, 0.3, 0.4, 0.7, 0.35, 0.6, 0.9])
COSTS = Costs(np.full(8, 5.0), np.ones(8))
# A busy machine is slow, not wrong.
property_test = settings(deadline=None, max_examples=50)
RANK = ("roc_auc", "gini", "ks", "average_precision")


def test_every_metric_by_hand():
    values = compute_metrics(Sample(BAD, PD, COSTS), 0.5)
    # Of 15 pairs of a bad and a good: 0.35 beats 3, 0.6 beats 4, 0.9 beats 5.
    assert values["roc_auc"] == pytest.approx(12 / 15)
    assert values["gini"] == pytest.approx(9 / 15)
    # From 0.35 on: 3 of 3 bad, 2 of 5 good.
    assert values["ks"] == pytest.approx(3 / 3 - 2 / 5)
    # Precision where a bad one is caught: 1/1, 2/3, 3/5.
    assert values["average_precision"] == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    assert values["accuracy"] == pytest.approx(6 / 8)
    assert values["precision"] == pytest.approx(2 / 3)
    assert values["recall"] == pytest.approx(2 / 3)
    assert values["f1"] == pytest.approx(2 / 3)
    assert values["gmean"] == pytest.approx(np.sqrt(2 / 3 * 4 / 5))
    squares = [0.01, 0.04, 0.09, 0.16, 0.49, 0.65**2, 0.16, 0.01]
    assert values["brier"] == pytest.approx(sum(squares) / 8)
    logs = [0.9, 0.8, 0.7, 0.6, 0.3, 0.35, 0.6, 0.9]
    assert values["log_loss"] == pytest.approx(-np.log(logs).sum() / 8)
    assert values["expected_cost"] == pytest.approx((5 + 1) / 8)
    assert tuple(values) == NAMES


def test_ks_of_pds_that_rank_the_wrong_way_is_their_distance_too():
    bad, pds = np.array([1, 1, 0, 0]), np.array([0.1, 0.2, 0.2, 0.4])
    values = compute_metrics(Sample(bad, pds, Costs(np.full(4, 5.0), np.ones(4))), 0.3)
    assert values["ks"] == ks_2samp(pds[bad == 1], pds[bad == 0]).statistic == 0.5


def test_metrics_agree_with_scikit_learn_on_many_rows_with_ties():
    rng = np.random.default_rng(0)
    bad = (rng.random(500) < 0.3).astype(int)
    pds = np.round(np.clip(rng.normal(0.3 + 0.2 * bad, 0.2), 0.01, 0.99), 2)
    values = compute_metrics(Sample(bad, pds, Costs(np.full(500, 5.0), np.ones(500))), 0.4)
    refused = (pds >= 0.4).astype(int)
    recalls = sk.recall_score(bad, refused, average=None)
    tn, fp, fn, tp = sk.confusion_matrix(bad, refused).ravel()
    expected = {
        "roc_auc": sk.roc_auc_score(bad, pds),
        "gini": 2 * sk.roc_auc_score(bad, pds) - 1,
        "ks": ks_2samp(pds[bad == 1], pds[bad == 0]).statistic,
        "average_precision": sk.average_precision_score(bad, pds),
        "accuracy": sk.accuracy_score(bad, refused),
        "precision": sk.precision_score(bad, refused),
        "recall": sk.recall_score(bad, refused),
        "f1": sk.f1_score(bad, refused),
        "gmean": np.sqrt(recalls.prod()),
        "brier": sk.brier_score_loss(bad, pds),
        "log_loss": sk.log_loss(bad, pds),
        "expected_cost": (5 * fn + fp) / 500,
    }
    assert values == pytest.approx(expected)
    assert tn + tp == round(values["accuracy"] * 500)


@pytest.mark.parametrize("digits", [17, 2, 1, 0])
@pytest.mark.parametrize("rows", [2, 3, 9, 400])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_what_needs_no_cutoff_has_the_bits_of_scikit_learn(rows, digits, precision):
    rng = np.random.default_rng(rows)
    for _ in range(20):
        bad = (rng.random(rows) < 0.3).astype(int)
        bad[:2] = 0, 1
        pds = np.round(rng.random(rows), digits).astype(precision)
        area = sk.roc_auc_score(bad, pds)
        assert area_under_roc(bad, pds) == area
        assert compute_metrics(Sample(bad, pds)) == {
            "roc_auc": area,
            "gini": 2 * area - 1,
            "ks": np.abs(np.subtract(*sk.roc_curve(bad, pds, drop_intermediate=False)[:2])).max(),
            "average_precision": sk.average_precision_score(bad, pds),
            "brier": sk.brier_score_loss(bad, pds),
            "log_loss": sk.log_loss(bad, pds),
        }


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_pd_that_is_no_number_is_an_error_not_a_metric(wrong):
    with pytest.raises(ValueError, match="no finite number"):
        compute_metrics(Sample(BAD, np.append(PD[:-1], wrong)))


TRANSFORMS = {
    "square": lambda p: p**2,
    "root": lambda p: np.sqrt(p),
    "log-odds, shifted": lambda p: 1 / (1 + np.exp(-2 * np.log((p + 1) / (2 - p)) - 1)),
    "half": lambda p: p / 2,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRANSFORMS)
@property_test
@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(0, 50)), min_size=4, max_size=40))
def test_monotone_transform_changes_no_rank_metric(name, rows):
    bad, steps = np.array([(0, 10), (1, 30), *rows]).T  # both classes
    pds, costs = steps / 50, Costs(np.ones(len(bad)), np.ones(len(bad)))
    before = compute_metrics(Sample(bad, pds, costs), 0.5)
    after = compute_metrics(Sample(bad, TRANSFORMS[name](pds), costs), 0.5)
    assert {n: after[n] for n in RANK} == pytest.approx({n: before[n] for n in RANK})


def test_monotone_transform_does_change_the_probability_metrics():
    before, after = (
        compute_metrics(Sample(BAD, PD, COSTS), 0.5),
        compute_metrics(Sample(BAD, PD**2, COSTS), 0.5),
    )
    assert abs(before["brier"] - after["brier"]) > 0.001
    assert abs(before["log_loss"] - after["log_loss"]) > 0.001


def test_nobody_refused_is_no_division_by_zero():
    values = compute_metrics(Sample(BAD, PD, COSTS), 2.0)
    assert {n: values[n] for n in ("precision", "recall", "f1", "gmean")} == dict.fromkeys(
        ("precision", "recall", "f1", "gmean"), 0.0
    )
    assert values["accuracy"] == pytest.approx(5 / 8)
    assert values["expected_cost"] == pytest.approx(15 / 8)


def test_everybody_refused():
    values = compute_metrics(Sample(BAD, PD, COSTS), 0.0)
    assert values["recall"] == 1
    assert values["gmean"] == 0
    assert values["precision"] == pytest.approx(3 / 8)
    assert values["expected_cost"] == pytest.approx(5 / 8)


def test_pd_at_the_cut_off_is_refused():
    assert compute_metrics(Sample(BAD, PD, COSTS), 0.9)["recall"] == pytest.approx(1 / 3)
    assert compute_metrics(Sample(BAD, PD, COSTS), np.nextafter(0.9, 1))["recall"] == 0


def test_certain_and_wrong_is_a_large_log_loss_but_a_number():
    value = compute_metrics(
        Sample(np.array([0, 1]), np.array([1.0, 0.0]), Costs(np.ones(2), np.ones(2))), 0.5
    )
    assert np.isfinite(value["log_loss"])
    assert value["log_loss"] > 30
    assert value["brier"] == 1


def test_folds_are_measured_each_on_its_own_rows_and_costs():
    oof = pd.DataFrame(
        {"repeat": 0, "fold": [1, 0] * 8, "bad": np.repeat(BAD, 2), "pd": np.repeat(PD, 2)}
    )
    # Fold 1's costs are ten times those of fold 0, and each row has its own.
    scale = np.where(oof["fold"] == 1, 10.0, 1.0) * np.repeat(np.arange(1, 9), 2)
    table = compute_fold_metrics(oof, 0.5, Costs(5 * scale, scale))
    assert table.index.tolist() == [(0, 0), (0, 1)]
    # The good one of 0.7 (the fifth) is refused, the bad one of 0.35 (the sixth) accepted.
    assert table["expected_cost"].tolist() == pytest.approx([(5 + 30) / 8, (50 + 300) / 8])
    alone = compute_metrics(Sample(BAD, PD, COSTS), 0.5)
    others = [name for name in NAMES if name != "expected_cost"]
    assert table.loc[(0, 0), others].to_dict() == pytest.approx({n: alone[n] for n in others})


def test_scores_of_a_search_are_metrics_with_the_sign_that_scikit_learn_gives_them():
    for name, (metric, sign) in SCORING.items():
        assert sk.get_scorer(name)._sign == sign
        assert (metric in LOSSES) == (sign < 0)


def test_everything_about_a_metric_follows_from_its_entry():
    labels = [metric.label for metric in METRICS.values()]
    assert len(set(labels)) == len(labels)
    assert all(metric.meaning for metric in METRICS.values())
    assert tuple(METRICS) == NAMES
    # A perfect model against a useless one: better is less for the losses, more for the others.
    good, poor = BAD * 0.98 + 0.01, np.full(8, 0.5)
    better, worse = (compute_metrics(Sample(BAD, pds, COSTS), 0.6) for pds in (good, poor))
    assert {n for n in NAMES if better[n] < worse[n]} == set(LOSSES)
    assert {n for n in NAMES if better[n] > worse[n]} == set(NAMES) - set(LOSSES)


def test_without_a_cut_off_only_the_pds_are_judged():
    with_cut = compute_metrics(Sample(BAD, PD, COSTS), 0.5)
    without = compute_metrics(Sample(BAD, PD))
    judged = {name for name, metric in METRICS.items() if metric.needs_cutoff}
    assert set(without) == set(NAMES) - judged
    assert judged == {"accuracy", "precision", "recall", "f1", "gmean", "expected_cost"}
    assert without == {name: with_cut[name] for name in without}

"""evaluate: curves against loops, calibration against simulations whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from creditrisk.champion.calibration import (
    brier_parts,
    calibration_curves,
    log_odds,
    slope_and_intercept,
)
from creditrisk.evaluate.curves import (
    confusion_rows,
    cost_points,
    pr_points,
    roc_points,
    score_shares,
)
from creditrisk.evaluate.measure import measure_champion, metric_intervals
from creditrisk.metrics.costs import Costs, Sample, expected_cost
from creditrisk.metrics.performance import NAMES, compute_metrics


def simulated(rows=400, seed=0, slope=1.0, shift=0.0):
    """PDs whose truth is a logistic line in their own log-odds."""
    rng = np.random.default_rng(seed)
    pds = expit(rng.normal(-1, 1.2, rows))
    bad = (rng.random(rows) < expit(shift + slope * logit(pds))).astype(int)
    return bad, pds


def priced(rows, seed=0):
    rng = np.random.default_rng(seed)
    return Costs(rng.uniform(1, 9, rows), rng.uniform(0.1, 2, rows))


@pytest.mark.slow
@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.6, 0.0), (1.4, 0.5)])
def test_intervals_of_slope_and_intercept_cover_the_truth(slope, shift):
    runs = [slope_and_intercept(*simulated(400, s, slope, shift)) for s in range(100)]
    for name, truth in (("slope", slope), ("intercept", shift)):
        hit = [low <= truth <= high for low, high in (run[name]["ci"] for run in runs)]
        # Of 100 runs at 95%, four standard errors below.
        assert 0.86 <= np.mean(hit) <= 1.0
        assert np.mean([run[name]["value"] for run in runs]) == pytest.approx(truth, abs=0.05)


def test_calibration_in_the_large_covers_a_shift_where_the_slope_is_one():
    runs = [slope_and_intercept(*simulated(400, s, 1.0, -0.4))["in_the_large"] for s in range(100)]
    assert 0.86 <= np.mean([run["ci"][0] <= -0.4 <= run["ci"][1] for run in runs]) < 1.0


def test_calibration_in_the_large_is_found_where_the_pds_are_far_from_the_truth():
    bad = np.zeros(120, dtype=int)
    bad[:6] = 1
    pds = np.where(np.arange(120) % 2, 1.0, 1e-9)
    found = slope_and_intercept(bad, pds)["in_the_large"]
    assert np.isfinite([found["value"], *found["ci"]]).all()
    assert expit(found["value"] + log_odds(pds)).mean() == pytest.approx(6 / 120)


def test_calibration_in_the_large_makes_the_mean_pd_the_bad_rate():
    bad, pds = simulated(shift=0.7)
    shift = slope_and_intercept(bad, pds)["in_the_large"]["value"]
    assert expit(logit(pds) + shift).mean() == pytest.approx(bad.mean(), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 300), st.booleans())
def test_brier_parts_sum_to_the_brier_score(seed, rows, ties):
    bad, pds = simulated(rows, seed)
    pds = np.round(pds, 1) if ties else pds
    parts = brier_parts(bad, pds)
    # Binned by hand: each group of ten quantiles gets its mean PD.
    edges = np.unique(np.quantile(pds, np.linspace(0, 1, 11)[1:-1]))
    groups = np.searchsorted(edges, pds, side="right")
    binned = np.array([pds[groups == g].mean() for g in groups])
    rates = np.array([bad[groups == g].mean() for g in groups])
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    assert total == pytest.approx(np.mean((pds - bad) ** 2))
    assert parts["reliability"] == pytest.approx(np.mean((binned - rates) ** 2))
    assert parts["uncertainty"] == pytest.approx(bad.mean() * (1 - bad.mean()))


def test_perfect_pds_have_no_reliability_and_full_resolution():
    bad = np.repeat([0, 1], [70, 30])
    parts = brier_parts(bad, bad.astype(float))
    assert parts["reliability"] == 0
    assert parts["resolution"] == pytest.approx(parts["uncertainty"])


@pytest.mark.slow
def test_calibration_bins_count_every_row_once_and_hold_their_rate():
    bad, pds = simulated(203)
    curves = calibration_curves(bad, pds, seed=1, draws=20)
    binned, smooth = (curves[curves["curve"] == name] for name in ("binned", "smooth"))
    assert binned["rows"].sum() == 203
    assert (binned["bad_rate"] * binned["rows"]).sum() == pytest.approx(bad.sum())
    assert (binned["mean_pd"] * binned["rows"]).sum() == pytest.approx(pds.sum())
    for part in (binned, smooth):
        assert part["low"].le(part["bad_rate"] + 1e-9).mean() > 0.9
        assert part["bad_rate"].le(part["high"] + 1e-9).mean() > 0.9
        assert part["mean_pd"].is_monotonic_increasing


def test_smooth_curve_finds_a_bend():
    rng = np.random.default_rng(3)
    pds = rng.uniform(0.02, 0.98, 6000)
    bad = (rng.random(6000) < pds**2).astype(int)
    smooth = calibration_curves(bad, pds, seed=1, draws=10).query("curve == 'smooth'")
    assert np.abs(smooth["bad_rate"] - smooth["mean_pd"] ** 2).max() < 0.06


def test_equal_pds_give_bins_alone():
    curves = calibration_curves(np.array([0, 1, 0, 0]), np.full(4, 0.25), seed=1)
    assert curves["curve"].tolist() == ["binned"]
    assert curves["rows"].tolist() == [4]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 25), st.booleans())
def test_cost_points_equal_a_loop_over_the_rows(seed, rows, ties):
    bad, pds = simulated(rows, seed)
    pds = np.round(pds, 1) if ties else pds
    costs = priced(rows, seed)
    points = cost_points({"test": Sample(bad, pds, costs)}, points=21)
    assert len(points) == 21
    for point in points.itertuples():
        total = approved = 0.0
        for row in range(rows):
            if pds[row] < point.threshold:
                approved += 1
                total += costs.bad_accepted[row] if bad[row] else 0
            else:
                total += 0 if bad[row] else costs.good_rejected[row]
        assert point.expected_cost == pytest.approx(total / rows)
        assert point.approval_rate == pytest.approx(approved / rows)


def test_cost_points_keep_the_parts_apart():
    one, two = simulated(30, 1), simulated(50, 2)
    points = cost_points({"oof": Sample(*one, priced(30)), "test": Sample(*two, priced(50))})
    assert points["rows"].value_counts().to_dict() == {"oof": 201, "test": 201}


def test_roc_points_are_rates_at_their_thresholds_and_their_area_is_the_auc():
    bad, pds = simulated(120)
    points = roc_points(bad, pds)
    for point in points.iloc[1:].itertuples():
        refused = pds >= point.threshold
        assert point.fpr == pytest.approx(refused[bad == 0].mean())
        assert point.tpr == pytest.approx(refused[bad == 1].mean())
    assert np.trapezoid(points["tpr"], points["fpr"]) == pytest.approx(roc_auc_score(bad, pds))
    assert points["threshold"].max() <= 1


def test_pr_points_are_rates_at_their_thresholds_in_the_order_of_the_curve():
    bad, pds = simulated(120)
    points = pr_points(bad, pds)
    assert points["recall"].is_monotonic_increasing
    assert points["threshold"].is_monotonic_decreasing
    for point in points.iloc[1:].itertuples():
        refused = pds >= point.threshold
        assert point.recall == pytest.approx(refused[bad == 1].mean())
        assert point.precision == pytest.approx(bad[refused].mean())


def test_score_shares_sum_to_one_for_each_outcome_with_pds_at_the_ends():
    bad = np.array([0, 0, 0, 1, 1])
    shares = score_shares(bad, np.array([0.0, 0.5, 1.0, 1.0, 0.05]))
    assert shares[["good", "bad"]].sum().tolist() == pytest.approx([1, 1])
    assert shares["bad"].iloc[-1] == 0.5
    assert shares["good"].iloc[0] == pytest.approx(1 / 3)


def test_confusion_refuses_from_the_threshold_on():
    rows = confusion_rows(Sample(np.array([0, 1, 1]), np.array([0.1, 0.2, 0.3])), 0.2)
    assert rows["actual"].tolist() == ["good", "bad", "bad"]
    assert rows["predicted"].tolist() == ["good", "bad", "bad"]
    left = Sample(np.array([0, 1]), np.array([0.1, 0.3]), None, np.array([False, True]))
    assert confusion_rows(left, 0.2)["predicted"].tolist() == ["good", "referred"]


@pytest.mark.slow
def test_evaluate_gives_gap_baselines_and_intervals_that_hold_the_value():
    test, train = simulated(150, 1), simulated(300, 2)
    costs, others = priced(150), priced(300)
    cv = dict.fromkeys(NAMES, 0.5)
    samples = Sample(*test, costs), Sample(*train, others)
    intervals = metric_intervals(samples[0], 0.3, seed=7)
    found = measure_champion(*samples, cv, 0.3, intervals)
    on_test, on_train = (
        compute_metrics(Sample(*test, costs), 0.3),
        compute_metrics(Sample(*train, others), 0.3),
    )
    for name in NAMES:
        low, high = found["test"]["ci"][name]
        assert low <= found["test"][name] == on_test[name] <= high
        assert found["gap"][name] == on_train[name] - on_test[name]
    bad = test[0]
    everybody = np.where(bad == 1, costs.bad_accepted, 0).mean()
    nobody = np.where(bad == 0, costs.good_rejected, 0).mean()
    assert found["baselines"]["accept_all"] == pytest.approx(everybody)
    assert found["baselines"]["reject_all"] == pytest.approx(nobody)
    assert found["baselines"]["champion"] == expected_cost(Sample(*test, costs), 0.3)
    assert found["baselines"]["approval_rate"] == np.mean(test[1] < 0.3)

"""KS, CAP and gains: the curves give the metrics, and deciles count every row once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from creditrisk.evaluate.separation import POINTS, cap_points, gains_table, ks_points
from creditrisk.metrics.costs import Sample
from creditrisk.metrics.performance import counts_above, ks_statistic


def simulated(rows, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    pds = expit(rng.normal(-1, 1.3, rows))
    bad = (rng.random(rows) < pds).astype(int)
    bad[:2] = 0, 1
    return bad, pds if levels is None else np.round(pds * levels) / levels


def area(x, y):
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))


CASES = given(st.integers(0, 10_000), st.integers(2, 300), st.sampled_from([None, 1, 4, 30]))


@settings(max_examples=40, deadline=None)
@CASES
def test_the_marked_row_is_the_ks_statistic(seed, rows, levels):
    bad, pds = simulated(rows, seed, levels)
    points = ks_points(bad, pds)
    [at] = points[points["ks"]].itertuples()
    assert abs(at.distance) == pytest.approx(ks_statistic(*counts_above(bad, pds)))
    assert at.good == pytest.approx(np.mean(pds[bad == 0] <= at.pd))
    assert at.bad == pytest.approx(np.mean(pds[bad == 1] <= at.pd))
    assert points["pd"].is_monotonic_increasing
    assert tuple(points.iloc[-1][["good", "bad"]]) == (1, 1)


@settings(max_examples=40, deadline=None)
@CASES
def test_the_accuracy_ratio_of_the_cap_is_the_gini(seed, rows, levels):
    bad, pds = simulated(rows, seed, levels)
    points = cap_points(bad, pds)
    x, model, perfect = (points[name].to_numpy() for name in ("share", "model", "perfect"))
    ratio = (area(x, model) - 0.5) / (area(x, perfect) - 0.5)
    assert ratio == pytest.approx(2 * roc_auc_score(bad, pds) - 1, abs=1e-9)
    assert (model <= perfect + 1e-12).all()
    assert (x[0], x[-1], model[0], model[-1]) == (0, 1, 0, 1)


def test_of_many_pds_the_curves_keep_some_and_the_ks():
    bad, pds = simulated(20_000)
    points = ks_points(bad, pds)
    assert len(points) <= POINTS + 1
    assert points["distance"].abs().max() == pytest.approx(ks_statistic(*counts_above(bad, pds)))
    assert len(cap_points(bad, pds)) <= POINTS + 1


def test_deciles_are_equal_without_ties_and_start_with_the_riskiest():
    bad, pds = simulated(200)
    table = gains_table({"test": Sample(bad, pds)})
    order = np.argsort(-pds)
    assert table["rows"].tolist() == [20] * 10
    for line, rows in zip(table.itertuples(), np.split(order, 10), strict=True):
        assert line.bad == bad[rows].sum()
        assert line.mean_pd == pytest.approx(pds[rows].mean())
        assert line.lift == pytest.approx(bad[rows].mean() / bad.mean())
    assert table["cumulative_bad"].to_numpy() == pytest.approx(table["bad"].cumsum() / bad.sum())


def test_rows_with_one_pd_are_in_one_decile_whatever_their_order():
    bad, pds = simulated(300, 3, levels=6)
    table = gains_table({"test": Sample(bad, pds)})
    shuffled = np.random.default_rng(0).permutation(300)
    again = gains_table({"test": Sample(bad[shuffled], pds[shuffled])})
    assert table["rows"].sum() == 300
    assert len(table) < 10
    assert table.drop(columns="mean_pd").equals(again.drop(columns="mean_pd"))

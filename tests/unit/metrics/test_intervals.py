"""Errors and intervals: against formulas, published values, and simulated data."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from creditrisk.metrics.intervals import bootstrap_intervals, fold_error, stratified_draws, wilson


def test_fold_error_is_nadeau_and_bengios():
    # Variance 0.0001 of the five: 0.01 apart in steps is 2.5e-4; times 1/5 + 1/4.
    values = np.array([0.76, 0.77, 0.78, 0.79, 0.80])
    assert fold_error(values, 5) == pytest.approx(np.sqrt(2.5e-4 * (1 / 5 + 1 / 4)))


def test_fold_error_of_repeats_shrinks_only_in_its_first_part():
    once = np.array([0.7, 0.8, 0.9])
    thrice = np.tile(once, 3)
    spread = np.var(thrice, ddof=1)
    assert fold_error(thrice, 3) == pytest.approx(np.sqrt(spread * (1 / 9 + 1 / 2)))
    assert fold_error(thrice, 3) > np.sqrt(spread / 2)  # repeats give no new rows


def test_fold_error_of_one_score_is_unknown():
    assert np.isnan(fold_error(np.array([0.8]), 5))


def test_bootstrap_samples_keep_the_number_of_each_class():
    bad = np.array([0] * 7 + [1] * 3)
    draws, again, others = (np.stack([*stratified_draws(bad, 50, seed)]) for seed in (1, 1, 2))
    assert draws.shape == (50, 10)
    assert (bad[draws].sum(axis=1) == 3).all()
    assert len({tuple(d) for d in draws}) > 40
    assert np.array_equal(draws, again)
    assert not np.array_equal(draws, others)


def test_interval_holds_the_middle_of_the_draws():
    samples = np.arange(1001)[:, None]
    first = lambda sample: {"value": float(sample[0])}  # noqa: E731
    wide = bootstrap_intervals(first, samples)
    narrow = bootstrap_intervals(first, samples, level=0.8)
    low, high = wide["value"]
    assert (low, high) == pytest.approx((25, 975))
    low, high = narrow["value"]
    assert (low, high) == pytest.approx((100, 900))


@pytest.mark.slow
def test_bootstrap_interval_of_the_auc_covers_the_true_one_as_often_as_it_says():
    # Binormal: good N(0, 1), bad N(1, 1), so the AUC is Phi(1 / sqrt(2)) = 0.760.
    true, sets = norm.cdf(1 / np.sqrt(2)), 300
    rng = np.random.default_rng(7)
    bad = np.repeat([0, 1], [140, 60])
    hits = 0
    for number in range(sets):
        score = rng.normal(bad, 1)
        # Pairs, counted once; an AUC of a sample is then the mean over its pairs.
        wins = score[bad == 1][:, None] > score[bad == 0]

        def auc(sample, wins=wins):
            return {"auc": wins[sample[140:, None] - 140, sample[:140]].mean()}

        found = bootstrap_intervals(auc, stratified_draws(bad, 200, number))
        low, high = found["auc"]
        hits += low <= true <= high
        if number == 0:  # the shortcut is the AUC
            (sample,) = stratified_draws(bad, 1, 3)
            assert auc(sample)["auc"] == pytest.approx(roc_auc_score(bad[sample], score[sample]))
    # The share of hits has a standard error of 0.0126; a percentile interval of 200 draws of 60
    # bad and 140 good is known to fall short by about a point.
    error = np.sqrt(0.95 * 0.05 / sets)
    assert 0.95 - 0.01 - 3 * error < hits / sets < 0.95 + 3 * error


# Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_agrees_with_published_values(successes, trials, low, high):
    assert wilson(np.array(successes), np.array(trials)) == pytest.approx(
        np.array([low, high]), abs=5e-5
    )


def test_wilson_interval_of_no_trials_is_unknown_and_of_all_successes_ends_at_one():
    (low, high) = wilson(np.array([0, 20]), np.array([0, 20]))
    assert np.isnan([low[0], high[0]]).all()
    assert high[1] == 1
    assert low[1] == pytest.approx(1 - 0.1611, abs=5e-5)


def test_wilson_interval_of_a_share_of_nothing_or_all_holds_the_share():
    counts = np.arange(1, 200)
    assert (wilson(np.zeros(199), counts)[0] == 0).all()
    assert (wilson(counts, counts)[1] == 1).all()

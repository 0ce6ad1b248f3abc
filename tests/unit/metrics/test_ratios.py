"""Ratios of proportions: Katz's interval by hand, and its cover by simulation."""

import math

import numpy as np
import pytest

from creditrisk.metrics.ratios import ratio_of_proportions


def test_the_interval_is_that_of_katz_by_hand():
    # The first example of Katz et al. is of this form: 15 of 42 against 30 of 51.
    found = ratio_of_proportions(15, 42, 30, 51)
    half = 1.959963984540054 * math.sqrt(1 / 15 - 1 / 42 + 1 / 30 - 1 / 51)
    value = (15 / 42) / (30 / 51)
    assert found.value == pytest.approx(value)
    assert (found.low, found.high) == pytest.approx(
        (value * math.exp(-half), value * math.exp(half))
    )


def test_turned_round_it_is_the_inverse():
    one, other = ratio_of_proportions(15, 42, 30, 51), ratio_of_proportions(30, 51, 15, 42)
    assert (one.value, one.low, one.high) == pytest.approx(
        (1 / other.value, 1 / other.high, 1 / other.low)
    )


def test_a_proportion_of_0_or_1_has_an_interval_that_holds_the_ratio():
    nobody = ratio_of_proportions(0, 40, 20, 40)
    assert (nobody.value, nobody.low) == (0, 0)
    assert nobody.high == pytest.approx(
        (0.5 / 41) / (20.5 / 41)
        * math.exp(1.959963984540054 * math.sqrt(1 / 0.5 - 1 / 41 + 1 / 20.5 - 1 / 41))
    )  # fmt: skip
    everybody = ratio_of_proportions(40, 40, 40, 40)
    assert everybody.value == 1
    assert everybody.low < 0.99
    assert everybody.high > 1.01
    for counts in ((40, 40, 20, 40), (20, 40, 40, 40)):
        found = ratio_of_proportions(*counts)
        assert found.low < found.value < found.high


@pytest.mark.parametrize("counts", [(5, 10, 0, 10), (0, 0, 5, 10), (0, 10, 0, 0)])
def test_without_a_second_proportion_there_is_no_ratio(counts):
    assert all(math.isnan(part) for part in ratio_of_proportions(*counts))


@pytest.mark.parametrize("p", [0.1, 0.4])
def test_it_covers_the_true_ratio_as_often_as_it_says(p):
    rng = np.random.default_rng(1)
    draws = [(rng.binomial(120, p), rng.binomial(600, 0.5)) for _ in range(2000)]
    found = [ratio_of_proportions(a, 120, b, 600) for a, b in draws]
    covered = np.mean([one.low <= p / 0.5 <= one.high for one in found])
    assert 0.93 <= covered <= 0.975

"""PSI by hand: numbers, levels, missing values and special codes."""

import math

import numpy as np
import pandas as pd
import pytest

from creditrisk.metrics.stability import psi


def test_psi_by_hand():
    old = pd.Series(["a"] * 6 + ["b"] * 4)
    new = pd.Series(["a"] * 3 + ["b"] * 5 + ["c"] * 2)
    # Half a row is added to each of the three levels; c is not in the reference.
    r = np.array([6.5, 4.5, 0.5]) / 11.5
    c = np.array([3.5, 5.5, 2.5]) / 11.5
    assert psi(old, new) == pytest.approx(((c - r) * np.log(c / r)).sum())


def test_psi_of_the_same_rows_is_zero_and_grows_with_the_shift():
    rng = np.random.default_rng(0)
    old = pd.Series(rng.normal(size=4000))
    assert psi(old, old) == 0
    by_chance = psi(old, pd.Series(rng.normal(size=4000)))
    assert by_chance < 0.01 < psi(old, pd.Series(rng.normal(0.2, 1, 4000)))
    assert psi(old, pd.Series(rng.normal(1, 1, 4000))) > 0.5
    assert math.isnan(psi(old, old.iloc[:0]))


def test_missing_values_and_codes_are_bins_of_their_own():
    old = pd.Series([1.0, 2.0, 3.0, 4.0] * 50)
    gaps = old.mask(np.arange(200) % 4 == 0)
    assert psi(old, gaps) > 0.5
    none = pd.Series([None] * 200, dtype="str")
    coded = pd.Series(np.where(gaps.isna(), "98", None), dtype="str")
    assert psi(gaps, gaps, (none, coded)) > 0.5  # the same gaps, other reasons
    assert psi(gaps, gaps, (coded, coded)) == 0

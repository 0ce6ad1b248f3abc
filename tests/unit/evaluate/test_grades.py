"""Rating grades: learned bands against an exhaustive search, tests against SciPy and by hand."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.special import expit, xlogy
from scipy.stats import beta, binomtest, chi2

from creditrisk.champion.grades import (
    MIN_OUTCOMES,
    MIN_SHARE,
    GradesParams,
    grade_edges,
    grade_of,
    learn_edges,
)
from creditrisk.evaluate.grades import grade_table, hosmer_lemeshow, light
from creditrisk.evaluate.proportions import jeffreys, too_many_bad
from creditrisk.metrics.costs import Costs, Sample


def simulated(rows, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    pds = expit(rng.normal(-1, 1.3, rows))
    bad = (rng.random(rows) < pds).astype(int)
    return bad, pds if levels is None else np.round(pds * levels) / levels


def sample(bad, pds, cost=5.0):
    return Sample(bad, pds, Costs(np.full(len(bad), cost), np.ones(len(bad))))


def counts(bad, grade):
    return [(int((grade == g).sum()), int(bad[grade == g].sum())) for g in range(grade.max() + 1)]


def worth(groups):
    """Log likelihood of one rate per grade, less one per further grade."""
    gain = sum(xlogy(k, k / n) + xlogy(n - k, 1 - k / n) for n, k in groups)
    return gain - (len(groups) - 1)


def allowed(groups, rows):
    return all(
        n >= MIN_SHARE * rows and k >= MIN_OUTCOMES and n - k >= MIN_OUTCOMES for n, k in groups
    ) and all(a[1] / a[0] < b[1] / b[0] for a, b in pairwise(groups))


def rising_bands(bad, pds):
    """The lowest PD of each band: neighbours are pooled until the bad rates rise."""
    bands = []
    for value in np.unique(pds):
        bands.append((value, np.sum(pds == value), bad[pds == value].sum()))
        while len(bands) > 1 and bands[-1][2] / bands[-1][1] <= bands[-2][2] / bands[-2][1]:
            _, rows, bads = bands.pop()
            bands[-1] = (bands[-1][0], bands[-1][1] + rows, bands[-1][2] + bads)
    return [band[0] for band in bands]


@pytest.mark.parametrize("seed", range(12))
def test_no_way_to_join_rising_bands_to_grades_is_better(seed):
    bad, pds = simulated(150, seed, levels=14)
    found = grade_of(pds, learn_edges(bad, pds, 4))
    best = max(
        worth(groups)
        for size in range(4)
        for cuts in combinations(rising_bands(bad, pds)[1:], size)
        if allowed(groups := counts(bad, grade_of(pds, np.array(cuts))), len(bad))
    )
    assert allowed(counts(bad, found), len(bad))
    assert worth(counts(bad, found)) == pytest.approx(best)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 600), st.sampled_from([None, 5, 50]))
def test_learned_grades_rise_and_have_rows_and_both_outcomes(seed, rows, levels):
    bad, pds = simulated(rows, seed, levels)
    edges = learn_edges(bad, pds, 7)
    assert len(edges) < 7
    assert (np.diff(edges) > 0).all()
    if len(edges):
        assert allowed(counts(bad, grade_of(pds, edges)), rows)


def test_pds_that_rank_nothing_are_one_grade():
    bad = np.tile([0, 1], 200)
    assert len(learn_edges(bad, np.full(400, 0.5), 7)) == 0
    assert len(learn_edges(bad, np.repeat([0.7, 0.2], 200) + 0 * bad, 7)) == 0


def test_an_edge_between_two_neighbouring_floats_parts_them():
    low = 0.3
    high = np.nextafter(low, 1)
    bad = np.r_[np.repeat([0, 1], [90, 10]), np.repeat([0, 1], [20, 80])]
    [edge] = learn_edges(bad, np.repeat([low, high], 100), 2)
    assert grade_of(np.array([low, high]), np.array([edge])).tolist() == [0, 1]


def test_count_limits_the_number_of_grades():
    bad, pds = simulated(4000)
    assert len(learn_edges(bad, pds, 3)) == 2
    assert len(learn_edges(bad, pds, 7)) == 6


def test_set_bands_are_kept_and_an_edge_belongs_to_the_grade_above():
    params = GradesParams(bands=[0.1, 0.4])
    edges = grade_edges(*simulated(50), params)
    assert edges.tolist() == [0.1, 0.4]
    assert grade_of(np.array([0.0, 0.0999, 0.1, 0.4, 1.0]), edges).tolist() == [0, 0, 1, 2, 2]


@pytest.mark.parametrize("bands", [[0.4, 0.1], [0.1, 0.1], [0.0, 0.5], [1.0], [], "best"])
def test_bands_that_are_none_are_refused(bands):
    with pytest.raises(ValidationError):
        GradesParams(bands=bands)


def test_the_table_counts_every_row_once_and_holds_its_means():
    bad, pds = simulated(300, 4)
    table = grade_table({"test": sample(bad, pds)}, np.array([0.15, 0.4]))
    assert table["rows"].sum() == 300
    assert table["bad"].sum() == bad.sum()
    for line, (low, high) in zip(
        table.itertuples(), [(0, 0.15), (0.15, 0.4), (0.4, 1)], strict=True
    ):
        here = (pds >= low) & (pds < high)
        assert (line.rows, line.bad) == (here.sum(), bad[here].sum())
        assert line.expected == pytest.approx(pds[here].mean())
        assert line.observed == pytest.approx(bad[here].mean())
        assert line.expected_loss == pytest.approx(5 * pds[here].sum())
        assert line.observed_loss == pytest.approx(5 * bad[here].sum())
        assert line.p_binomial == pytest.approx(
            binomtest(line.bad, line.rows, line.expected, alternative="greater").pvalue
        )
    assert table["grade"].tolist() == ["A", "B", "C"]


def test_a_grade_without_rows_has_no_rate_and_no_light():
    table = grade_table({"test": sample(np.array([0, 1]), np.array([0.1, 0.2]))}, np.array([0.5]))
    empty = table.iloc[1]
    assert (empty["rows"], empty["light"]) == (0, "none")
    assert np.isnan(
        empty[["expected", "observed", "observed_low", "p_binomial"]].astype(float)
    ).all()


def test_pds_that_are_half_the_truth_are_red_and_those_too_high_are_green():
    bad, pds = simulated(3000, 7)
    light_of = [
        set(grade_table({"x": sample(bad, np.clip(pds * f, 0, 1))}, np.array([0.2]))["light"])
        for f in (0.5, 1.0, 1.3)
    ]
    assert light_of == [{"red"}, {"green"}, {"green"}]


@pytest.mark.parametrize(
    ("p", "name"),
    [(1.0, "green"), (0.05, "green"), (0.0499, "yellow"), (0.01, "yellow"), (0.0099, "red")],
)
def test_limits_of_the_lights(p, name):
    assert light(p) == name


def test_jeffreys_against_the_table_of_brown_cai_and_dasgupta():
    low, high = jeffreys(np.array([0, 1, 5, 10]), np.array([10, 10, 10, 10]))
    assert low == pytest.approx([0, 0.011, 0.224, 0.783], abs=5e-4)
    assert high == pytest.approx([0.217, 0.381, 0.776, 1], abs=5e-4)
    assert np.isnan(jeffreys(np.array(0), np.array(0))).all()
    assert jeffreys(np.array(3), np.array(9))[0] == pytest.approx(beta.ppf(0.025, 3.5, 6.5))


def test_the_binomial_test_counts_as_many_or_more():
    assert too_many_bad(np.array([1]), np.array([2]), np.array([0.5])) == pytest.approx([0.75])
    assert too_many_bad(np.array([0]), np.array([2]), np.array([0.5])) == pytest.approx([1.0])


def test_hosmer_lemeshow_by_hand():
    bad, pds = np.repeat([0, 1, 0, 1], [8, 2, 3, 7]), np.repeat([0.1, 0.6], 10)
    table = grade_table({"x": sample(bad, pds)}, np.array([0.5]))
    statistic = (2 - 1) ** 2 / (10 * 0.1 * 0.9) + (7 - 6) ** 2 / (10 * 0.6 * 0.4)
    new, fitted = hosmer_lemeshow(table, fitted=False), hosmer_lemeshow(table, fitted=True)
    assert new["statistic"] == pytest.approx(statistic)
    assert (new["df"], fitted["df"], fitted["p"]) == (2, 0, None)
    assert new["p"] == pytest.approx(chi2.sf(statistic, 2))


def test_hosmer_lemeshow_rejects_right_pds_as_often_as_it_says():
    p = []
    for seed in range(300):
        bad, pds = simulated(400, seed)
        table = grade_table({"x": sample(bad, pds)}, np.array([0.1, 0.2, 0.35, 0.55]))
        p.append(hosmer_lemeshow(table, fitted=False)["p"])
    assert np.mean(np.array(p) < 0.05) < 0.09

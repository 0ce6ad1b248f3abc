"""The decision: the cut-off of least cost, and what does not change it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.core.errors import InputError
from creditrisk.metrics.costs import (
    Costs,
    DecisionParams,
    Sample,
    choose_threshold,
    cost_curve,
    expected_cost,
)

# Ties are frequent and the ends are reached: PDs in steps of 1/20.
applicants = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.integers(0, 20)), min_size=2, max_size=40
)
# A busy machine is slow, not wrong.
property_test = settings(deadline=None)
money = st.floats(0.01, 100)


def rule(bad_accepted=5.0, good_rejected=1.0, threshold="oof"):
    return DecisionParams(
        cost_bad_accepted=bad_accepted, cost_good_rejected=good_rejected, threshold=threshold
    )


def arrays(rows):
    bad, steps = np.array(rows).T
    return bad, steps / 20


def every_cut(pds):
    """A cut-off in each gap between the PDs, below all and above all."""
    known = np.unique(pds)
    return [-1.0, *((known[1:] + known[:-1]) / 2), 2.0]


@property_test
@given(applicants, money, money)
def test_oof_cut_off_costs_no_more_than_any_other(rows, bad_accepted, good_rejected):
    bad, pds = arrays(rows)
    params = rule(bad_accepted, good_rejected)
    costs = params.costs(pd.DataFrame(index=range(len(bad))))
    chosen = choose_threshold(Sample(bad, pds, costs), params)
    least = min(expected_cost(Sample(bad, pds, costs), cut) for cut in every_cut(pds))
    assert expected_cost(Sample(bad, pds, costs), chosen) == pytest.approx(
        least, rel=1e-9, abs=1e-12
    )


@property_test
@given(applicants, st.data())
def test_oof_cut_off_costs_no_more_than_any_other_when_costs_differ_by_row(rows, data):
    bad, pds = arrays(rows)
    amounts = st.lists(st.floats(1, 1e5), min_size=len(bad), max_size=len(bad))
    costs = Costs(np.array(data.draw(amounts)), np.array(data.draw(amounts)))
    chosen = choose_threshold(Sample(bad, pds, costs), rule())
    least = min(expected_cost(Sample(bad, pds, costs), cut) for cut in every_cut(pds))
    assert expected_cost(Sample(bad, pds, costs), chosen) == pytest.approx(
        least, rel=1e-9, abs=1e-9
    )


def test_of_several_cheapest_cut_offs_the_one_nearest_to_the_break_even_is_taken():
    # Any cut-off between 0.1 and 0.9 separates the two; those below 0.1 and above 0.9 cost.
    bad, pds = np.array([0, 0, 1, 1]), np.array([0.1, 0.1, 0.9, 0.9])
    costs = rule().costs(pd.DataFrame(index=range(4)))
    assert choose_threshold(Sample(bad, pds, costs), rule()) == 0.5
    # Reject all and accept all tie, and the break-even PD of 3/4 is nearer to the latter.
    bad, pds, even = np.array([1, 1, 1, 0]), np.array([0.2, 0.2, 0.2, 0.8]), rule(1.0, 3.0)
    costs = even.costs(pd.DataFrame(index=range(4)))
    curve = cost_curve(Sample(bad, pds, costs))
    assert curve["expected_cost"].tolist() == [0.75, 1.5, 0.75]
    assert choose_threshold(Sample(bad, pds, costs), even) == curve["threshold"].iloc[-1]


@property_test
@given(applicants, money, money, st.sampled_from([2.0**-7, 0.5, 4.0, 2.0**20]))
@pytest.mark.parametrize("threshold", ["oof", "theory"])
def test_scaling_both_costs_changes_neither_cut_off_nor_approval(
    threshold, rows, bad_accepted, good_rejected, scale
):
    # Powers of two scale without rounding, so the cut-offs are equal and not only close.
    bad, pds = arrays(rows)
    frame = pd.DataFrame(index=range(len(bad)))
    small = rule(bad_accepted, good_rejected, threshold)
    large = rule(bad_accepted * scale, good_rejected * scale, threshold)
    one = choose_threshold(Sample(bad, pds, small.costs(frame)), small)
    other = choose_threshold(Sample(bad, pds, large.costs(frame)), large)
    assert one == other
    assert np.array_equal(pds < one, pds < other)


@property_test
@given(applicants, st.floats(0.001, 1000))
def test_scaling_by_any_factor_scales_the_least_cost(rows, scale):
    bad, pds = arrays(rows)
    frame = pd.DataFrame(index=range(len(bad)))
    small, large = rule(), rule(5 * scale, scale)
    costs = small.costs(frame)
    one = choose_threshold(Sample(bad, pds, costs), small)
    other = choose_threshold(Sample(bad, pds, large.costs(frame)), large)
    assert expected_cost(Sample(bad, pds, costs), one) == pytest.approx(
        expected_cost(Sample(bad, pds, costs), other)
    )


@property_test
@given(money, money)
def test_at_the_break_even_pd_accepting_costs_what_rejecting_does(bad_accepted, good_rejected):
    params = rule(bad_accepted, good_rejected, "theory")
    p = params.break_even
    assert p * bad_accepted == pytest.approx((1 - p) * good_rejected)


def test_break_even_of_the_data_sets_own_costs_is_a_sixth():
    assert rule(5, 1).break_even == pytest.approx(1 / 6)


def test_theory_looks_at_no_row():
    params = rule(3, 1, "theory")
    assert choose_threshold(Sample(np.empty(0), np.empty(0)), params) == 0.25


@property_test
@given(applicants, money, money)
def test_cost_curve_is_the_expected_cost_at_each_of_its_cut_offs(rows, bad_accepted, good_rejected):
    bad, pds = arrays(rows)
    costs = rule(bad_accepted, good_rejected).costs(pd.DataFrame(index=range(len(bad))))
    curve = cost_curve(Sample(bad, pds, costs))
    assert len(curve) == len(np.unique(pds)) + 1
    assert curve["threshold"].is_monotonic_increasing
    direct = [expected_cost(Sample(bad, pds, costs), cut) for cut in curve["threshold"]]
    assert curve["expected_cost"].to_numpy() == pytest.approx(np.array(direct))
    approved = [np.mean(pds < cut) for cut in curve["threshold"]]
    assert curve["approval_rate"].to_numpy() == pytest.approx(np.array(approved))


def test_ends_of_the_cost_curve_are_reject_all_and_accept_all():
    bad, pds = np.array([0, 0, 0, 1]), np.array([0.0, 0.3, 1.0, 1.0])
    curve = cost_curve(Sample(bad, pds, rule().costs(pd.DataFrame(index=range(4)))))
    assert curve["approval_rate"].iloc[[0, -1]].tolist() == [0, 1]
    assert curve["expected_cost"].iloc[[0, -1]].tolist() == [0.75, 1.25]


def test_neighbouring_floats_are_still_told_apart():
    low = 0.3
    high = np.nextafter(low, 1)
    curve = cost_curve(
        Sample(np.array([0, 1]), np.array([low, high]), Costs(np.ones(2), np.ones(2)))
    )
    assert curve["expected_cost"].min() == 0
    assert np.mean(np.array([low, high]) < curve["threshold"].iloc[1]) == 0.5


BY_AMOUNT = DecisionParams(
    cost_bad_accepted=5,
    cost_good_rejected=1,
    threshold="oof",
    amount_column="amount",
    loss_given_default=0.5,
    margin=0.1,
)


def test_costs_by_amount_of_five_applicants_by_hand():
    frame = pd.DataFrame({"amount": [100.0, 200.0, 1000.0, np.nan, 400.0]})  # median 300
    bad, pds = np.array([0, 1, 0, 1, 0]), np.array([0.1, 0.2, 0.5, 0.6, 0.7])
    costs = BY_AMOUNT.costs(frame)
    # At 0.4: the bad one of 200 is accepted (loses 100), the good ones of 1000 and 400 are
    # refused (miss 100 and 40), the bad one without an amount is refused, the good of 100 kept.
    assert expected_cost(Sample(bad, pds, costs), 0.4) == pytest.approx((100 + 100 + 40) / 5)
    # Accepting all loses 100 of the known bad one and half of the median 300 of the other.
    assert expected_cost(Sample(bad, pds, costs), 2.0) == pytest.approx((100 + 150) / 5)
    # Above 0.5 and below 0.6: the bad one of 200 accepted, the good one of 400 refused.
    assert choose_threshold(Sample(bad, pds, costs), BY_AMOUNT) == pytest.approx(0.15)
    assert expected_cost(Sample(bad, pds, costs), 0.55) == pytest.approx((100 + 40) / 5)
    assert expected_cost(Sample(bad, pds, costs), 0.15) == pytest.approx((100 + 40) / 5)


def test_costs_go_by_the_amount_that_was_told_not_by_the_capped_one():
    frame = pd.DataFrame({"amount": [100.0, 500.0], "original.amount": [100.0, 9000.0]})
    assert BY_AMOUNT.costs(frame).bad_accepted.tolist() == [50, 4500]


def test_break_even_by_amount_is_margin_against_loss():
    assert BY_AMOUNT.break_even == pytest.approx(0.1 / 0.6)


def test_amount_column_that_is_no_number_is_refused_with_a_hint():
    frame = pd.DataFrame({"amounts": [1.0], "purpose": ["car"]})
    with pytest.raises(InputError, match=r"decision\.amount_column: no numeric column amount"):
        BY_AMOUNT.costs(frame)


def test_amount_column_needs_its_two_shares():
    with pytest.raises(ValueError, match="needs loss_given_default and margin"):
        DecisionParams(
            cost_bad_accepted=5, cost_good_rejected=1, threshold="oof", amount_column="amount"
        )

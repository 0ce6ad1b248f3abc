"""Ratios of two proportions, such as the approval rates of two groups, with their intervals."""

import math
from typing import NamedTuple

from scipy.stats import norm


class Ratio(NamedTuple):
    """A ratio with the ends of its interval; all NaN where the second proportion is 0."""

    value: float
    low: float
    high: float


def ratio_of_proportions(
    part: float, whole: float, other_part: float, other_whole: float, level: float = 0.95
) -> Ratio:
    """Compute a ratio of two proportions, part/whole over other_part/other_whole.

    The interval takes the logarithm of the ratio as normal (Katz, Baptista, Azen and Pike 1978,
    "Obtaining Confidence Intervals for the Risk Ratio in Cohort Studies"). If one of the
    proportions is 0 or 1, 1/2 is added to the successes and to the failures of both groups for the
    interval, not for the ratio (Haldane 1956, "The Estimation and Significance of the Logarithm of
    a Ratio of Frequencies"), and the interval is widened to hold the ratio. The groups are taken as
    independent samples.

    Args:
        part: successes of the first group; may be a mean over repeats, so no whole number.
        whole: trials of the first group.
        other_part: successes of the group that it is compared with.
        other_whole: trials of that group.
        level: confidence level.
    """
    if not whole or not other_whole or not other_part:
        return Ratio(math.nan, math.nan, math.nan)
    value = (part / whole) / (other_part / other_whole)
    extra = 0.5 if part in (0, whole) or other_part == other_whole else 0.0
    a, b = part + extra, other_part + extra
    n, m = whole + 2 * extra, other_whole + 2 * extra
    middle = math.log((a / n) / (b / m))
    half = norm.ppf(0.5 + level / 2) * math.sqrt(1 / a - 1 / n + 1 / b - 1 / m)
    low, high = math.exp(middle - half), math.exp(middle + half)
    return Ratio(value, min(low, value), max(high, value))

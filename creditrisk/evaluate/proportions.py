"""Bad rates of few applicants: Jeffreys' interval, and the exact binomial test of a PD."""

import numpy as np
from scipy.stats import beta, binom


def jeffreys(bads: np.ndarray, rows: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Compute Jeffreys' interval of a bad rate.

    Brown, Cai and DasGupta 2001, "Interval Estimation for a Binomial Proportion". The European
    Central Bank asks for the same distribution to judge the PDs of grades.

    Args:
        bads: number of bad rows, any shape.
        rows: number of rows, same shape.
        level: confidence level.

    Returns:
        Low and high ends, shape (2,) plus the shape of the counts. The low end is 0 if no row is
        bad, the high end 1 if all are; both are NaN where there are no rows.
    """
    k, n = np.asarray(bads, dtype="float64"), np.asarray(rows, dtype="float64")
    tail = (1 - level) / 2
    low = np.where(k == 0, 0.0, beta.ppf(tail, k + 0.5, n - k + 0.5))
    high = np.where(k == n, 1.0, beta.ppf(1 - tail, k + 0.5, n - k + 0.5))
    return np.where(n == 0, np.nan, np.array([low, high]))


def too_many_bad(bads: np.ndarray, rows: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Test whether the PDs of a grade are too low: exact binomial test, one-sided.

    Basel Committee on Banking Supervision 2005, Working Paper 14, "Studies on the Validation of
    Internal Rating Systems". Each row of a grade counts with the mean PD; rows whose PDs differ
    vary less than that (Hoeffding 1956, "On the Distribution of the Number of Successes in
    Independent Trials"), so the test alarms rather too seldom.

    Args:
        bads: number of bad rows, shape (k,).
        rows: number of rows, shape (k,).
        expected: mean PD, shape (k,).

    Returns:
        How often chance gives so many bad rows or more if the PD is right, shape (k,); NaN where
        there are no rows.
    """
    k, n = np.asarray(bads), np.asarray(rows)
    return np.where(n == 0, np.nan, binom.sf(k - 1, n, expected))


def rate(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide counts; NaN where the whole is 0, any shape."""
    whole = np.asarray(whole, dtype="float64")
    return np.asarray(part, dtype="float64") / np.where(whole == 0, np.nan, whole)

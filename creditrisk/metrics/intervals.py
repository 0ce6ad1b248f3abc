"""How sure a number is: errors of means over folds, intervals by bootstrap, intervals of shares."""

from collections.abc import Callable

import numpy as np
from scipy.stats import norm


def fold_error(values: np.ndarray, folds: int) -> float:
    """Standard error of a mean over repeated folds, corrected for overlapping training sets.

    Nadeau and Bengio 2003, "Inference for the Generalization Error": the variance over the k scores
    times (1/k + n_test/n_train).

    Args:
        values: one a fold and repeat, shape (k,).
        folds: in a repeat, so that n_test/n_train is 1/(folds - 1).
    """
    if len(values) < 2:
        return float("nan")
    return float(np.sqrt(np.var(values, ddof=1) * (1 / len(values) + 1 / (folds - 1))))


def stratified_draws(bad: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Draw bootstrap samples within each class.

    Returns:
        Positions, shape (draws, n).
    """
    rng = np.random.default_rng(seed)
    places = np.arange(len(bad))
    parts = [places[bad == outcome] for outcome in (0, 1)]
    return np.hstack([rng.choice(part, (draws, len(part))) for part in parts])


def bootstrap_intervals(
    statistic: Callable[[np.ndarray], dict[str, float]], samples: np.ndarray, level: float = 0.95
) -> dict[str, list[float]]:
    """Compute percentile intervals (Efron 1981).

    Args:
        statistic: takes positions of rows, gives named values.
        samples: from `stratified_draws`.
        level: of confidence.

    Returns:
        Name to `[low, high]`.
    """
    drawn = [statistic(sample) for sample in samples]
    tail = 100 * (1 - level) / 2
    return {
        name: np.percentile([values[name] for values in drawn], [tail, 100 - tail]).tolist()
        for name in drawn[0]
    }


def wilson(successes: np.ndarray, trials: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Interval of a share (Wilson 1927); shape (2,) + that of the counts, NaN without trials."""
    z = norm.ppf(0.5 + level / 2)
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (k + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
        one = n / n
    # Exact at the ends, which the sums above miss by a rounding.
    low, high = np.where(k == 0, 0 * one, centre - half), np.where(k == n, one, centre + half)
    return np.array([low, high])

"""Uncertainty: standard errors of CV means, bootstrap intervals, intervals of proportions."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from scipy.stats import norm


def fold_error(values: np.ndarray, folds: int) -> float:
    """Standard error of a mean over repeated folds, corrected for overlapping training sets.

    Nadeau and Bengio 2003, "Inference for the Generalization Error": the variance over the k scores
    times (1/k + n_test/n_train).

    Args:
        values: one score per fold and repeat, shape (k,).
        folds: number of folds in a repeat, so n_test/n_train is 1/(folds - 1).

    Returns:
        The standard error; NaN for fewer than two scores.
    """
    if len(values) < 2:
        return float("nan")
    return float(np.sqrt(np.var(values, ddof=1) * (1 / len(values) + 1 / (folds - 1))))


def stratified_draws(bad: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Draw bootstrap samples separately within each class, one at a time.

    Args:
        bad: outcome, 1 for a default, shape (n,).
        draws: number of samples.
        seed: random seed.

    Yields:
        Positions of rows, shape (n,).
    """
    rng = np.random.default_rng(seed)
    positions = np.arange(len(bad))
    classes = [positions[bad == outcome] for outcome in (0, 1)]
    for _ in range(draws):
        yield np.concatenate([rng.choice(members, len(members)) for members in classes])


def bootstrap_intervals(
    statistic: Callable[[np.ndarray], dict[str, float]],
    samples: Iterable[np.ndarray],
    level: float = 0.95,
) -> dict[str, list[float]]:
    """Compute percentile intervals (Efron 1981).

    Args:
        statistic: computes named values from the positions of the drawn rows.
        samples: positions from `stratified_draws`, each of shape (n,).
        level: confidence level.

    Returns:
        Each name to `[low, high]`.
    """
    drawn = [statistic(sample) for sample in samples]
    tail = 100 * (1 - level) / 2
    return {
        name: np.percentile([values[name] for values in drawn], [tail, 100 - tail]).tolist()
        for name in drawn[0]
    }


def wilson(successes: np.ndarray, trials: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Compute Wilson's score interval of a proportion (Wilson 1927).

    Args:
        successes: counts, any shape.
        trials: counts, same shape.
        level: confidence level.

    Returns:
        Low and high ends, shape (2,) plus the shape of the counts; NaN where there are no trials.
    """
    z = norm.ppf(0.5 + level / 2)
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (k + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
        one = n / n
    # Exactly 0 and 1 if no or all trials succeed; the formula above has a rounding error there.
    low, high = np.where(k == 0, 0 * one, centre - half), np.where(k == n, one, centre + half)
    return np.array([low, high])

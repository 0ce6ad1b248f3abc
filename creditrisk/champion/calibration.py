"""How well PDs are calibrated: slope and intercept, parts of the Brier score, curves."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer

from creditrisk.champion.log_odds import log_odds
from creditrisk.metrics.intervals import stratified_draws, wilson


def slope_and_intercept(bad: np.ndarray, pd_: np.ndarray, level: float = 0.95) -> dict[str, Any]:
    """Regress the outcome on the log-odds of the PDs (Cox 1958).

    Args:
        bad: outcomes of both classes, shape (n,).
        pd_: PDs, shape (n,).
        level: confidence level of the Wald intervals.

    Returns:
        `slope` and `intercept` of that regression (1 and 0 for perfect PDs), and `in_the_large`,
        the intercept with the slope fixed at 1; each is `{value, ci}`.
    """
    bad, x = np.asarray(bad, dtype=float), log_odds(pd_)
    z = norm.ppf(0.5 + level / 2)
    fit = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(x[:, None], bad)
    slope, intercept = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    p = expit(intercept + slope * x)
    design = np.column_stack([np.ones_like(x), x])
    covariance = np.linalg.pinv(design.T @ (design * (p * (1 - p))[:, None]))
    errors = np.sqrt(np.diag(covariance))
    # A bracketing solver: Newton's method diverges if the PDs are far from the bad rate.
    far = 2 * float(np.abs(x).max()) + np.log(len(x)) + 1
    shift = float(brentq(lambda a: np.sum(bad - expit(a + x)), -far, far, xtol=1e-12))
    q = expit(shift + x)
    large = 1 / np.sqrt(np.sum(q * (1 - q)))
    return {
        name: {"value": value, "ci": [value - z * error, value + z * error]}
        for name, value, error in (
            ("slope", slope, errors[1]),
            ("intercept", intercept, errors[0]),
            ("in_the_large", shift, large),
        )
    }


def brier_parts(bad: np.ndarray, pd_: np.ndarray, bins: int = 10) -> dict[str, float]:
    """Decompose the Brier score over bins of equal size (Murphy 1973).

    The resolution is the generalised one (Stephenson, Coelho and Jolliffe 2008, "Two Extra
    Components in the Brier Score Decomposition"), which includes the resolution within the bins.

    Args:
        bad: outcomes, shape (n,).
        pd_: PDs, shape (n,).
        bins: number of bins.

    Returns:
        `reliability` (less is better), `resolution` (more is better), `uncertainty`; reliability
        minus resolution plus uncertainty is the Brier score.
    """
    rows = pd.DataFrame({"bad": np.asarray(bad, dtype=float), "pd": pd_, "bin": _bins(pd_, bins)})
    means = rows.groupby("bin")[["bad", "pd"]].transform("mean")
    rate = float(rows["bad"].mean())
    off, within = rows["pd"] - means["pd"], rows["bad"] - means["bad"]
    between = (means["bad"] - rate) ** 2
    return {
        "reliability": float(((means["pd"] - means["bad"]) ** 2).mean()),
        "resolution": float((between - off**2 + 2 * off * within).mean()),
        "uncertainty": rate * (1 - rate),
    }


def _bins(pd_: np.ndarray, bins: int) -> np.ndarray:
    edges = np.unique(np.quantile(pd_, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, pd_, side="right")


def calibration_curves(
    bad: np.ndarray, pd_: np.ndarray, seed: int, bins: int = 10, draws: int = 200
) -> pd.DataFrame:
    """Compare PDs with observed bad rates, in bins and as a smooth curve.

    The smooth curve is a logistic regression of the outcome on cubic splines of the log-odds of the
    PDs. Its intervals come from a stratified bootstrap, those of the bins are Wilson's.

    Args:
        bad: outcomes, shape (n,).
        pd_: PDs, shape (n,).
        seed: random seed of the bootstrap.
        bins: number of bins of equal size.
        draws: number of bootstrap draws.

    Returns:
        `curve` (`binned`, `smooth`), `mean_pd`, `bad_rate`, `low`, `high`, `rows`.
    """
    bad = np.asarray(bad)
    groups = pd.DataFrame({"bad": bad, "pd": pd_, "bin": _bins(pd_, bins)}).groupby("bin")
    low, high = wilson(groups["bad"].sum(), groups.size())
    binned = pd.DataFrame(
        {
            "curve": "binned",
            "mean_pd": groups["pd"].mean(),
            "bad_rate": groups["bad"].mean(),
            "low": low,
            "high": high,
            "rows": groups.size(),
        }
    )
    start, stop = np.quantile(pd_, [0.02, 0.98])
    grid = np.linspace(start, stop, 41)
    if len(np.unique(grid)) < len(grid):
        return binned.reset_index(drop=True)
    drawn = [_smooth(bad[s], pd_[s], grid) for s in stratified_draws(bad, draws, seed)]
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    smooth = pd.DataFrame(
        {
            "curve": "smooth",
            "mean_pd": grid,
            "bad_rate": _smooth(bad, pd_, grid),
            "low": low,
            "high": high,
            "rows": len(pd_),
        }
    )
    return pd.concat([binned, smooth], ignore_index=True)


def _smooth(bad: np.ndarray, pd_: np.ndarray, grid: np.ndarray) -> np.ndarray:
    splines = SplineTransformer(n_knots=4, degree=3, extrapolation="linear", include_bias=False)
    rows = splines.fit_transform(log_odds(pd_)[:, None])
    fit = LogisticRegression(C=10.0, max_iter=1000).fit(rows, bad)
    return fit.predict_proba(splines.transform(log_odds(grid)[:, None]))[:, 1]

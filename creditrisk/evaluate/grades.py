"""Rating grades against their outcomes: bad rates, tests and a traffic light per grade."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from creditrisk.champion.grades import grade_names, grade_of
from creditrisk.evaluate.proportions import jeffreys, rate, too_many_bad
from creditrisk.metrics.costs import Sample

GREEN, YELLOW, RED = "green", "yellow", "red"
NO_LIGHT = "none"  # of a grade without rows
# A p below the first is yellow, below the second red.
YELLOW_P, RED_P = 0.05, 0.01


def grade_table(samples: Mapping[str, Sample], edges: np.ndarray) -> pd.DataFrame:
    """Compare the mean PD of each grade with its bad rate.

    Args:
        samples: name of the rows (`out_of_fold`, `test`) to outcomes, PDs and costs.
        edges: the PDs between the grades, ascending, shape (grades - 1,).

    Returns:
        One row per sample and grade: `sample`; `grade` (A is the least risky); `low`, `high` (PDs
        from low to under high); `rows`, `bad`; `expected` (mean PD); `observed` (bad rate), with
        Jeffreys' 95% interval `observed_low`, `observed_high`; `p_binomial` (see `too_many_bad`);
        `light` (green from `YELLOW_P`, yellow, red below `RED_P`); `expected_loss` (sum of PD times
        the cost of accepting the row if it is bad) and `observed_loss` (sum of that cost over the
        bad rows), in the unit of the costs, as if all were accepted.
    """
    ends = np.concatenate([[0.0], edges, [1.0]])
    parts = []
    for name, sample in samples.items():
        grade, count = grade_of(sample.pd, edges), len(edges) + 1
        bad, loss = np.asarray(sample.bad, dtype="float64"), sample.priced.bad_accepted
        rows = np.bincount(grade, minlength=count)
        bads = _sum(grade, bad, count).astype(int)
        expected = rate(_sum(grade, sample.pd, count), rows)
        low, high = jeffreys(bads, rows)
        p = too_many_bad(bads, rows, expected)
        parts.append(
            pd.DataFrame(
                {
                    "sample": name,
                    "grade": grade_names(count),
                    "low": ends[:-1],
                    "high": ends[1:],
                    "rows": rows,
                    "bad": bads,
                    "expected": expected,
                    "observed": rate(bads, rows),
                    "observed_low": low,
                    "observed_high": high,
                    "p_binomial": p,
                    "light": [light(value) for value in p],
                    "expected_loss": _sum(grade, sample.pd * loss, count),
                    "observed_loss": _sum(grade, bad * loss, count),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def light(p: float) -> str:
    """Return the traffic light of a p-value; `none` for NaN."""
    if np.isnan(p):
        return NO_LIGHT
    return GREEN if p >= YELLOW_P else YELLOW if p >= RED_P else RED


def hosmer_lemeshow(table: pd.DataFrame, fitted: bool) -> dict[str, Any]:
    """Test the PDs of all grades together.

    The statistic is the sum over the grades of (bad - expected bad)^2 / variance, where the
    variance is rows x mean PD x (1 - mean PD) (Hosmer and Lemeshow 1980, "Goodness of Fit Tests for
    the Multiple Logistic Regression Model").

    Args:
        table: the rows of one sample of a `grade_table`.
        fitted: whether the outcomes of these rows were used: two degrees of freedom fewer than
            there are grades. For new rows there are as many as grades.

    Returns:
        `grades` (those with rows), `statistic`, `df`, and `p`, how often chance gives as much or
        more if the PDs are right; the p is None without a degree of freedom.
    """
    part = table[table["rows"] > 0]
    rows, expected = part["rows"].to_numpy(), part["expected"].to_numpy()
    # A grade whose PDs are all 0 or 1 has no variance; the floor keeps the statistic finite.
    variance = np.maximum(rows * expected * (1 - expected), 1e-9)
    statistic = float(((part["bad"].to_numpy() - rows * expected) ** 2 / variance).sum())
    df = max(len(part) - 2, 0) if fitted else len(part)
    p = float(chi2.sf(statistic, df)) if df else None
    return {"grades": len(part), "statistic": statistic, "df": df, "p": p}


def _sum(grade: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(grade, weights=weights, minlength=count)

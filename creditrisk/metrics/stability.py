"""The population stability index (PSI): how far the distribution of a variable has moved."""

import numpy as np
import pandas as pd

BINS = 10
MISSING = "missing"
OTHER = "other"
MAX_LEVELS = 50  # levels of the reference that are compared one by one; the rarer ones are one


def psi(
    reference: pd.Series,
    current: pd.Series,
    codes: tuple[pd.Series, pd.Series] | None = None,
    bins: int = BINS,
) -> float:
    """Compute the PSI, the symmetric Kullback-Leibler divergence of two binned distributions.

    ``PSI = sum_i (c_i - r_i) ln(c_i / r_i)`` over bins i, with the shares r_i of the reference and
    c_i of the current rows (Siddiqi 2006, Credit Risk Scorecards, ch. 8). By convention, less than
    0.1 is stable and more than 0.25 has moved. Half a row is added to each bin, so that an empty
    bin gives no infinite value.

    Args:
        reference: numbers or levels, shape (n,). Numbers are cut at quantiles of the reference; a
            missing value is a bin of its own.
        current: the same of other rows, shape (m,).
        codes: special codes of both, text, missing where a row has none; each is a bin of its own.
        bins: number of quantile bins.

    Returns:
        From 0; NaN if one side has no rows.
    """
    if not len(reference) or not len(current):
        return float("nan")
    if pd.api.types.is_numeric_dtype(reference):
        inner = np.unique(reference.dropna().quantile(np.linspace(0, 1, bins + 1)[1:-1]))
        sides = [_cut(values, inner) for values in (reference, current)]
    else:
        common = set(reference.value_counts().index[:MAX_LEVELS])
        sides = [
            values.astype(object).where(values.isin(common), OTHER).where(values.notna(), MISSING)
            for values in (reference, current)
        ]
    if codes is not None:
        sides = [
            side.where(code.isna().to_numpy(), ("code " + code.fillna("")).to_numpy())
            for side, code in zip(sides, codes, strict=True)
        ]
    counts = pd.concat([side.value_counts() for side in sides], axis=1).fillna(0).to_numpy()
    return psi_of_counts(*counts.T)


def psi_of_counts(reference: np.ndarray, current: np.ndarray) -> float:
    """Compute the PSI of rows that are counted by bin already; see `psi`.

    Args:
        reference: rows of the reference in each bin, shape (k,).
        current: current rows in each bin, shape (k,).

    Returns:
        From 0; NaN if one side has no rows.
    """
    if not np.sum(reference) or not np.sum(current):
        return float("nan")
    r, c = (side / side.sum() for side in (np.asarray(reference) + 0.5, np.asarray(current) + 0.5))
    return float(((c - r) * np.log(c / r)).sum())


def _cut(values: pd.Series, inner: np.ndarray) -> pd.Series:
    numbers = values.to_numpy(dtype="float64")
    # At the left of an edge: a value that many rows have is the upper end of its own bin.
    found = np.searchsorted(inner, numbers, side="left").astype(object)
    found[np.isnan(numbers)] = MISSING
    return pd.Series(found)

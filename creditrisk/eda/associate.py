"""How the variables of the train rows hang together, pair by pair."""

import math
from itertools import combinations

import numpy as np
import pandas as pd

from creditrisk.schema import Schema


def spearman(train: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Spearman's rank correlation of each pair of numeric and ordinal columns.

    Ordinal levels count by their place in the schema. Each pair uses the rows that have both;
    a pair with a constant side, or fewer than three such rows, is NaN.

    Returns:
        `a b rho`, a row a pair, in the schema's order.
    """
    names = [n for n, c in schema.features.items() if c.kind in ("numeric", "ordinal")]
    ranks = pd.DataFrame({n: _ranks(train[n], schema, n) for n in names}, index=train.index)
    rho = ranks.corr(method="spearman", min_periods=3) if names else ranks
    rows = [(a, b, rho.loc[a, b]) for a, b in combinations(names, 2)]
    return pd.DataFrame(rows, columns=["a", "b", "rho"])


def cramers(train: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Cramer's V of each pair of nominal columns, over the rows that have both.

    Returns:
        `a b v`, a row a pair, in the schema's order.
    """
    names = schema.of_kind("nominal")
    codes = {n: pd.factorize(train[n], sort=True)[0] for n in names}
    rows = []
    for a, b in combinations(names, 2):
        both = (codes[a] >= 0) & (codes[b] >= 0)
        x, y = codes[a][both], codes[b][both]
        wide = int(y.max(initial=-1)) + 1
        high = int(x.max(initial=-1)) + 1
        counts = np.bincount(x * wide + y, minlength=high * wide).reshape(high, wide)
        rows.append((a, b, cramers_v(counts)))
    return pd.DataFrame(rows, columns=["a", "b", "v"])


def cramers_v(counts: np.ndarray) -> float:
    """Bias-corrected Cramer's V (Bergsma 2013, J. Korean Stat. Soc. 42, 323-328).

    ``V = sqrt(max(0, chi2/n - (k-1)(r-1)/(n-1)) / min(k' - 1, r' - 1))`` with
    ``r' = r - (r-1)^2/(n-1)``, and k' likewise. Without the correction, columns of many levels
    seem associated by chance alone.

    Args:
        counts: array (r, k), the rows of each pair of levels; levels without a row don't count.

    Returns:
        0 to 1; NaN where a side has one level only, or as many levels as there are rows.
    """
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0].astype(float)
    n, (r, k) = counts.sum(), counts.shape
    if r < 2 or k < 2:
        return math.nan
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / n
    phi2 = ((counts - expected) ** 2 / expected).sum() / n
    phi2 = max(0.0, phi2 - (r - 1) * (k - 1) / (n - 1))
    room = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, math.sqrt(phi2 / room))) if room > 0 else math.nan


def strongest(pairs: pd.DataFrame) -> dict[str, object] | None:
    """The pair of the greatest absolute value, as a dict; None where no pair has a value."""
    value = pairs.columns[-1]
    known = pairs.dropna()
    return None if known.empty else dict(known.loc[known[value].abs().idxmax()])


def square(pairs: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Turn pairs into a symmetric matrix (n, n) of `names`, with ones on its diagonal."""
    place = {n: i for i, n in enumerate(names)}
    matrix = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for a, b, value in pairs.itertuples(index=False):
        if a in place and b in place:
            matrix[place[a], place[b]] = matrix[place[b], place[a]] = value
    return matrix


def _ranks(values: pd.Series, schema: Schema, name: str) -> pd.Series:
    column = schema.features[name]
    if column.kind == "numeric":
        return values
    return values.map({level: i for i, level in enumerate(column.levels or {})}).astype(float)

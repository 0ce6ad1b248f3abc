"""Association between pairs of variables in the training rows."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array

from creditrisk.schema import Schema


def spearman(train: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Compute Spearman's rank correlation of each pair of numeric and ordinal columns.

    An ordinal level's rank is its position in the schema. Each pair uses the rows that have both
    values; it is NaN if one column is constant in them, or if there are fewer than three.

    Returns:
        Columns `a`, `b`, `rho`; one row per pair, in the order of the schema.
    """
    names = [n for n, c in schema.variables.items() if c.kind in ("numeric", "ordinal")]
    ranks = pd.DataFrame({n: _ranks(train[n], schema, n) for n in names}, index=train.index)
    rho = ranks.corr(method="spearman", min_periods=3) if names else ranks
    rows = [(a, b, rho.loc[a, b]) for a, b in combinations(names, 2)]
    return pd.DataFrame(rows, columns=["a", "b", "rho"])


def cramers(train: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Compute Cramer's V of each pair of nominal columns, over the rows that have both values.

    Returns:
        Columns `a`, `b`, `v`; one row per pair, in the order of the schema.
    """
    names = schema.of_kind("nominal")
    codes = {n: pd.factorize(train[n], sort=True)[0] for n in names}
    rows = []
    for a, b in combinations(names, 2):
        both = (codes[a] >= 0) & (codes[b] >= 0)
        x, y = codes[a][both], codes[b][both]
        shape = (int(x.max(initial=-1)) + 1, int(y.max(initial=-1)) + 1)
        # Sparse: columns of free text have billions of pairs of levels, nearly all without rows.
        rows.append((a, b, cramers_v(coo_array((np.ones(len(x)), (x, y)), shape=shape))))
    return pd.DataFrame(rows, columns=["a", "b", "v"])


def cramers_v(counts: np.ndarray | coo_array) -> float:
    """Compute bias-corrected Cramer's V (Bergsma 2013, J. Korean Stat. Soc. 42, 323-328).

    ``V = sqrt(max(0, chi2/n - (k-1)(r-1)/(n-1)) / min(k' - 1, r' - 1))`` with
    ``r' = r - (r-1)^2/(n-1)``, and k' likewise. Without the correction, columns with many levels
    would seem associated by chance alone.

    Args:
        counts: number of rows per pair of levels, shape (r, k); levels without rows are ignored.

    Returns:
        A value from 0 to 1; NaN if a column has only one level, or as many levels as rows.
    """
    cells = coo_array(counts)
    cells.sum_duplicates()
    of_a, of_b = cells.sum(axis=1), cells.sum(axis=0)
    n, r, k = float(of_a.sum()), np.count_nonzero(of_a), np.count_nonzero(of_b)
    if r < 2 or k < 2:
        return math.nan
    expected = of_a[cells.row] * of_b[cells.col] / n
    # A cell without rows adds what is expected in it. All that is expected adds up to n.
    chi2 = ((cells.data - expected) ** 2 / expected).sum() + max(0.0, n - expected.sum())
    phi2 = chi2 / n
    phi2 = max(0.0, phi2 - (r - 1) * (k - 1) / (n - 1))
    largest = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, math.sqrt(phi2 / largest))) if largest > 0 else math.nan


def strongest(pairs: pd.DataFrame) -> dict[str, object] | None:
    """Return the pair with the greatest absolute value as a dict; None if no pair has a value."""
    value = pairs.columns[-1]
    known = pairs.dropna()
    return None if known.empty else dict(known.loc[known[value].abs().idxmax()])


def square(pairs: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Turn pairs into a symmetric matrix, shape (n, n) for n names, with ones on the diagonal."""
    position = {n: i for i, n in enumerate(names)}
    matrix = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for a, b, value in pairs.itertuples(index=False):
        if a in position and b in position:
            matrix[position[a], position[b]] = matrix[position[b], position[a]] = value
    return matrix


def _ranks(values: pd.Series, schema: Schema, name: str) -> pd.Series:
    column = schema.variables[name]
    if column.kind == "numeric":
        return values
    return values.map({level: i for i, level in enumerate(column.levels or {})}).astype(float)

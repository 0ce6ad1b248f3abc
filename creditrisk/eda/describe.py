"""What the train rows look like, as plain tables: no model, no page, no test row."""

import math

import numpy as np
import pandas as pd

from creditrisk.eda.adjust import fences
from creditrisk.schema import Schema

FENCE = 1.5  # interquartile ranges: Tukey's "outside" values; caps have their own, wider factor
BINS = 10  # quantile bins of a numeric column
SMOOTHING = 0.5  # added to the goods and bads of each level, so that no logarithm is infinite
MISSING = "missing"


def missing(train: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Count the missing cells: `variable`, `kind`, `missing`, `share`, in the schema's order."""
    names = list(schema.features)
    counts = train[names].isna().sum()
    return pd.DataFrame(
        {
            "variable": names,
            "kind": [schema.features[n].kind for n in names],
            "missing": [int(counts[n]) for n in names],
            "share": [counts[n] / len(train) if len(train) else 0.0 for n in names],
        }
    )


def numeric_summary(train: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Summarise the numeric columns, a row each; the means by outcome stand last."""
    rows = []
    for name in schema.of_kind("numeric"):
        x = train[name]
        q = x.quantile([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]).to_list()
        rows.append(
            {
                "variable": name,
                "unit": unit(schema, name),
                "rows": int(x.notna().sum()),
                "distinct": int(x.nunique()),
                "mean": x.mean(),
                "std": x.std(),
                **dict(zip(("min", "q05", "q25", "median", "q75", "q95", "max"), q, strict=True)),
                "mean_good": x[train["bad"] == 0].mean(),
                "mean_bad": x[train["bad"] == 1].mean(),
            }
        )
    names = "variable unit rows distinct mean std min q05 q25 median q75 q95 max mean_good mean_bad"
    return pd.DataFrame(rows, columns=names.split())


def outliers(train: pd.DataFrame, schema: Schema, factor: float = FENCE) -> pd.DataFrame:
    """Count the numbers outside Tukey's fences: `variable low high below above share`.

    `share` is of the column's present values. Without a fence (equal quartiles) nothing is outside.
    """
    rows = []
    for name in schema.of_kind("numeric"):
        x = train[name].dropna()
        low, high = fences(x, factor)
        below, above = int((x < low).sum()), int((x > high).sum())
        share = (below + above) / len(x) if len(x) else 0.0
        rows.append((name, low, high, below, above, share))
    return pd.DataFrame(rows, columns=["variable", "low", "high", "below", "above", "share"])


def levels(train: pd.DataFrame, schema: Schema, bins: int = BINS) -> pd.DataFrame:
    """Bad rate and weight of evidence of every level of every variable.

    Numeric columns are cut into quantile bins, named by the least and the greatest train value in
    them. Missing cells, where there are any, are a level of their own with an empty code.

    Weight of evidence of level i, positive where the level is safer than the whole:
    ``woe_i = ln(g_i / b_i)``, with ``g_i = (goods_i + s) / (goods + k s)`` and
    ``b_i = (bads_i + s) / (bads + k s)`` for k levels and s = `SMOOTHING`; its contribution to the
    information value is ``(g_i - b_i) woe_i`` (Siddiqi 2006, Credit Risk Scorecards, ch. 6).

    Returns:
        `variable kind code label rows bads bad_rate low high woe iv`: `low` and `high` are the 95%
        Wilson interval of the bad rate. Variables and levels in the schema's order; text levels
        that the schema doesn't list are ordered by their rows, descending.
    """
    parts = []
    for name, column in schema.features.items():
        if column.kind == "numeric":
            codes, labels = _bins(train[name], bins)
        else:
            codes = train[name]
            labels = _labels(codes, schema, name)
        parts.append(_rates(codes, labels, train["bad"]).assign(variable=name, kind=column.kind))
    found = pd.concat(parts, ignore_index=True)
    return found[["variable", "kind", *found.columns.drop(["variable", "kind"])]]


def information_value(described: pd.DataFrame) -> pd.DataFrame:
    """Sum the levels' contributions: `variable kind levels information_value`, greatest first."""
    by = described.groupby(["variable", "kind"], sort=False)
    found = by.agg(levels=("code", "size"), information_value=("iv", "sum")).reset_index()
    return found.sort_values("information_value", ascending=False, kind="stable", ignore_index=True)


def wilson(count: np.ndarray, total: np.ndarray, z: float = 1.959963984540054) -> np.ndarray:
    """Wilson's score interval of a share (Wilson 1927), 95% by default.

    Returns:
        Array (2, n): the low and the high ends; NaN where the total is zero.
    """
    count, total = np.asarray(count, float), np.asarray(total, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = count / total
        middle = (p + z**2 / (2 * total)) / (1 + z**2 / total)
        half = z / (1 + z**2 / total) * np.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    # At 0 and at all the ends are 0 and 1; rounding may carry them a hair outside.
    return np.clip([middle - half, middle + half], 0, 1)


def unit(schema: Schema, name: str) -> str:
    """The unit of a column as the schema spells it first, or nothing."""
    return next(iter(schema.features[name].unit), "")


def title(schema: Schema, name: str) -> str:
    """A variable's name in words, with its unit."""
    words = " ".join(name.replace("_", " ").split()) or name
    measured = unit(schema, name)
    return f"{words} ({measured})" if measured else words


def number(x: float) -> str:
    """Print a number for a label: whole numbers whole, others with four digits or two decimals."""
    if math.isfinite(x) and x == round(x):
        return f"{x:,.0f}"
    return f"{x:.4g}" if abs(x) < 1000 else f"{x:,.2f}"


def _labels(codes: pd.Series, schema: Schema, name: str) -> dict[str, str]:
    counts = codes.value_counts()
    listed = [c for c in schema.features[name].levels or () if c in counts.index]
    # Ties by rows in the order of the text: value_counts orders them by first appearance.
    order = listed or sorted(counts.index, key=lambda c: (-counts[c], c))
    return {c: schema.label(name, c) for c in order}


def _bins(x: pd.Series, bins: int) -> tuple[pd.Series, dict[str, str]]:
    """Cut at the quantiles; a value on a cut belongs to the bin below it."""
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    cuts = np.unique(x.dropna().quantile(inner))
    cuts = cuts[cuts < x.max()]
    place = pd.Series(np.searchsorted(cuts, x, side="left"), index=x.index)[x.notna()]
    ends = x.groupby(place).agg(["min", "max"])
    labels = {
        str(i + 1): number(lo) if lo == hi else f"{number(lo)} to {number(hi)}"
        for i, (lo, hi) in enumerate(zip(ends["min"], ends["max"], strict=True))
    }
    names = dict(zip(ends.index, labels, strict=True))
    return place.map(names).reindex(x.index), labels


def _rates(codes: pd.Series, labels: dict[str, str], bad: pd.Series) -> pd.DataFrame:
    rows, bads = codes.value_counts(), codes[bad == 1].value_counts()
    entries = [(c, words, int(rows[c]), int(bads.get(c, 0))) for c, words in labels.items()]
    absent = codes.isna()
    if absent.any():
        entries.append(("", MISSING, int(absent.sum()), int(bad[absent].sum())))
    frame = pd.DataFrame(entries, columns=["code", "label", "rows", "bads"])
    goods = frame["rows"] - frame["bads"]
    k = len(frame)
    g = (goods + SMOOTHING) / (goods.sum() + k * SMOOTHING)
    b = (frame["bads"] + SMOOTHING) / (frame["bads"].sum() + k * SMOOTHING)
    low, high = wilson(frame["bads"], frame["rows"])
    woe = np.log(g / b)
    return frame.assign(
        bad_rate=frame["bads"] / frame["rows"], low=low, high=high, woe=woe, iv=(g - b) * woe
    )

"""Tables that describe the training rows: missing cells, summaries, outliers, bad rates, WoE."""

import math

import numpy as np
import pandas as pd

from creditrisk.core.columns import SPECIAL, is_missing
from creditrisk.eda.adjust import fences
from creditrisk.schema import Column, Schema

FENCE = 1.5  # interquartile ranges: Tukey's "outside" values; caps have a wider factor
BINS = 10  # quantile bins of a numeric column
SMOOTHING = 0.5  # added to the good and bad counts of each level, to avoid infinite logarithms
MISSING = "missing"


def missing(train: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Count the missing cells of each feature.

    Returns:
        Columns `variable`, `kind`, `missing`, `share`; one row per feature, in the order of the
        schema.
    """
    names = list(schema.variables)
    counts = {name: is_missing(train, name).sum() for name in names}
    return pd.DataFrame(
        {
            "variable": names,
            "kind": [schema.variables[n].kind for n in names],
            "missing": [int(counts[n]) for n in names],
            "share": [counts[n] / len(train) if len(train) else 0.0 for n in names],
        }
    )


def numeric_summary(train: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Summarise the numeric columns: location, spread, quantiles, and the means by outcome.

    Returns:
        One row per numeric column, in the order of the schema.
    """
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
    """Count the numbers outside Tukey's fences.

    Args:
        train: the training rows.
        schema: the schema of the data set.
        factor: distance of the fences from the quartiles, in interquartile ranges.

    Returns:
        Columns `variable`, `low` and `high` (the fences), `below` and `above` (numbers of rows),
        `share` (of the values that are not missing). Without fences (equal quartiles) no value is
        outside.
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
    """Compute bad rate and weight of evidence (WoE) of every level of every variable.

    Numeric columns are cut into quantile bins, labelled with the smallest and the largest training
    value in the bin; a special code is a level of its own. Missing cells, if there are any, are a
    level with an empty code.

    The WoE of level i is ``woe_i = ln(g_i / b_i)``, with ``g_i = (goods_i + s) / (goods + k s)``
    and ``b_i = (bads_i + s) / (bads + k s)`` for k levels and s = `SMOOTHING`. It is positive if
    the level is safer than average. Its contribution to the information value is
    ``(g_i - b_i) woe_i`` (Siddiqi 2006, Credit Risk Scorecards, ch. 6).

    Args:
        train: the training rows.
        schema: the schema of the data set.
        bins: number of quantile bins of a numeric column.

    Returns:
        Columns `variable`, `kind`, `code`, `label`, `rows`, `bads`, `bad_rate`, `low` and `high`
        (95% Wilson interval of the bad rate), `woe`, `iv`. Variables and levels are in the order of
        the schema; levels that the schema doesn't list are ordered by their rows, descending.
    """
    parts = []
    for name, column in schema.variables.items():
        if column.kind == "numeric":
            codes, labels = _bins(train[name], bins)
            if column.special:
                codes, labels = _with_specials(codes, labels, train[SPECIAL + name], column)
        else:
            codes = train[name]
            labels = _labels(codes, schema, name)
        parts.append(_rates(codes, labels, train["bad"]).assign(variable=name, kind=column.kind))
    found = pd.concat(parts, ignore_index=True)
    return found[["variable", "kind", *found.columns.drop(["variable", "kind"])]]


def information_value(described: pd.DataFrame) -> pd.DataFrame:
    """Sum up the information value of each variable.

    Args:
        described: the result of `levels`.

    Returns:
        Columns `variable`, `kind`, `levels`, `information_value`; the greatest value first.
    """
    by = described.groupby(["variable", "kind"], sort=False)
    found = by.agg(levels=("code", "size"), information_value=("iv", "sum")).reset_index()
    return found.sort_values("information_value", ascending=False, kind="stable", ignore_index=True)


def wilson(count: np.ndarray, total: np.ndarray, z: float = 1.959963984540054) -> np.ndarray:
    """Compute Wilson's score interval of a proportion (Wilson 1927), 95% by default.

    Args:
        count: number of successes, shape (n,).
        total: number of trials, shape (n,).
        z: normal quantile of the confidence level.

    Returns:
        The low and the high ends, shape (2, n); NaN where the total is zero.
    """
    count, total = np.asarray(count, float), np.asarray(total, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = count / total
        middle = (p + z**2 / (2 * total)) / (1 + z**2 / total)
        half = z / (1 + z**2 / total) * np.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    # If no or all trials succeed the ends are 0 or 1; rounding may move them slightly outside.
    return np.clip([middle - half, middle + half], 0, 1)


def unit(schema: Schema, name: str) -> str:
    """Return the first unit of a column in the schema, or an empty text."""
    return next(iter(schema.variables[name].unit), "")


def title(schema: Schema, name: str) -> str:
    """Return a variable's name in words, with its unit; it says if no model sees the variable."""
    words = " ".join(name.replace("_", " ").split()) or name
    measured = unit(schema, name)
    notes = [measured] if measured else []
    notes += ["audit only"] if schema.variables[name].audit else []
    return f"{words} ({', '.join(notes)})" if notes else words


def number(x: float) -> str:
    """Format a number for a label: integers in full, others with four digits or two decimals."""
    if math.isfinite(x) and x == round(x):
        return f"{x:,.0f}"
    return f"{x:.4g}" if abs(x) < 1000 else f"{x:,.2f}"


def _labels(codes: pd.Series, schema: Schema, name: str) -> dict[str, str]:
    counts = codes.value_counts()
    listed = [c for c in schema.variables[name].levels or () if c in counts.index]
    # Order ties by text: value_counts would order them by first appearance.
    order = listed or sorted(counts.index, key=lambda c: (-counts[c], c))
    return {c: schema.label(name, c) for c in order}


def _bins(x: pd.Series, bins: int) -> tuple[pd.Series, dict[str, str]]:
    """Cut at the quantiles; a value on an edge belongs to the lower bin."""
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    cuts = np.unique(x.dropna().quantile(inner))
    cuts = cuts[cuts < x.max()]
    numbers = pd.Series(np.searchsorted(cuts, x, side="left"), index=x.index)[x.notna()]
    ends = x.groupby(numbers).agg(["min", "max"])
    labels = {
        str(i + 1): number(lo) if lo == hi else f"{number(lo)} to {number(hi)}"
        for i, (lo, hi) in enumerate(zip(ends["min"], ends["max"], strict=True))
    }
    names = dict(zip(ends.index, labels, strict=True))
    return numbers.map(names).reindex(x.index), labels


def _with_specials(
    codes: pd.Series, labels: dict[str, str], specials: pd.Series, column: Column
) -> tuple[pd.Series, dict[str, str]]:
    """Add the special codes to the bins of a numeric column; `code 96` can't be a bin's number."""
    seen = set(specials)
    named = {code: f"code {code}" for code in column.special if code in seen}
    texts = {named[code]: f"{code}: {column.special[code]}" for code in named}
    return codes.astype(object).where(~specials.isin(named), specials.map(named)), labels | texts


def _rates(codes: pd.Series, labels: dict[str, str], bad: pd.Series) -> pd.DataFrame:
    rows, bads = codes.value_counts(), codes[bad == 1].value_counts()
    entries = [(c, label, int(rows[c]), int(bads.get(c, 0))) for c, label in labels.items()]
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

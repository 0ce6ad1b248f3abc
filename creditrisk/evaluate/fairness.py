"""Fairness: approval and error rates by group of applicants, with counts and intervals."""

from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator

from creditrisk.core.columns import SPECIAL, original_values
from creditrisk.core.params import Name, Number, Strict, distinct_keys
from creditrisk.metrics.intervals import wilson
from creditrisk.schema import Schema

# Smaller groups are shown but not judged.
MIN_GROUP_ROWS = 30
MISSING = "missing"


class Bins(Strict):
    """Edges of the groups of a numeric column: under the first, between two, over the last."""

    bins: Annotated[list[Number], Field(min_length=1)]

    @field_validator("bins")
    @classmethod
    def _ascending(cls, bins: list[float]) -> list[float]:
        if any(b <= a for a, b in pairwise(bins)):
            raise ValueError("the edges must be in ascending order")
        return bins


def _kind(value: Any) -> str:
    return "levels" if isinstance(value, str) else ""


# The edges, or `levels`. pydantic puts a tag into the location of an error; an empty one is left
# out of the line.
_Grouping = Annotated[
    Annotated[Bins, Tag("")] | Annotated[Literal["levels"], Tag("levels")], Discriminator(_kind)
]
# The block `fairness`: name of a column to its edges, or to `levels`.
FairnessParams = Annotated[dict[Name, _Grouping], BeforeValidator(distinct_keys)]


def groups_of(name: str, values: pd.Series, by: Bins | str, schema: Schema) -> pd.Series:
    """Return the label of each row's group.

    A number equal to an edge belongs to the group above it, except at the last of several edges.
    For example, the edges 25 and 60 give the groups under 25, 25 to 60, and over 60.

    Args:
        name: the name of the column.
        values: its values, shape (n,).
        by: edges, or `levels`.
        schema: has the labels of the levels.

    Returns:
        Ordered categorical, shape (n,).
    """
    if isinstance(by, str):
        found = [level for level in schema.features[name].levels or () if level in set(values)]
        found += sorted(set(values.dropna()) - set(found))
        words = {level: schema.label(name, level) for level in found}
        texts = values.map(words).astype(object)
        order = list(dict.fromkeys(words.values()))
    else:
        edges, order = by.bins, _labels(by.bins)
        groups = np.searchsorted(edges, values.to_numpy(dtype=float), side="right")
        if len(edges) > 1:
            groups = np.where(values == edges[-1], len(edges) - 1, groups)
        texts = pd.Series(np.array(order, dtype=object)[groups], index=values.index)
        texts = texts.where(values.notna())
    texts = texts.where(values.notna(), MISSING)
    order += [MISSING] * bool(values.isna().any())
    return pd.Series(pd.Categorical(texts, order, ordered=True), index=values.index)


def _with_codes(labels: pd.Series, codes: pd.Series, meanings: dict[str, str]) -> pd.Series:
    """Put the rows with a special code into a group of their own, named by its meaning."""
    texts = codes.map(meanings).astype(object)
    named = labels.astype(object).where(texts.isna(), texts)
    order = [*labels.cat.categories, *dict.fromkeys(meanings.values())]
    seen = [group for group in dict.fromkeys(order) if (named == group).any()]
    return pd.Series(pd.Categorical(named, seen, ordered=True), index=labels.index)


def _labels(edges: list[float]) -> list[str]:
    # All digits, or two groups could have one label.
    texts = [repr(float(edge)).removesuffix(".0") for edge in edges]
    if len(texts) == 1:
        return [f"under {texts[0]}", f"from {texts[0]}"]
    inner = [f"{a} to under {b}" for a, b in pairwise(texts[:-1])]
    last = f"{texts[-2]} to {texts[-1]}"
    return [f"under {texts[0]}", *inner, last, f"over {texts[-1]}"]


def fairness(
    frame: pd.DataFrame,
    pd_: np.ndarray,
    threshold: float,
    params: FairnessParams,
    schema: Schema,
) -> pd.DataFrame:
    """Measure the decisions by group.

    Args:
        frame: `bad` and the columns to group by, of which the original values are used; columns
            that it does not have are skipped.
        pd_: PDs, shape (n,).
        threshold: the cut-off; applicants are refused if their PD reaches it.
        params: the columns to group by.
        schema: has the labels of the levels.

    Returns:
        `variable`, `group`, `rows`, `bad`, `judged` (False for groups under `MIN_GROUP_ROWS` rows);
        then with `_low` and `_high` (95%, Wilson) `approval_rate`, `tpr` (the share of the bad that
        is refused), `fpr` (the share of the good that is refused) and `bad_rate`; then `mean_pd`,
        without an interval since it is an exact mean of these rows, and `calibration_gap`, mean PD
        minus bad rate, with an interval that comes from that of the bad rate.
    """
    bad, refused = frame["bad"].to_numpy() == 1, pd_ >= threshold
    lines: list[dict[str, Any]] = []
    for name, by in params.items():
        if name not in frame or name not in schema.features:
            continue
        values = original_values(frame, name)
        if not isinstance(by, str) and not pd.api.types.is_numeric_dtype(values):
            continue
        labels = groups_of(name, values, by, schema)
        if SPECIAL + name in frame:
            labels = _with_codes(labels, frame[SPECIAL + name], schema.variables[name].special)
        for group in labels.cat.categories:
            here = (labels == group).to_numpy()
            if here.any():
                lines.append({"variable": name} | _line(str(group), bad[here], refused[here],
                                                        pd_[here]))  # fmt: skip
    columns = ["variable", *_line("", np.zeros(0, bool), np.zeros(0, bool), np.zeros(0))]
    return pd.DataFrame(lines, columns=columns)


def _line(group: str, bad: np.ndarray, refused: np.ndarray, pd_: np.ndarray) -> dict[str, Any]:
    rows, bads = len(bad), int(bad.sum())
    line: dict[str, Any] = {
        "group": group, "rows": rows, "bad": bads, "judged": rows >= MIN_GROUP_ROWS,
    }  # fmt: skip
    line |= _share("approval_rate", int((~refused).sum()), rows)
    line |= _share("tpr", int((refused & bad).sum()), bads)
    line |= _share("fpr", int((refused & ~bad).sum()), rows - bads)
    line |= _share("bad_rate", bads, rows)
    mean = float(pd_.mean()) if rows else np.nan
    return line | {
        "mean_pd": mean,
        "calibration_gap": mean - line["bad_rate"],
        "calibration_gap_low": mean - line["bad_rate_high"],
        "calibration_gap_high": mean - line["bad_rate_low"],
    }


def _share(name: str, part: int, whole: int) -> dict[str, float]:
    low, high = wilson(np.array(part), np.array(whole))
    share = part / whole if whole else np.nan
    return {name: share, f"{name}_low": float(low), f"{name}_high": float(high)}


def to_nested_dict(table: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Convert the table for JSON: variable to group to figures."""
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for line in table.to_dict("records"):
        out.setdefault(line.pop("variable"), {})[line.pop("group")] = line
    return out

"""Groups of applicants, whose decisions are compared: `fairness` in params.yaml."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    field_validator,
    model_validator,
)

from creditrisk.core.columns import SPECIAL, has_original, original_values
from creditrisk.core.params import Name, Number, Strict, distinct_keys
from creditrisk.schema import Schema

MISSING = "missing"


class Bins(Strict):
    """Edges of the groups of a numeric column: under the first, between two, over the last."""

    bins: Annotated[list[Number], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _only_edges(cls, value: Any) -> Any:
        if isinstance(value, dict) and set(value) != {"bins"}:
            raise ValueError("write its edges, such as {bins: [25, 60]}, or levels")
        return value

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
Grouping = Annotated[
    Annotated[Bins, Tag("")] | Annotated[Literal["levels"], Tag("levels")], Discriminator(_kind)
]
_names = TypeAdapter(Name)


class FairnessParams(Strict):
    """The block `fairness`: a column by which decisions are compared to its edges, or to `levels`.

    The columns stand beside `min_ratio`, so no column of this name can be compared.

    Attributes:
        min_ratio: a group is named in the verdict if its approval rate is lower than this share of
            that of the largest group. 0.8 is the four-fifths rule of the Uniform Guidelines on
            Employee Selection Procedures, 29 CFR 1607.4 D. 0 names none.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Grouping] = Field(init=False)

    min_ratio: Annotated[Number, Field(ge=0, le=1)] = 0.8

    @model_validator(mode="before")
    @classmethod
    def _names_of_columns(cls, block: Any) -> Any:
        if not isinstance(block, dict):
            return block
        distinct_keys(block)
        # As for the names of the schema: one form of each letter.
        return {_names.validate_python(name): value for name, value in block.items()}

    @property
    def groups(self) -> dict[str, Bins | str]:
        """How each column is grouped, in the order of the file."""
        return dict(self.__pydantic_extra__ or {})


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
        listed = schema.variables[name].levels or ()
        found = [level for level in listed if level in set(values)]
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


def groupings(
    values: Mapping[str, pd.Series],
    codes: Mapping[str, pd.Series],
    groups: Mapping[str, Bins | str],
    schema: Schema,
) -> dict[str, pd.Series]:
    """Return the group of each row, by each variable that is there.

    Args:
        values: the variables as the applicants stated them, each of shape (n,).
        codes: the special codes of those that have any.
        groups: how the variables are grouped, see `FairnessParams.groups`.
        schema: has the labels of the levels.

    Returns:
        Variable to ordered categorical, shape (n,).
    """
    found = {}
    for name, by in groups.items():
        if name not in values or name not in schema.variables:
            continue
        if not isinstance(by, str) and not pd.api.types.is_numeric_dtype(values[name]):
            continue
        labels = groups_of(name, values[name], by, schema)
        if name in codes:
            labels = _with_codes(labels, codes[name], schema.variables[name].special)
        found[name] = labels
    return found


def frame_groupings(
    frame: pd.DataFrame, groups: Mapping[str, Bins | str], schema: Schema
) -> dict[str, pd.Series]:
    """Return the group of each row of a frame of the pipeline, see `groupings`.

    Args:
        frame: has the original values of the variables, those for audit only included; variables
            that it does not have are skipped.
        groups: how the variables are grouped.
        schema: has the labels of the levels.
    """
    there = [name for name in groups if has_original(frame, name)]
    values = {name: original_values(frame, name) for name in there}
    codes = {
        name: original_values(frame, SPECIAL + name)
        for name in there
        if has_original(frame, SPECIAL + name)
    }
    return groupings(values, codes, groups, schema)

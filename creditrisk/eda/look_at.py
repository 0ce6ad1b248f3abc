"""Columns that a person should look at: constants, ids in disguise, codes as numbers, likely leaks.

`eda` writes them down, `make check` names them before anything runs, and featurize leaves out the
texts that are unique per row.
"""

import re
from collections.abc import Iterator

import pandas as pd

from creditrisk.core.columns import MANY_LEVELS, is_missing
from creditrisk.core.text import caseless
from creditrisk.schema import Schema

# A text that differs in this share of the rows tells applicants apart, and nothing about the next.
UNIQUE_SHARE = 0.95
MIN_UNIQUE_ROWS = 20  # in fewer rows, levels may all differ by chance
LEAK_INFORMATION_VALUE = 0.5  # above it, Siddiqi (2006) calls a variable suspicious
_POSTAL = re.compile(
    r"(^|_)(zips?|zip_?code|postal|postal_?code|post_?code|plz|cep|pin_?code)(_|$)"
)

CONSTANT, UNIQUE, ALMOST_ID = "constant", "unique_text", "almost_id"
CODE, LEAK = "code_as_number", "high_information_value"
FINDINGS = (CONSTANT, UNIQUE, ALMOST_ID, CODE, LEAK)


def columns_to_look_at(
    train: pd.DataFrame, schema: Schema, information_value: pd.DataFrame
) -> pd.DataFrame:
    """List what a person should look at, before a model learns from it.

    Args:
        train: the training rows with the variables, shape (n, d).
        schema: the schema of the data set.
        information_value: from `describe.information_value`.

    Returns:
        Columns `variable`, `finding` (one of `FINDINGS`), `detail`; in the order of the schema.
    """
    values = information_value.set_index("variable")["information_value"]
    found = [
        (name, finding, detail)
        for name in schema.variables
        for finding, detail in _findings(train, schema, name, float(values[name]))
    ]
    return pd.DataFrame(found, columns=["variable", "finding", "detail"])


def _findings(
    train: pd.DataFrame, schema: Schema, name: str, value: float
) -> Iterator[tuple[str, str]]:
    column = schema.variables[name]
    levels = int(train[name].nunique())
    if levels < 2 and not column.special:
        gaps = int(is_missing(train, name).sum())
        rest = f", {gaps:,} cells are missing" if gaps else ""
        yield CONSTANT, f"one value in {len(train) - gaps:,} training rows{rest}"
    if column.kind == "numeric" and is_postal_name(name):
        yield CODE, "a postal code is no number: kind nominal keeps its digits"
    reason = unique_texts(train, schema).get(name) if column.kind == "nominal" else None
    if reason:
        yield UNIQUE, f"{reason}: no feature, unless the schema says force: true"
    elif column.kind == "nominal" and levels > MANY_LEVELS:
        rows = int(train[name].notna().sum())
        yield ALMOST_ID, f"{levels:,} levels in {rows:,} training rows; the rare ones are merged"
    elif value > LEAK_INFORMATION_VALUE:
        yield LEAK, f"information value {value:.2f}: is it known before the decision?"


def unique_texts(train: pd.DataFrame, schema: Schema) -> dict[str, str]:
    """Find the nominal columns whose text differs in nearly every row, such as a URL.

    Args:
        train: the training rows with the variables, shape (n, d).
        schema: the schema of the data set; columns with listed levels or `force` are not meant.

    Returns:
        Name of a column to the reason why it is no feature.
    """
    found = {}
    for name in schema.of_kind("nominal"):
        column = schema.variables[name]
        known = int(train[name].notna().sum())
        distinct = int(train[name].nunique())
        if column.levels or column.force or known < MIN_UNIQUE_ROWS:
            continue
        if distinct >= UNIQUE_SHARE * known:
            found[name] = f"{distinct:,} different texts in {known:,} training rows"
    return found


def is_postal_name(name: str) -> bool:
    """Whether a column is by its name a postal code."""
    return bool(_POSTAL.search(re.sub(r"\W+", "_", caseless(name))))


def words(finding: str) -> str:
    """Return a finding in words."""
    return finding.replace("_", " ")

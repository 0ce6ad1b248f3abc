"""The quality gates: stop, with the cause that explains the others, if the data is too defective.

Cells come first. A wrong decimal sign makes cells missing, and rows without cells look like
duplicates: the last line of that chain would blame the duplicates.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from creditrisk.core.dates import read_date
from creditrisk.core.errors import InputError, shorten
from creditrisk.core.text import normalise
from creditrisk.prepare.cells import (
    DAY_FORMATS,
    MONTH_FORMATS,
    NOTATIONS,
    SHORT_FORMATS,
    Notation,
    number_reader,
)
from creditrisk.prepare.params import PrepareParams
from creditrisk.prepare.parse import MISSING_CAUSES, Columns
from creditrisk.schema import Column, Schema

# Of the numbers in a column; below it, unreadable cells are single mistakes.
MIN_UNREADABLE_SHARE = 0.05
# Of the unreadable cells: so many must be numbers in another notation to blame the notation.
MIN_EXPLAINED_SHARE = 0.9
OTHER_FORMATS = (
    *DAY_FORMATS, *MONTH_FORMATS, *SHORT_FORMATS,
    "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
)  # fmt: skip
UNREADABLE = ("unparseable", "out_of_domain")  # causes of a cell that holds a text
TOP_VALUES = 10  # shown of the target's values that are not listed
_ID_NAME = re.compile(r"(^|[^a-z])(id|ids|no|nr|num|number|key|ref)([^a-z]|$)|id$", re.IGNORECASE)


def check_cells(
    raw: Columns,
    causes: pd.DataFrame,
    schema: Schema,
    notation: Notation,
    params: PrepareParams,
    params_file: str,
) -> None:
    """Stop if numbers are written in another notation, or too many cells of a column are missing.

    Args:
        raw: the well-formed rows as text, shape (n, number of source columns).
        causes: from `parse`, shape (n, d).
        schema: the schema of the data set.
        notation: how numbers are written, as params.yaml says.
        params: the block `prepare`, with the limit.
        params_file: name of the parameter file in errors.

    Raises:
        InputError: one of these holds; the notation is blamed first.
    """
    for source, column in schema.columns.items():
        if column.kind == "numeric":
            of_column = causes[column.name]
            if (of_column == "unparseable").any():
                _check_notation(raw[source], of_column, column, notation, params_file)
    sources = {column.name: source for source, column in schema.columns.items()}
    names = list(schema.variables)
    if schema.application_date is not None:
        # First: where the date of the application is missing, the other dates say nothing.
        names.insert(0, schema.columns[schema.application_date].name)
    for name in names:
        column = schema.columns[sources[name]]
        if column.format is not None and (causes[name] == "unparseable").any():
            _check_format(raw[sources[name]], causes[name], column)
        # A column for audit may be unknown of many applicants, but not be unreadable.
        wanted = UNREADABLE if column.audit else MISSING_CAUSES
        counts = {cause: int((causes[name] == cause).sum()) for cause in wanted}
        _check_missing(name, sum(counts.values()), len(raw), counts, params, params_file)


def _check_format(texts: pd.Series, causes: pd.Series, column: Column) -> None:
    """Stop if many dates are written in another format."""
    known = int((causes.isna() | causes.isin(["unparseable", "out_of_domain"])).sum())
    unreadable = _distinct(texts[causes == "unparseable"])
    # A date may be missing for the sake of the application's date, and be readable itself.
    for text in [t for t in unreadable if read_date(t, str(column.format))]:
        del unreadable[text]
    count = sum(unreadable.values())
    if not count or count < MIN_UNREADABLE_SHARE * known:
        return
    found = {
        form: sum(n for text, n in unreadable.items() if read_date(text, form))
        for form in OTHER_FORMATS
    }
    best = max(found, key=found.__getitem__)
    if found[best] >= MIN_EXPLAINED_SHARE * count:
        problem = f"{count:,} of {known:,} dates can't be read by the format {column.format!r}"
        hint = f"They can by {best!r}: correct `format` in the schema."
        raise InputError("data.schema", f"column {column.name}", problem, hint)


def _check_notation(
    texts: pd.Series, causes: pd.Series, column: Column, notation: Notation, params_file: str
) -> None:
    unreadable = _distinct(texts[causes == "unparseable"])
    numbers = int(causes.isna().sum() + (causes == "out_of_domain").sum())
    count = sum(unreadable.values())
    if count < MIN_UNREADABLE_SHARE * (count + numbers) or not count:
        return
    for decimal, thousands in NOTATIONS:
        if (decimal, thousands) == (notation.decimal, notation.thousands):
            continue
        read = number_reader(Notation(decimal, thousands, frozenset()), column.unit)
        explained = sum(n for text, n in unreadable.items() if read(text) is not None)
        if explained >= MIN_EXPLAINED_SHARE * count:
            location = "data.decimal" if decimal != notation.decimal else "data.thousands"
            problem = (
                f"column {column.name}: {count:,} of {count + numbers:,} numbers can't be read with"
                f" the decimal sign {notation.decimal!r} and the thousands separator "
                f"{notation.thousands!r}"
            )
            hint = f"They can with data.decimal {decimal!r} and data.thousands {thousands!r}."
            raise InputError(params_file, location, problem, hint)


def _distinct(texts: pd.Series) -> dict[str, int]:
    """Count the distinct cells, as the parsers see them (`parse.read_cells`)."""
    seen = texts.map(lambda text: " ".join(normalise(text).split()))
    return {str(text): int(count) for text, count in seen.value_counts().items()}


def _check_missing(
    name: str,
    missing: int,
    rows: int,
    causes: dict[str, int],
    params: PrepareParams,
    params_file: str,
) -> None:
    share = missing / rows if rows else 0.0
    if share > params.max_missing_share:
        most = max(causes, key=causes.__getitem__)
        problem = (
            f"column {name}: {share:.1%} of the cells are missing (limit "
            f"{params.max_missing_share:.1%}), most of them as {most}"
        )
        hint = "Correct the data or the column in the schema, or raise the limit."
        raise InputError(params_file, "prepare.max_missing_share", problem, hint)


def check_outcomes(
    outcomes: pd.DataFrame, unlisted: dict[str, int], schema: Schema, source: str
) -> None:
    """Stop if no row has the outcome good, or none the outcome bad.

    Args:
        outcomes: from `read_target`, shape (n, 2).
        unlisted: values of the target that are in no list, with their counts.
        schema: has the lists.
        source: name of the rows' file in errors.

    Raises:
        InputError: a class has no row; the values that fit no list are named.
    """
    for outcome, name, codes in ((1, "bad", schema.target.bad), (0, "good", schema.target.good)):
        if not (outcomes["bad"] == outcome).any():
            listed = ", ".join(shorten(code, 30) for code in codes)
            problem = f"no row has the outcome {name} ({listed})"
            if excluded := int(outcomes["indeterminate"].sum()):
                problem += f", {excluded:,} are excluded as indeterminate"
            hint = f"Correct target.{name} in the schema.{in_no_list(unlisted)}"
            location = f"column {schema.target.column}"
            raise InputError(source, location, problem, hint, quotes_data=True)


def in_no_list(unlisted: dict[str, int]) -> str:
    """Name the target's values that fit no list, the most frequent first; empty if none."""
    if not unlisted:
        return ""
    shown = [f"{shorten(text, 30)} ({count:,})" for text, count in unlisted.items()][:TOP_VALUES]
    more = f" and {len(unlisted) - TOP_VALUES} more" if len(unlisted) > TOP_VALUES else ""
    return f" Values in no list: {', '.join(shown)}{more}."


def check_quality_gates(
    summary: dict[str, Any],
    params: PrepareParams,
    params_file: str,
    keys: Iterable[str] = (),
    unlisted: dict[str, int] | None = None,
    audited: Collection[str] = (),
) -> None:
    """Stop if too many cells of a column are missing, or too many rows are rejected.

    Rows with an indeterminate outcome are no defect: they do not count for the limit.

    Args:
        summary: content of metrics/prepare.json.
        params: the block `prepare`, with the limits.
        params_file: name of the parameter file in errors.
        keys: names of the ids and groups of the schema.
        unlisted: values of the target that are in no list, with their counts.
        audited: the variables that are for audit only, which may be missing.

    Raises:
        InputError: one of these holds.
    """
    for name, count in summary["missing"].items():
        if name in audited:
            continue
        causes = {c: n for c, n in summary["cells"][name].items() if c in MISSING_CAUSES}
        _check_missing(name, count, summary["rows_clean"], causes, params, params_file)
    rejected = {r: n for r, n in summary["rejected"].items() if r != "indeterminate"}
    rows = summary["rows_read"] - summary["rejected"].get("indeterminate", 0)
    share = sum(rejected.values()) / rows if rows else 0.0
    if share <= params.max_rejected_share:
        return
    reason, count = max(rejected.items(), key=lambda item: item[1])
    problem = (
        f"{share:.1%} of the rows are rejected (limit {params.max_rejected_share:.1%}), "
        f"most of them ({count:,}) as {reason}"
    )
    hint = "Correct the data, or raise the limit."
    if reason == "invalid_target":
        hint = f"Add them to good, bad or exclude in the schema.{in_no_list(unlisted or {})}"
    elif reason in ("duplicate", "near_duplicate"):
        hint = about_duplicates(list(keys), summary.get("columns_ignored", []))
    raise InputError(
        params_file, "prepare.max_rejected_share", problem, hint, quotes_data=bool(unlisted)
    )


def about_duplicates(keys: list[str], ignored: list[str]) -> str:
    """Say what to do where rows count as copies that should not.

    Args:
        keys: names of the ids and groups of the schema.
        ignored: source columns that the schema does not name.
    """
    if keys:
        return (
            f"They agree in {' and '.join(keys)}, too. If that names no applicant, correct its "
            "kind; to keep such rows, set prepare.duplicates to keep."
        )
    spare = [name for name in ignored if _ID_NAME.search(name)][:3]
    named = f" (perhaps {' or '.join(spare)})" if spare else ""
    return (
        f"No id column is declared: if the file has one{named}, add it to the schema with kind: "
        "id. To keep such rows, set prepare.duplicates to keep."
    )

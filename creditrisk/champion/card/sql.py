"""The card as a SELECT with one CASE per variable, for SQLite, DuckDB and other databases.

Standard SQL only. A value of the data is written as a literal, a name of the schema as a quoted
identifier; both are escaped (docs/architecture.md, Law 10).
"""

import re
from collections.abc import Iterable

from creditrisk.champion.card.model import Card, Field, Line, Variable
from creditrisk.champion.scorecard import format_number
from creditrisk.core.escape import printable

TABLE = "applicants"
# What is not between these is NaN or infinite, in databases that have such numbers.
LARGEST = "1.7976931348623157e308"
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
HEAD = f"""\
-- One row of the table {TABLE} in, one row out: its columns, the points of each variable, the score
-- and the decision. The columns have the names of the schema. Numbers are numbers, with a special
-- code in their place; a date is a number of months before the application; a level is its code.
-- What is NULL, blank or not valid counts as missing. Caps and merged levels are applied here.
-- The rows come in no certain order: give the table a key.
"""


def card_sql(card: Card) -> str:
    """Write the card as a query.

    Returns:
        The query; a comment alone if two columns have names that a database can't tell apart.
    """
    taken = {field.name.lower() for field in card.fields}
    if len(taken) < len(card.fields):
        return "-- No query: names of columns differ in case alone.\n"
    score, decision = (_free(name, taken) for name in ("score", "decision"))
    points = {v.name: _free(f"points_{v.name}", taken) for v in card.variables}
    cases = ",\n".join(
        f"      {_case(v, card)} AS {identifier(points[v.name])}" for v in card.variables
    )
    total = "\n      + ".join(f"points.{identifier(name)}" for name in points.values())
    if card.scale.digits:
        total = f"ROUND({total}, {card.scale.digits})"
    return f"""{HEAD}\
-- A score of {format_number(card.cutoff_points, 6)} and less is refused: a PD of \
{format_number(card.threshold, 6)} and more.
SELECT
  scored.*,
  CASE WHEN scored.{identifier(score)} > {number(card.cutoff_points)}
    THEN 'accept' ELSE 'reject' END AS {identifier(decision)}
FROM (
  SELECT
    points.*,
    {total} AS {identifier(score)}
  FROM (
    SELECT
      {TABLE}.*,
{cases}
    FROM {TABLE}
  ) AS points
) AS scored
"""


def identifier(name: str) -> str:
    """Quote a name of a column."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def number(value: float) -> str:
    """Write a number: with an exponent it is a DOUBLE, without one it could be a short DECIMAL."""
    if value.is_integer() and abs(value) < 1e9:
        return str(int(value))
    return repr(value) if "e" in repr(value) else f"{value!r}e0"


def _free(name: str, taken: set[str]) -> str:
    """Choose a name that no column of the applicants has, and take it."""
    found, number_ = name, 2
    while found.lower() in taken:
        found, number_ = f"{name}_{number_}", number_ + 1
    taken.add(found.lower())
    return found


def _case(variable: Variable, card: Card) -> str:
    if variable.derived is not None:
        return _derived_case(variable, card)
    field = card.by_name[variable.name]
    return (
        _number_case(variable, field, card)
        if field.kind == "number"
        else _level_case(variable, field, card)
    )


def _when(condition: str, line: Line, card: Card, label: str = "") -> str:
    return f"        WHEN {condition} THEN {_points(line, card, label)}"


def _else(line: Line, card: Card) -> str:
    return f"        ELSE {_points(line, card)}"


def _points(line: Line, card: Card, label: str = "") -> str:
    """Write the points with a comment. It ends with its line, so no line break may be in it."""
    digits = card.scale.digits
    points = number(line.points) if digits is None else f"{line.points:.{digits}f}"
    return f"{points}  -- {' '.join(printable(label or line.label).split())}"


def _bins(value: str, variable: Variable, card: Card) -> Iterable[str]:
    """Yield the lines of bins, for a number that is not missing."""
    *below, last = variable.bins
    for line in below:
        yield _when(f"{value} < {number(float(line.high or 0))}", line, card)
    yield _else(last, card)


def _number_case(variable: Variable, field: Field, card: Card) -> str:
    value = _column(field)
    lines = [
        _when(f"{value} = {number(float(code))}", variable.by_code[code], card)
        for code in field.special
    ]
    lines.append(_when(_invalid(field), variable.missing, card))
    for cap, sign in ((field.cap_low, "<"), (field.cap_high, ">")):
        if cap is not None:
            label = f"counts as {format_number(cap)}"
            lines.append(_when(f"{value} {sign} {number(cap)}", variable.bin_of(cap), card, label))
    return _joined([*lines, *_bins(value, variable, card)], variable)


def _level_case(variable: Variable, field: Field, card: Card) -> str:
    value = f"CAST({_column(field)} AS VARCHAR)"
    codes, rest = variable.stated_levels(field)
    by_line: dict[int, list[str]] = {}
    lines = {id(line): line for line in codes.values()}
    for code, line in codes.items():
        by_line.setdefault(id(line), []).extend(_spellings(code, codes))
    whens = []
    if rest is not variable.missing:
        whens.append(_when(f"{value} IS NULL OR {value} = ''", variable.missing, card))
    whens += [
        _when(f"{value} IN ({', '.join(map(literal, texts))})", lines[key], card)
        for key, texts in by_line.items()
    ]
    return _joined([*whens, _else(rest, card)], variable)


def _spellings(code: str, codes: Iterable[str]) -> list[str]:
    """Return a code, and how a database writes it if its column is of floating-point numbers."""
    other = f"{code}.0"
    return [code, other] if _INTEGER.fullmatch(code) and other not in codes else [code]


def _derived_case(variable: Variable, card: Card) -> str:
    """Compute the value once, in a subquery of its own."""
    missing = _when(_outside("derived.x"), variable.missing, card)
    lines = [missing, *_bins("derived.x", variable, card)]
    source = f"(\n        SELECT {_value(variable.name, card)} AS x\n      ) AS derived"
    return f"(SELECT {_joined(lines, variable)} FROM {source})"


def _value(name: str, card: Card) -> str:
    """Write what a variable counts as, NULL if it is missing."""
    variable = next((v for v in card.variables if v.name == name), None)
    if variable is not None and variable.derived is not None:
        a, b = (_operand(operand, card) for operand in variable.derived.of)
        if variable.derived.op == "ratio":
            return f"({a} / NULLIF({b}, 0))"
        sign = {"product": "*", "sum": "+", "difference": "-"}[variable.derived.op]
        return f"({a} {sign} {b})"
    field = card.by_name[name]
    value = f"CAST({_column(field)} AS DOUBLE PRECISION)"
    caps = [
        f" WHEN {_column(field)} {sign} {number(cap)} THEN CAST({number(cap)} AS DOUBLE PRECISION)"
        for cap, sign in ((field.cap_low, "<"), (field.cap_high, ">"))
        if cap is not None
    ]
    codes = ", ".join(number(float(code)) for code in field.special)
    special = f" OR {_column(field)} IN ({codes})" if codes else ""
    return f"CASE WHEN {_invalid(field)}{special} THEN NULL{''.join(caps)} ELSE {value} END"


def _operand(name: str, card: Card) -> str:
    """Write a value in a computation: one that was computed itself may be too large."""
    value = _value(name, card)
    return (
        value if name in card.by_name else f"CASE WHEN {_outside(value)} THEN NULL ELSE {value} END"
    )


def _invalid(field: Field) -> str:
    """Write the condition that a number is none, or outside its domain."""
    column = _column(field)
    low = f"-{LARGEST}" if field.min is None else number(field.min)
    high = LARGEST if field.max is None else number(field.max)
    whole = f" OR {column} <> ROUND({column})" if field.integer else ""
    return _outside(column, low, high) + whole


def _outside(value: str, low: str = f"-{LARGEST}", high: str = LARGEST) -> str:
    return f"{value} IS NULL OR {value} < {low} OR {value} > {high}"


def _column(field: Field) -> str:
    return f"{TABLE}.{identifier(field.name)}"


def _joined(lines: Iterable[str], variable: Variable) -> str:
    return "\n".join([f"CASE  -- {variable.reason_code}", *lines, "      END"])

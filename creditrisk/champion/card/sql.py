"""The card as a SELECT with one CASE per variable, for SQLite, DuckDB and other databases.

Standard SQL only. A value of the data is written as a literal, a name of the schema as a quoted
identifier; both are escaped (docs/architecture.md, Law 10).
"""

from collections.abc import Iterable

from creditrisk.champion.card.model import Card, Field, Line, Variable, folded
from creditrisk.champion.card.sql_cells import (
    TABLE,
    ListedLevels,
    column,
    identifier,
    is_null_word,
    number,
    number_of,
    one_of,
    single_blanks,
    source_of,
    spellings,
    text_of,
)
from creditrisk.champion.card.sql_numbers import Derivation, invalid, outside
from creditrisk.champion.scorecard import format_number
from creditrisk.core.escape import printable

HEAD = f"""\
-- One row of the table {TABLE} in, one row out: its columns, the points of each variable, the score
-- and the decision. The columns have the names of the schema. Numbers are numbers, with a special
-- code in their place; a date is a number of months before the application; a level is its code.
-- What is NULL, blank or not valid counts as missing. Caps and merged levels are applied here.
-- A column may be of texts, too. A text is a number if it is digits with a decimal point, a sign in
-- front or an exponent (1234.5, -9, 1e3): a unit, a separator of thousands or a decimal comma make
-- it a missing value. Blanks around a text don't count (tabs do). A level of the schema may be
-- written in other case; SQLite knows the case of A to Z alone, so that there any other letter has
-- to be as in the schema, or all of them upper case or lower case. A level of a column for which
-- the schema lists none has to be written as in the training data.
-- {{null_words}}
-- The rows come in no certain order: give the table a key.
"""
NULL_WORDS = "These words count as missing, unless the schema lists one as a level: "
NO_NULL_WORDS = (
    "A word such as n/a has to be NULL in a column for which the schema lists no levels."
)


def card_sql(card: Card, null_words: Iterable[str] = ()) -> str:
    """Write the card as a query.

    Args:
        card: the card.
        null_words: texts that mean a missing value, as in params.yaml.

    Returns:
        The query; a comment alone if two columns have names that a database can't tell apart.
    """
    taken = {field.name.lower() for field in card.fields}
    if len(taken) < len(card.fields):
        return "-- No query: names of columns differ in case alone.\n"
    words = folded(null_words)
    score, decision = (_free(name, taken) for name in ("score", "decision"))
    points = {v.name: _free(f"points_{v.name}", taken) for v in card.variables}
    cases = _Cases(card, words)
    columns = ",\n".join(
        f"      {cases.of(v)} AS {identifier(points[v.name])}" for v in card.variables
    )
    total = "\n      + ".join(f"points.{identifier(name)}" for name in points.values())
    if card.scale.digits:
        total = f"ROUND({total}, {card.scale.digits})"
    told = f"{NULL_WORDS}{_comment(' '.join(words))}" if words else NO_NULL_WORDS
    return f"""{HEAD.format(null_words=told)}\
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
{columns}
    FROM {TABLE}
  ) AS points
) AS scored
"""


def _free(name: str, taken: set[str]) -> str:
    """Choose a name that no column of the applicants has, and take it."""
    found, number_ = name, 2
    while found.lower() in taken:
        found, number_ = f"{name}_{number_}", number_ + 1
    taken.add(found.lower())
    return found


class _Cases:
    """Writes a CASE for each variable, around a subquery that reads its value once.

    Args:
        card: the card.
        null_words: folded, without blanks.
    """

    def __init__(self, card: Card, null_words: list[str]):
        self._card, self._null_words = card, null_words

    def of(self, variable: Variable) -> str:
        """Write the points of a variable."""
        if variable.derived is not None:
            return self._derived(variable)
        field = self._card.by_name[variable.name]
        if field.kind == "number":
            return self._number(variable, field)
        return self._level(variable, field)

    def _number(self, variable: Variable, field: Field) -> str:
        value = "stated.x"
        lines = [
            self._when(f"{value} = {number(float(code))}", variable.by_code[code])
            for code in field.special
        ]
        lines.append(self._when(invalid(value, field), variable.missing))
        for cap, sign in ((field.cap_low, "<"), (field.cap_high, ">")):
            if cap is not None:
                label = f"counts as {format_number(cap)}"
                lines.append(
                    self._when(f"{value} {sign} {number(cap)}", variable.bin_of(cap), label)
                )
        lines += self._bins(value, variable)
        return _selected(
            lines, variable, source_of(number_of(column(field), self._null_words), "stated")
        )

    def _level(self, variable: Variable, field: Field) -> str:
        codes, rest = variable.stated_levels(field)
        by_line: dict[int, list[str]] = {}
        lines = {id(line): line for line in codes.values()}
        for code, line in codes.items():
            by_line.setdefault(id(line), []).append(code)
        if field.levels is not None:  # what is none of them is missing, as is a null word
            listed = ListedLevels(codes, column(field))
            whens = [
                self._when(listed.condition(of_line), lines[key])
                for key, of_line in by_line.items()
            ]
            source = listed.source("\n".join(whens))
            return _selected([*whens, self._else(rest)], variable, source)
        missing = "stated.x IS NULL OR stated.x = ''"
        if self._null_words:
            missing += f" OR {is_null_word('stated.x', self._null_words)}"
        whens = [self._when(missing, variable.missing)]
        for key, of_line in by_line.items():
            texts = [text for code in of_line for text in spellings(code, codes)]
            whens.append(self._when(one_of("stated.x", texts), lines[key]))
        text = text_of(column(field))
        if any(" " in code for code in codes):
            text = single_blanks(text)
        return _selected(
            [*whens, self._else(rest)], variable, source_of(f"SELECT {text} AS x", "stated")
        )

    def _derived(self, variable: Variable) -> str:
        source = Derivation(variable, self._card, self._null_words).source()
        missing = self._when(outside("derived.x"), variable.missing)
        lines = [missing, *self._bins("derived.x", variable)]
        return _selected(lines, variable, source_of(source, "derived"))

    def _bins(self, value: str, variable: Variable) -> Iterable[str]:
        """Yield the lines of bins, for a number that is not missing."""
        *below, last = variable.bins
        for line in below:
            yield self._when(f"{value} < {number(float(line.high or 0))}", line)
        yield self._else(last)

    def _when(self, condition: str, line: Line, label: str = "") -> str:
        return f"        WHEN {condition} THEN {self._points(line, label)}"

    def _else(self, line: Line) -> str:
        return f"        ELSE {self._points(line)}"

    def _points(self, line: Line, label: str = "") -> str:
        digits = self._card.scale.digits
        points = number(line.points) if digits is None else f"{line.points:.{digits}f}"
        return f"{points}  -- {_comment(label or line.label)}"


def _comment(text: str) -> str:
    """Write a text for a comment: it ends with its line, so no line break may be in it."""
    return " ".join(printable(text).split())


def _selected(lines: Iterable[str], variable: Variable, source: str) -> str:
    cases = "\n".join([f"CASE  -- {variable.reason_code}", *lines, "      END"])
    return f"(SELECT {cases} FROM {source})"

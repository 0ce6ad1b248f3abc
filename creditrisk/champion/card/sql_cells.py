"""How the query of the card reads a cell: names and literals, numbers, texts and levels.

A column may be of numbers or of texts (a CSV file that SQLite imports has texts only). Databases
compare texts as texts, and SQLite makes a number of the first characters of any text: `1,234`
would be 1. So the form of a text is checked before it is cast, with what SQLite, DuckDB and
PostgreSQL have in common: no regular expressions, but TRIM of certain characters. Nothing is nested
deeply, since SQLite's parser gives up at about 20 functions within each other.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from decimal import Decimal

from creditrisk.champion.card.model import Field
from creditrisk.core.text import code_key, exact_number, fold, normalise

TABLE = "applicants"
# What is left of a text `t` without a sign in front and the digits at both ends, such as `.5e-`.
_MIDDLE = "TRIM(LTRIM(cell.t, '+-'), '0123456789')"
# Whether it is a number: one sign, then a digit or a point with a digit; digits after an exponent;
# one point at most; and nothing else in between.
_IS_NUMBER = (
    "SUBSTR(cell.t, 2, 1) NOT IN ('+', '-') "
    "AND SUBSTR(LTRIM(cell.t, '+-.'), 1, 1) NOT IN ('', 'e') "
    "AND SUBSTR(cell.t, LENGTH(cell.t), 1) NOT IN ('e', '+', '-') "
    f"AND {_MIDDLE} NOT LIKE '%.%.%' "
    f"AND LTRIM({_MIDDLE}, '.0123456789') IN ('', 'e', 'e+', 'e-')"
)
# Runs of up to 32 blanks become one: REPLACE halves them.
_HALVINGS = 5
_EXACT = 10**15  # below it, no two whole numbers are one float
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)


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


def column(field: Field) -> str:
    """Write the column of a field."""
    return f"{TABLE}.{identifier(field.name)}"


def source_of(query: str, name: str) -> str:
    """Write a subquery of one row, so that what is read or computed is so once.

    Without the LIMIT, PostgreSQL puts the expression into each place that names the result, and
    what is derived from derived variables takes minutes.
    """
    return f"(\n        {query} LIMIT 1\n      ) AS {name}"


def one_of(value: str, texts: Iterable[str]) -> str:
    """Write the condition that a text is one of some."""
    return f"{value} IN ({', '.join(map(literal, texts))})"


def text_of(cell: str) -> str:
    """Write the text of a cell without the blanks around it."""
    return f"TRIM(CAST({cell} AS VARCHAR))"


def number_of(cell: str, null_words: Iterable[str] = ()) -> str:
    """Write a query for the number `x` of a cell, NULL if it has none: a word, NaN, infinite.

    Only the form is read from the text. The number itself is cast from what the column has: on the
    way through a text, a number of SQLite would lose its last digits.

    Args:
        cell: a column, of numbers or of texts.
        null_words: texts that mean a missing value; those that are numbers matter here.
    """
    condition = _IS_NUMBER
    nulls = [word for word in null_words if exact_number(word) is not None]
    if nulls:
        texts = (text for word in nulls for text in spellings(word, nulls))
        condition += f" AND NOT {one_of('cell.t', texts)}"
    return (
        f"SELECT CASE WHEN {condition} THEN CAST(cell.c AS DOUBLE PRECISION) END AS x "
        f"FROM (SELECT {cell} AS c, LOWER({text_of(cell)}) AS t LIMIT 1) AS cell"
    )


def single_blanks(text: str) -> str:
    """Write a text with one blank in the place of many."""
    for _ in range(_HALVINGS):
        text = f"REPLACE({text}, '  ', ' ')"
    return text


def is_null_word(text: str, null_words: Iterable[str]) -> str:
    """Write the condition that a text means a missing value, in any case and with any blanks."""
    return one_of(f"LOWER(REPLACE({text}, ' ', ''))", null_words)


def spellings(code: str, codes: Collection[str]) -> list[str]:
    """List how a text that is kept as it is may be written, in a column of numbers as well."""
    other = f"{code}.0"
    found = [code, other] if _INTEGER.fullmatch(code) and other not in codes else [code]
    return list(dict.fromkeys([*found, *(unicodedata.normalize("NFD", text) for text in found)]))


class ListedLevels:
    """How the levels that a schema lists are found, as `creditrisk.prepare.cells` does it.

    A text is a level if it is written alike, or alike but for case and blanks, or if it is the same
    number. The database has a part in this only: SQLite's LOWER knows the letters from A to Z.

    Args:
        codes: all codes of a column.
        cell: the column, written in SQL.
    """

    def __init__(self, codes: Collection[str], cell: str):
        self._folded = Counter(map(fold, codes))
        self._numbers = {
            code: float(key) for code in codes
            if isinstance(key := code_key(code), Decimal) and _is_float(key)
        }  # fmt: skip
        text = text_of(cell)
        single = single_blanks(text) if any(" " in key for key in self._folded) else text
        self._reads = {"x": text, "folded": f"LOWER({single})", "number": f"({number_of(cell)})"}

    def condition(self, codes: Iterable[str]) -> str:
        """Write the condition that a text is one of some levels; it reads from `source`."""
        numbers, exact, folded = [], [], []
        for code in codes:
            if code in self._numbers:
                numbers.append(number(self._numbers[code]))
                continue
            only_exact = self._folded[fold(code)] > 1  # other levels differ in case alone
            if only_exact or not (code.isascii() and code.isprintable()):
                exact += [code, normalise(code).strip()]
            if not only_exact:
                folded += _lowered(code)
        found = [f"stated.number IN ({', '.join(numbers)})"] if numbers else []
        found += [one_of("stated.x", dict.fromkeys(exact))] if exact else []
        found += [one_of("stated.folded", dict.fromkeys(folded))] if folded else []
        return " OR ".join(found)

    def source(self, conditions: str) -> str:
        """Write a subquery of one row with what some conditions need of the column."""
        read = [f"{sql} AS {name}" for name, sql in self._reads.items()
                if f"stated.{name}" in conditions]  # fmt: skip
        return source_of(f"SELECT {', '.join(read) or 'NULL AS x'}", "stated")


def _is_float(key: Decimal) -> bool:
    """Whether a number is one code for certain, once it is a float: not if it has many digits."""
    return abs(key) < _EXACT and Decimal(repr(float(key))) == key


def _lowered(code: str) -> list[str]:
    """List what LOWER makes of a code, in a database that knows its letters and in SQLite."""
    plain = " ".join(normalise(code).split())
    found = [_ascii_lower(plain), plain.lower(), _ascii_lower(plain.upper()), fold(code)]
    found += [unicodedata.normalize("NFD", text) for text in found]
    return [text for text in dict.fromkeys(found) if fold(text) == fold(code)]


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)

"""The functions that parse one cell: a number, a level, a date, an id or any text."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd

from creditrisk.core.dates import read_date
from creditrisk.core.text import caseless, code_key, exact_number, fold, normalise
from creditrisk.schema import Column

# How files write numbers: the decimal sign and the thousands separator, the most usual first.
NOTATIONS = ((".", ","), (",", "."), (".", " "), (",", " "), (".", "'"))
# How files write dates, in the codes of strptime: to the day, to the month, with a short year.
DAY_FORMATS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d",
    "%d-%b-%Y", "%d%b%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y",
)  # fmt: skip
MONTH_FORMATS = ("%b-%Y", "%B-%Y", "%b %Y", "%B %Y", "%Y-%m", "%m/%Y", "%Y/%m", "%m-%Y", "%m.%Y")
SHORT_FORMATS = (
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%d-%b-%y", "%d%b%y", "%b-%y", "%b %y",
)  # fmt: skip


@dataclass(frozen=True)
class Notation:
    """How numbers and missing values are written in the source.

    Attributes:
        decimal: decimal separator.
        thousands: thousands separator; may be empty.
        null_words: words that mean a missing value, normalised by `squeeze`.
    """

    decimal: str
    thousands: str
    null_words: frozenset[str]

    @classmethod
    def of(cls, decimal: str, thousands: str, null_words: Iterable[str]) -> "Notation":
        """Make a notation from the parameters as written in params.yaml."""
        return cls(decimal, thousands, frozenset(squeeze(word) for word in null_words))


def squeeze(text: str) -> str:
    """Normalise a null word: folded, without any white space."""
    return fold(text).replace(" ", "")


# The value of a cell (None if missing) and the cause why it is missing (else None).
Cell = tuple[float | str | date | None, str | None]


def number_reader(
    notation: Notation, units: Iterable[str] = (), accounting: bool = True
) -> Callable[[str], Decimal | None]:
    """Make a function that parses a number exactly, or returns None if the text is not a number.

    It accepts a sign, digits (in groups of three if there is a thousands separator), a decimal
    part, an exponent, and before or after the number one of `units` (for example a currency sign)
    in upper or lower case.

    Args:
        notation: how numbers are written.
        units: texts that may stand before or after a number.
        accounting: whether negative numbers may be in brackets, or have their sign behind:
            `(1,234.50)`, `1,234.50-`. A code of a level may not.
    """
    decimal = re.escape(notation.decimal)
    integer = r"\d+"
    if notation.thousands:
        integer = rf"(?:\d{{1,3}}(?:{re.escape(notation.thousands)}\d{{3}})+|\d+)"
    pattern = re.compile(rf"(?:{integer}(?:{decimal}\d*)?|{decimal}\d+)(?:e[+-]?\d+)?", re.ASCII)
    folded = sorted((fold(unit) for unit in units if unit.strip()), key=len, reverse=True)

    def read(text: str) -> Decimal | None:
        text = text.strip().replace("\N{MINUS SIGN}", "-")
        if notation.thousands.isspace():  # any white space, such as a no-break space
            text = "".join(notation.thousands if c.isspace() else c for c in text)
        text = caseless(text)  # before the slices below, because it can change the length
        # The sign may stand before the unit or behind it, but there is only one.
        outer, text = _take_sign(text, accounting) if folded else ("", text)
        stripped = _without_unit(text, folded)
        inner, text = ("", stripped) if outer else _take_sign(stripped, accounting)
        if not pattern.fullmatch(text):
            return None
        if notation.thousands:
            text = text.replace(notation.thousands, "")
        return exact_number((outer or inner) + text.replace(notation.decimal, "."))

    return read


def _take_sign(text: str, accounting: bool) -> tuple[str, str]:
    """Split a text into its sign (`+`, `-` or nothing) and the rest."""
    if text[:1] in ("+", "-"):
        return text[0], text[1:]
    if accounting and text.endswith("-"):
        return "-", text[:-1].rstrip()
    if accounting and text.startswith("(") and text.endswith(")"):
        return "-", text[1:-1].strip()
    return "", text


def _without_unit(text: str, units: list[str]) -> str:
    """Remove the first of some units that a text begins or ends with."""
    for unit in units:
        if text.endswith(unit):
            return text[: len(text) - len(unit)].rstrip()
        if text.startswith(unit):
            return text[len(unit) :].lstrip()
    return text


def numeric_cell(column: Column, notation: Notation) -> Callable[[str], Cell]:
    """Make the function that parses the cells of a numeric column.

    A special code comes out as its number, with the cause `special`: see `separate_specials`.
    """
    read = number_reader(notation, column.unit)
    specials = {exact_number(fold(code)) for code in column.special}
    low = -math.inf if column.min is None else column.min
    high = math.inf if column.max is None else column.max

    def cell(text: str) -> Cell:
        if squeeze(text) in notation.null_words:
            return None, "null_word"
        number = read(text)
        if number is None:
            return None, "unparseable"
        value = float(number)
        if number in specials:
            return value + 0.0, "special"
        fraction = column.integer and not value.is_integer()
        if not math.isfinite(value) or fraction or not low <= value <= high:
            return None, "out_of_domain"
        return value + 0.0, None  # -0.0 becomes 0.0

    return cell


def level_reader(levels: Iterable[str], notation: Notation) -> Callable[[str], str | None]:
    """Make a function that finds the level for a text, or returns None if there is none.

    It compares the exact spelling first, then ignores case and extra blanks, then compares numbers.
    """
    levels = list(levels)
    exact = {normalise(level).strip(): level for level in levels}
    folded: dict[str, str | None] = {}
    for one in levels:
        # If levels differ only in case or blanks, only the exact spelling identifies one.
        folded[fold(one)] = None if fold(one) in folded else one
    numbers = {key: v for v in levels if isinstance(key := code_key(v), Decimal)}
    read = number_reader(notation, accounting=False)

    def level(text: str) -> str | None:
        stripped = text.strip()
        found = exact.get(stripped) or folded.get(fold(stripped))
        if found is None and numbers and (number := read(stripped)) is not None:
            found = numbers.get(number)
        return found

    return level


def level_cell(levels: Iterable[str], notation: Notation) -> Callable[[str], Cell]:
    """Make the function that parses the cells of a column with known levels."""
    read = level_reader(levels, notation)

    def cell(text: str) -> Cell:
        level = read(text)
        if level is not None:
            return level, None
        return None, "null_word" if squeeze(text) in notation.null_words else "out_of_domain"

    return cell


def text_cell(notation: Notation) -> Callable[[str], Cell]:
    """Make the function that parses the cells of an id, or of a column without listed levels."""
    point = re.escape(notation.decimal)
    integral = re.compile(rf"(?:\+(?=\d))?(-?\d+)(?:(?:\.|{point})0+)?", re.ASCII)

    def cell(text: str) -> Cell:
        if squeeze(text) in notation.null_words:
            return None, "null_word"
        text = " ".join(text.split())
        # `2.0`, `+2` and `2` are the same code. Leading zeros are kept: it may be a postal code.
        match = integral.fullmatch(text)
        return (match[1] if match else text), None

    return cell


def date_cell(form: str, notation: Notation) -> Callable[[str], Cell]:
    """Make the function that parses the cells of a date."""

    def cell(text: str) -> Cell:
        if squeeze(text) in notation.null_words:
            return None, "null_word"
        found = read_date(" ".join(text.split()), form)
        return (None, "unparseable") if found is None else (found, None)

    return cell


def plain_numbers(column: Column, notation: Notation) -> Callable[[pd.Series], pd.Series]:
    """Make a function that reads at once those numbers that could not be simpler: `-1234.50`.

    It gives what `numeric_cell` gives, for most cells of most files.

    Returns:
        A function from distinct texts to float64 numbers, missing for every other text: with units,
        exponents or many digits, null words, special codes, numbers that are out of the domain.
    """
    sign = notation.decimal
    # A unit or a sign with such characters could make another number of the text.
    is_plain = sign in ".," and not any(set(unit) & set("+-.,0123456789") for unit in column.unit)
    pattern = rf"-?[0-9]+(?:{re.escape(sign)}[0-9]+)?"
    specials = [float(code) for code in column.special]
    low = -math.inf if column.min is None else column.min
    high = math.inf if column.max is None else column.max

    def read(texts: pd.Series) -> pd.Series:
        numbers = pd.Series(np.nan, index=texts.index)
        if not is_plain:
            return numbers
        # With up to fifteen digits, numbers are equal where their floats are.
        fits = (texts.str.len() <= 15) & texts.str.fullmatch(pattern)
        plain = texts[fits & ~texts.isin(list(notation.null_words))]
        plain = plain if sign == "." else plain.str.replace(sign, ".", regex=False)
        # Each by Python's own reader, as in `numeric_cell`; -0.0 becomes 0.0.
        found = plain.astype("object").astype("float64") + 0.0
        found = found[(found >= low) & (found <= high) & ~found.isin(specials)]
        if column.integer:
            found = found[found % 1 == 0]
        numbers[found.index] = found
        return numbers

    return read


def plain_texts(notation: Notation) -> Callable[[pd.Series], pd.Series]:
    """Make a function that finds at once the texts that `text_cell` leaves as they are.

    Returns:
        A function from distinct texts to the same texts, missing for every other one.
    """
    words = list(notation.null_words)

    def read(texts: pd.Series) -> pd.Series:
        is_plain = texts.str.fullmatch("[A-Za-z][!-~]*|[0-9]+") & ~texts.str.lower().isin(words)
        return texts.where(is_plain)

    return read


def plain_reader_of(column: Column, notation: Notation) -> Callable[[pd.Series], pd.Series] | None:
    """Return what reads the plain cells of a column at once; None if nothing does."""
    if column.format is None and column.kind == "numeric":
        return plain_numbers(column, notation)
    if column.format is None and not column.levels:
        return plain_texts(notation)
    return None


def reader_of(column: Column, notation: Notation) -> Callable[[str], Cell]:
    """Return the function that parses the cells of a column, depending on its kind."""
    if column.format is not None:
        return date_cell(column.format, notation)
    if column.kind == "numeric":
        return numeric_cell(column, notation)
    if column.levels:
        return level_cell(column.levels, notation)
    return text_cell(notation)

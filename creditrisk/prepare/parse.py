"""Parse text cells into typed values; an invalid cell becomes missing, and its cause is kept.

`read_cells` normalises the text of each cell (see `creditrisk.core.text`), so what parses a cell
sees no characters without width, and one form of each letter.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from creditrisk.core.text import caseless, code_key, exact_number, fold, normalise
from creditrisk.schema import Column, Schema, Target

CAUSES = ("empty", "null_word", "unparseable", "out_of_domain")


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
Cell = tuple[float | str | None, str | None]


def number_reader(notation: Notation, units: Iterable[str] = ()) -> Callable[[str], Decimal | None]:
    """Make a function that parses a number exactly, or returns None if the text is not a number.

    It accepts a sign, digits (in groups of three if there is a thousands separator), a decimal
    part, an exponent, and before or after the number one of `units` (for example a currency sign)
    in upper or lower case.
    """
    decimal = re.escape(notation.decimal)
    integer = r"\d+"
    if notation.thousands:
        integer = rf"(?:\d{{1,3}}(?:{re.escape(notation.thousands)}\d{{3}})+|\d+)"
    pattern = re.compile(
        rf"[+-]?(?:{integer}(?:{decimal}\d*)?|{decimal}\d+)(?:e[+-]?\d+)?", re.ASCII
    )
    folded = sorted((fold(unit) for unit in units if unit.strip()), key=len, reverse=True)

    def read(text: str) -> Decimal | None:
        text = text.strip().replace("\N{MINUS SIGN}", "-")
        if notation.thousands.isspace():  # any white space, such as a no-break space
            text = "".join(notation.thousands if c.isspace() else c for c in text)
        text = caseless(text)  # before the slices below, because it can change the length
        for unit in folded:
            if text.endswith(unit):
                text = text[: len(text) - len(unit)].rstrip()
                break
            if text.startswith(unit):
                text = text[len(unit) :].lstrip()
                break
        if not pattern.fullmatch(text):
            return None
        if notation.thousands:
            text = text.replace(notation.thousands, "")
        return exact_number(text.replace(notation.decimal, "."))

    return read


def numeric_cell(column: Column, notation: Notation) -> Callable[[str], Cell]:
    """Make the function that parses the cells of a numeric column."""
    read = number_reader(notation, column.unit)
    low = -math.inf if column.min is None else column.min
    high = math.inf if column.max is None else column.max

    def cell(text: str) -> Cell:
        if squeeze(text) in notation.null_words:
            return None, "null_word"
        number = read(text)
        if number is None:
            return None, "unparseable"
        value = float(number)
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
    read = number_reader(notation)

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


def reader_of(column: Column, notation: Notation) -> Callable[[str], Cell]:
    """Return the function that parses the cells of a column, depending on its kind."""
    if column.kind == "numeric":
        return numeric_cell(column, notation)
    if column.levels:
        return level_cell(column.levels, notation)
    return text_cell(notation)


def read_cells(
    raw: pd.Series, read: Callable[[str], Cell], dtype: str = "object"
) -> tuple[pd.Series, pd.Series]:
    """Parse a column; each distinct text is parsed once.

    Args:
        raw: text, shape (n,).
        read: parses the normalised text of one cell; it is not called for blank cells.
        dtype: type of the values.

    Returns:
        values: shape (n,), missing values as None or as the dtype's missing value.
        causes: shape (n,), one of `CAUSES` for a missing value, else None.
    """
    codes, originals = pd.factorize(raw)
    texts = map(normalise, originals)
    cells: list[Cell] = [read(text) if text.strip() else (None, "empty") for text in texts]
    cells.append((None, "empty"))  # for code -1, a cell without any text
    values, causes = zip(*cells, strict=True)
    return (
        # Convert before `take`: there are fewer distinct values than rows.
        pd.Series(_objects(values)).astype(dtype).take(codes % len(cells)).set_axis(raw.index),
        pd.Series(_objects(causes)[codes], index=raw.index),
    )


def _objects(items: Iterable[object]) -> np.ndarray:
    items = list(items)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def read_target(raw: pd.Series, target: Target, notation: Notation) -> pd.Series:
    """Parse the outcome.

    Args:
        raw: text, shape (n,).
        target: the codes of the two classes.
        notation: how numbers are written in the source.

    Returns:
        Int8, shape (n,): 1 for bad, 0 for good, missing if the text is of neither class.
    """
    read = level_reader([*target.good, *target.bad], notation)
    outcome = {**dict.fromkeys(target.good, 0), **dict.fromkeys(target.bad, 1)}

    def cell(text: str) -> Cell:
        level = read(text)
        return (None, "out_of_domain") if level is None else (outcome[level], None)

    values, _ = read_cells(raw, cell)
    return values.astype("Int8")


def parse(
    raw: pd.DataFrame, schema: Schema, notation: Notation
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Parse all columns of the schema except the target.

    Args:
        raw: text, under the column names of the source, shape (n, number of source columns).
        schema: the schema of the data set.
        notation: how numbers and missing values are written in the source.

    Returns:
        cells: values under the names of the schema, the id first, shape (n, d); float64 for numeric
            columns, text for the others.
        causes: same shape; one of `CAUSES` for a missing value, else None.
    """
    cells, causes = {}, {}
    ordered = sorted(schema.columns.items(), key=lambda item: item[1].kind != "id")
    for source, column in ordered:
        dtype = "float64" if column.kind == "numeric" else "str"
        read = reader_of(column, notation)
        cells[column.name], causes[column.name] = read_cells(raw[source], read, dtype)
    return pd.DataFrame(cells, index=raw.index), pd.DataFrame(causes, index=raw.index)

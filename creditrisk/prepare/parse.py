"""Verbatim text becomes typed cells; what can't be read becomes missing, with its cause."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from creditrisk.schema import Column, Schema, Target, code_key, fold

CAUSES = ("empty", "null_word", "unparseable", "out_of_domain")


@dataclass(frozen=True)
class Notation:
    """How numbers and missing values are written in the source.

    Attributes:
        decimal, thousands: the separators; `thousands` may be empty.
        null_words: the words for a missing value, squeezed by `squeeze`.
    """

    decimal: str
    thousands: str
    null_words: frozenset[str]

    @classmethod
    def of(cls, decimal: str, thousands: str, null_words: Iterable[str]) -> "Notation":
        """Make a notation from the parameters as they are written."""
        return cls(decimal, thousands, frozenset(squeeze(word) for word in null_words))


def squeeze(text: str) -> str:
    """Make a null word comparable: no white space anywhere, no case."""
    return "".join(text.split()).casefold()


# A cell's value and, where it is missing, its cause.
Cell = tuple[float | str | None, str | None]


def number_reader(notation: Notation, units: Iterable[str] = ()) -> Callable[[str], float | None]:
    """Make a function that reads a number, or returns None where there is none.

    It takes a sign, digits (grouped by threes where `thousands` is given), a decimal part, an
    exponent, and one of `units` (a currency sign, say) before or after it, in any case.
    """
    decimal = re.escape(notation.decimal)
    whole = r"\d+"
    if notation.thousands:
        whole = rf"(?:\d{{1,3}}(?:{re.escape(notation.thousands)}\d{{3}})+|\d+)"
    shape = re.compile(rf"[+-]?(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:e[+-]?\d+)?", re.ASCII)
    signs = sorted((fold(unit) for unit in units if unit.strip()), key=len, reverse=True)

    def read(text: str) -> float | None:
        text = text.strip().replace("\N{MINUS SIGN}", "-")
        if notation.thousands.isspace():  # any blank: programs write a no-break or a thin one
            text = "".join(notation.thousands if c.isspace() else c for c in text)
        text = text.casefold()  # as the signs are: it can change a text's length
        for sign in signs:
            if text.endswith(sign):
                text = text[: len(text) - len(sign)].rstrip()
                break
            if text.startswith(sign):
                text = text[len(sign) :].lstrip()
                break
        if not shape.fullmatch(text):
            return None
        if notation.thousands:
            text = text.replace(notation.thousands, "")
        return float(text.replace(notation.decimal, "."))

    return read


def numeric_cell(column: Column, notation: Notation) -> Callable[[str], Cell]:
    """Make the reader of a numeric column's cells."""
    read = number_reader(notation, column.unit)
    low = -math.inf if column.min is None else column.min
    high = math.inf if column.max is None else column.max

    def cell(text: str) -> Cell:
        if squeeze(text) in notation.null_words:
            return None, "null_word"
        value = read(text)
        if value is None:
            return None, "unparseable"
        fraction = column.integer and not value.is_integer()
        if not math.isfinite(value) or fraction or not low <= value <= high:
            return None, "out_of_domain"
        return value + 0.0, None  # -0.0 becomes 0.0

    return cell


def level_reader(levels: Iterable[str], notation: Notation) -> Callable[[str], str | None]:
    """Make a function that finds the level that a text means, or returns None.

    First as it is spelled, then without case and extra blanks, then as a number.
    """
    levels = list(levels)
    exact = {level.strip(): level for level in levels}
    folded: dict[str, str | None] = {}
    for level in levels:
        # Two levels that differ in case only are told apart by their spelling alone.
        folded[fold(level)] = None if fold(level) in folded else level
    numbers = {key: v for v in levels if isinstance(key := code_key(v), float)}
    read = number_reader(notation)

    def level(text: str) -> str | None:
        stripped = text.strip()
        found = exact.get(stripped) or folded.get(fold(stripped))
        if found is None and numbers:
            found = numbers.get(read(stripped))
        return found

    return level


def level_cell(levels: Iterable[str], notation: Notation) -> Callable[[str], Cell]:
    """Make the reader of the cells of a column with known levels."""
    read = level_reader(levels, notation)

    def cell(text: str) -> Cell:
        level = read(text)
        if level is not None:
            return level, None
        return None, "null_word" if squeeze(text) in notation.null_words else "out_of_domain"

    return cell


def text_cell(notation: Notation) -> Callable[[str], Cell]:
    """Make the reader of the cells of a column where any text is a level, or of an id."""
    point = re.escape(notation.decimal)
    integral = re.compile(rf"(?:\+(?=\d))?(-?\d+)(?:(?:\.|{point})0+)?", re.ASCII)

    def cell(text: str) -> Cell:
        if squeeze(text) in notation.null_words:
            return None, "null_word"
        text = " ".join(text.split())
        # `2.0`, `+2` and `2` are one code; a leading zero is kept, as in a postal code.
        match = integral.fullmatch(text)
        return (match[1] if match else text), None

    return cell


def reader_of(column: Column, notation: Notation) -> Callable[[str], Cell]:
    """Choose the reader of a column's cells by its kind."""
    if column.kind == "numeric":
        return numeric_cell(column, notation)
    if column.levels:
        return level_cell(column.levels, notation)
    return text_cell(notation)


def read_cells(
    raw: pd.Series, read: Callable[[str], Cell], dtype: str = "object"
) -> tuple[pd.Series, pd.Series]:
    """Parse a column; each distinct text is read once.

    Args:
        raw: text, shape (n,).
        read: the reader of one cell; blank cells don't reach it.
        dtype: of the values.

    Returns:
        values: shape (n,), None (or what the dtype has for it) where missing.
        causes: shape (n,), None where there is a value, else one of `CAUSES`.
    """
    codes, texts = pd.factorize(raw)
    cells: list[Cell] = [read(text) if text.strip() else (None, "empty") for text in texts]
    cells.append((None, "empty"))  # code -1, a cell that has no text at all
    values, causes = zip(*cells, strict=True)
    return (
        # Typed before they are spread over the rows: few values, many rows.
        pd.Series(_objects(values)).astype(dtype).take(codes % len(cells)).set_axis(raw.index),
        pd.Series(_objects(causes)[codes], index=raw.index),
    )


def _objects(items: Iterable[object]) -> np.ndarray:
    items = list(items)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def read_target(raw: pd.Series, target: Target, notation: Notation) -> pd.Series:
    """Read the outcome: 1 bad, 0 good, missing where the text is of neither class.

    Returns:
        Int8, shape (n,).
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
    """Parse the columns of the schema, target apart.

    Args:
        raw: text under the source names, shape (n, columns).
        schema: the contract.
        notation: how the source is written.

    Returns:
        cells: float64 for numeric columns, text for the others, under our names, the id first.
        causes: same shape; None for a value, else one of `CAUSES`.
    """
    cells, causes = {}, {}
    ordered = sorted(schema.columns.items(), key=lambda item: item[1].kind != "id")
    for source, column in ordered:
        dtype = "float64" if column.kind == "numeric" else "str"
        read = reader_of(column, notation)
        cells[column.name], causes[column.name] = read_cells(raw[source], read, dtype)
    return pd.DataFrame(cells, index=raw.index), pd.DataFrame(causes, index=raw.index)

"""The defects of a single cell: how each one is written, and what must be read from it.

A defect is a function `(rng, value, column, style) -> Cell or None`; None where it can't befall the
column. `DEFECTS` is the registry; to add one is to write a function and decorate it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import yaml

from creditrisk.core.text import code_key, fold
from creditrisk.schema import Column

Value = float | str | None
ROOT = Path(__file__).parents[2]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
NULL_WORDS = PARAMS["prepare"]["null_words"]
# Unreadable as a number in every notation, and no null word.
NO_NUMBERS = (
    "twelve",
    "12x7",
    "1..2",
    "+-3",
    "#REF!",
    "1e",
    "=A1+2",
    "inf",
    "0x1F",
    "1_000",
    "3 4",
)


@dataclass(frozen=True)
class Style:
    """How a file is written."""

    delimiter: str = ","
    decimal: str = "."
    thousands: str = ","
    newline: str = "\n"
    encoding: str = "utf-8"
    bom: bool = False
    quote_all: bool = False
    shuffle_columns: bool = False
    odd_header: bool = False
    extra_columns: int = 0


PLAIN = Style()


@dataclass(frozen=True)
class Cell:
    """One written cell: its text, what must be read, and the cause where that is missing."""

    text: str
    value: Value
    cause: str | None = None
    kind: str | None = None


Defect = Callable[[np.random.Generator, Value, Column, Style], Cell | None]
DEFECTS: dict[str, Defect] = {}


def defect(function: Defect) -> Defect:
    DEFECTS[function.__name__] = function
    return function


def pick(rng: np.random.Generator, items):
    return items[int(rng.integers(len(items)))]


def is_code(column: Column) -> bool:
    """Tell whether all levels of a column are numbers."""
    return bool(column.levels) and all(isinstance(code_key(v), Decimal) for v in column.levels)


def as_decimal(value: Value, column: Column) -> Decimal | None:
    """The exact number that a value is written as, None where it is no number."""
    if column.kind == "numeric":
        return Decimal(int(value)) if float(value).is_integer() else Decimal(repr(value))
    return Decimal(value) if is_code(column) else None


def spell(number: Decimal, style: Style) -> str:
    return f"{number:f}".replace(".", style.decimal)


def plain(value: Value, column: Column, style: Style) -> Cell:
    """The undamaged cell."""
    number = as_decimal(value, column)
    return Cell(str(value) if number is None else spell(number, style), value)


def read_as(number: Decimal, text: str, column: Column) -> Cell:
    """What must be read where another number is written: the level, the number, or nothing."""
    if column.levels:
        level = next((v for v in column.levels if code_key(v) == number), None)
        return Cell(text, level, None if level is not None else "out_of_domain")
    value = float(number)
    low = -np.inf if column.min is None else column.min
    high = np.inf if column.max is None else column.max
    fits = low <= value <= high and not (column.integer and not value.is_integer())
    return Cell(text, value, None) if fits else Cell(text, None, "out_of_domain")


@defect
def blanks(rng, value, column, style):
    around = (" ", "   ", "\t", "\N{NO-BREAK SPACE}")
    return Cell(pick(rng, around) + plain(value, column, style).text + pick(rng, around), value)


@defect
def empty(rng, value, column, style):
    return Cell(pick(rng, ("", "", " ", "\t ")), None, "empty")


@defect
def null_word(rng, value, column, style):
    levels = {"".join(v.split()).casefold() for v in column.levels or ()}
    word = pick(rng, [w for w in NULL_WORDS if w not in levels])
    word = pick(rng, (word, word.upper(), word.title(), word.swapcase()))
    if len(word) == 3 and word[1] == "/":
        word = pick(rng, (word, " / ".join(word.split("/"))))
    return Cell(pick(rng, ("", " ", "  ")) + word + pick(rng, ("", " ", "\t")), None, "null_word")


@defect
def as_float(rng, value, column, style):
    number = as_decimal(value, column)
    if number is None or number != number.to_integral():
        return None
    return Cell(spell(number, style) + style.decimal + pick(rng, ("0", "00", "")), value)


@defect
def exponent(rng, value, column, style):
    number = as_decimal(value, column)
    if number is None:
        return None
    power = int(rng.integers(0, 4))
    sign = pick(rng, ("e", "E", "e+", "e0"))
    return Cell(spell(number.scaleb(-power), style) + sign + str(power), value)


@defect
def plus(rng, value, column, style):
    number = as_decimal(value, column)
    return None if number is None or number < 0 else Cell("+" + spell(number, style), value)


@defect
def leading_zero(rng, value, column, style):
    number = as_decimal(value, column)
    return None if number is None or number < 0 else Cell("0" + spell(number, style), value)


@defect
def grouped(rng, value, column, style):
    number = as_decimal(value, column)
    if number is None or abs(number) < 1000 or not style.thousands:
        return None
    text = f"{number:,f}".translate({ord(","): style.thousands, ord("."): style.decimal})
    return Cell(text, value)


@defect
def with_unit(rng, value, column, style):
    if column.kind != "numeric" or not column.unit:
        return None
    unit, text = pick(rng, column.unit), plain(value, column, style).text
    unit = pick(rng, (unit, unit.upper(), unit.lower()))
    return Cell(
        pick(rng, (f"{text} {unit}", f"{text}{unit}", f"{unit} {text}", f" {text} {unit} ")), value
    )


@defect
def recased(rng, value, column, style):
    if (
        not column.levels
        or is_code(column)
        or len({fold(v) for v in column.levels}) < len(column.levels)
    ):
        return None
    return Cell(pick(rng, (value.upper(), value.title(), f" {value.swapcase()} ")), value)


@defect
def times_ten(rng, value, column, style):
    number = as_decimal(value, column)
    if number is None:
        return None
    number = number * 10 ** int(rng.integers(1, 4))
    return read_as(number, spell(number, style), column)


@defect
def outside(rng, value, column, style):
    if column.levels:
        text = pick(rng, ("77", "-1", "998")) if is_code(column) else pick(rng, ("zz", "7", "x y"))
        return Cell(text, None, "out_of_domain")
    ends = [e for e in (column.min and column.min - 1, column.max and column.max + 1) if e]
    if column.kind != "numeric" or not ends:
        return None
    number = as_decimal(pick(rng, ends), column)
    return read_as(number, pick(rng, (spell(number, style), "1e999")), column)


@defect
def fraction(rng, value, column, style):
    number = as_decimal(value, column)
    if number is None or not (column.integer or column.levels):
        return None
    number += pick(rng, (Decimal("0.5"), Decimal("0.25")))
    return read_as(number, spell(number, style), column)


@defect
def unreadable(rng, value, column, style):
    text = pick(rng, NO_NUMBERS)
    if column.levels:
        return Cell(text, None, "out_of_domain")
    return Cell(text, None, "unparseable") if column.kind == "numeric" else None


HARMLESS = (
    "blanks",
    "as_float",
    "exponent",
    "plus",
    "leading_zero",
    "grouped",
    "with_unit",
    "recased",
)
ERASING = ("empty", "null_word", "outside", "fraction", "unreadable")


def damage(
    rng: np.random.Generator, value: Value, column: Column, style: Style, kinds: tuple[str, ...]
) -> Cell:
    """Write one cell with a defect drawn from `kinds`, or plainly where none of them fits."""
    for kind in rng.permutation(np.array(kinds, dtype=object)):
        cell = DEFECTS[kind](rng, value, column, style)
        if cell is not None:
            return Cell(cell.text, cell.value, cell.cause, kind)
    return plain(value, column, style)

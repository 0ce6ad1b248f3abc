"""Columns of numbers: their units, and codes that stand in the place of a number."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from creditrisk.core.text import caseless
from creditrisk.prepare.cells import Notation, number_reader
from creditrisk.workflow.draft.cells import Cells, share_of

MIN_SHARE = 0.95  # of the known cells that are numbers
SAMPLE = 300  # distinct texts in which units are looked for
MAX_SPELLINGS = 6  # of a unit
MAX_UNIT = 16  # characters
_CURRENCIES = frozenset(
    [
        "eur",
        "euro",
        "usd",
        "us$",
        "gbp",
        "chf",
        "jpy",
        "cny",
        "rmb",
        "inr",
        "rs",
        "rs.",
        "dm",
        "dem",
        "ats",
        "cad",
        "aud",
        "nzd",
        "sek",
        "nok",
        "dkk",
        "kr",
        "pln",
        "zł",
        "czk",
        "huf",
        "ron",
        "r$",
        "brl",
        "mxn",
        "zar",
        "rub",
        "try",
        "ngn",
        "kes",
    ]
)
_SYNONYMS = tuple(
    tuple(words.split())
    for words in (
        "eur euro euros €", "usd $ us$ dollar dollars", "gbp £ pound pounds", "inr rs ₹ rupees",
        "year y yr yrs years", "month m mo mos mth mths mon months", "day d days",
        "% percent pct", "dm dem",
    )
)  # fmt: skip
# Such a unit multiplies; a number without it would mean something else.
_MULTIPLIERS = frozenset(
    [
        "k",
        "m",
        "mn",
        "mio",
        "mrd",
        "bn",
        "b",
        "tsd",
        "thousand",
        "million",
        "billion",
        "lakh",
        "crore",
        "l",
    ]
)
_AROUND = re.compile(r"([^\d+\-.,]*)([+-]?[\d.,]?(?:[\d.,'\s]*\d)?[.,]?)(\D*)", re.ASCII)
_UNIT = re.compile(r"[^\W\d_]+([ ./][^\W\d_]+)*\.?|[%‰°]|[^\W\d_]{0,3}\$")
_PLAIN = re.compile(r"-?\d{1,15}\.\d+", re.ASCII)


@dataclass
class Numbers:
    """The numbers of a column.

    Attributes:
        counts: number to its number of rows.
        units: texts before or after the numbers.
        unread: number of known cells that are no numbers.
        example: one of those.
    """

    counts: dict[float, int]
    units: list[str] = field(default_factory=list)
    unread: int = 0
    example: str = ""

    def median(self) -> float:
        """Return the lower median of the rows."""
        half, seen = sum(self.counts.values()) / 2, 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= half:
                return value
        return float("nan")


def guess_numbers(cells: Cells, notation: Notation) -> Numbers | None:
    """Read a column as numbers, with or without units; None if fewer than 95% of the cells are."""
    sample = cells.commonest(SAMPLE)
    plain = number_reader(notation)
    others = [text for text in sample if plain(text) is None]
    units = _units(others, cells, plain)
    read = number_reader(notation, units)
    in_sample = share_of((text for text in sample if read(text) is not None), cells)
    if in_sample < 0.8 * share_of(sample, cells):
        return None
    has_point = notation.decimal == "."
    found = {
        text: value for text in cells.known if (value := _value(text, read, has_point)) is not None
    }
    if share_of(found, cells) < MIN_SHARE:
        return None
    counts: defaultdict[float, int] = defaultdict(int)
    for text, value in found.items():
        counts[value] += cells.known[text]
    counts.pop(float("inf"), None)
    counts.pop(float("-inf"), None)
    if not counts:
        return None
    unread = next((text for text in cells.known if text not in found), "")
    return Numbers(dict(counts), units, cells.rows - sum(counts.values()), unread)


def _value(text: str, read: Callable[[str], Decimal | None], has_point: bool) -> float | None:
    # Most cells are digits, which every notation reads alike: this is faster than `read`.
    if text.isdecimal() and text.isascii():
        return float(text)
    if has_point and _PLAIN.fullmatch(text):
        return float(text)
    number = read(text)
    return None if number is None else float(number) + 0.0


def _units(texts: Iterable[str], cells: Cells, read: Callable[[str], Decimal | None]) -> list[str]:
    """Find the unit before or after numbers, in its spellings, the most frequent first.

    Where some numbers have one unit and some another, such as years and months, the one of most
    cells counts: cells with the other are no such numbers.
    """
    spelled: dict[str, str] = {}
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        match = _AROUND.fullmatch(text)
        if not match or read(match[2]) is None:
            continue
        before, after = match[1], match[3]
        if bool(before.strip()) == bool(after.strip()):
            continue  # number_reader takes off one of them
        unit = (before or after).strip()
        if is_unit(unit, is_before=bool(before.strip()), is_apart=(before or after) != unit):
            counts[_same_unit(caseless(unit))][caseless(unit)] += cells.known[text]
            spelled.setdefault(caseless(unit), unit)
    if not counts:
        return []
    unit, spellings = max(counts.items(), key=lambda item: item[1].total())
    is_on_all = spellings.total() >= MIN_SHARE * cells.rows
    if len(spellings) > MAX_SPELLINGS or (unit in _MULTIPLIERS and not is_on_all):
        return []
    return [spelled[spelling] for spelling, _ in spellings.most_common()]


def _same_unit(text: str) -> str:
    """Return one name for all spellings of a unit."""
    word = text.rstrip(".")
    for same in _SYNONYMS:
        if word in same:
            return same[0]
    return word.removesuffix("s") if len(word) > 2 else word


def is_unit(text: str, is_before: bool, is_apart: bool) -> bool:
    """Whether a text beside a number is a unit: not `A` of `A12` or `Grade` of `Grade 2`.

    Args:
        text: the text.
        is_before: whether it stands before the number.
        is_apart: whether there is a blank between them.
    """
    if not text or len(text) > MAX_UNIT:
        return False
    if any(unicodedata.category(c) == "Sc" for c in text):
        return bool(re.fullmatch(r"[^\W\d_]{0,3}.", text))
    if caseless(text) in _CURRENCIES:
        return True
    if is_before or not _UNIT.fullmatch(text):
        return False
    return is_apart or len(text) > 1 or text in "%‰°my" or caseless(text) in _MULTIPLIERS


def number_text(value: float) -> str:
    """Write a number for a person."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"

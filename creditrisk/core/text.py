"""Text forms: when two texts count as one, whatever characters a program wrote them with."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

# Unicode's Default_Ignorable_Code_Point beyond category Cf: fillers and selectors that show nothing
# of their own, although Python calls most of them printable.
_FILLER = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
# Up to so many characters, the order of marks costs nothing.
SHORT = 200
# Vowels of Tibetan that are no marks themselves, but fall into two: Unicode's only ones.
_MARKS_IN_ONE = {
    "\u0f73": "\u0f71\u0f72",
    "\u0f75": "\u0f71\u0f74",
    "\u0f81": "\u0f71\u0f80",
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def normalise(text: str) -> str:
    """Bring a text into the form in which texts are compared and kept.

    Characters that take no room (category Cf, such as zero-width characters and byte-order marks,
    fillers, lone surrogates) are dropped. Control characters and line separators become blanks.
    What is left is in Unicode's form NFC.
    """
    if text.isascii() and text.isprintable():
        return text
    if not _all_show(text):
        text = "".join(map(_visible, text))
    # NFC comes last: a dropped character may stand between a letter and its accent.
    return unicodedata.normalize("NFC", _with_marks_in_order(text))


def fold(text: str) -> str:
    """Normalise a header name or level: also case folded, blanks stripped and collapsed to one."""
    return caseless(" ".join(normalise(text).split()))


def caseless(text: str) -> str:
    """Fold the case of a text; the result is in form NFC."""
    if text.isascii():
        return text.casefold()
    # Unicode's canonical caseless match (definition D145): folding alone may undo NFC.
    folded = unicodedata.normalize("NFD", _with_marks_in_order(text)).casefold()
    return unicodedata.normalize("NFC", folded)


def code_key(text: str) -> Decimal | str:
    """Normalise a code: a number if it is one (`2`, `2.0`, ` 2 `), else its folded text.

    Numbers are exact, whatever their number of digits.
    """
    folded = fold(text)
    number = exact_number(folded)
    return folded if number is None else number


def in_order_of_codes(codes: Iterable[str]) -> list[str]:
    """Sort codes: as numbers if all are, else as texts."""
    plain = sorted(codes)
    keys = [code_key(code) for code in plain]
    numbers = [key for key in keys if isinstance(key, Decimal)]
    if len(numbers) < len(plain):
        return plain
    return [code for _, code in sorted(zip(numbers, plain, strict=True))]


def exact_number(text: str) -> Decimal | None:
    """Read a number with a decimal point, without rounding; None if the text is not a number."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of more than 18 digits
        return None


def hidden_character(text: str) -> str | None:
    """Name the first character that does not show, such as `U+200B ZERO WIDTH SPACE`, or None.

    These are what `normalise` drops or replaces. The blanks of all writing systems show.
    """
    if _all_show(text):
        return None
    found = next((c for c in text if _visible(c) != c), None)
    if found is None:
        return None
    return f"U+{ord(found):04X} {unicodedata.name(found, '')}".strip()


def same_text(texts: Iterable[Any]) -> tuple[str, str] | None:
    """Find two texts that are one when normalised; None if there are none."""
    seen: dict[str, str] = {}
    for text in texts:
        if isinstance(text, str) and seen.setdefault(normalise(text), text) != text:
            return seen[normalise(text)], text
    return None


def repeated(values: list[Any]) -> Any:
    """Return the first value that occurs a second time, or None."""
    seen = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def _with_marks_in_order(text: str) -> str:
    """Put combining marks into Unicode's canonical order, in which the text is the same text.

    Python's own way to do so takes a time that grows with the square of their number: 100,000
    accents above and below in turn take it ten seconds. Here it is sorted.
    """
    if len(text) <= SHORT:
        return text
    for character, marks in _MARKS_IN_ONE.items():
        text = text.replace(character, marks)
    runs = groupby(text, lambda c: unicodedata.combining(c) != 0)
    ordered = (sorted(run, key=unicodedata.combining) if marks else run for marks, run in runs)
    return "".join(map("".join, ordered))


def _all_show(text: str) -> bool:
    """Whether all characters certainly show: fast, but it misjudges blanks other than ` `."""
    return text.isprintable() and (text.isascii() or not _FILLER.search(text))


def _visible(character: str) -> str:
    """The character itself, a blank for what separates, nothing for what does not show."""
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    point = ord(character)
    unseen = category in ("Cf", "Cs") or _FILLER.match(character)
    no_character = category == "Cn" and (point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF)
    return "" if unseen or no_character else character

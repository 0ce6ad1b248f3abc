"""Levels of nominal and ordinal columns: merged spellings, and orders that can be guessed."""

import re
from decimal import Decimal

from creditrisk.core.text import caseless, code_key
from creditrisk.prepare.cells import Notation, number_reader
from creditrisk.workflow.draft.cells import Cells

MAX_ORDERED = 30
MIN_GRADES, MAX_GRADES = 3, 60
_SCALES = (
    ("very low", "low", "medium", "high", "very high"),
    ("low", "moderate", "high"),
    ("small", "medium", "large"),
    ("very poor", "poor", "fair", "good", "very good", "excellent"),
    ("poor", "average", "good"),
    ("none", "primary", "secondary", "tertiary"),
)
_GRADE = re.compile(r"[A-Z]\d{0,2}", re.ASCII)
_GRADE_NAME = re.compile(r"grade|rating|class|score|band|tier|risk", re.IGNORECASE)
_LESS = frozenset(["<", "<=", "≤", "under", "below", "less", "than", "up", "to", "bis", "unter"])
_MORE = frozenset(["+", ">", ">=", "≥", "over", "above", "more", "ab", "über", "mehr", "older"])
_BETWEEN = frozenset(
    ["-", "\u2013", "\u2014", "to", "and", "or", "from", "between", "bis", "von", "~"]
)
_SIGNS = re.compile(r"\d[\d.,']*\d|\d|<=|>=|[<>≤≥+\u2013\u2014~-]|[^\W\d_]+|\S")
_ATTACHED = re.compile(r"[^\W\d_]\d")  # a code such as A12


def merge_spellings(counts: dict[str, int]) -> list[str]:
    """Return the levels in order: one for all spellings, the most frequent; numbers by value.

    Texts that differ only in case, blanks, or how a number is written are one level.

    Args:
        counts: text to its number of rows.
    """
    spellings: dict[Decimal | str, str] = {}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        spellings.setdefault(code_key(text), text)
    keyed = sorted(spellings.items(), key=lambda item: _in_order(item[0]))
    return [text for _, text in keyed]


def _in_order(key: Decimal | str) -> tuple[bool, Decimal, str]:
    is_text = isinstance(key, str)
    return is_text, Decimal(0) if isinstance(key, str) else key, key if isinstance(key, str) else ""


def number_levels(cells: Cells, notation: Notation) -> list[str] | None:
    """Order levels such as `< 1 year`, `1 year`, `10+ years` or `0-25`, `26-50`, by their numbers.

    Every level must hold one number or one range, and beside it the same words.
    """
    if not 2 <= len(cells.known) <= MAX_ORDERED:
        return None
    levels = merge_spellings(cells.known)
    found = [_place(level, notation) for level in levels]
    places = [one[0] for one in found if one is not None]
    words = {one[1] for one in found if one is not None}
    if len(places) < len(levels) or len(words) > 1 or len(set(places)) < len(places):
        return None
    return [level for _, level in sorted(zip(places, levels, strict=True))]


def _place(level: str, notation: Notation) -> tuple[tuple[Decimal, int, Decimal], str] | None:
    """Return where a level stands among others, and its words; None if it is not of this kind."""
    if _ATTACHED.search(level):
        return None
    read = number_reader(notation)
    numbers, words, side = [], [], 0
    for sign in _SIGNS.findall(caseless(level)):
        number = read(sign)
        if number is not None:
            numbers.append(number)
        elif sign in _MORE:
            side = 1
        elif sign in _LESS and (sign != "to" or "up" in caseless(level)) and sign != "bis":
            side = -1
        elif sign not in _BETWEEN and sign not in _LESS:
            words.append(sign.rstrip("s") if len(sign) > 2 else sign)
    if not 1 <= len(numbers) <= 2 or (len(numbers) == 2 and numbers[0] > numbers[1]):
        return None
    if len(numbers) == 2:
        return (numbers[0], 0, numbers[1]), " ".join(words)
    return (numbers[0], side, numbers[0]), " ".join(words)


def grade_levels(cells: Cells) -> list[str] | None:
    """Order grades such as `A` to `G` or `A1` to `G5`, and words such as low, medium, high."""
    if not MIN_GRADES <= len(cells.known) <= MAX_GRADES:
        return None
    levels = merge_spellings(cells.known)
    folded = {caseless(level): level for level in levels}
    for scale in _SCALES:
        if folded.keys() <= set(scale):
            return [folded[word] for word in scale if word in folded]
    grades = [level.upper() for level in levels]
    if not all(map(_GRADE.fullmatch, grades)) or len({len(g) > 1 for g in grades}) > 1:
        return None
    letters = sorted({grade[0] for grade in grades})
    in_sequence = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".startswith("".join(letters))
    is_named = bool(_GRADE_NAME.search(cells.source)) or "grade" in caseless(cells.source)
    # Small letters are more often codes.
    are_capitals = all(level == level.upper() for level in levels)
    if len(letters) < MIN_GRADES or not in_sequence or not (are_capitals or is_named):
        return None
    return sorted(levels, key=lambda level: (level[0].upper(), int(level[1:] or 0)))

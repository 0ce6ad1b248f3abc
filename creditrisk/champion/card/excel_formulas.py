"""The formulas of the card's workbook: what a cell counts as, and which points it has.

Texts are compared by EXACT, since MATCH takes `*` and `?` as patterns. TRIM takes the blanks around
a text away and leaves one of many within it, which is what the reader of applicants' files does.
"""

from collections.abc import Sequence

from xlsxwriter.utility import xl_rowcol_to_cell

from creditrisk.champion.card.model import Card, Field, Line, Variable
from creditrisk.champion.scorecard import BIN, LEVEL, SPECIAL_CODE
from creditrisk.core.text import exact_number, fold, repeated

CARD = "Card"  # the sheet with the lines
COLUMNS = ("variable", "reason code", "line", "code", "from", "to (not included)",
           "training rows", "bad rate", "points")  # fmt: skip
HEAD = 5  # rows above the table
CUTOFF = f"{CARD}!$B$3"
NULLS = len(COLUMNS) + 1  # the column of the null words, one off the table


class Places:
    """Where the lines of a variable stand on the sheet Card.

    Args:
        first: number of their first row, from 0.
        lines: its lines as they are written, see `creditrisk.champion.card.excel`.
    """

    def __init__(self, first: int, lines: Sequence[tuple[Line, str | None]]):
        self._kinds: list[str] = [line.kind for line, _ in lines]
        self._first = first

    def points(self, kind: str, skip: int = 0) -> str:
        """The points of the lines of one kind."""
        return self._range(kind, "points", skip)

    def codes(self, kind: str) -> str:
        """Their codes."""
        return self._range(kind, "code", 0)

    def edges(self) -> str:
        """The lower ends of all bins but the first."""
        return self._range(BIN, "from", 1)

    def count(self, kind: str) -> int:
        """The number of lines of one kind."""
        return self._kinds.count(kind)

    def _range(self, kind: str, column: str, skip: int) -> str:
        start = self._first + self._kinds.index(kind) + skip
        end = self._first + self._kinds.index(kind) + self.count(kind) - 1
        place = COLUMNS.index(column)
        cells = [xl_rowcol_to_cell(row, place, True, True) for row in (start, end)]
        return f"{CARD}!{':'.join(cells if start < end else cells[:1])}"


# In the formulas, # stands for the number of the row.


def counted_number(field: Field, places: Places, cell: str, null_words: Sequence[str]) -> str:
    """What a number counts as; blank if it is missing or a special code."""
    cell = f"{cell}#"
    limits = [f"{cell}<{field.min!r}"] if field.min is not None else []
    limits += [f"{cell}>{field.max!r}"] if field.max is not None else []
    limits += [f"{cell}<>INT({cell})"] if field.integer else []
    if any(exact_number(word) is not None for word in null_words):
        limits.append(_is_null_word(cell, null_words))
    if field.special:
        limits.append(f"SUMPRODUCT(--({places.codes(SPECIAL_CODE)}={cell}))>0")
    value = cell
    if field.cap_low is not None:
        value = f"MAX({value},{field.cap_low!r})"
    if field.cap_high is not None:
        value = f"MIN({value},{field.cap_high!r})"
    if limits:
        value = f'IF(OR({",".join(limits)}),"",{value})'
    return f'IF(ISNUMBER({cell}),{value},"")'


def derived_number(variable: Variable, counted: dict[str, str]) -> str:
    """What a derived variable is; blank if it is missing."""
    assert variable.derived is not None
    a, b = (f"{counted[name]}#" for name in variable.derived.of)
    sign = {"ratio": "/", "product": "*", "sum": "+", "difference": "-"}[variable.derived.op]
    # IFERROR: a division by 0, and what is too large.
    return f'IF(AND(ISNUMBER({a}),ISNUMBER({b})),IFERROR({a}{sign}{b},""),"")'


def points_of(
    variable: Variable, card: Card, places: Places, stated: dict[str, str],
    counted: dict[str, str], null_words: Sequence[str],
) -> str:  # fmt: skip
    """The points of a variable."""
    missing = places.points("missing")
    if not variable.bins:
        return _level_points(variable, card, places, f"{stated[variable.name]}#", null_words)
    value, first = f"{counted[variable.name]}#", places.points(BIN)
    if len(variable.bins) > 1:
        first = f"INDEX({first},1+SUMPRODUCT(--({places.edges()}<={value})))"
    if places.count(SPECIAL_CODE):
        cell, codes = f"{stated[variable.name]}#", places.codes(SPECIAL_CODE)
        special = f"SUMPRODUCT(({codes}={cell})*{places.points(SPECIAL_CODE)})"
        is_special = f"SUMPRODUCT(--({codes}={cell}))>0"
        missing = f"IF(ISNUMBER({cell}),IF({is_special},{special},{missing}),{missing})"
    return f"IF(ISNUMBER({value}),{first},{missing})"


def _level_points(
    variable: Variable, card: Card, places: Places, cell: str, null_words: Sequence[str]
) -> str:
    """The points of a level, in other case or with other blanks if the reader takes it so."""
    field = card.by_name[variable.name]
    codes, rest = variable.stated_levels(field)
    missing = places.points("missing")
    fallback = missing if rest.kind == "missing" else repr(rest.points)
    known = fallback
    if places.count(LEVEL):
        text, listed = f"TRIM({cell})", places.codes(LEVEL)
        # Case matters where the schema lists no levels, or levels that differ in case alone.
        if field.levels is not None and repeated([fold(code) for code in codes]) is None:
            text, listed = f"LOWER({text})", f"LOWER(TRIM({listed}))"
        same = f"EXACT({listed},{text})"
        points = f"SUMPRODUCT({same}*{places.points(LEVEL)})"
        known = f"IF(SUMPRODUCT(--{same})>0,{points},{fallback})"
    nothing = f'TRIM({cell})=""'
    if null_words and field.levels is None:
        nothing = f"OR({nothing},{_is_null_word(cell, null_words)})"
    return f"IF({nothing},{missing},{known})"


def _is_null_word(cell: str, null_words: Sequence[str]) -> str:
    ends = [xl_rowcol_to_cell(row, NULLS, True, True) for row in (HEAD, HEAD + len(null_words) - 1)]
    return f'SUMPRODUCT(--EXACT({CARD}!{":".join(ends)},LOWER(SUBSTITUTE({cell}," ",""))))>0'


def score_of(card: Card, letters: Sequence[str]) -> str:
    """The score, from the columns with the points."""
    total = f"SUM({letters[0]}#:{letters[-1]}#)"
    digits = card.scale.digits
    return total if digits is None else f"ROUND({total},{digits})"

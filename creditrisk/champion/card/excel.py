"""The card as a workbook: sheet "Card" with the lines, sheet "Applicants" with formulas.

A person types or pastes applicants, and sees the points of each variable and the score. No macro.
Texts are compared by EXACT, since MATCH takes `*` and `?` as patterns and ignores case.
Spreadsheets compare numbers to 15 digits: a computed number that is nearer to an edge than that is
in the bin above it.
"""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from creditrisk.champion.card.model import Card, Field, Line, Variable
from creditrisk.champion.scorecard import BIN, LEVEL, SPECIAL_CODE

CARD, APPLICANTS = "Card", "Applicants"
ROWS = 1000  # applicants that the sheet has formulas for
# Not the time of the run: the same card gives the same bytes.
CREATED = datetime(2000, 1, 1)
COLUMNS = ("variable", "reason code", "line", "code", "from", "to (not included)",
           "training rows", "bad rate", "points")  # fmt: skip
_HEAD = 5  # rows above the table
_CUTOFF = f"{CARD}!$B$3"
_LONGEST = 32_767  # characters of a cell
NOTE = (
    "A score above the cut-off is accepted. On the sheet Applicants, fill the white columns: "
    "numbers as numbers, levels by their codes, a blank cell is missing. For more rows, copy the "
    "last one down."
)


def card_workbook(card: Card, rows: int = ROWS, applicants: pd.DataFrame | None = None) -> bytes:
    """Write the card as an .xlsx file.

    Args:
        card: the card.
        rows: number of applicants that get formulas.
        applicants: values of the fields for the first rows, under their names: numbers, texts, or
            missing; special codes are numbers. None leaves the rows empty.

    Returns:
        The file. The same arguments give the same bytes.
    """
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"title": "Scorecard", "created": CREATED})
        forms = {
            "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top"}),
            "computed": book.add_format({"bg_color": "#EEEEEE"}),
            "rate": book.add_format({"num_format": "0.0%"}),
        }
        places = _write_card(book.add_worksheet(CARD), card, forms)
        _write_applicants(book.add_worksheet(APPLICANTS), card, places, rows, applicants, forms)
    return file.getvalue()


class _Places:
    """Where the lines of a variable stand on the sheet Card.

    Args:
        first: number of their first row, from 0.
        lines: its lines as they are written, see `_sheet_lines`.
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
        return self._kinds.count(kind)

    def _range(self, kind: str, column: str, skip: int) -> str:
        start = self._first + self._kinds.index(kind) + skip
        end = self._first + self._kinds.index(kind) + self.count(kind) - 1
        place = COLUMNS.index(column)
        cells = [xl_rowcol_to_cell(row, place, True, True) for row in (start, end)]
        return f"{CARD}!{':'.join(cells if start < end else cells[:1])}"


def _sheet_lines(variable: Variable, card: Card) -> list[tuple[Line, str | None]]:
    """List the lines with their codes; each level that may be stated has one of its own.

    Lines of one kind follow each other.
    """
    field = card.by_name.get(variable.name)
    if field is None or field.kind == "number":
        return [(line, line.code) for line in variable.lines]
    codes, _ = variable.stated_levels(field)
    labels = field.levels or {}
    levels = []
    for code, line in codes.items():
        own = line.kind == LEVEL and line.code == code
        label = labels.get(code, code)
        counted = line if own else line.model_copy(
            update={"kind": LEVEL, "label": f"{label} (counts as {line.label})", "rows": 0,
                    "bad_rate": None}
        )  # fmt: skip
        levels.append((counted, code))
    into = [n for n in variable.lines if n.kind == LEVEL and n.code not in codes]
    rest = [n for n in variable.lines if n.kind != LEVEL]
    return [*levels, *((line.model_copy(update={"kind": "rare"}), None) for line in into),
            *((line, None) for line in rest)]  # fmt: skip


def _write_card(sheet: Worksheet, card: Card, forms: dict[str, Any]) -> dict[str, _Places]:
    scale = card.scale
    sheet.write_string(0, 0, f"Scorecard: {card.algorithm}", forms["head"])
    sheet.write_string(1, 0, f"{scale.base_points:g} points at odds of {scale.base_odds:g} to 1; "
                             f"{scale.pdo:g} points double the odds")  # fmt: skip
    sheet.write_string(2, 0, "cut-off in points")
    sheet.write_number(2, 1, card.cutoff_points)
    sheet.write_string(3, 0, NOTE)
    for place, name in enumerate(COLUMNS):
        sheet.write_string(_HEAD - 1, place, name, forms["head"])
    sheet.set_column(0, 0, 24)
    sheet.set_column(2, 2, 48)
    sheet.freeze_panes(_HEAD, 0)
    places, row = {}, _HEAD
    for variable in card.variables:
        lines = _sheet_lines(variable, card)
        places[variable.name] = _Places(row, lines)
        for line, code in lines:
            _write_line(sheet, row, variable, line, code, forms)
            row += 1
    return places


def _write_line(
    sheet: Worksheet, row: int, variable: Variable, line: Line, code: str | None,
    forms: dict[str, Any],
) -> None:  # fmt: skip
    texts = {"variable": variable.name, "reason code": variable.reason_code, "line": line.label}
    numbers = {"from": line.low, "to (not included)": line.high, "training rows": line.rows,
               "bad rate": line.bad_rate, "points": line.points}  # fmt: skip
    if code is not None and line.kind == SPECIAL_CODE:
        numbers["code"] = float(code)
    elif code is not None:
        texts["code"] = code
    for name, text in texts.items():
        sheet.write_string(row, COLUMNS.index(name), text[:_LONGEST])
    for name, value in numbers.items():
        if value is not None:
            form = forms["rate"] if name == "bad rate" else None
            sheet.write_number(row, COLUMNS.index(name), value, form)


def _write_applicants(
    sheet: Worksheet, card: Card, places: dict[str, _Places], rows: int,
    applicants: pd.DataFrame | None, forms: dict[str, Any],
) -> None:  # fmt: skip
    fields = [field.name for field in card.fields]
    numbers = [field.name for field in card.fields if field.kind == "number"]
    derived = [variable.name for variable in card.variables if variable.derived]
    points = [variable.name for variable in card.variables]
    heads = [*fields, *(f"{name}: counted" for name in [*numbers, *derived]),
             *(f"{name}: points" for name in points), "score", "decision"]  # fmt: skip
    for place, name in enumerate(heads):
        sheet.write_string(0, place, name[:_LONGEST], forms["head"])
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(heads) - 1, 13)
    letters = [xl_col_to_name(place, True) for place in range(len(heads))]
    stated = dict(zip(fields, letters, strict=False))
    counted = dict(zip([*numbers, *derived], letters[len(fields) :], strict=False))
    of_points = letters[-2 - len(points) : -2]
    formulas = [
        *(_counted(card.by_name[name], places[name], stated[name]) for name in numbers),
        *(_derived(variable, counted) for variable in card.variables if variable.derived),
        *(
            _points(variable, card, places[variable.name], stated, counted)
            for variable in card.variables
        ),
        _score(card, of_points),
        f'IF({letters[-2]}#="","",IF({letters[-2]}#>{_CUTOFF},"accept","reject"))',
    ]
    empty = f"COUNTA({letters[0]}#:{letters[len(fields) - 1]}#)=0"
    for row in range(1, rows + 1):
        for place, formula in enumerate(formulas, start=len(fields)):
            whole = f'=IF({empty},"",{formula})'.replace("#", str(row + 1))
            # Without a stored result, every program computes it when it opens the file.
            sheet.write_formula(row, place, whole, forms["computed"], "")
    if applicants is not None:
        for place, name in enumerate(fields):
            for row, value in enumerate(applicants[name].head(rows), start=1):
                if isinstance(value, str):
                    sheet.write_string(row, place, value)
                elif not pd.isna(value):
                    sheet.write_number(row, place, float(value))


# In the formulas, # stands for the number of the row.


def _counted(field: Field, places: _Places, cell: str) -> str:
    """What a number counts as; blank if it is missing or a special code."""
    cell = f"{cell}#"
    limits = [f"{cell}<{field.min!r}"] if field.min is not None else []
    limits += [f"{cell}>{field.max!r}"] if field.max is not None else []
    limits += [f"{cell}<>INT({cell})"] if field.integer else []
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


def _derived(variable: Variable, counted: dict[str, str]) -> str:
    assert variable.derived is not None
    a, b = (f"{counted[name]}#" for name in variable.derived.of)
    sign = {"ratio": "/", "product": "*", "sum": "+", "difference": "-"}[variable.derived.op]
    # IFERROR: a division by 0, and what is too large.
    return f'IF(AND(ISNUMBER({a}),ISNUMBER({b})),IFERROR({a}{sign}{b},""),"")'


def _points(
    variable: Variable, card: Card, places: _Places, stated: dict[str, str],
    counted: dict[str, str],
) -> str:  # fmt: skip
    missing = places.points("missing")
    if not variable.bins:
        return _level_points(variable, card, places, f"{stated[variable.name]}#")
    value, first = f"{counted[variable.name]}#", places.points(BIN)
    if len(variable.bins) > 1:
        first = f"INDEX({first},1+SUMPRODUCT(--({places.edges()}<={value})))"
    if places.count(SPECIAL_CODE):
        cell, codes = f"{stated[variable.name]}#", places.codes(SPECIAL_CODE)
        special = f"SUMPRODUCT(({codes}={cell})*{places.points(SPECIAL_CODE)})"
        is_special = f"SUMPRODUCT(--({codes}={cell}))>0"
        missing = f"IF(ISNUMBER({cell}),IF({is_special},{special},{missing}),{missing})"
    return f"IF(ISNUMBER({value}),{first},{missing})"


def _level_points(variable: Variable, card: Card, places: _Places, cell: str) -> str:
    _, rest = variable.stated_levels(card.by_name[variable.name])
    missing = places.points("missing")
    fallback = missing if rest.kind == "missing" else repr(rest.points)
    known = fallback
    if places.count(LEVEL):
        same = f"EXACT({places.codes(LEVEL)},{cell})"
        points = f"SUMPRODUCT({same}*{places.points(LEVEL)})"
        known = f"IF(SUMPRODUCT(--{same})>0,{points},{fallback})"
    return f'IF({cell}="",{missing},{known})'


def _score(card: Card, letters: list[str]) -> str:
    total = f"SUM({letters[0]}#:{letters[-1]}#)"
    digits = card.scale.digits
    return total if digits is None else f"ROUND({total},{digits})"

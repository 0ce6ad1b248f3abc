"""The card as a workbook: sheet "Card" with the lines, sheet "Applicants" with formulas.

A person types or pastes applicants, and sees the points of each variable and the score. No macro.
Spreadsheets compare numbers to 15 digits: a computed number that is nearer to an edge than that is
in the bin above it.
"""

import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from creditrisk.champion.card.excel_formulas import (
    CARD,
    COLUMNS,
    CUTOFF,
    HEAD,
    NULLS,
    Places,
    counted_number,
    derived_number,
    points_of,
    score_of,
)
from creditrisk.champion.card.model import Card, Line, Variable, folded
from creditrisk.champion.scorecard import LEVEL, SPECIAL_CODE

APPLICANTS = "Applicants"
ROWS = 1000  # applicants that the sheet has formulas for
# Not the time of the run: the same card gives the same bytes.
CREATED = datetime(2000, 1, 1)
_LONGEST = 32_767  # characters of a cell
NULL_WORDS = "words for a missing value"
NOTE = (
    "A score above the cut-off is accepted. On the sheet Applicants, fill the white columns: "
    "numbers as numbers, levels by their codes. A blank cell is missing. Leave it blank for a word "
    "such as n/a, too, if it is not among the words beside the lines. For more rows, copy the last "
    "one down."
)


class _Sheet(Worksheet):
    """A sheet that writes formulas as they are.

    The library searches each one for thirty functions of newer programs, to put a prefix before
    them. That took longer than all else that select does, and the card uses functions that every
    spreadsheet has.
    """

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        return formula.removeprefix("=")


def card_workbook(
    card: Card, rows: int = ROWS, applicants: pd.DataFrame | None = None,
    null_words: Iterable[str] = (),
) -> bytes:  # fmt: skip
    """Write the card as an .xlsx file.

    Args:
        card: the card.
        rows: number of applicants that get formulas.
        applicants: values of the fields for the first rows, under their names: numbers, texts, or
            missing; special codes are numbers. None leaves the rows empty.
        null_words: texts that mean a missing value, as in params.yaml.

    Returns:
        The file. The same arguments give the same bytes.
    """
    words = folded(null_words)
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"title": "Scorecard", "created": CREATED})
        forms = {
            "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top"}),
            "computed": book.add_format({"bg_color": "#EEEEEE"}),
            "rate": book.add_format({"num_format": "0.0%"}),
        }
        places = _write_card(book.add_worksheet(CARD), card, words, forms)
        sheet = book.add_worksheet(APPLICANTS, _Sheet)
        _write_applicants(sheet, card, places, words, rows, applicants, forms)
    return file.getvalue()


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


def _write_card(
    sheet: Worksheet, card: Card, null_words: list[str], forms: dict[str, Any]
) -> dict[str, Places]:
    scale = card.scale
    sheet.write_string(0, 0, f"Scorecard: {card.algorithm}", forms["head"])
    sheet.write_string(1, 0, f"{scale.base_points:g} points at odds of {scale.base_odds:g} to 1; "
                             f"{scale.pdo:g} points double the odds")  # fmt: skip
    sheet.write_string(2, 0, "cut-off in points")
    sheet.write_number(2, 1, card.cutoff_points)
    sheet.write_string(3, 0, NOTE)
    if null_words:
        sheet.write_string(HEAD - 1, NULLS, NULL_WORDS, forms["head"])
        for row, word in enumerate(null_words, start=HEAD):
            sheet.write_string(row, NULLS, word[:_LONGEST])
    for place, name in enumerate(COLUMNS):
        sheet.write_string(HEAD - 1, place, name, forms["head"])
    sheet.set_column(0, 0, 24)
    sheet.set_column(2, 2, 48)
    sheet.freeze_panes(HEAD, 0)
    places, row = {}, HEAD
    for variable in card.variables:
        lines = _sheet_lines(variable, card)
        places[variable.name] = Places(row, lines)
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
    sheet: Worksheet, card: Card, places: dict[str, Places], null_words: list[str], rows: int,
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
        *(
            counted_number(card.by_name[name], places[name], stated[name], null_words)
            for name in numbers
        ),
        *(derived_number(variable, counted) for variable in card.variables if variable.derived),
        *(
            points_of(variable, card, places[variable.name], stated, counted, null_words)
            for variable in card.variables
        ),
        score_of(card, of_points),
        f'IF({letters[-2]}#="","",IF({letters[-2]}#>{CUTOFF},"accept","reject"))',
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

"""Columns that tell rows or applicants apart, and others that are known by their names."""

import re
from typing import NamedTuple

from creditrisk.core.text import caseless, normalise
from creditrisk.eda.look_at import is_postal_name
from creditrisk.workflow.draft.cells import Cells, quote
from creditrisk.workflow.draft.numbers import Numbers

MIN_GROUPS = 0.05  # distinct texts per row; with fewer of them it is no name of an applicant
MAX_ID = 64  # characters
_ID = "id|ids|no|nr|num|number|key|ref|reference|code|uid|uuid|guid|hash"
_WHO = (
    "member|customer|cust|client|person|applicant|borrower|account|acct|ssn|household|debtor|"
    "kunde|kunden|cliente"
)
_ID_NAME = re.compile(
    r"(^|_)(id|ids|uid|uuid|guid|hash)(_|$)|(^|_)(no|nr|num|number|key|ref|reference|code)$|"
    r"(loan|case|contract|row|appl?|cust|user|deal)(id|no|nr)$"
)
_GROUP_NAME = re.compile(rf"(sk_)?({_WHO})(_?({_ID})(_curr)?)?|({_ID})_?({_WHO})|sk_id_curr")
_ROW_NAME = re.compile(r"(unnamed_\d+|x|index|rownames?|row_names?|row_?n(o|r|um|umber)|obs|)")
_PADDED = re.compile(r"0\d{3,9}", re.ASCII)
_INTEGER = re.compile(r"\d+", re.ASCII)
_LATER = re.compile(
    r"recover(y|ies|ed)|out_prncp|outstanding_princip|settlement|hardship|charge_?d?_?off|"
    r"^(total|last|next)_(pymnt|payment|rec)(_|$)|^paid_(total|principal|interest|late)|"
    r"^last_(pymnt|payment|fico)|write_?off|days_past_due|collection_recovery|debt_settlement"
)


class Key(NamedTuple):
    """A guess that a column is an id or a group."""

    kind: str
    evidence: str


def words_of(name: str) -> str:
    """Write a name in small letters, its words joined by `_`: `LoanNo.` is `loan_no`."""
    parted = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", "_", normalise(name))
    return re.sub(r"[\W_]+", "_", caseless(parted)).strip("_")


def is_row_number(cells: Cells) -> bool:
    """Whether the column only counts the rows, as programs add one when they write a table."""
    words = words_of(cells.source)
    if re.fullmatch(r"index_level_\d+", words):  # pandas writes it into Parquet
        return True
    return bool(_ROW_NAME.fullmatch(words)) and is_running(cells, (0, 1))


def is_running(cells: Cells, starts: tuple[int, ...] | None = None) -> bool:
    """Whether the cells are n, n + 1, n + 2, ... in the order of the rows.

    Args:
        cells: the column.
        starts: the first numbers that count; None for any.
    """
    if cells.rows != len(cells.raw) or len(cells.known) != cells.rows:
        return False
    first = str(cells.raw.iloc[0]).strip()
    if not _INTEGER.fullmatch(first) or len(first) > 18:
        return False
    start = int(first)
    if starts is not None and start not in starts:
        return False
    return all(str(text).strip() == str(start + i) for i, text in enumerate(cells.raw))


def guess_key(cells: Cells, numbers: Numbers | None) -> Key | None:
    """Guess whether a column is an id or a group; None if it is neither.

    Args:
        cells: the column.
        numbers: what is known of it if its cells are numbers.
    """
    words = words_of(cells.source)
    # A number with a fraction or a unit measures something.
    is_whole = numbers is None or (not numbers.units and all(map(float.is_integer, numbers.counts)))
    if not is_whole or max(map(len, cells.known)) > MAX_ID or cells.rows < 3:
        return None
    is_unique = len(cells.known) == cells.rows
    if is_unique:
        if _ID_NAME.search(words) or _GROUP_NAME.fullmatch(words):
            return Key("id", "unique, and its name says so")
        if numbers is not None and is_running(cells):
            return Key("id", "a running number")
        if numbers is None and _is_code(cells):
            return Key("id", f"a code that differs in every row, such as {_example(cells)}")
        return None
    if _GROUP_NAME.fullmatch(words) and len(cells.known) > MIN_GROUPS * cells.rows:
        return Key("group", f"{_repeats(cells)}; all rows of one stay together")
    if _ID_NAME.search(words) and cells.distinct_share > 0.5 and _is_plain_id(words):
        return Key("group", f"by its name an id, but {_repeats(cells)}: check it")
    return None


def _is_plain_id(words: str) -> bool:
    return bool(re.fullmatch(r"([a-z]+_)?(ids?|key|ref|u?uid|guid)|(loan|case|user|row)id", words))


def _repeats(cells: Cells) -> str:
    repeated = sum(1 for count in cells.known.values() if count > 1)
    return f"{repeated:,} values in several rows"


def _is_code(cells: Cells) -> bool:
    """Whether all texts are one pattern of letters and digits, without blanks."""
    patterns = {re.sub(r"\d", "0", text) for text in cells.known}
    return len(patterns) == 1 and bool(re.fullmatch(r"[\w.-]*0[\w.-]*", patterns.pop()))


def _example(cells: Cells) -> str:
    return quote(next(iter(cells.known)))


def is_postal(cells: Cells) -> str:
    """Say why a column holds postal codes or other codes of digits; empty if it does not."""
    if is_postal_name(words_of(cells.source)):
        return "by its name a postal code, which is no number"
    widths = {len(text) for text in cells.known}
    padded = sum(n for text, n in cells.known.items() if _PADDED.fullmatch(text) and int(text))
    if len(widths) == 1 and padded >= 0.01 * cells.rows:
        digits = all(_INTEGER.fullmatch(text) for text in cells.known)
        return "digits of one width with leading zeros are codes" if digits else ""
    return ""


def known_later(source: str) -> bool:
    """Whether a column is by its name the later course of the loan, such as what was paid."""
    return bool(_LATER.search(words_of(source)))

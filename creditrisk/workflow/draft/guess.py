"""What a column is, guessed from its name and its cells."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from creditrisk.prepare.cells import Notation, number_reader
from creditrisk.workflow.draft.cells import Cells, by_count, percent, quote
from creditrisk.workflow.draft.codes import suspicious_codes
from creditrisk.workflow.draft.dates import DateGuess, guess_format
from creditrisk.workflow.draft.keys import guess_key, is_postal, is_row_number, known_later
from creditrisk.workflow.draft.levels import grade_levels, merge_spellings, number_levels
from creditrisk.workflow.draft.numbers import (
    Numbers,
    guess_numbers,
    number_text,
)

NEARLY_UNIQUE = 0.95  # distinct texts per known cell: such a text tells rows apart, nothing else
MIN_UNIQUE = 20  # known cells; among fewer, each may be another level by chance
MAX_SPELLINGS = 1000  # of levels; more of them are not merged
MAX_LEVELS = 50  # listed in the schema
LONGEST_LEVEL = 120  # characters; longer ones are prose, and are not listed


@dataclass
class Guess:
    """What one column probably is.

    Attributes:
        source: its name in the file.
        kind: of `creditrisk.schema.Kind`.
        evidence: what the guess is based on, one line.
        left_out: why the column is left out of the schema; empty if it is not.
        unit: texts before or after the numbers.
        levels: in the order of the schema, None to list none.
        date: how a date is written.
        remarks: further lines for a person to look at.
        name: its name in the pipeline, set last because names must differ.
    """

    source: str
    kind: str
    evidence: str
    left_out: str = ""
    unit: Sequence[str] = ()
    levels: list[str] | None = None
    date: DateGuess | None = None
    remarks: list[str] = field(default_factory=list)
    name: str = ""

    def leave_out(self, why: str) -> "Guess":
        """Leave the column out of the schema."""
        self.left_out = self.left_out or why
        return self


def guess_column(
    cells: Cells, notation: Notation, max_missing_share: float, used: pd.Series | None = None
) -> Guess:
    """Guess what a column is.

    Args:
        cells: the column.
        notation: how numbers are written in the file.
        max_missing_share: above it, `prepare` would stop.
        used: which rows have the outcome good or bad, shape (n,); None for all of them.
    """
    source = cells.source
    cells = _with_none(cells, notation)
    if not cells.rows:
        return Guess(source, "nominal", "every cell is empty or a null word").leave_out("empty")
    if len(cells.known) == 1:
        text = next(iter(cells.known))
        evidence = f"always {quote(text)}, {cells.missing()}"
        return Guess(source, "nominal", evidence).leave_out("constant")
    guess = _guess_kind(cells, notation)
    if guess.kind in ("id", "group"):
        return guess
    if cells.missing_share_in(used) > max_missing_share:
        limit = percent(max_missing_share)
        guess.leave_out(f"more cells are missing than prepare.max_missing_share allows ({limit})")
    if known_later(source):
        guess.leave_out("by its name known only after the decision, which would be a leak")
    return guess


def _with_none(cells: Cells, notation: Notation) -> Cells:
    """Take `none` for a level beside other words: no guarantor, no telephone.

    Beside numbers and dates it is a missing value, as is the `None` that Python writes.
    """
    words = {word: n for word, n in cells.null_words.items() if word in ("none", "NONE")}
    read = number_reader(notation)
    if not words or not cells.known or len(cells.known) > MAX_LEVELS:
        return cells
    if any(read(text) is not None or text[:1].isdigit() for text in cells.known):
        return cells
    rest = {word: n for word, n in cells.null_words.items() if word not in words}
    known = dict(by_count(cells.known | words))
    return Cells(cells.source, cells.raw, known, rest, cells.empty)


def _guess_kind(cells: Cells, notation: Notation) -> Guess:
    source, counted = cells.source, f"{len(cells.known):,} distinct, {cells.missing()}"
    if is_row_number(cells):
        return Guess(source, "id", "it only counts the rows").leave_out("a row number")
    if date := guess_format(cells, day_first=notation.decimal == ","):
        return Guess(source, "date", f"{counted}; {date.evidence()}", date=date)
    numbers = guess_numbers(cells, notation)
    if key := guess_key(cells, numbers):
        return Guess(source, key.kind, f"{counted}; {key.evidence}")
    if why := is_postal(cells):
        return _nominal(cells, f"{counted}; {why}")
    if numbers is not None:
        return _numeric(cells, numbers, counted)
    if found := number_levels(cells, notation):
        return Guess(source, "ordinal", f"{counted}; ordered by the numbers in them", levels=found)
    if found := grade_levels(cells):
        return Guess(source, "ordinal", f"{counted}; order guessed: check it", levels=found)
    return _nominal(cells, f"{counted}; {_commonest(cells)}")


def _numeric(cells: Cells, numbers: Numbers, counted: str) -> Guess:
    values = numbers.counts
    if len(values) == 2 and not numbers.units:
        evidence = f"{counted}; {_commonest(cells)}; two numbers are levels"
        return _nominal(cells, evidence)
    low, middle, high = map(number_text, (min(values), numbers.median(), max(values)))
    evidence = f"{counted}; {low} to {high}, median {middle}"
    if numbers.unread:
        evidence += f"; {numbers.unread:,} cells are no numbers, such as {quote(numbers.example)}"
    if len(values) <= 10 and all(value == int(value) for value in values) and not numbers.units:
        evidence += f"; only {len(values)} whole numbers: nominal if they are codes"
    guess = Guess(cells.source, "numeric", evidence, unit=numbers.units)
    if codes := suspicious_codes(values):
        guess.remarks.append(codes)
    return guess


def _nominal(cells: Cells, evidence: str) -> Guess:
    guess = Guess(cells.source, "nominal", evidence)
    if cells.distinct_share >= NEARLY_UNIQUE and cells.rows >= MIN_UNIQUE:
        return guess.leave_out("its text differs in nearly every row: never a feature")
    if len(cells.known) > MAX_SPELLINGS:
        return guess
    levels = merge_spellings(cells.known)
    if len(levels) <= MAX_LEVELS and max(map(len, levels)) <= LONGEST_LEVEL:
        guess.levels = levels
    if len(levels) == 1:
        return guess.leave_out("constant but for its spelling")
    return guess


def _commonest(cells: Cells) -> str:
    shares = {text: percent(cells.known[text] / cells.rows) for text in cells.commonest(3)}
    return ", ".join(f"{quote(text)} {share}" for text, share in shares.items())

"""The outcome: its values, and which of them is bad."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from creditrisk.core.errors import InputError, nearest
from creditrisk.core.text import caseless, code_key
from creditrisk.workflow.draft.cells import Cells, by_count, percent, quote, tidy
from creditrisk.workflow.draft.keys import words_of
from creditrisk.workflow.draft.levels import merge_spellings

LISTED = 20  # values in an error
SHOWN = 8  # values in a comment
_NOT = re.compile(
    r"(^|[^a-z])(not|no|never|non|un|dis)[ _.-]*(fully[ _.-]*)?(paid|repaid|approved|good)"
)
_BAD = re.compile(
    r"default|bad|charged?[ _-]?off|loss|late|delinq|arrear|overdue|past due|written|write|npl|"
    r"non[ _-]?perform|declin|reject|denied|refus|bankrupt|foreclos|malo|schlecht|ausfall|^-$"
)
_GOOD = re.compile(r"good|paid|repaid|current|perform|^ok$|approv|accept|grant|bueno|gut|^\+$")
_BAD_NAME = re.compile(
    r"default|bad|delinq|dlq|npl|loss|charge_?d?_?off|arrear|overdue|(^|_)late(_|$)|ausfall|impago|"
    r"unpaid|write_?off|not_fully_paid|not_paid|bankrupt|denied|reject|deny|"
    r"(un|dis)(approv|accept|grant)"
)
_NEGATED = re.compile(r"(^|_)(no|not|non|never)_?(default|bad|delinq|late|loss)|_free(_|$)")
_GOOD_NAME = re.compile(r"paid|repaid|good|approv|accept|perform|creditworth|granted")
_TRUE = frozenset(["1", "true", "yes", "y", "t", "ja", "si", "oui"])
_FALSE = frozenset(["0", "false", "no", "n", "f", "nein", "non"])


@dataclass
class Given:
    """What a person said of the outcome: values of the target."""

    good: Sequence[str] = ()
    bad: Sequence[str] = ()
    exclude: Sequence[str] = ()


@dataclass
class TargetGuess:
    """The outcome column.

    Attributes:
        column: its name in the file.
        good: values, likewise `bad` and `exclude`.
        evidence: how good and bad were told apart, and what a person should look at; lines.
    """

    column: str
    good: list[str]
    bad: list[str]
    exclude: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)


def guess_target(cells: Cells, given: Given, file: str) -> TargetGuess:
    """Guess which values are bad, or take what a person said.

    Args:
        cells: the target column.
        given: the lists of a person.
        file: name of the applicants' file, for an error.

    Raises:
        InputError: the column does not have exactly two values and the lists are not complete; or a
            list has a value that the column does not have.
    """
    counts = _values(cells)
    if given.good or given.bad or given.exclude:
        return _as_given(cells, counts, given, file)
    if len(counts) != 2:
        raise _not_two(cells, counts, file)
    one, other = merge_spellings(counts)
    bad, why = guess_bad(cells.source, one, other, counts)
    guess = TargetGuess(cells.source, [other if bad == one else one], [bad])
    share = percent(counts[bad] / sum(counts.values()))
    guess.evidence = [f"bad: {quote(bad)}, {share} of the rows, {why}: check it"]
    return _with_missing(guess, cells, counts)


def _values(cells: Cells) -> dict[str, int]:
    """Count the values; spellings of one value are one. `-` is a value beside a single other."""
    counts = dict(cells.known)
    if len(merge_spellings(counts)) < 2 and len(merge_spellings(cells.null_words)) == 1:
        counts |= cells.null_words
    merged: dict[str, int] = {}
    spelling = {code_key(level): level for level in merge_spellings(counts)}
    for text, count in counts.items():
        level = spelling[code_key(text)]
        merged[level] = merged.get(level, 0) + count
    return merged


def rows_with(raw: pd.Series, values: Iterable[str]) -> pd.Series:
    """Tell which rows have one of these outcomes; Bool, shape (n,)."""
    keys = {code_key(value) for value in values}
    return raw.isin([text for text in raw.dropna().unique() if code_key(tidy(text)) in keys])


def guess_bad(name: str, one: str, other: str, counts: dict[str, int]) -> tuple[str, str]:
    """Guess which of two values is bad.

    Args:
        name: of the column.
        one: a value.
        other: the other value.
        counts: value to its number of rows.

    Returns:
        The value, and how it was found.
    """
    for value, rest in ((one, other), (other, one)):
        if is_bad_word(value) and not is_bad_word(rest):
            return value, "by its words"
    for value, rest in ((one, other), (other, one)):
        if is_good_word(value) and not is_good_word(rest):
            return rest, "because the other one is by its words good"
    true = next((v for v in (one, other) if _truth(v) is True), None)
    false = next((v for v in (one, other) if _truth(v) is False), None)
    words = words_of(name)
    if true is not None and false is not None:
        says_good = _NEGATED.search(words) or _GOOD_NAME.search(words)
        says_bad = _BAD_NAME.search(words) and not _NEGATED.search(words)
        # A name such as good_bad says both, and so nothing.
        if says_bad and (not says_good or not re.search(r"(^|_)good(_|$)", words)):
            return true, "because the column's name says what is true of it"
        if says_good and not says_bad:
            return false, "because the column's name says what is not true of it"
    rarer = min((one, other), key=lambda value: counts[value])
    return rarer, "guessed because it is the rarer one"


def is_bad_word(value: str) -> bool:
    """Whether a value says that the loan went bad."""
    folded = caseless(value)
    if _NOT.search(folded):
        return True
    return bool(_BAD.search(folded)) and not re.search(r"(no|not|non)[ _-]+(default|bad)", folded)


def is_good_word(value: str) -> bool:
    """Whether a value says that the loan was paid back."""
    folded = caseless(value)
    if re.search(r"(no|not|non)[ _-]+(default|bad)", folded):
        return True
    return bool(_GOOD.search(folded)) and not is_bad_word(value)


def _truth(value: str) -> bool | None:
    key = code_key(value)
    text = str(key.normalize()) if not isinstance(key, str) else key
    return True if text in _TRUE else False if text in _FALSE else None


def _as_given(cells: Cells, counts: dict[str, int], given: Given, file: str) -> TargetGuess:
    lists = {
        name: _find(getattr(given, name), counts, cells, name, file)
        for name in ("good", "bad", "exclude")
    }
    named = [value for values in lists.values() for value in values]
    rest = [value for value, _ in by_count(counts) if value not in named]
    for empty, full in (("good", "bad"), ("bad", "good")):
        if not lists[empty] and lists[full] and len(rest) == 1:
            lists[empty], rest = rest, []
    twice = next((value for value in named if named.count(value) > 1), None)
    if twice is not None:
        problem = f"the value {quote(twice)} is in two of good, bad and exclude"
        raise InputError(file, f"column {cells.source}", problem, "Name it once.", quotes_data=True)
    for name in ("good", "bad"):
        if not lists[name]:
            problem = f"no value is named {name}; these are in no list: {_listing(counts, rest)}"
            hint = f"Name them with --{name} A,B (make schema: {name.upper()}=A,B)."
            raise InputError(file, f"column {cells.source}", problem, hint, quotes_data=True)
    guess = TargetGuess(cells.source, **lists, evidence=["good and bad as you named them"])
    if rest:
        more = f" and {len(rest) - SHOWN} more" if len(rest) > SHOWN else ""
        shown = _listing(counts, rest[:SHOWN])
        guess.evidence.append(f"in no list, so rejected as invalid_target: {shown}{more}")
    return _with_missing(guess, cells, counts)


def _find(
    wanted: Iterable[str], counts: dict[str, int], cells: Cells, option: str, file: str
) -> list[str]:
    """Find values as the pipeline does: whatever their case, blanks, and notation of a number."""
    values = {code_key(value): value for value in counts}
    values |= {code_key(word): word for word in cells.null_words}
    found = []
    for one in wanted:
        value = values.get(code_key(one))
        if value is None:
            problem = f"no row has the value {quote(one)}, which --{option} names"
            hint = nearest(one, list(counts)[:LISTED])
            raise InputError(file, f"column {cells.source}", problem, hint, quotes_data=True)
        if value not in found:
            found.append(value)
    return found


def _not_two(cells: Cells, counts: dict[str, int], file: str) -> InputError:
    location = f"column {cells.source}"
    if len(counts) < 2:
        what = f"only the value {quote(next(iter(counts)))}" if counts else "no value"
        problem = f"the target has {what} ({cells.missing()})"
        hint = "It needs good and bad outcomes: name another column, or give another file."
        return InputError(file, location, problem, hint, quotes_data=True)
    shown = [value for value, _ in by_count(counts)][:LISTED]
    more = f" and {len(counts) - LISTED} more" if len(counts) > LISTED else ""
    problem = f"the target has {len(counts):,} values: {_listing(counts, shown)}{more}"
    hint = (
        "Say which is which, separated by commas: --good A,B --bad C --exclude D (make schema: "
        "GOOD=A,B BAD=C EXCLUDE=D); exclude is for outcomes that are not known yet."
    )
    return InputError(file, location, problem, hint, quotes_data=True)


def _listing(counts: dict[str, int], values: Iterable[str]) -> str:
    return ", ".join(f"{quote(value)} ({counts[value]:,})" for value in values) or "none"


def _with_missing(guess: TargetGuess, cells: Cells, counts: dict[str, int]) -> TargetGuess:
    listed = [*guess.good, *guess.bad, *guess.exclude]
    words = {word: n for word, n in cells.null_words.items() if word not in (*counts, *listed)}
    missing = cells.empty + sum(words.values())
    if missing:
        guess.evidence.append(f"{missing:,} rows have no outcome and will be rejected")
    return guess

"""Which columns are dates, how they are written, and which one is the date of the application."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product

from creditrisk.core.dates import has_short_year, read_date
from creditrisk.prepare.cells import DAY_FORMATS, MONTH_FORMATS, SHORT_FORMATS
from creditrisk.workflow.draft.cells import Cells, percent, share_of, tidy

MIN_SHARE = 0.95  # of the known cells that fit the format
SAMPLE = 40  # distinct texts that rule most formats out
YEARS = range(1900, 2100)
_TIMES = (
    " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M:%SZ", "T%H:%M:%S.%f", "T%H:%M:%S.%fZ",
    " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p", ":%H:%M:%S",
)  # fmt: skip
_SHORTER = ("%y-%b", "%y-%m-%d")  # only where nothing else fits
_FORMATS = (
    *DAY_FORMATS, *(day + time for time, day in product(_TIMES, DAY_FORMATS)),
    *MONTH_FORMATS, *SHORT_FORMATS,
    *(day + time for time, day in product(_TIMES[:2], SHORT_FORMATS[:2])), *_SHORTER,
)  # fmt: skip
# All digits: only of this length, since Python's parser would take shorter ones too.
_DIGITS = {8: "%Y%m%d", 6: "%Y%m"}
_COULD_BE = re.compile(r"(?=.*\d).{4,40}", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
# Names of the date of the application, the surest first.
_APPLICATION = (
    re.compile(r"appl"),
    re.compile(r"issue|orig|disburs|grant|fund|approv|decision|book|antrag|solicitud"),
    re.compile(r"start|open|begin|contract|loan|credit|snapshot|month|^date$|period|vintage"),
)
_NOT_APPLICATION = re.compile(
    r"birth|dob|born|gebur|last|next|end|matur|clos|earliest|first|paid|pymnt|payment|default|due|"
    r"expir|termin|charge"
)


@dataclass
class DateGuess:
    """How the dates of a column are written.

    Attributes:
        format: of Python's strptime.
        dates: text to date.
        counts: text to number of rows.
        other: another format that fits all of them as well; empty without one.
    """

    format: str
    dates: dict[str, date]
    counts: dict[str, int]
    other: str = ""

    def evidence(self) -> str:
        """Say how the dates are written and what they span."""
        days = self.dates.values()
        words = f"{min(days)} to {max(days)}"
        if self.other:
            words += f"; {self.other} fits them all as well: check which part is the day"
        if has_short_year(self.format):
            words += "; the year has two digits, the century is not known"
        return words

    def mean(self) -> float:
        """Return the average day, as a number."""
        rows = sum(self.counts[text] for text in self.dates)
        return sum(d.toordinal() * self.counts[text] for text, d in self.dates.items()) / rows


def guess_format(cells: Cells, day_first: bool) -> DateGuess | None:
    """Find the format that at least 95% of the known cells fit; None if they are no dates.

    Args:
        cells: the column.
        day_first: whether to take the day for the first number where both orders fit.
    """
    sample = cells.commonest(SAMPLE)
    if share_of(filter(_COULD_BE.fullmatch, sample), cells) < MIN_SHARE * share_of(sample, cells):
        return None
    best: list[tuple[float, str, dict[str, date]]] = []
    for form in _candidates(sample):
        if best and has_short_year(form) and not has_short_year(best[0][1]):
            break  # a format with the whole year fits
        if best and form in _SHORTER:
            break
        fitting = share_of((text for text in sample if _read(text, form)), cells)
        if fitting < 0.9 * share_of(sample, cells):
            continue
        dates = {text: d for text in cells.known if (d := _read(text, form)) is not None}
        share = share_of(dates, cells)
        if share >= MIN_SHARE:
            best.append((share, form, dates))
    if not best:
        return None
    most = max(share for share, _, _ in best)
    tied = [(form, dates) for share, form, dates in best if share == most]
    if len(tied) > 1:
        tied.sort(key=lambda one: _day_order(one[0], one[1], day_first))
    (form, dates), other = tied[0], tied[1][0] if len(tied) > 1 else ""
    return DateGuess(form, dates, cells.known, other)


def _candidates(sample: list[str]) -> tuple[str, ...]:
    if all(_NUMBER.fullmatch(text) for text in sample):
        lengths = {len(text) for text in sample}
        form = _DIGITS.get(lengths.pop()) if len(lengths) == 1 else None
        # With a point it may be a month and a year, but is far more often a number.
        return (form,) if form else ()
    return _FORMATS


def _read(text: str, form: str) -> date | None:
    if form in _DIGITS.values() and len(text) != (8 if "%d" in form else 6):
        return None
    found = read_date(text, form)
    return found if found is not None and found.year in YEARS else None


def _day_order(form: str, dates: dict[str, date], day_first: bool) -> tuple[bool, bool]:
    """Prefer the order in which every day is the first of a month, then the habit of the file."""
    is_monthly = len({d.day for d in dates.values()}) == 1
    starts_with_day = form.startswith("%d")
    return not is_monthly, starts_with_day != day_first


@dataclass(frozen=True)
class Application:
    """Which column is the date of the application, and how that was guessed."""

    source: str
    evidence: str
    is_sure: bool = True


def choose_application_date(dates: Mapping[str, DateGuess]) -> Application | None:
    """Choose the date of the application; None if no date can be it.

    Args:
        dates: by their columns' names in the file.
    """
    possible = {s: d for s, d in dates.items() if not _NOT_APPLICATION.search(_words(s))}
    for pattern in _APPLICATION:
        named = {s: d for s, d in possible.items() if pattern.search(_words(s))}
        if len(named) == 1:
            return Application(next(iter(named)), "the date of the application by its name")
        if named:
            return _latest(named, "several names would fit; this one is the latest on average")
    if len(possible) == 1:
        what = "it is the only date" if len(dates) == 1 else "no other date can be it by its name"
        return Application(next(iter(possible)), f"{what}: check it", is_sure=False)
    return _latest(possible, "the latest date on average") if possible else None


def _latest(dates: Mapping[str, DateGuess], why: str) -> Application:
    latest = max(dates, key=lambda source: dates[source].mean())
    return Application(latest, f"a guess, {why}: a person must check it", is_sure=False)


def _words(name: str) -> str:
    return re.sub(r"[^a-z]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def share_after(cells: Cells, dates: DateGuess, app_cells: Cells, application: DateGuess) -> str:
    """Return the share of the rows whose date is after the application, or "" if most are not."""
    rows = zip(cells.raw[:20_000], app_cells.raw[:20_000], strict=True)
    pairs = [(dates.dates.get(_key(a)), application.dates.get(_key(b))) for a, b in rows]
    known = [a > b for a, b in pairs if a is not None and b is not None]
    share = sum(known) / len(known) if known else 0.0
    return percent(share) if share > 0.5 else ""


def _key(text: object) -> str:
    return tidy(text) if isinstance(text, str) else ""

"""Dates in text: read by a format of Python's strptime, counted in months before another date."""

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# What each code of a format tells; others (week days, time zones, ...) say nothing about the day.
_YEAR, _MONTH, _DAY = ("%Y", "%y"), ("%m", "%b", "%B"), ("%d",)
_TIME = ("%H", "%I", "%M", "%S", "%f", "%p", "%j", "%%")
_CODE = re.compile(r"%.?", re.DOTALL)
_SAMPLE = date(2001, 11, 23)
DAYS_PER_MONTH = 31  # months of equal length would make a day of some months count for none


def format_fault(form: str) -> str | None:
    """Say why a text is no format of dates, or return None."""
    codes = _CODE.findall(form)
    unknown = [code for code in codes if code not in (*_YEAR, *_MONTH, *_DAY, *_TIME)]
    if unknown:
        return f"the format has {unknown[0]}, which tells no date; use codes such as %Y, %m and %d"
    has_month = any(code in codes for code in _MONTH) or "%j" in codes
    if not any(code in codes for code in _YEAR) or not has_month:
        return "the format needs a year (%Y) and a month (%m or %b)"
    try:
        datetime.strptime(_SAMPLE.strftime(form), form)
    except (ValueError, re.error):
        return "the format can't be read back, it may have a code twice"
    return None


def has_short_year(form: str) -> bool:
    """Whether the years of a format have two digits, so that the century is not known."""
    return "%y" in _CODE.findall(form)


def read_date(text: str, form: str) -> date | None:
    """Read a date, or return None if the text is not one: other format, no such day.

    Python's own parser decides. Without a day in the format, it is the first of the month.
    """
    try:
        return datetime.strptime(text, form).date()
    except ValueError:
        return None


def months_before(dates: Any, reference: Any) -> "np.ndarray":
    """Count the months from each date to a reference date.

    Calendar months, plus the difference of the days of the month as a share of 31: two dates on
    the same day of a month, or in a format without days, are a whole number of months apart.

    Args:
        dates: dates of Python or of numpy, missing ones as None or NaT; shape (n,).
        reference: the same, shape (n,).

    Returns:
        Float64, shape (n,): negative if a date is later than the reference, NaN if one is missing.
    """
    import numpy as np  # not above: a schema needs the formats only

    days, months, known = [], [], np.ones(len(dates), dtype=bool)
    for some in (reference, dates):
        whole = np.asarray(some, dtype="datetime64[D]")
        known &= ~np.isnat(whole)
        month = whole.astype("datetime64[M]")
        months.append(month.astype("int64"))
        days.append((whole - month.astype("datetime64[D]")).astype("int64"))
    with np.errstate(over="ignore"):  # of what stands for a missing date
        apart = (months[0] - months[1]) + (days[0] - days[1]) / DAYS_PER_MONTH
    return np.where(known, apart, np.nan)

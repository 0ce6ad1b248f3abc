"""Dates are read as Python's own parser reads them, and counted in calendar months."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.dates import format_fault, months_before, read_date

FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%b-%Y", "%d.%m.%Y", "%Y%m%d", "%d %B %Y", "%b-%y")


def python_reads(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()
    except ValueError:
        return None


def test_ten_thousand_random_dates_are_read_as_by_python():
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(10_000):
        written, form = rng.choice(FORMATS), str(rng.choice(FORMATS))
        day = date.fromordinal(int(rng.integers(date(1900, 1, 1).toordinal(), 770_000)))
        text = day.strftime(str(written))
        if rng.random() < 0.2:  # another digit somewhere: often no date, sometimes another one
            place = int(rng.integers(len(text)))
            text = text[:place] + str(rng.integers(10)) + text[place + 1 :]
        found = read_date(text, form)
        assert found == python_reads(text, form), (text, form)
        read += found is not None
    assert 1000 < read < 9000  # both kinds were tried


@pytest.mark.parametrize(
    "text", ["31.02.2015", "2015-02-10", "10.02.15", "00.01.2015", "", "10.02.2015 12:00"]
)
def test_what_does_not_fit_is_no_date(text):
    assert read_date(text, "%d.%m.%Y") is None


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("%d.%m.", "year"),
        ("%Y", "month"),
        ("%Q-%Y-%m", "%Q"),
        ("%A %Y-%m", "%A"),
        ("%Y-%Y-%m", "twice"),
    ],
)
def test_a_format_must_tell_a_month_of_a_year(form, words):
    assert words in str(format_fault(form))


def test_every_format_of_real_files_is_one():
    assert [format_fault(form) for form in (*FORMATS, "%Y-%m-%dT%H:%M:%S", "%Y-%j")] == [None] * 10


def months(day: str, reference: str) -> float:
    series = [pd.Series(pd.to_datetime([text])) for text in (day, reference)]
    return float(months_before(*series)[0])


def test_months_are_calendar_months_and_a_share_of_31_days():
    assert months("2014-03-01", "2015-03-01") == 12
    assert months("2015-01-31", "2015-02-28") == 1 - 3 / 31
    assert months("2015-03-01", "2015-01-01") == -2
    assert np.isnan(months(None, "2015-01-01"))


def test_a_later_day_is_always_fewer_months():
    days = pd.Series(pd.date_range("2011-12-15", "2016-03-02", freq="D"))
    reference = pd.Series([pd.Timestamp("2016-02-29")] * len(days))
    assert (np.diff(months_before(days, reference)) < 0).all()

"""Volume by day and silence."""

from datetime import date, timedelta

import numpy as np
import pytest

from creditrisk.monitor.flow import flow_summary, silence, unusual_days, volumes
from creditrisk.monitor.params import MonitorParams

PARAMS = MonitorParams()
START = date(2026, 1, 5)  # a Monday


def days(rows: list[int], weekends: bool = False) -> dict[str, int]:
    """Rows on the working days from START on."""
    found, day = {}, START
    for count in rows:
        while not weekends and day.weekday() > 4:
            day += timedelta(days=1)
        found[day.isoformat()] = count
        day += timedelta(days=1)
    return found


def unusual(rows_by_day: dict[str, int]) -> list[str]:
    return [day for day, _ in unusual_days(volumes(rows_by_day), PARAMS)]


@pytest.mark.parametrize("seed", range(5))
def test_a_usual_year_has_no_unusual_day(seed: int):
    rng = np.random.default_rng(seed)
    level = 60 * np.exp(rng.normal(0, 0.25, 250))
    assert unusual(days(rng.poisson(level).tolist())) == []


@pytest.mark.parametrize(("rows", "word"), [(6, "few"), (400, "many"), (0, "few")])
def test_a_day_out_of_the_usual(rows: int, word: str):
    given = days([50, 55, 48, 60, 52] * 6 + [rows])
    ((day, found),) = unusual_days(volumes(given), PARAMS)
    assert day == max(given)
    assert f"{rows:,} rows are {word}" in found.message


def test_a_day_without_a_row_counts_where_it_usually_has_some():
    given = days([50] * 30)
    gone = sorted(given)[25]
    del given[gone]
    assert unusual(given) == [gone]  # but no Saturday, on which nobody works


def test_nothing_is_said_before_there_is_a_history():
    assert unusual(days([50, 1, 500, 50, 50])) == []
    assert volumes({}) == []
    assert unusual_days(volumes({}), PARAMS) == []


def test_silence():
    days = ["2026-01-02", "2026-01-05"]
    assert silence(days, "2026-01-07", PARAMS) is None
    found = silence([*days, "2062-01-01"], "2026-01-08T06:00:00", PARAMS)  # a slip of the pen
    assert found is not None
    assert "for 3 days" in found.message
    assert silence(days, None, PARAMS) is None
    assert silence([], "2026-01-08", PARAMS) is None
    assert silence(["2026-02-01"], "2026-01-08", PARAMS) is None


def test_many_years_at_once_are_no_work_and_no_news():
    rng = np.random.default_rng(0)
    given = {f"{year}-03-01": 500 for year in range(1900, 2026)} | days(
        rng.poisson(50, 60).tolist()
    )
    assert len(volumes(given)) < 200
    assert unusual(given) == []


def test_quiet_weekends_are_not_unusual_before_they_are_known():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        rows = [100, 100, 100, 100, 100, 10, 10] * 5
        assert unusual(days(rng.poisson(rows).tolist(), weekends=True)) == []


def test_today_is_not_over_and_later_days_are_slips():
    given = days([50] * 30) | {"2066-01-01": 1}
    today = max(day for day in given if day < "2066")
    given[today] = 5
    assert unusual_days(volumes(given, f"{today}T05:17:00"), PARAMS) == []
    tomorrow = (date.fromisoformat(today) + timedelta(days=1)).isoformat()
    ((day, _),) = unusual_days(volumes(given, tomorrow), PARAMS)
    assert day == today
    summary = flow_summary(volumes(given, tomorrow), silent=False)
    assert (summary["last_day"], summary["rows_last_day"], summary["usual_rows"]) == (today, 5, 50)

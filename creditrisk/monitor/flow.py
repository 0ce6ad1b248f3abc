"""How many applicants come: by day, against what is usual on such a day, and how long none came."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy import stats

from creditrisk.monitor.judge import Occurrence
from creditrisk.monitor.params import MonitorParams

HISTORY = 56  # days before, that say what is usual
LONGEST = 731  # days that are looked at; a file may have the applications of many years
LEAST_DAYS = 10  # with rows, before a day is judged
DAYS = 10  # by which family_alpha is divided: a day is judged far more often than a window
LEAST_ALIKE = 4  # days of the same day of the week, to compare with these alone


@dataclass(frozen=True)
class Day:
    """The volume of one day.

    Attributes:
        day: ISO.
        rows: how many came.
        usual: the mean of the days before that are like it; None while there are too few.
        low: a day has few rows if it has fewer than this by a factor. While it is not known what is
            usual on such a day of the week, it is the fewest rows of any day.
        high: likewise.
        p: how often there are so few or so many rows on such a day; None likewise.
    """

    day: str
    rows: int
    usual: float | None
    low: float
    high: float
    p: float | None


def volumes(rows_by_day: Mapping[str, int], now: str | None = None) -> list[Day]:
    """Compare each day with the days before it.

    Days between the first and the last one count with 0 rows, where their day of the week usually
    has rows. The rows of a day follow a negative binomial distribution, fitted by the mean and
    variance of the days before (at least a Poisson one), so that a busy month is no alarm.

    Args:
        rows_by_day: ISO day to number of rows.
        now: the time of today (ISO): today is not over, and later days are slips; None if nobody
            says.
    """
    known = {
        date.fromisoformat(day): rows
        for day, rows in rows_by_day.items()
        if now is None or day < now[:10]
    }
    if not known:
        return []
    last = max(known)
    first = max(min(known), last - timedelta(days=LONGEST))
    found = []
    for day in (first + timedelta(days=i) for i in range((last - first).days + 1)):
        start = max(first, day - timedelta(days=HISTORY))
        before = [start + timedelta(days=i) for i in range((day - start).days)]
        alike = [known.get(d, 0) for d in before if d.weekday() == day.weekday()]
        if day not in known and (len(alike) < LEAST_ALIKE or not np.median(alike)):
            continue  # nobody works on such a day, or nobody knows yet
        usual = p = None
        low = high = 0.0
        active = [d for d in before if d in known]
        if len(active) >= LEAST_DAYS:
            by_weekday = len(alike) >= LEAST_ALIKE
            sample = alike if by_weekday else [known[d] for d in active]
            usual = float(np.mean(sample))
            low, high = (usual, usual) if by_weekday else (min(sample), max(sample))
            variation = _variation(active, known, by_weekday)
            p = _tail(known.get(day, 0), usual, len(sample), variation)
        found.append(Day(day.isoformat(), known.get(day, 0), usual, low, high, p))
    return found


def _variation(days: list[date], rows: Mapping[date, int], by_weekday: bool) -> float:
    """The squared coefficient of variation: of days of the same day of the week, or of all."""
    groups: dict[int, list[int]] = {}
    for day in days:
        groups.setdefault(day.weekday() if by_weekday else 0, []).append(rows[day])
    squares, freedom = 0.0, 0
    for alike in groups.values():
        squares += float((((np.array(alike) / np.mean(alike)) - 1) ** 2).sum())
        freedom += len(alike) - 1
    return squares / freedom if freedom else 1.0


def _tail(rows: int, mean: float, days: int, variation: float) -> float:
    mean = max(mean, 0.5)
    # The mean itself is an estimate from so many days.
    variance = max(variation * mean**2, mean) * (1 + 1 / days) + 1e-9
    r, share = mean**2 / (variance - mean), mean / variance
    law = stats.nbinom(r, share)
    return float(min(1.0, 2 * min(law.cdf(rows), law.sf(rows - 1))))


def unusual_days(days: list[Day], params: MonitorParams) -> list[tuple[str, Occurrence]]:
    """Return the days with far more or fewer rows than usual, each with what to say of it.

    Only the last `HISTORY` days are judged: what was long ago is nobody's business any more.
    """
    found = []
    latest = max((date.fromisoformat(day.day) for day in days), default=date.min)
    for day in days:
        if (latest - date.fromisoformat(day.day)).days > HISTORY:
            continue
        if day.p is None or day.usual is None or day.p > params.family_alpha / DAYS:
            continue
        few = day.rows + 0.5 <= (day.low + 0.5) / params.volume_factor
        if few or day.rows + 0.5 >= (day.high + 0.5) * params.volume_factor:
            words = "few" if few else "many"
            message = f"{day.day}: {day.rows:,} rows are {words}; usual are {day.usual:,.0f}"
            found.append((day.day, Occurrence("volume", "rows per day", message)))
    return found


def silence(days: Iterable[str], now: str | None, params: MonitorParams) -> Occurrence | None:
    """Say that no row came for too long.

    Args:
        days: with a row (ISO); those after `now` are slips.
        now: the day of today, or an ISO time; None if nobody says.
        params: the block `monitor`.
    """
    last = max((day for day in days if now is not None and day <= now[:10]), default=None)
    if last is None or now is None:
        return None
    gap = (date.fromisoformat(now[:10]) - date.fromisoformat(last)).days
    if gap < params.silence_days:
        return None
    message = f"no row since {last}, for {gap:,} days; after {params.silence_days} it is too quiet"
    return Occurrence("silence", "rows per day", message)


def flow_summary(days: list[Day], silent: bool) -> dict[str, Any]:
    """The content of `flow` in metrics/monitor.json; its figures are those of the last day."""
    last = days[-1] if days else None
    return {
        "days": len(days),
        "last_day": last.day if last else None,
        "rows_last_day": last.rows if last else None,
        "usual_rows": last.usual if last else None,
        "p": last.p if last else None,
        "silent": silent,
    }

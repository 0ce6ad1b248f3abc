"""The split into train and test, by applicant, for any order of the rows: at random or by time."""

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from creditrisk.core.errors import InputError

CLASSES = ((1, "bad"), (0, "good"))
ROWS_AT_ONCE = 1 << 16  # whose texts are held


@dataclass(frozen=True)
class TimeSplit:
    """An out-of-time split.

    Attributes:
        side: `train` or `test`, shape (n,).
        start: first day of the test rows.
        undated: number of rows without an application date; they are training rows unless the same
            applicant has a late row.
        early: number of test rows before the first day: those of applicants with a late row too.
    """

    side: np.ndarray
    start: date
    undated: int
    early: int


def split_by_time(
    dates: pd.Series,
    group: np.ndarray,
    bad: np.ndarray,
    test_size: float,
    start: date | None = None,
    source: str = "data.source",
) -> TimeSplit:
    """Assign the latest applicants to `test`, the others to `train`.

    An applicant's date is that of its latest row, so that no training row is later than the first
    day of the test rows. Applicants of one date stay on one side: the share of the test rows is as
    near to `test_size` as the dates allow.

    Args:
        dates: application dates, datetime64, shape (n,).
        group: number of each row's applicant, shape (n,).
        bad: outcome, 1 for a default, shape (n,).
        test_size: share of the applicants.
        start: first day of the test rows; None to choose it by `test_size`.
        source: name of the rows' file in errors.

    Raises:
        InputError: there is no date at which both parts would have applicants of both classes.
    """
    rows = pd.DataFrame({"group": group, "bad": bad, "date": dates.to_numpy()})
    applicants = rows.groupby("group").agg(bad=("bad", "max"), date=("date", "max"))
    known = applicants["date"].dropna()
    if start is not None:
        days = np.array([start], dtype="datetime64[us]")
    else:
        days = np.sort(known.unique())
    late = np.zeros(len(days))
    possible = np.ones(len(days), dtype=bool)
    for outcome, _ in CLASSES:
        here = applicants.loc[applicants["bad"] == outcome, "date"]
        dated = np.sort(here.dropna().to_numpy())
        late_here = len(dated) - np.searchsorted(dated, days, side="left")
        possible &= (late_here > 0) & (late_here < len(here))
        late += late_here
    if not possible.any():
        span = "no row has a date"
        if len(known):
            span = f"the dates are from {known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}"
        asked = f"from {start} on" if start is not None else "by time"
        problem = f"no test rows {asked} with both classes before and after ({span})"
        raise InputError(source, "split", problem, "Set another split.from, or split.by: random.")
    # Of days that are equally near, the first.
    distance = np.abs(late[possible] / len(applicants) - test_size)
    day = pd.Timestamp(days[possible][np.argmin(distance)])
    chosen = applicants.index[applicants["date"] >= day]
    side = np.where(np.isin(group, chosen), "test", "train")
    early = int(((side == "test") & (rows["date"] < day)).sum())
    return TimeSplit(side, day.date(), int(dates.isna().sum()), early)


def draw(content: pd.DataFrame, seed: int, bad: np.ndarray) -> np.ndarray:
    """Draw a number in [0, 1) per row that depends only on the seed and the row's content.

    Rows of the same content are strangers here, so each has a draw of its own: they are numbered,
    the good ones first, so that only rows that are equal in all respects can change places.

    Args:
        content: the cells that the number depends on, shape (n, d).
        seed: random seed.
        bad: outcome, shape (n,).

    Returns:
        Float64, shape (n,).
    """
    key = str(seed).encode()
    drawn = np.empty(len(content), dtype="uint64")
    for start in range(0, len(content), ROWS_AT_ONCE):
        part = content.iloc[start : start + ROWS_AT_ONCE]
        drawn[start : start + len(part)] = [_number(text, key) for text in _texts(part)]
    # Rows of the same content are among those of the same draw.
    again = np.flatnonzero(pd.Series(drawn).duplicated(keep=False))
    texts = pd.Series(_texts(content.iloc[again]), dtype="object")
    order = np.argsort(bad[again], kind="stable")
    copies = texts.iloc[order].groupby(texts.iloc[order]).cumcount().sort_index()
    for place, text, copy in zip(again, texts, copies, strict=True):
        if copy:
            drawn[place] = _number(f"{text}\x1e{copy}", key)
    return drawn.astype("float64") / 2.0**64


def _texts(content: pd.DataFrame) -> list[str]:
    """Write each row as one text."""
    cells = [content[name].astype("object").where(content[name].notna(), "") for name in content]
    return ["\x1f".join(map(str, row)) for row in zip(*cells, strict=True)]


def _number(text: str, key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest())


def split(
    content: pd.DataFrame,
    group: np.ndarray,
    bad: np.ndarray,
    test_size: float,
    seed: int,
    source: str = "data.source",
    left_out: int = 0,
    advice: str = "Declare an id column in the schema.",
) -> np.ndarray:
    """Assign each row to `train` or `test`.

    An applicant is bad if one of its rows is bad. In each class, the share `test_size` of the
    applicants with the lowest draws becomes the test rows (see `draw`). So the split of the same
    rows does not depend on their order or line numbers.

    Args:
        content: the cells that the draw depends on, shape (n, d).
        group: number of each row's applicant, shape (n,).
        bad: outcome, 1 for a default, shape (n,).
        test_size: share of the applicants of each class.
        seed: random seed.
        source: name of the rows' file in errors.
        left_out: number of rows that were rejected as copies, for an error.
        advice: what to do if very many rows count as copies, for an error.

    Returns:
        `train` or `test`, shape (n,).

    Raises:
        InputError: a class has fewer than two applicants.
    """
    rows = pd.DataFrame({"group": group, "bad": bad, "draw": draw(content, seed, bad)})
    applicants = rows.groupby("group").agg(
        bad=("bad", "max"), draw=("draw", "min"), rows=("draw", "size")
    )
    # The least of several draws is lower than one draw: without this, an applicant with many rows
    # would nearly always be a test applicant.
    several = -np.expm1(applicants["rows"] * np.log1p(-applicants["draw"]))
    applicants["draw"] = applicants["draw"].where(applicants["rows"] == 1, several)
    tested: list[int] = []
    for outcome, name in CLASSES:
        drawn = applicants.loc[applicants["bad"] == outcome, "draw"].sort_values()
        if len(drawn) < 2:
            problem = f"{len(drawn)} applicants of the class {name}"
            hint = "Both classes need at least two; check target.good and target.bad."
            merged = left_out + len(rows) - len(applicants)
            if merged >= len(applicants):
                problem += f" ({merged} rows count as copies of the {len(applicants)} applicants)"
                hint = advice
            raise InputError(source, "target", problem, hint)
        count = min(max(1, round(test_size * len(drawn))), len(drawn) - 1)
        tested.extend(drawn.index[:count])
    return np.where(np.isin(group, tested), "test", "train")

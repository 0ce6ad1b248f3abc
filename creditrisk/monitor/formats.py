"""Whether a batch is written in another way than what the champion was trained on.

A changed format is no drift: from the first batch on, the values mean something else or nothing.
What no reader could take (a column that is gone, another delimiter) has broken the batch before.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from creditrisk.champion.reference import Distribution
from creditrisk.core.dates import read_date
from creditrisk.core.text import normalise
from creditrisk.prepare.cells import (
    DAY_FORMATS,
    MONTH_FORMATS,
    NOTATIONS,
    SHORT_FORMATS,
    Notation,
    number_reader,
)
from creditrisk.schema import Column, Schema
from creditrisk.score.counts import UNREADABLE

LEAST = 3  # cells that are no one's mistake
LEAST_SHARE = 0.1  # of the cells that hold a text
EXPLAINED = 0.95  # of the unreadable cells, by another notation
UNREADABLE_SHARE = 0.5
USUAL_MISSING = 0.25  # in training: above it, unreadable cells are nothing new
FACTORS = (100.0, 0.01, 1000.0, 0.001)
FACTOR_ERROR = 0.35  # of the decimal logarithm of a ratio of medians
LEAST_NUMBERS, MANY_NUMBERS = 5, 20
INSIDE = 0.9
RARE = 1e-9  # a batch that is empty in a column as seldom as that by chance
NEAR_DAYS = 31  # between an application and its batch
SAME_DAYS, AGO_DAYS = 3, 20  # most come on the day, and are not all of them three weeks old

Texts = Mapping[str, pd.Series]


def changed_formats(
    texts: Texts,
    causes: Mapping[str, np.ndarray],
    schema: Schema,
    notation: Notation,
    variables: Mapping[str, Distribution],
    rows: int,
    day: str | None,
) -> dict[str, str]:
    """Find the columns that are written in another way.

    Args:
        texts: under the names of the source, n cells each.
        causes: why a cell has no value, by the schema's names, each of shape (n,).
        schema: the schema that the champion was trained with.
        notation: how numbers and missing values are written.
        variables: their distributions in training.
        rows: number of training rows.
        day: of the batch (ISO).

    Returns:
        The schema's name of a column to what is other than it was.
    """
    found = {}
    for source, column in schema.columns.items():
        if column.name not in causes:
            continue
        like = variables.get(column.name)
        words = _one(texts[source], causes[column.name], column, notation, like, rows)
        if not words and source == schema.application_date and day is not None:
            words = _swapped_days(texts[source], str(column.format), date.fromisoformat(day))
        if words:
            found[column.name] = words
    return found


def _one(
    texts: pd.Series,
    causes: np.ndarray,
    column: Column,
    notation: Notation,
    like: Distribution | None,
    rows: int,
) -> str:
    unreadable = np.isin(causes.astype(str), UNREADABLE)
    held = pd.isna(causes) | (causes == "special") | unreadable
    count, of = int(unreadable.sum()), int(held.sum())
    if not of and like is not None:
        share = (like.missing + 1) / (rows + 2)
        if share ** len(texts) < RARE:
            return f"no cell has a value; in training {like.missing / rows:.1%} had none"
    if column.kind == "numeric" and like is not None:
        words = _unit(texts[held], column, notation, like)
        if words:
            return words
    if count < LEAST or count < LEAST_SHARE * of:
        return ""
    counts = _distinct(texts[causes == "unparseable"])
    if column.kind == "numeric":
        for decimal, thousands in NOTATIONS:
            read = number_reader(Notation(decimal, thousands, frozenset()), column.unit)
            if (decimal, thousands) != (notation.decimal, notation.thousands) and _explains(
                read, counts, count
            ):
                return (
                    f"numbers are written with the decimal sign {decimal!r} and the thousands "
                    f"separator {thousands!r} now"
                )
    elif column.format is not None:
        for form in (*DAY_FORMATS, *MONTH_FORMATS, *SHORT_FORMATS):
            if form != column.format and _explains(partial(read_date, form=form), counts, count):
                return f"dates are written as {form!r} now, not as {column.format!r}"
    usual = like is not None and like.missing > USUAL_MISSING * rows
    if count >= UNREADABLE_SHARE * of and not usual:
        return f"{count:,} of {of:,} cells can't be read"
    return ""


def _explains(read: Callable[[str], object], counts: Mapping[str, int], count: int) -> bool:
    explained = sum(n for text, n in counts.items() if read(text) is not None)
    return explained >= EXPLAINED * count


def _distinct(texts: pd.Series) -> dict[str, int]:
    seen = texts.map(lambda text: " ".join(normalise(text).split()))
    return {str(text): int(count) for text, count in seen.value_counts().items()}


def _unit(texts: pd.Series, column: Column, notation: Notation, like: Distribution) -> str:
    """Whether numbers are a hundred or a thousand times as large, or as small."""
    if len(texts) < LEAST_NUMBERS or not like.quantiles or like.quantiles[1] <= 0:
        return ""
    low, middle, high = like.quantiles
    read = number_reader(notation, column.unit)
    counts = texts.value_counts()
    read_ones = [(read(str(text)), int(n)) for text, n in counts.items()]
    known = [(float(number), n) for number, n in read_ones if number is not None]
    if not known:
        return ""
    numbers = np.repeat(*map(np.array, zip(*known, strict=True)))
    numbers = numbers[numbers > 0]
    if len(numbers) < max(LEAST_NUMBERS, len(texts) / 2):
        return ""
    ratio = np.log10(np.median(numbers) / middle)
    outside = np.mean((numbers < low) | (numbers > high))
    for factor in FACTORS:
        inside = np.mean((numbers / factor >= low) & (numbers / factor <= high))
        near = abs(ratio - np.log10(factor)) < FACTOR_ERROR
        if near and inside >= INSIDE and (outside > 0.5 or len(numbers) >= MANY_NUMBERS):
            large = "large" if factor > 1 else "small"
            times = round(max(factor, 1 / factor))
            return f"numbers are about {times:,} times as {large} as in training: another unit"
    return ""


def _swapped_days(texts: pd.Series, form: str, day: date) -> str:
    """Whether day and month change places: all can be read, and are far from the batch's day."""
    if "%d" not in form or "%m" not in form:
        return ""
    other = form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
    away: list[int] = []  # days after the day of the batch
    swapped: list[int] = []
    for text, count in _distinct(texts.dropna()).items():
        own, turned = read_date(text, form), read_date(text, other)
        if own is not None and turned is not None and own != turned:
            away += [(own - day).days] * count
            swapped += [(turned - day).days] * count
    near = np.mean([-NEAR_DAYS <= days <= 1 for days in swapped]) if swapped else 0.0
    # Nobody applies after the batch, nor does a whole batch long before it; and of two readings, of
    # which one is the day of the batch and the other weeks before, the first one is right.
    odd = np.mean(
        [
            not -NEAR_DAYS <= own <= 1 or (abs(turned) <= SAME_DAYS and own < -AGO_DAYS)
            for own, turned in zip(away, swapped, strict=True)
        ]
        or [False]
    )
    if len(away) < LEAST or near < INSIDE or odd < INSIDE:
        return ""
    return f"day and month have changed places: dates are written as {other!r} now, not as {form!r}"

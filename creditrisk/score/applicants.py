"""Applicants from a program: named cells, as the texts that a CSV would hold."""

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.errors import nearest, shorten
from creditrisk.core.text import fold
from creditrisk.ingest.limits import MAX_CELL
from creditrisk.schema import Column, Schema

LONGEST = 1000  # characters of a name


class BadApplicant(Exception):
    """An applicant can't be read.

    Args:
        name: the cell; empty for the applicant as a whole.
        problem: what is wrong.
        hint: how to mend it.
    """

    def __init__(self, name: str, problem: str, hint: str):
        super().__init__(f"{name}: {problem}. {hint}")
        self.name, self.problem, self.hint = name, problem, hint


class Names:
    """Finds the columns of the schema under the names that an applicant has.

    These are the names of the source, or those of the schema, not a mixture: one name may be in
    both for different columns.

    Args:
        schema: the schema.
    """

    def __init__(self, schema: Schema):
        self.columns = schema.columns
        self._source = {fold(source): source for source in schema.columns}
        self._own = {fold(column.name): source for source, column in schema.columns.items()}
        self._target = fold(schema.target.column)
        # An applicant is one of many with the same names.
        self.find: Callable[[tuple[str, ...]], tuple[str, ...]] = lru_cache(256)(self._find)

    def _find(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the source's name of each column.

        Raises:
            BadApplicant: a name is unknown, stands twice, or is of the other kind.
        """
        folded: dict[str, None] = {}
        # The first that is wrong ends it: a request may have very many.
        for name in names:
            if len(name) > LONGEST:  # nobody means that
                raise self._unknown(name[:LONGEST], "")
            short = fold(name)
            if short not in self._source and short not in self._own:
                raise self._unknown(name, short)
            if short in folded:
                raise BadApplicant(name, "the name stands twice", "Remove one.")
            folded[short] = None
        for known in (self._source, self._own):
            if all(name in known for name in folded):
                return tuple(known[name] for name in folded)
        # A column under both of its names is a mixture, too.
        mixed = next(n for n, short in zip(names, folded, strict=True) if short not in self._source)
        hint = "Take all names from the source file, or all from the schema."
        raise BadApplicant(mixed, "the names are a mixture of two kinds", hint)

    def _unknown(self, name: str, short: str) -> BadApplicant:
        if short == self._target:
            hint = "Leave it out: nobody knows it of a new applicant."
            return BadApplicant(name, "this is the outcome", hint)
        known = [*self.columns, *(column.name for column in self.columns.values())]
        return BadApplicant(name, "unknown name", nearest(name[:200], known))


def texts_of(
    applicants: Sequence[Mapping[str, Any]], names: Names, text: Callable[[Any, Column], str | None]
) -> tuple[dict[str, np.ndarray], tuple[int, BadApplicant] | None]:
    """Turn applicants into the texts of the columns.

    Args:
        applicants: name of a cell to its value; a cell that is left out is empty.
        names: of the columns.
        text: turns a value into a text, or raises ValueError with what is wrong and how to mend it.

    Returns:
        The texts, under the names of the source; and the first applicant who can't be read, by
        position, with the reason, after which nothing is read.
    """
    texts = {source: np.full(len(applicants), None, dtype=object) for source in names.columns}
    for row, applicant in enumerate(applicants):
        keys = tuple(applicant)
        try:
            sources = names.find(keys)
        except BadApplicant as error:
            return texts, (row, error)
        for key, source in zip(keys, sources, strict=True):
            try:
                texts[source][row] = text(applicant[key], names.columns[source])
            except ValueError as error:
                return texts, (row, BadApplicant(key, *error.args))
    return texts, None


def python_text(decimal: str) -> Callable[[Any, Column], str | None]:
    """Make the function that writes a value of Python as the text of a cell.

    Args:
        decimal: the decimal sign of the texts.
    """

    def text(value: Any, column: Column) -> str | None:
        if isinstance(value, str):
            return checked(value)
        if value is None or value is pd.NaT or value is pd.NA:
            return None
        if isinstance(value, bool | np.bool_):
            raise ValueError(
                "a truth value", "Give the number or the text that the file would have."
            )
        if isinstance(value, numbers.Integral):
            return str(int(value))
        if isinstance(value, numbers.Real):
            number = float(value)
            if math.isnan(number):
                return None
            if math.isinf(number):
                raise ValueError("not a finite number", "Give None for a missing value.")
            return repr(number).replace(".", decimal)
        if isinstance(value, date) and column.format is not None:
            return value.strftime(column.format)
        hint = "Give a text, a number or None."
        raise ValueError(f"a {type(value).__name__} is no value of a cell", hint)

    return text


def checked(text: str) -> str:
    """Return a text that a file may hold.

    Raises:
        ValueError: it is too long, or has half of a character; what to do about it.
    """
    if len(text) > MAX_CELL:
        raise ValueError(f"more than {MAX_CELL:,} characters", "No value is as long as that.")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(f"not Unicode: {shorten(text)}", "Half of a character is no text.")
    return text

"""Parse text columns into typed values; an invalid cell becomes missing, and its cause is kept.

`read_cells` normalises the text of each cell (see `creditrisk.core.text`), so what parses a cell
(see `creditrisk.prepare.cells`) sees no characters without width, and one form of each letter.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from creditrisk.core.columns import APPLICATION_DATE, NO_CODE, SPECIAL
from creditrisk.core.dates import has_short_year, months_before
from creditrisk.core.distinct import FEW
from creditrisk.core.text import normalise
from creditrisk.prepare.cells import Cell, Notation, level_reader, plain_reader_of, reader_of
from creditrisk.schema import KEY_KINDS, Column, Schema, Target

# Why a cell holds no value; a special code stands in the place of a number and is known.
CAUSES = ("empty", "null_word", "unparseable", "out_of_domain", "special")
MISSING_CAUSES = CAUSES[:-1]
INDETERMINATE = "indeterminate"  # of an outcome
CAUSE_TYPE = pd.CategoricalDtype([*CAUSES, INDETERMINATE])  # a byte per cell
DATE_TYPE = "datetime64[us]"


class Columns(Protocol):
    """The columns of a frame, or of a file of which each is read when it is asked for."""

    def __getitem__(self, name: str, /) -> pd.Series: ...

    def __len__(self) -> int: ...


class WellFormed:
    """The columns of the well-formed rows, each cut out when it is asked for.

    Args:
        raw: all rows.
        is_formed: whether a row is well-formed, shape (n,).
    """

    def __init__(self, raw: Columns, is_formed: np.ndarray):
        self._raw = raw
        self._is_formed = None if is_formed.all() else is_formed
        self._rows = int(is_formed.sum())

    def __getitem__(self, name: str) -> pd.Series:
        column = self._raw[name]
        formed = column if self._is_formed is None else column[self._is_formed]
        return formed.reset_index(drop=True)

    def __len__(self) -> int:
        return self._rows


def read_cells(
    raw: pd.Series,
    read: Callable[[str], Cell],
    dtype: str = "object",
    plain: Callable[[pd.Series], pd.Series] | None = None,
) -> tuple[pd.Series, pd.Series]:
    """Parse a column; each distinct text is parsed once.

    Args:
        raw: text, shape (n,).
        read: parses the normalised text of one cell; it is not called for blank cells.
        dtype: type of the values.
        plain: reads at once the distinct texts that it can, see `cells.plain_reader_of`; `read` is
            called for those that it returns as missing.

    Returns:
        values: shape (n,), missing values as None or as the dtype's missing value.
        causes: shape (n,), categories: one of `CAUSES` for a missing value, else missing.
    """
    codes, originals = pd.factorize(raw)
    texts = pd.Series(originals)
    # The last place is that of the code -1, a cell without any text.
    known, left = None, np.arange(len(texts) + 1)
    if plain is not None and len(texts) > FEW and texts.dtype == "str":
        known = plain(texts).reindex(left)
        left = np.flatnonzero(known.isna())
    cells: list[Cell] = [read_text(text, read) for text in texts.iloc[left[:-1]]]
    cells.append((None, "empty"))
    # Convert before the values are laid out: there are fewer distinct values than rows.
    values = pd.Series(_objects(value for value, _ in cells)).astype(dtype)
    if known is not None:
        known = known.astype(dtype)
        known.iloc[left] = values.to_numpy()
        values = known
    of_text = np.full(len(texts) + 1, -1, dtype="int8")
    of_text[left] = pd.Categorical([cause for _, cause in cells], dtype=CAUSE_TYPE).codes
    causes = pd.Categorical.from_codes(of_text[codes], dtype=CAUSE_TYPE)
    return pd.Series(values.array.take(codes), index=raw.index), pd.Series(causes, index=raw.index)


def read_text(text: str, read: Callable[[str], Cell]) -> Cell:
    """Parse one cell; `read` is not called for a blank one."""
    normal = normalise(text)
    return read(normal) if normal.strip() else (None, "empty")


def read_texts(
    texts: Sequence[str | None] | np.ndarray, read: Callable[[str], Cell]
) -> tuple[np.ndarray, np.ndarray]:
    """Parse a column as `read_cells` does, from an array to arrays of objects, each shape (n,)."""
    if len(texts) <= FEW:
        cells = [(None, "empty") if text is None or text != text else read_text(text, read)
                 for text in texts]  # fmt: skip
        return _objects([value for value, _ in cells]), _objects([cause for _, cause in cells])
    places, distinct = pd.factorize(texts)
    cells = [*(read_text(text, read) for text in distinct), (None, "empty")]
    values, causes = zip(*cells, strict=True)
    return _objects(values)[places], _objects(causes)[places]  # -1: the last one


def _objects(items: Iterable[object]) -> np.ndarray:
    items = list(items)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def read_target(raw: pd.Series, target: Target, notation: Notation) -> pd.DataFrame:
    """Parse the outcome.

    Args:
        raw: text, shape (n,).
        target: the codes of the two classes, and of the outcomes that are not known yet.
        notation: how numbers are written in the source.

    Returns:
        `bad` (Int8): 1 for bad, 0 for good, missing if the text is of neither class; and
        `indeterminate` (bool): whether it is a code of `exclude`. Shape (n, 2).
    """
    read = level_reader([*target.good, *target.bad, *target.exclude], notation)
    outcome = {**dict.fromkeys(target.good, 0), **dict.fromkeys(target.bad, 1)}

    def cell(text: str) -> Cell:
        level = read(text)
        if level is None:
            return None, "out_of_domain"
        return (outcome[level], None) if level in outcome else (None, INDETERMINATE)

    values, causes = read_cells(raw, cell)
    return pd.DataFrame({"bad": values.astype("Int8"), "indeterminate": causes == INDETERMINATE})


def parse(raw: Columns, schema: Schema, notation: Notation) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Parse all columns of the schema except the target.

    Args:
        raw: text, under the column names of the source, shape (n, number of source columns).
        schema: the schema of the data set.
        notation: how numbers and missing values are written in the source.

    Returns:
        cells: values under the names of the schema, shape (n, d): first the ids and groups (text),
            then `application_date` (datetime64) if there is one, then the variables: float64 for
            numbers and for dates (months before the application), text for the others. A special
            code still is its number here.
        causes: of each column of the schema, one of `CAUSES` for a cell without a value, else None.
    """
    cells, causes = {}, {}
    ordered = sorted(
        schema.columns.items(),
        key=lambda item: (item[1].kind not in KEY_KINDS, item[0] != schema.application_date),
    )
    for source, column in ordered:
        read = reader_of(column, notation)
        is_application = source == schema.application_date
        name = APPLICATION_DATE if is_application else column.name
        cells[name], causes[column.name] = read_cells(
            raw[source], read, _dtype(column), plain_reader_of(column, notation)
        )
        if column.kind == "date" and not is_application:
            application = schema.columns[str(schema.application_date)].name
            cells[name], causes[name] = _age(
                cells[name], causes[name], cells[APPLICATION_DATE], causes[application], column
            )
    return pd.DataFrame(cells), pd.DataFrame(causes)


def _dtype(column: Column) -> str:
    return {"numeric": "float64", "date": DATE_TYPE}.get(column.kind, "str")


def _age(
    dates: pd.Series, own: pd.Series, application: pd.Series, of_application: pd.Series,
    column: Column,
) -> tuple[pd.Series, pd.Series]:  # fmt: skip
    months, causes = ages(dates, own.to_numpy(), application, of_application.to_numpy(), column)
    return pd.Series(months, index=own.index), pd.Series(causes, index=own.index, dtype=CAUSE_TYPE)


def ages(
    dates: Any, own: np.ndarray, application: Any, of_application: np.ndarray, column: Column
) -> tuple[np.ndarray, np.ndarray]:
    """Turn dates into months before the application.

    Without the date of the application, a date says nothing: it is missing for the same cause. With
    years of two digits, a date after the application may be of another century: it is no value.

    Args:
        dates: as for `months_before`.
        own: the causes of the dates.
        application: the dates of the application.
        of_application: their causes.
        column: what the schema says of the dates.

    Returns:
        The months and the causes, each of shape (n,).
    """
    months = months_before(dates, application)
    low = -math.inf if column.min is None else column.min
    high = math.inf if column.max is None else column.max
    outside = (months < low) | (months > high)
    if has_short_year(str(column.format)):
        outside |= months < 0
    causes = np.where(pd.notna(own), own, of_application)
    causes[outside] = "out_of_domain"
    return np.where(outside, np.nan, months), causes


def separate_specials(cells: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Move special codes out of the numeric variables, into their companions.

    Args:
        cells: with the variables, as `parse` returns them, shape (n, d).
        schema: the schema of the data set.

    Returns:
        The same columns, where a special code is no number any more; then a column of text for each
        variable with special codes (see `Schema.companions`), which has no missing cell.
    """
    separated = cells.copy(deep=False)
    companions: dict[str, pd.Series] = {}
    for companion, column in schema.companions.items():
        name = companion.removeprefix(SPECIAL)
        codes = special_codes(cells[name].to_numpy(), column)
        separated[name] = cells[name].where(codes == NO_CODE)
        companions[companion] = pd.Series(codes, index=cells.index, dtype="str")
    return pd.concat([separated, pd.DataFrame(companions)], axis=1) if companions else separated


def special_codes(numbers: np.ndarray, companion: Column) -> np.ndarray:
    """Return the special code of each number, `NO_CODE` for one that is a number; shape (n,)."""
    found = np.full(len(numbers), NO_CODE, dtype=object)
    for code in companion.levels or ():
        if code != NO_CODE:
            found[numbers == float(code)] = code
    return found

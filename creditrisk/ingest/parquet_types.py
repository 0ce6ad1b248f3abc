"""Which types of Parquet columns are read, and the text that a CSV would have for their values."""

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.dates import date_text
from creditrisk.ingest.rows import truth_words
from creditrisk.schema import Column

_DAY, _MOMENT = pa.date32(), pa.timestamp("us")
TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
NUMBER = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
TEMPORAL = (pa.types.is_date, pa.types.is_timestamp)
READ = (*TEXT, *NUMBER, pa.types.is_boolean, pa.types.is_null)
ARE_READ = "Write it as text or as a number: text, numbers, true and false are read."


def is_text(kind: pa.DataType) -> bool:
    """Whether a column is text, or a dictionary of text."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(check(kind) for check in TEXT)


def is_temporal(kind: pa.DataType) -> bool:
    """Whether a column holds dates or timestamps, or a dictionary of these."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(check(kind) for check in TEMPORAL)


def check_type(file: str, name: str, kind: pa.DataType, is_date: bool = False) -> None:
    """Refuse a column that no CSV could have.

    Text, numbers, true and false, columns without any value, and dictionaries of these are read.
    A list, struct, map, binary, time or duration is not: whatever text one would make of it, it is
    a guess. A date or a timestamp is one only where the schema says how dates are written.

    Args:
        file: names the file in an error.
        name: of the column.
        kind: its type.
        is_date: whether a date or a timestamp is read too.

    Raises:
        InputError: the column has another type.
    """
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not any(check(inner) for check in READ) and not (is_date and is_temporal(kind)):
        raise InputError(file, f"column {name}", f"of the type {kind}, which is not read", ARE_READ)


def as_text(
    column: pa.Array, decimal: str, contract: Column | None, form: str | None = None
) -> pa.Array:
    """Turn a column into text; null is an empty cell.

    Args:
        column: of a type that `check_type` lets pass.
        decimal: the decimal sign of the text.
        contract: of the column, None for a column that is not of the schema.
        form: how dates and timestamps are written, see `dates.date_text`.

    Returns:
        Text (large_string), or a dictionary of text for a dictionary: each distinct value is
        turned into text once. A text that is longer than a cell may be is cut off behind that.

    Raises:
        pa.ArrowInvalid: bytes that are not UTF-8.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = only_used(column)
        values = as_text(column.dictionary, decimal, contract, form)
        return pa.DictionaryArray.from_arrays(column.indices, values)
    if any(check(kind) for check in TEXT):
        column.validate(full=True)
        longest = pc.max(pc.utf8_length(column)).as_py() or 0
        if longest > limits.MAX_CELL:  # its row is malformed, so the rest of it is not needed
            column = pc.utf8_slice_codeunits(column, 0, limits.MAX_CELL + 1)
        return column.cast(pa.large_string())
    if is_temporal(kind):
        return _dates(column, form)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        texts = [None if v is None else str(v).replace(".", decimal) for v in column.to_pylist()]
    elif pa.types.is_boolean(kind):
        words = truth_words(contract)
        texts = [None if v is None else words[v] for v in column.to_pylist()]
    else:
        return column.cast(pa.large_string())
    return pa.array(texts, pa.large_string())


def _dates(column: pa.Array, form: str | None) -> pa.Array:
    """Write dates as text, each distinct one once; with a time zone, by the clocks in it."""
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = pc.local_timestamp(column)
    encoded = column.dictionary_encode()
    texts = [_date(value, form) for value in encoded.dictionary]
    return pa.array(texts, pa.large_string()).take(encoded.indices)


def _date(value: pa.Scalar, form: str | None) -> str:
    is_date = pa.types.is_date(value.type)
    # Python's dates have no nanoseconds; casts to a finer unit stay safe: they could overflow.
    is_safe = is_date or value.type.unit != "ns"
    try:
        moment = value.cast(_DAY if is_date else _MOMENT, safe=is_safe).as_py()
        return date_text(moment, form)
    except (ValueError, OverflowError):  # a year that Python's dates have not
        return str(value.cast(pa.string()).as_py())


def only_used(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """Drop the values of a dictionary that no row has; a batch may use few of them."""
    used = column.indices.unique().drop_null()
    return pa.DictionaryArray.from_arrays(
        pc.index_in(column.indices, used), column.dictionary.take(used)
    )


def lengths(texts: pa.Array) -> pa.Array:
    """Count the characters of each cell, 0 for an empty one."""
    if pa.types.is_dictionary(texts.type):
        counts = pc.utf8_length(texts.dictionary).take(texts.indices)
    else:
        counts = pc.utf8_length(texts)
    return pc.fill_null(counts, 0)


def to_series(texts: pa.Array, repeat: bool) -> pd.Series:
    """Turn a text column into one of pandas.

    Args:
        texts: text, or a dictionary of text.
        repeat: whether a dictionary becomes a text per row; otherwise it becomes categories.
    """
    if not pa.types.is_dictionary(texts.type):
        return pd.Series(texts.to_pandas(), dtype="str")
    values = texts.dictionary
    # Categories are distinct; a dictionary of Parquet need not be.
    are_distinct = not values.null_count and pc.count_distinct(values).as_py() == len(values)
    if repeat or not are_distinct:
        return pd.Series(values.take(texts.indices).to_pandas(), dtype="str")
    codes = texts.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    categories = pd.Index(values.to_pandas(), dtype="str")
    return pd.Series(pd.Categorical.from_codes(codes, categories))

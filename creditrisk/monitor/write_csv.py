"""Writes applicants as a CSV of the form that params.yaml describes, every cell as it was read."""

import csv
import io
from pathlib import Path

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.ingest.header import NONE, positions
from creditrisk.ingest.params import DataParams
from creditrisk.schema import Schema


def csv_bytes(frame: pd.DataFrame, schema: Schema, data: DataParams, path: Path) -> bytes:
    """Turn rows into a CSV of the form that params.yaml describes; every cell as it is.

    Args:
        frame: text, under the column names of the source, shape (n, d).
        schema: names the source's columns.
        data: how the file is written.
        path: its name, for an error.

    Raises:
        InputError: the encoding can't hold a text.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=data.delimiter, lineterminator="\n")
    if data.header == NONE:
        frame = in_positions(frame, schema)
    else:
        writer.writerow(frame.columns)
    cells = frame.astype(object).where(frame.notna(), "")
    writer.writerows(cells.itertuples(index=False, name=None))
    try:
        return text.getvalue().encode(data.encoding)
    except UnicodeEncodeError:
        raise _not_encodable(frame, data, path) from None


def in_positions(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Put columns that are named by their positions there; what is not in the frame is empty.

    A column whose name is no position, such as `row_id`, has no place.
    """
    names = (*schema.columns, schema.target.column, *frame.columns)
    last = max(int(name) for name in names if name.isdecimal())
    return frame.reindex(columns=positions(last))


def has_positions(schema: Schema) -> bool:
    """Whether the names of the source's columns are their positions."""
    names = (*schema.columns, schema.target.column)
    return all(name.isdecimal() and int(name) > 0 for name in names)


def _not_encodable(frame: pd.DataFrame, data: DataParams, path: Path) -> InputError:
    hint = "Set data.encoding in params.yaml to one that holds all texts, such as utf-8."
    for name in frame.columns:
        for row, cell in enumerate(frame[name], start=1):
            try:
                f"{name}{cell}".encode(data.encoding)
            except UnicodeEncodeError:
                problem = f"data.encoding {data.encoding} can't hold a text of the column {name}"
                return InputError(path, f"row {row}", problem, hint)
    return InputError(path, "file", f"data.encoding {data.encoding} can't hold its texts", hint)

"""The rows of a batch, as the ledger holds them: from texts of any origin."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.ingest.rows import ROW_ID
from creditrisk.monitor.batches import CELL
from creditrisk.prepare.cells import Notation, date_cell, text_cell
from creditrisk.prepare.parse import read_cells, read_target
from creditrisk.schema import Schema

ID, DAY, BAD, PD, MODEL = "id", "day", "bad", "pd", "model_sha256"


class Gathered:
    """Rows that come one by one, each with its cells or with what is wrong with it.

    Args:
        names: of the columns, as the source writes them.
        facts: names of what else is known of a row: its day, its id, ...
    """

    def __init__(self, names: Any, facts: tuple[str, ...]):
        self.cells: dict[str, list[str | None]] = {name: [] for name in names}
        self.facts: dict[str, list[Any]] = {name: [] for name in facts}
        self.malformed: list[str | None] = []

    def __len__(self) -> int:
        return len(self.malformed)

    def add(self, cells: Mapping[str, str | None], **facts: Any) -> None:
        """Add a row; what is not given of it is missing."""
        self._add(None, cells, facts)

    def reject(self, problem: str, **facts: Any) -> None:
        """Add a row that could not be read."""
        self._add(problem, {}, facts)

    def _add(
        self, problem: str | None, cells: Mapping[str, str | None], facts: Mapping[str, Any]
    ) -> None:
        self.malformed.append(problem)
        for name, column in self.cells.items():
            column.append(cells.get(name))
        for name, values in self.facts.items():
            values.append(facts.get(name))


def text_column(values: Any) -> pd.Series:
    """Return texts as a column of text, whatever held them; shape (n,)."""
    return pd.Series(values, dtype="str").reset_index(drop=True)


def ledger_rows(
    cells: Mapping[str, Any],
    malformed: Any,
    schema: Schema,
    notation: Notation,
    ids: Any = None,
    days: Any = None,
    outcomes: Any = None,
    **more: Any,
) -> pd.DataFrame:
    """Put the rows of a batch together.

    Args:
        cells: the texts of columns by their names in the source, each of shape (n,).
        malformed: what is wrong with each row, missing for one that can be read; shape (n,).
        schema: tells which of the columns is the id, and which one the date of the application.
        notation: how values are written.
        ids: of the rows, where the schema has no column of kind id; shape (n,).
        days: of the rows (ISO), where they are known without the date of the application.
        outcomes: texts of the target, where outcomes are known; shape (n,).
        more: further columns by their names in the ledger, each of shape (n,).

    Returns:
        The frame that `batches.write_batch` takes, shape (n, d).
    """
    faults = text_column(malformed)
    gap = pd.Series(np.nan, index=faults.index).astype("str")
    texts = {name: text_column(column) for name, column in cells.items()}
    key = id_column(schema)
    if key in texts:
        ids = texts[key]
    frame: dict[str, Any] = {
        ROW_ID: np.arange(1, len(faults) + 1, dtype=np.int64),
        "malformed": faults,
        ID: gap if ids is None else read_cells(text_column(ids), text_cell(notation), "str")[0],
        DAY: _days(texts, schema, notation, gap) if days is None else text_column(days),
    }
    if outcomes is not None:
        frame[BAD] = read_target(text_column(outcomes), schema.target, notation)[BAD]
    frame |= more
    frame |= {CELL + name: texts[name] for name in schema.columns if name in texts}
    return pd.DataFrame(frame)


def id_column(schema: Schema) -> str | None:
    """Return the source's name of the column of kind id, None if the schema has none."""
    return next((name for name, c in schema.columns.items() if c.kind == "id"), None)


def _days(
    texts: Mapping[str, pd.Series], schema: Schema, notation: Notation, gap: pd.Series
) -> pd.Series:
    """Return the days of the applications as ISO text, missing where they can't be read."""
    name = schema.application_date
    if name is None or name not in texts:
        return gap
    form = str(schema.columns[name].format)
    if "%d" not in form and "%j" not in form:
        return gap  # a month is no day
    found, _ = read_cells(texts[name], date_cell(form, notation))
    return text_column([None if day is None else day.isoformat() for day in found])

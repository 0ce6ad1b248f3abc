"""The applicants of the ledger whose outcomes are known by now, behind the rows to train on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from creditrisk.core.errors import InputError
from creditrisk.ingest.header import NONE as NO_HEADER
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_source
from creditrisk.monitor.batches import CELL, Batch, read_rows
from creditrisk.monitor.write_csv import csv_bytes, has_positions
from creditrisk.prepare.cells import Notation, reader_of
from creditrisk.prepare.parse import read_cells, read_target
from creditrisk.schema import Column, Schema

# The column, beside those of the schema, by which a later retraining knows which rows it has.
RECEIVED = "received_as"
_OURS = re.compile(r"-\d+-matured(-\d+)?$")


@dataclass(frozen=True)
class Matured:
    """Applicants of the ledger with their outcomes.

    Attributes:
        rows: `key` (the batch's hash and the row), `id` (text, may be missing), `day` (ISO text,
            may be missing), `bad` (Int8), and the source's columns as text; shape (n, 4 + d).
        waiting: number of readable applicants whose outcome is not known yet.
        repeated: number of rows that a later row with the same id replaces.
        absent: source column to number of the rows whose batch does not have it.
    """

    rows: pd.DataFrame
    waiting: int
    repeated: int
    absent: dict[str, int]


@dataclass(frozen=True)
class Training:
    """A new file to train on.

    Attributes:
        content: the CSV.
        rows: number of rows that were there before, and of those that are new.
        bad_rates: of both, None without a known outcome.
        matured: number of all rows in it that came from the ledger.
        known: number of matured rows that were there before.
        left_out: number of rows of the source that did not fit its header.
        days: the first and the last day of the new rows, empty if no day is known.
    """

    content: bytes
    rows: tuple[int, int]
    bad_rates: tuple[float | None, float | None]
    matured: int
    known: int
    left_out: int
    days: tuple[str, ...]


def matured(batches: Sequence[Batch], schema: Schema) -> Matured:
    """Collect the applicants whose outcomes are known.

    An outcome is a row's own, or comes by id from any batch; the last one that was received counts.
    Of several rows with one id the last counts.

    Args:
        batches: from `batches.known_batches`.
        schema: names the source's columns.
    """
    usable = [batch for batch in batches if batch.facts.kind != "broken"]
    outcomes = _outcomes(usable)
    held, absent, waiting = [], dict.fromkeys(schema.columns, 0), 0
    for batch in usable:
        if batch.facts.kind != "applicants":
            continue
        rows = _applicants(batch, schema)
        rows["bad"] = rows["id"].map(outcomes).astype("Int8").fillna(rows["bad"])
        waiting += int(rows["bad"].isna().sum())
        rows = rows[rows["bad"].notna()]
        for source in schema.columns:
            if source not in rows:
                absent[source] += len(rows)
        held.append(rows)
    columns = ["key", "id", "day", "bad", *schema.columns]
    if not held:
        return Matured(pd.DataFrame(columns=columns), waiting, 0, {})
    every = pd.concat(held, ignore_index=True).reindex(columns=columns)
    replaced = every["id"].notna() & every.duplicated("id", keep="last")
    kept = every[~replaced].reset_index(drop=True)
    return Matured(kept, waiting, int(replaced.sum()), {k: n for k, n in absent.items() if n})


def training_file(
    found: Matured, schema: Schema, data: DataParams, notation: Notation, least: int
) -> Training:
    """Write the rows of `data.source` and the matured ones behind them as one CSV.

    Args:
        found: the matured applicants.
        schema: the schema of the source.
        data: where the source is, and how the CSV is written.
        notation: how numbers are written.
        least: number of new rows below which it is not worth it.

    Raises:
        InputError: there are too few new rows, the source can't be read, or the encoding can't hold
            a text.
    """
    if data.header == NO_HEADER and not has_positions(schema):
        problem = "none, and the names of the schema's columns are no positions"
        raise InputError("params.yaml", "data.header", problem, "Set it to first.")
    key, target = _key_column(schema, data), schema.target.column
    before, left_out = _source(schema, data, key)
    new = _not_in(found.rows, before, schema, notation, key)
    if len(new) < max(1, least):
        problem = f"{len(new)} matured rows that {data.source} does not have, of {least} at least"
        hint = "Wait for more outcomes, or give --least."
        raise InputError("make retrain", "outcomes", problem, hint)
    codes = {0: schema.target.good[0], 1: schema.target.bad[0]}
    added = new[[*schema.columns]].assign(**{target: new["bad"].map(codes), key: new["key"]})
    frame = pd.concat([before, added], ignore_index=True)
    days = sorted(new["day"].dropna())
    bad = read_target(before[target], schema.target, notation)["bad"].dropna()
    name = Path(f"{data.source} with the matured rows")
    return Training(
        content=csv_bytes(frame, schema, data, name),
        rows=(len(before), len(new)),
        bad_rates=(float(bad.mean()) if len(bad) else None, float(new["bad"].mean())),
        matured=int((frame[key].fillna("") != "").sum()),
        known=len(found.rows) - len(new),
        left_out=left_out,
        days=(days[0], days[-1]) if days else (),
    )


def file_for(folder: Path, source: str, training: Training) -> Path:
    """Name the new file: one with other content keeps its name.

    Args:
        folder: where it goes.
        source: the file that it continues.
        training: its content.
    """
    stem = _OURS.sub("", Path(source).name.split(".")[0] or "data")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:80].strip("-_") or "data"
    name, number = f"{stem}-{training.matured}-matured", 1
    path = folder / f"{name}.csv"
    while path.exists() and not (path.is_file() and path.read_bytes() == training.content):
        number += 1
        path = folder / f"{name}-{number}.csv"
    return path


def _outcomes(batches: Sequence[Batch]) -> dict[str, int]:
    """The last outcome of each id."""
    found: dict[str, int] = {}
    for batch in batches:
        if {"id", "bad"} <= {*pq.read_schema(batch.path).names}:
            rows = read_rows(batch, ["id", "bad"]).dropna()
            found |= dict(zip(rows["id"], rows["bad"].astype(int), strict=True))
    return found


def _applicants(batch: Batch, schema: Schema) -> pd.DataFrame:
    """The readable rows of a batch, with the columns that it has of the source."""
    wanted = ["row_id", "malformed", "id", "day", "bad", *(CELL + name for name in schema.columns)]
    there = {*pq.read_schema(batch.path).names}
    rows = read_rows(batch, [name for name in wanted if name in there])
    rows = rows[rows["malformed"].isna()].drop(columns="malformed").reset_index(drop=True)
    rows = rows.rename(columns={CELL + name: name for name in schema.columns})
    texts = {
        name: rows[name] if name in rows else pd.Series(None, index=rows.index, dtype="str")
        for name in ("id", "day")
    }
    bad = rows["bad"] if "bad" in rows else pd.Series(pd.NA, index=rows.index)
    numbers = rows["row_id"].astype(str)
    return rows.drop(columns="row_id").assign(
        key=batch.facts.sha256[:12] + "-" + numbers,
        id=texts["id"],
        day=texts["day"].fillna(batch.facts.day) if batch.facts.day else texts["day"],
        bad=bad.astype("Int8"),
    )


def _key_column(schema: Schema, data: DataParams) -> str:
    names = [*schema.columns, schema.target.column]
    if data.header == NO_HEADER:
        return str(max(map(int, names)) + 1)
    name = RECEIVED
    while name in names:
        name += "_too"
    return name


def _source(schema: Schema, data: DataParams, key: str) -> tuple[pd.DataFrame, int]:
    """Read the rows of the source, and the keys of those that came from the ledger."""
    extract = read_source(data.source, data, schema)
    if key in extract.ignored:
        own = Column.model_construct(name=key, kind="id")
        wider = schema.model_copy(update={"columns": {**schema.columns, key: own}})
        extract = read_source(data.source, data, wider)
    formed = extract.frame["malformed"].isna()
    names = [*schema.columns, schema.target.column, key]
    frame = extract.frame[formed].reindex(columns=names).reset_index(drop=True)
    return frame, int((~formed).sum())


def _not_in(
    rows: pd.DataFrame, before: pd.DataFrame, schema: Schema, notation: Notation, key: str
) -> pd.DataFrame:
    """Keep the matured rows that the source does not have, by its ids or by our own keys."""
    old = rows["key"].isin(before[key].dropna())
    for source, column in schema.columns.items():
        if column.kind == "id" and len(rows):
            read = reader_of(column, notation)
            known = read_cells(before[source], read)[0].dropna()
            old |= read_cells(rows[source], read)[0].isin(known)
    return rows[~old].reset_index(drop=True)

"""The ledger of what has arrived: one Parquet file per batch, which holds its rows and its facts.

A batch counts once its file has its name: it is written under another one and renamed. So nothing
has to be kept in step with a separate list, whenever a run is killed.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from creditrisk.core.errors import InputError
from creditrisk.core.files import atomic_write, write_text

CELL = "cell."  # name prefix of the columns that hold the cells of the source
_FACTS = b"creditrisk"
_FILE = re.compile(r"(\d{6,})-.+\.parquet")
_AGAIN = "Move the file away, and run `python -m commands.receive` again."

Kind = Literal["applicants", "outcomes", "broken"]


class Facts(BaseModel):
    """What is known of a batch.

    Attributes:
        number: its place in the order of receipt, from 1.
        name: of the file that arrived, or `nats-STREAM-FIRST-LAST` for messages of a stream.
        sha256: of the bytes that arrived.
        kind: `applicants` to score (whose outcomes may be known too), `outcomes` of earlier
            applicants by id, or `broken`: nothing could be read.
        form: how it was written: `csv`, `json lines`, `parquet`, `excel`, `events`, `stream`.
        day: the day to which the batch belongs (ISO), from its name, else from the time of the
            file; None for messages, whose rows have days of their own.
        rows: number of rows that arrived, the unreadable ones included; 0 for a broken batch.
        rejected: how many of these do not fit the header.
        header: the names of the columns in the file, as they stand there.
        problem: why nothing could be read, for a broken batch.
        findings: sentences about a changed format which were seen while the file was read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    name: str
    sha256: str
    kind: Kind
    form: str
    day: str | None
    rows: int
    rejected: int
    header: list[str] = []
    problem: str | None = None
    findings: list[str] = []


class Batch(BaseModel):
    """A batch of the ledger: its file and its facts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    facts: Facts


def open_folder(folder: Path, words: str) -> None:
    """Make a folder of monitoring that Git ignores, so that DVC finds it also when it is empty.

    Args:
        folder: the folder.
        words: what is in it.
    """
    marker = folder / ".gitignore"
    if not marker.exists():
        write_text(f"# {words}\n*\n", marker)


def known_batches(folder: Path) -> list[Batch]:
    """List the batches in the order of receipt.

    Raises:
        InputError: a file is not what `write_batch` wrote.
    """
    found = []
    for path in sorted(folder.glob("*.parquet")):
        match = _FILE.fullmatch(path.name)
        try:
            facts = Facts.model_validate_json((pq.read_schema(path).metadata or {})[_FACTS])
        except (pa.ArrowInvalid, KeyError, ValueError) as error:
            problem = f"not a batch: {str(error).splitlines()[0]}"
            raise InputError(path, "file", problem, _AGAIN) from None
        if match is None or int(match[1]) != facts.number:
            raise InputError(path, "file", "its name is not that of its number", _AGAIN)
        found.append(Batch(path=path, facts=facts))
    return sorted(found, key=lambda batch: batch.facts.number)


def write_batch(folder: Path, facts: Facts, rows: pd.DataFrame) -> Path:
    """Write a batch: its file has its name once all of it is on the disk.

    Args:
        folder: of the ledger.
        facts: what is known of it.
        rows: shape (n, d); `row_id` (int64, from 1) and `malformed` (text, missing for a row that
            can be read); `id` (text) and `day` (ISO text), missing where unknown; `bad` (Int8) if
            outcomes are known; `pd` and `model_sha256` of the service's events; `message_id` of
            messages; and, with the prefix `cell.`, the source's columns as text.

    Returns:
        The path of the file.
    """
    path = folder / f"{facts.number:06d}-{_safe(facts.name)}.parquet"
    table = pa.Table.from_pandas(rows, preserve_index=False)
    table = table.replace_schema_metadata({_FACTS: facts.model_dump_json().encode()})
    with atomic_write(path, rows=len(rows)) as file:
        pq.write_table(table, file, compression="zstd")
    return path


def read_rows(batch: Batch, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """Read the rows of a batch, or some of their columns, as `write_batch` got them."""
    wanted = None if columns is None else list(columns)
    table = pq.read_table(batch.path, columns=wanted, use_threads=False)
    frame: pd.DataFrame = table.replace_schema_metadata({}).to_pandas(types_mapper=_types)
    return frame


def _types(arrow: Any) -> Any:
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow):
        return pd.StringDtype(na_value=float("nan"))
    return pd.Int8Dtype() if arrow == pa.int8() else None


def _safe(name: str) -> str:
    """A name that any disk takes: letters, digits, points and dashes, cut to 100 characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:100].strip(".") or "batch"

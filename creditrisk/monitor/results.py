"""What a batch was counted as, kept so that a run computes new batches only.

One Parquet file per batch: its scored rows, and its counts with the hashes of all that they come
from. A result whose hashes are not today's is made again.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from creditrisk.core.files import atomic_write
from creditrisk.monitor.batches import Batch, read_rows
from creditrisk.monitor.counts import Counted

_COUNTS = b"creditrisk"


class Key(BaseModel):
    """The hashes of all that a result comes from (SHA-256)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    reference: str
    batch: str
    notation: str


class Result(BaseModel):
    """The result of a batch: its hashes, its counts; the rows are in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Key
    counted: Counted


Count = Callable[[pd.DataFrame, Batch], tuple[Counted, pd.DataFrame]]


def results_of(
    batches: list[Batch], folder: Path, hashes: dict[str, str], count: Count
) -> tuple[dict[int, Counted], int]:
    """Return the counts of each batch; those that are not known are computed and kept.

    Args:
        batches: of kind `applicants`.
        folder: of the results.
        hashes: `code`, `reference`, `notation`.
        count: counts the rows of a batch.

    Returns:
        Number of the batch to its counts; and how many were computed.
    """
    found: dict[int, Counted] = {}
    computed = 0
    for batch in batches:
        number, path = batch.facts.number, result_path(folder, batch.facts.number)
        key = Key(batch=hashlib.sha256(batch.path.read_bytes()).hexdigest(), **hashes)
        kept = _read(path)
        if kept is None or kept.key != key:
            counted, rows = count(read_rows(batch), batch)
            kept = Result(key=key, counted=counted)
            _write(path, kept, rows)
            computed += 1
        found[number] = kept.counted
    for path in folder.glob("*.parquet"):
        if path.stem not in {f"{number:06d}" for number in found}:
            path.unlink()  # of a batch that is gone
    return found, computed


def result_path(folder: Path, number: int) -> Path:
    """The file with the result of a batch."""
    return folder / f"{number:06d}.parquet"


def scored_rows(folder: Path, numbers: list[int]) -> pd.DataFrame:
    """Read the scored rows of batches: `batch`, `id`, `day`, `bad`, `pd`, in order of receipt."""
    columns = ["id", "day", "bad", "pd"]
    parts = [
        pq.read_table(result_path(folder, number), columns=columns, use_threads=False)
        .replace_schema_metadata({})
        .append_column("batch", pa.array([number] * _rows(folder, number), pa.int64()))
        for number in numbers
    ]
    if not parts:
        types = {"id": "str", "day": "str", "bad": "Int8", "pd": "float64", "batch": "int64"}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    frame: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas()
    return frame.astype({"id": "str", "day": "str", "bad": "Int8"})


def _rows(folder: Path, number: int) -> int:
    return int(pq.read_metadata(result_path(folder, number)).num_rows)


def _read(path: Path) -> Result | None:
    """Read a result; None if there is none, or it is not what `_write` wrote."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        return Result.model_validate_json(metadata[_COUNTS])
    except (OSError, pa.ArrowInvalid, KeyError, ValidationError):
        return None  # it is made again


def _write(path: Path, result: Result, rows: pd.DataFrame) -> None:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    table = table.replace_schema_metadata({_COUNTS: result.model_dump_json().encode()})
    with atomic_write(path, rows=len(rows)) as file:
        pq.write_table(table, file, compression="zstd")

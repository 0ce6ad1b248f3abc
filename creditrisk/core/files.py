"""Files that stages read and write: whole or not at all, the same bytes each time."""

import json
import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from creditrisk.core.errors import InputError

_log = logging.getLogger(__name__)


def read_frame(path: str | Path) -> pd.DataFrame:
    """Read a Parquet file that an earlier stage wrote.

    Raises:
        InputError: the file is missing or not Parquet.
    """
    try:
        # Opened here, not by Arrow's own code, so that an audit hook sees the file; and without
        # Arrow's threads, which may still be starting when a stage ends early with an error.
        with open(path, "rb") as file:
            content = pa.BufferReader(file.read())
        frame = pd.read_parquet(content, use_threads=False, pre_buffer=False)
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except (pa.ArrowInvalid, OSError) as error:
        problem = f"not Parquet: {error}"
        raise InputError(path, "file", problem, "Run `dvc repro` to make it again.") from None
    _log.info("read %s", path, extra={"rows": len(frame)})
    return frame


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read a CSV file that an earlier stage wrote.

    Raises:
        InputError: the file is missing or not CSV.
    """
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except ValueError as error:
        problem = f"not CSV: {error}"
        raise InputError(path, "file", problem, "Run `dvc repro` to make it again.") from None
    _log.info("read %s", path, extra={"rows": len(frame)})
    return frame


def read_json(path: str | Path) -> Any:
    """Read a JSON file that an earlier stage wrote.

    Raises:
        InputError: the file is missing or not JSON.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except ValueError as error:
        problem = f"not JSON: {error}"
        raise InputError(path, "file", problem, "Run `dvc repro` to make it again.") from None
    _log.info("read %s", path)
    return content


@contextmanager
def atomic_write(path: str | Path, rows: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path` and rename it at the end.

    A run that fails leaves no partial output.

    Args:
        path: the file to write.
        rows: how many rows it gets, for the log.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        os.replace(part, path)
        _log.info("wrote %s", path, extra={} if rows is None else {"rows": rows})
    finally:
        part.unlink(missing_ok=True)


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as Parquet, without its index."""
    with atomic_write(path, rows=len(frame)) as part:
        frame.to_parquet(part, index=False)


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV, 10 significant digits, without its index."""
    with atomic_write(path, rows=len(frame)) as part:
        frame.to_csv(part, index=False, float_format="%.10g", lineterminator="\n")


def write_json(value: Any, path: str | Path) -> None:
    """Write JSON: keys in the order given, 10 significant digits, a NaN as null."""
    with atomic_write(path) as part:
        part.write_text(json.dumps(to_jsonable(value), indent=2) + "\n", encoding="utf-8")


def write_text(text: str, path: str | Path) -> None:
    """Write a text file as UTF-8."""
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")


def to_jsonable(value: Any) -> Any:
    """Turn NumPy scalars, pandas NA and tuples into what JSON knows; a NaN becomes None."""
    if isinstance(value, dict):
        return {str(to_jsonable(k)): to_jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonable(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    return value

"""The event files of the service: applicants as they were scored, see `creditrisk.serve.events`."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from creditrisk.core.text import fold
from creditrisk.ingest import limits
from creditrisk.ingest.source import open_source
from creditrisk.monitor.rows import DAY, ID, MODEL, PD, Gathered
from creditrisk.schema import Schema
from creditrisk.score.applicants import checked

_KEYS = ("time", "request_id", "row", "pd", "model_sha256")
_AGAIN = "Copy it again."


class _NoEvent(Exception):
    """A line is no event; says why, without a cell."""


def event_header(path: Path) -> list[str] | None:
    """Return the names of the applicant's cells in the first event; None if there is none."""
    for line in _lines(path):
        if not line.isspace():
            try:
                return list(_event(line)["row"])
            except _NoEvent:
                return None
    return None


def read_events(path: Path, schema: Schema) -> Gathered:
    """Read the events of a file, the first of which has all columns of the schema.

    Args:
        path: the file.
        schema: names the columns to keep.

    Returns:
        A row per line, with the facts `id` (the id of the request, and `:N` if it has several
        applicants), `day`, `pd` and `model_sha256`.

    Raises:
        InputError: the file can't be read.
    """
    rows = Gathered(schema.columns, (ID, DAY, PD, MODEL))
    known = {fold(name): name for name in schema.columns}
    seen: Counter[str] = Counter()
    for number, line in enumerate(_lines(path), start=1):
        if line.isspace():
            continue
        try:
            event = _event(line)
            request, of = event["request_id"], event.get("of", 1)
            seen[request] += 1
            rows.add(
                _cells(event["row"], known, schema.needed),
                id=request if of == 1 else f"{request}:{seen[request]}",
                day=_day(event["time"]),
                pd=_pd(event["pd"]),
                model_sha256=event["model_sha256"],
            )
        except _NoEvent as error:
            rows.reject(f"line {number}: {error}", pd=math.nan)
    return rows


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines; of one that is too long only the start, which is no JSON."""
    with open_source(path, _AGAIN) as stream:
        while line := stream.readline(limits.MAX_RECORD + 1):
            rest = line
            while len(rest) > limits.MAX_RECORD and not rest.endswith(b"\n"):
                rest = stream.readline(limits.MAX_RECORD + 1)
            yield line


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise _NoEvent("not a JSON object") from None
    if not isinstance(event, dict) or any(key not in event for key in _KEYS):
        raise _NoEvent(f"no event: it needs {', '.join(_KEYS)}")
    texts = (event["time"], event["request_id"], event["model_sha256"])
    if not isinstance(event["row"], dict) or not all(isinstance(text, str) for text in texts):
        raise _NoEvent("no event: a value is of another type")
    try:
        for text in texts:
            checked(text)
    except ValueError:
        raise _NoEvent("no event: a text is too long, or not Unicode") from None
    return event


def _cells(
    row: dict[str, Any], known: dict[str, str], needed: Iterable[str]
) -> dict[str, str | None]:
    cells: dict[str, str | None] = {}
    for key, value in row.items():
        name = known.get(fold(key))
        if name is None:
            continue
        if name in cells:
            raise _NoEvent(f"column {name} appears twice")
        if value is not None and not isinstance(value, str):
            raise _NoEvent(f"column {name} is no text")
        try:
            cells[name] = value if value is None else checked(value)
        except ValueError:
            raise _NoEvent(f"the cell of {name} is too long, or not Unicode") from None
    absent = next((name for name in needed if name not in cells), None)
    if absent is not None:
        raise _NoEvent(f"no column {absent}")
    return cells


def _day(time: str) -> str:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise _NoEvent("its time is none") from None
    if moment.tzinfo is None:
        return moment.date().isoformat()
    try:
        return moment.astimezone(UTC).date().isoformat()
    except OverflowError:
        raise _NoEvent("its time is none") from None


def _pd(value: Any) -> float:
    if value is None:  # an applicant whom the champion could not read
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _NoEvent("its PD is none")
    return float(value)

"""One arrived file: what kind of batch it is, how it is written, and its rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.core.escape import printable
from creditrisk.core.text import fold
from creditrisk.ingest import limits
from creditrisk.ingest.batches import Batches, read_batches
from creditrisk.ingest.header import find_columns
from creditrisk.ingest.params import DELIMITERS, DataParams
from creditrisk.ingest.rows import ROW_ID
from creditrisk.monitor.batches import Kind
from creditrisk.monitor.forms import CSV, EVENTS, form_in_words, looks_like_utf_8
from creditrisk.monitor.rows import ID, PD, id_column, ledger_rows
from creditrisk.monitor.served import event_header, read_events
from creditrisk.prepare.cells import Notation, squeeze
from creditrisk.prepare.parse import read_target
from creditrisk.schema import KEY_KINDS, Column, Schema

_BATCH_ROWS = 65_536
_SHOWN = 5  # names in a sentence
# The ids under which outcomes may come if the schema has no column of kind id.
_OTHER_IDS = (ROW_ID, "request_id", "message_id")
# A date in the name of a file, also before a time of day.
_DATED = re.compile(
    r"(?<!\d)((?:19|20|21)\d\d)([-_]?)(\d\d)\2(\d\d)(?=(?:\d{4}|\d{6})?(?!\d))", re.ASCII
)


@dataclass
class Arrival:
    """What was found in a file that arrived.

    Attributes:
        kind: as in `batches.Facts`, like `form`, `rejected`, `header`, `problem` and `findings`.
        rows: as `batches.write_batch` takes them; none for a broken batch.
    """

    kind: Kind
    form: str
    rows: pd.DataFrame
    header: list[str] = field(default_factory=list)
    problem: str | None = None
    findings: list[str] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """How many rows do not fit the header."""
        return int(self.rows["malformed"].notna().sum())


_ODD_LEAST, _ODD_SHARE = 3, 0.1  # outcomes of an unknown code: their number, and their share
_SETTING = re.compile(
    r"(?:Is this the right file\? If it is, )?[Ss]et data\.(\w+) in params\.yaml"
    r"(?: to ('[^']*'|[\w-]+))?.*$"
)


class _Broken(Exception):
    """A file is no batch of applicants and none of outcomes; says why."""


def read_arrival(path: Path, data: DataParams, schema: Schema, notation: Notation) -> Arrival:
    """Read a file that arrived.

    Args:
        path: the file: of a form that `read_batches` reads, or events of the service.
        data: how files are written.
        schema: of the applicants.
        notation: how values are written.

    Returns:
        The batch; one that can't be read is broken, with the reason, which quotes no cell.
    """
    form, header = form_in_words(path), list[str]()
    try:
        if not path.stat().st_size:
            raise _Broken("an empty file")
        names = event_header(path) if form != CSV else None
        if names is not None:
            form, header = EVENTS, names
            if not _has_all(header, schema.needed):
                raise _lacking(path, header, schema, data, form)
            return Arrival("applicants", form, _served(path, schema, notation), header)
        header = _header(path, data)
        if _has_all(header, schema.needed):
            known = _has_all(header, [schema.target.column])
            rows, header, odd = _applicants(path, data, schema, notation, known)
            findings = [*_findings(path, form, data), *odd]
            return Arrival("applicants", form, rows, header, findings=findings)
        key = _outcome_id(header, schema)
        if key is None:
            raise _lacking(path, header, schema, data, form)
        rows, header, odd = _outcomes(path, data, schema, notation, key)
        findings = [*_findings(path, form, data), *odd]
        return Arrival("outcomes", form, rows, header, findings=findings)
    except InputError as error:
        problem = _without_path(error, path)
    except _Broken as error:
        problem = str(error)
    nothing = ledger_rows({}, [], schema, notation)
    return Arrival("broken", form, nothing, header, problem)


def day_of(path: Path, modified: float) -> str:
    """Return the day of a file (ISO).

    Args:
        path: its name may hold a date: 2026-07-01, 20260701 or 2026_07_01.
        modified: seconds since 1970, for a name without one: their day in UTC.
    """
    for match in _DATED.finditer(path.name):
        try:
            return date(int(match[1]), int(match[3]), int(match[4])).isoformat()
        except ValueError:
            continue  # there is no such day
    return datetime.fromtimestamp(modified, UTC).date().isoformat()


def _header(path: Path, data: DataParams) -> list[str]:
    batches = read_batches(path, data, None, 1, any_suffix=True)
    try:
        next(batches, None)
    except InputError:  # of a name that is there twice, or of a row: when it is read in earnest
        if not batches.header:
            raise
    return list(batches.header)


def _has_all(header: Sequence[str], names: Sequence[str] | dict[str, Column]) -> bool:
    found = set(map(fold, header))
    return all(fold(name) in found for name in names)


def _outcome_id(header: Sequence[str], schema: Schema) -> str | None:
    """Return the id of a file of outcomes, as the schema or the file has it; None of another."""
    found = set(map(fold, header))
    features = [
        name
        for name, column in schema.columns.items()
        if column.kind not in KEY_KINDS and name != schema.application_date
    ]
    if fold(schema.target.column) not in found or any(fold(name) in found for name in features):
        return None
    key = id_column(schema)
    candidates = _OTHER_IDS if key is None else (key, schema.columns[key].name)
    return next((name for name in candidates if fold(name) in found), None)


def _applicants(
    path: Path, data: DataParams, schema: Schema, notation: Notation, with_outcomes: bool
) -> tuple[pd.DataFrame, list[str], list[str]]:
    target, wanted = schema.target.column, schema
    if with_outcomes:
        # As a column of new applicants, so that an own column `row_id` is kept too.
        wanted = _with(schema, schema.columns | {target: _text(target)})
    batches = read_batches(path, data, wanted, _BATCH_ROWS, any_suffix=True)
    raw = _together(path, batches)
    cells = {name: raw[name] for name in schema.columns if name in raw}
    rows = ledger_rows(
        cells, raw["malformed"], schema, notation, _own_ids(batches, raw), outcomes=raw.get(target)
    )
    return rows, list(batches.header), _odd_outcomes(raw.get(target), schema, notation)


def _outcomes(
    path: Path, data: DataParams, schema: Schema, notation: Notation, key: str
) -> tuple[pd.DataFrame, list[str], list[str]]:
    target = schema.target.column
    columns = {target: _text(target)}
    if key != ROW_ID:  # which is read without being asked for
        columns |= {key: Column.model_construct(name=key, kind="id")}
    batches = read_batches(path, data, _with(schema, columns), _BATCH_ROWS, any_suffix=True)
    raw = _together(path, batches)
    ids = _own_ids(batches, raw) if key == ROW_ID else raw[key]
    rows = ledger_rows({}, raw["malformed"], schema, notation, ids, outcomes=raw[target])
    return rows, list(batches.header), _odd_outcomes(raw[target], schema, notation)


def _odd_outcomes(texts: pd.Series | None, schema: Schema, notation: Notation) -> list[str]:
    """Say that outcomes are written as the schema does not know them, if that is no slip."""
    held = pd.Series(dtype="str") if texts is None else texts.dropna()
    held = held[~held.map(squeeze).isin({"", *notation.null_words})]
    read = read_target(held.reset_index(drop=True), schema.target, notation)
    odd = int((read["bad"].isna() & ~read["indeterminate"]).sum())
    if odd < _ODD_LEAST or odd < _ODD_SHARE * len(held):
        return []
    return [f"{odd:,} of {len(held):,} outcomes are no code of the schema's target"]


def _own_ids(batches: Batches, raw: pd.DataFrame) -> pd.Series | None:
    """Return the file's own column `row_id`, None if it has none."""
    return raw[ROW_ID] if ROW_ID in batches.columns else None


def _with(schema: Schema, columns: dict[str, Column]) -> Schema:
    return Schema.model_construct(
        name=schema.name, target=schema.target, application_date=None, columns=columns
    )


def _text(name: str) -> Column:
    return Column.model_construct(name=name, kind="nominal")


def _together(path: Path, batches: Batches) -> pd.DataFrame:
    """Read all rows as one frame of text; there may be none."""
    held: list[pd.DataFrame] = []
    size, most = 0, max(limits.TABLE_BYTES, limits.MAX_EXPANSION * path.stat().st_size)
    for batch in batches:
        categories = batch.select_dtypes("category").columns
        held.append(batch.astype(dict.fromkeys(categories, "str")))
        size += int(held[-1].memory_usage(index=False).sum())
        if size > most:
            raise _Broken(f"its text takes more than {most / 2**20:,.0f} MiB")
    if held:
        return pd.concat(held, ignore_index=True)
    return pd.DataFrame({name: [] for name in ("malformed", ROW_ID, *batches.columns)}, dtype="str")


def _served(path: Path, schema: Schema, notation: Notation) -> pd.DataFrame:
    events = read_events(path, schema)
    ids, days = events.facts.pop(ID), events.facts.pop("day")
    pds = pd.Series(events.facts.pop(PD), dtype="float64")
    more = {name: pd.Series(values, dtype="str") for name, values in events.facts.items()}
    return ledger_rows(
        events.cells, events.malformed, schema, notation, ids, days, **{PD: pds, **more}
    )


def _lacking(
    path: Path, header: Sequence[str], schema: Schema, data: DataParams, form: str
) -> InputError | _Broken:
    """Say what is wrong with a file that lacks a column of the schema."""
    place = "line 1" if form == CSV else "columns"
    found = set(map(fold, header))
    missing = [name for name in schema.needed if fold(name) not in found]
    if form == CSV and len(header) == 1 and (sign := _other_delimiter(header[0], schema, data)):
        signs = f"the columns stand between {sign!r}, not {data.delimiter!r}"
        return _Broken(f"{place}: {signs}: the delimiter has changed")
    if 2 * len(missing) > len(schema.needed):
        if fold(schema.target.column) in found:
            key = id_column(schema) or " or ".join(_OTHER_IDS)
            return _Broken(f"{place}: outcomes without the column {key}: nobody knows whose")
        # What stands there may be no header at all, so nothing of it is quoted.
        try:
            delimiter, names_from = (data.delimiter, data.header) if form == CSV else (None, "")
            find_columns(path, header, schema, delimiter, False, place, names_from)
        except InputError as error:
            return error
    known = {*map(fold, schema.columns), fold(schema.target.column), ROW_ID}
    unknown = [name for name in header if fold(name) and fold(name) not in known]
    renamed = f"; unknown to the schema: {_listed(unknown)} (renamed?)" if unknown else ""
    return _Broken(f"{place}: no column {_listed(missing)}{renamed}")


def _other_delimiter(line: str, schema: Schema, data: DataParams) -> str | None:
    """Return the sign at which a header falls into most columns of the schema."""
    for sign in DELIMITERS:
        names = {fold(cell.strip().strip('"')) for cell in line.split(sign)}
        hits = sum(fold(name) in names for name in schema.columns)
        if sign != data.delimiter and 2 * hits >= len(schema.columns):
            return sign
    return None


def _listed(names: Sequence[str]) -> str:
    shown = [" ".join(printable(name).split())[:60] for name in names[:_SHOWN]]
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(shown) + rest


def _findings(path: Path, form: str, data: DataParams) -> list[str]:
    if form == CSV and looks_like_utf_8(path, data.encoding):
        return [f"the text looks like UTF-8, and is read as {data.encoding} (data.encoding)"]
    return []


def _without_settings(text: str) -> str:
    """Say what is other than it was: a setting that fits this file would not fit those before."""
    found = _SETTING.search(text)
    if found is None:
        return text
    seems = f" It seems to be written with the {found[1]} {found[2]}." if found[2] else ""
    return f"{text[: found.start()].rstrip()}{seems}"


def _without_path(error: InputError, path: Path) -> str:
    """Return what an error says: neither where the file lies, nor a cell of it."""
    place = str(InputError(path, "file", "x", "")).removesuffix("file: x.")
    if error.for_log == str(error):
        return _without_settings(str(error).removeprefix(place))
    return f"it can't be read; to see why: python -m commands.score --input {_listed([path.name])}"

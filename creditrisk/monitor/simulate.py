"""Batches of applicants drawn from the default data, as they would arrive day by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.core.files import write_bytes
from creditrisk.ingest.header import NONE as NO_HEADER
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.rows import ROW_ID
from creditrisk.monitor.simulated_cells import COMMAND, Drift, moment_text, read_moment
from creditrisk.monitor.simulated_drift import drifted, other_delimiter, other_encoding
from creditrisk.monitor.write_csv import csv_bytes, has_positions
from creditrisk.prepare.cells import Notation
from creditrisk.schema import Schema

SEPARATE, WITHIN = "separate", "within"  # where the outcomes stand


@dataclass(frozen=True)
class Plan:
    """Which batches are made.

    Attributes:
        rows: per batch.
        batches: how many, one a day.
        start: the first day.
        first: the number of the first batch that drifts, from 1.
        seed: of all that is drawn.
        outcomes: None for none; `SEPARATE`, in a second file per batch; `WITHIN`, as a column.
    """

    rows: int = 200
    batches: int = 1
    start: date = date(2026, 1, 1)
    first: int = 1
    seed: int = 42
    outcomes: str | None = None


@dataclass(frozen=True)
class Made:
    """A file that was written, and what is in it."""

    path: Path
    rows: int
    words: str


def draw(
    raw: pd.DataFrame, schema: Schema, rows: int, day: date, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw applicants of one day, with replacement.

    Args:
        raw: text, under the column names of the source, shape (n, d).
        schema: the schema of the source.
        rows: how many.
        day: from which they get ids that no other day has.
        rng: draws.

    Returns:
        Shape (rows, d), with new ids in the columns of kind id. Where there is none, the first
        column is `row_id`. Who applied on some day did so on this one, and other dates are as much
        earlier as they were.

    Raises:
        InputError: there is no row, or a date would leave the calendar.
    """
    if raw.empty:
        hint = "Set data.source in params.yaml to a file with rows."
        raise InputError("data.source", "rows", "there is none to draw from", hint)
    drawn = raw.iloc[rng.integers(len(raw), size=rows)].reset_index(drop=True)
    number = pd.Series([f"{day:%Y%m%d}-{n:05}" for n in range(1, rows + 1)], dtype="str")
    ids = id_columns(schema)
    if not ids:
        drawn.insert(0, ROW_ID, number)
    return _at(drawn.assign(**dict.fromkeys(ids, number)), schema, day)


def _at(drawn: pd.DataFrame, schema: Schema, day: date) -> pd.DataFrame:
    """Move the dates of each row, so that the application falls on a day."""
    own = schema.application_date
    if own is None:
        return drawn
    forms = {name: c.format for name, c in schema.columns.items() if c.format is not None}
    before = [read_moment(text, forms[own]) for text in drawn[own]]
    moved = {}
    try:
        for name, form in forms.items():
            cells = drawn[name].to_numpy(dtype=object)
            for row, applied in enumerate(before):
                moment = read_moment(cells[row], form)
                if applied is not None and moment is not None:
                    cells[row] = moment_text(_moved(moment, form, applied, day), form)
            moved[name] = pd.Series(cells, index=drawn.index, dtype="str")
    except (OverflowError, ValueError):
        problem = f"{name} would leave the years 1 to 9999"
        raise InputError(COMMAND, "--start", problem, "Choose another day.") from None
    return drawn.assign(**moved)


def _moved(moment: datetime, form: str, applied: datetime, day: date) -> datetime:
    if "%d" in form or "%j" in form:
        return moment + (day - applied.date())
    # A format without days counts in months, which are not of one length.
    months = 12 * (day.year - applied.year) + day.month - applied.month
    years, month = divmod(moment.month - 1 + months, 12)
    return moment.replace(year=moment.year + years, month=month + 1)


def id_columns(schema: Schema) -> list[str]:
    """List the columns of kind id, by their names in the source."""
    return [name for name, column in schema.columns.items() if column.kind == "id"]


def write_batches(
    raw: pd.DataFrame,
    schema: Schema,
    data: DataParams,
    notation: Notation,
    drift: Drift,
    plan: Plan,
    folder: Path,
) -> Iterator[Made]:
    """Write the batches, one file a day; what drifts does so from `plan.first` on.

    The rows of a day depend on the seed and the day alone: with a drift they are those without it.

    Args:
        raw: the source's rows with their outcomes, text, shape (n, d).
        schema: the schema of the source.
        data: how files are written.
        notation: how numbers are written in them.
        drift: the change.
        plan: which batches.
        folder: for the files, `applicants-2026-01-01.csv` and so on.

    Yields:
        Each file once it is there.

    Raises:
        InputError: a file is there already (then none is written), a day is beyond the calendar,
            or the encoding can't hold a text.
    """
    _check_form(schema, data, drift, plan)
    days = _days(plan)
    paths = [folder / f"applicants-{day.isoformat()}.csv" for day in days]
    later = [folder / f"outcomes-{day.isoformat()}.csv" for day in days]
    for path in [*paths, *(later if plan.outcomes == SEPARATE else [])]:
        if path.exists() or path.is_symlink():
            hint = "Choose another --start or --output, or delete it."
            raise InputError(path, "file", "is there already", hint)
    target = schema.target.column
    for number, (day, path, own) in enumerate(zip(days, paths, later, strict=True), start=1):
        rng = np.random.default_rng([plan.seed, day.toordinal()])
        frame = draw(raw, schema, plan.rows, day, rng)
        here = drift if number >= plan.first else Drift()
        changed = drifted(frame, schema, notation, here, rng)
        if plan.outcomes != WITHIN:
            changed = changed.drop(columns=[target])
        write_bytes(csv_bytes(changed, schema, _written(data, here), path), path)
        yield Made(path, len(changed), here.words)
        if plan.outcomes == SEPARATE:
            known = frame[[*(id_columns(schema)[:1] or [ROW_ID]), target]]
            write_bytes(csv_bytes(known, schema, data, own), own)
            yield Made(own, len(known), f"their outcomes, {target}")


def _written(data: DataParams, drift: Drift) -> DataParams:
    changed = {"delimiter": other_delimiter(data), "encoding": other_encoding(data)}
    return data.model_copy(update={k: v for k, v in changed.items() if k == drift.kind})


def _days(plan: Plan) -> list[date]:
    try:
        return [plan.start + timedelta(days=n) for n in range(plan.batches)]
    except OverflowError:
        problem = f"{plan.batches} days from {plan.start} on go beyond the year 9999"
        hint = "Choose an earlier --start."
        raise InputError(COMMAND, "--start", problem, hint) from None


def _check_form(schema: Schema, data: DataParams, drift: Drift, plan: Plan) -> None:
    """Refuse what a file without a header can't say."""
    if data.header != NO_HEADER:
        return
    where, hint = "data.header", "Set it to first, or choose another kind."
    if not has_positions(schema):
        problem = "none, and the names of the schema's columns are no positions"
        raise InputError("params.yaml", where, problem, "Set it to first.")
    if drift.kind == "renamed-column":
        raise InputError("params.yaml", where, "none: there is no name to change", hint)
    if plan.outcomes == SEPARATE:
        hint = "Give --with-outcomes instead of --outcomes."
        raise InputError("params.yaml", where, "none: outcomes need names of columns", hint)

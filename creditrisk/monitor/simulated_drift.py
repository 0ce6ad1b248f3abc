"""Changes of arriving data, made on purpose to try alarms: what each is, and how it is applied."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd

from creditrisk.core.errors import InputError, nearest
from creditrisk.core.text import code_key, fold
from creditrisk.ingest.params import DataParams
from creditrisk.monitor.drift_kinds import FITTING, NONE
from creditrisk.monitor.simulated_cells import (
    COMMAND,
    Drift,
    change_of,
    exact_reader,
    other_sign,
    rounded,
    swapped_format,
)
from creditrisk.prepare.cells import Notation, reader_of
from creditrisk.prepare.parse import read_cells
from creditrisk.schema import KEY_KINDS, Column, Schema

SHARES = ("swap", "move", "missing", "new-level")  # whose size is a share of the rows
SIZES = {"scale": "1.5", "unit": "100", "swap": "1", "move": "0.2", "missing": "0.2",
         "new-level": "0.1"}  # fmt: skip
_MOST_PLACES = 10  # decimal places that are kept
_LARGEST = Decimal(10) ** 12  # a size beyond it is a slip


def plan_drift(
    raw: pd.DataFrame,
    schema: Schema,
    data: DataParams,
    notation: Notation,
    kind: str,
    column: str | None = None,
    size: Decimal | None = None,
) -> Drift:
    """Decide what a change does, from all rows of the source.

    Args:
        raw: text, under the column names of the source, shape (n, d).
        schema: the schema of the source.
        data: how the source is written.
        notation: how its numbers are written.
        kind: one of `KINDS`.
        column: the column that changes, by its name in the source or in the schema; None for the
            first that fits.
        size: see `Drift`; None for a usual one.

    Raises:
        InputError: the column is unknown or does not fit, or the size is impossible.
    """
    if kind not in FITTING:
        for option, given in (("--column", column), ("--size", size)):
            if given is not None:
                raise _wrong(option, f"{kind} has none", "Leave it out.")
        words = {"delimiter": f"cut at {other_delimiter(data)!r}", NONE: Drift.words}
        return Drift(kind, words=words.get(kind, f"written as {other_encoding(data)}"))
    sources = _columns(schema, kind, column)
    source, contract = sources[0], schema.columns[sources[0]]
    drift = Drift(kind, tuple(sources), _size(kind, size), words=f"{contract.name}: {kind}")
    if kind == "decimal":
        places = max(_numbers(raw, schema, notation, one)[1] for one in sources)
        sign = other_sign(data.decimal)
        # In whole numbers nobody would see the sign.
        return replace(drift, places=places or 2, words=f"numbers with the decimal sign {sign!r}")
    if contract.kind == "numeric" and kind in ("shift", "scale", "unit"):
        return _of_numbers(drift, _numbers(raw, schema, notation, source), size, contract)
    if kind == "shift":
        days = Decimal(365) if size is None else drift.size
        if days != days.to_integral_value():
            raise _wrong("--size", f"{days} is no number of days", "Give a whole one.")
        return replace(drift, size=days, words=f"{contract.name} {days:+f} days")
    if kind in ("swap", "move", "new-level"):
        values = read_cells(raw[source], reader_of(contract, notation))[0]
        return _of_levels(drift, values, contract)
    words = {
        "missing": f"{contract.name} is empty",
        "renamed-column": f"the column {source} is called {_new_name(source, schema)}",
        "missing-column": f"no column {source}",
        "date-order": f"{contract.name} written as {swapped_format(contract.format or '')}",
    }
    return replace(drift, words=words[kind])


def drifted(
    frame: pd.DataFrame, schema: Schema, notation: Notation, drift: Drift, rng: np.random.Generator
) -> pd.DataFrame:
    """Change the rows of a batch.

    Args:
        frame: text, under the column names of the source, shape (n, d).
        schema: the schema of the source.
        notation: how numbers are written in it.
        drift: from `plan_drift`.
        rng: draws the rows, where not all change.

    Returns:
        A new frame: other cells, or one column renamed or gone.

    Raises:
        InputError: a date would leave the years 1 to 9999.
    """
    changed = frame.copy()
    if drift.kind == "renamed-column":
        return changed.rename(columns={drift.columns[0]: _new_name(drift.columns[0], schema)})
    if drift.kind == "missing-column":
        return changed.drop(columns=[drift.columns[0]])
    for source in drift.columns:
        change = change_of(schema.columns[source], notation, drift)
        cells = frame[source].to_numpy(dtype=object)
        rows = _some(len(cells), drift, rng)
        cells[rows] = [change(text) for text in cells[rows]]
        changed[source] = pd.Series(cells, index=frame.index, dtype="str")
    return changed


def other_delimiter(data: DataParams) -> str:
    """Return a delimiter that the files do not have."""
    return ";" if data.delimiter != ";" else ","


def other_encoding(data: DataParams) -> str:
    """Return an encoding whose bytes differ from the usual ones, even if all text is ASCII."""
    return "utf-8" if data.encoding.lower().replace("_", "-").startswith("utf-16") else "utf-16"


def _columns(schema: Schema, kind: str, column: str | None) -> list[str]:
    """The columns that change, by their names in the source."""
    known = {name: c for name, c in schema.columns.items() if c.kind not in KEY_KINDS}
    fitting = [
        name
        for wanted in FITTING[kind]
        for name, c in known.items()
        if c.kind == wanted and (kind != "date-order" or swapped_format(c.format or "") != c.format)
    ]
    if kind in ("missing", "renamed-column", "missing-column"):  # any column: in their own order
        fitting = [name for name in known if name != schema.application_date]
    if column is None:
        if not fitting:
            what = "dates with a day and a month" if kind == "date-order" else FITTING[kind][0]
            raise _wrong("--kind", f"{kind} needs a column: {what}", "Choose another kind.")
        return fitting if kind == "decimal" else fitting[:1]
    names = {fold(c.name): name for name, c in known.items()} | {fold(n): n for n in known}
    found = names.get(fold(column))
    if found is None:
        raise _wrong("--column", f"there is no {column}", nearest(column, _both(known, known)))
    if found not in fitting and found != schema.application_date:
        problem = f"{column} is {known[found].kind}, which is nothing for {kind}"
        raise _wrong("--column", problem, nearest(column, _both(known, fitting)))
    return [found]


def _both(known: dict[str, Column], names: list[str] | dict[str, Column]) -> list[str]:
    return list(dict.fromkeys(one for name in names for one in (known[name].name, name)))


def _size(kind: str, size: Decimal | None) -> Decimal:
    if size is None:
        return Decimal(SIZES.get(kind, "1"))
    if kind not in (*SIZES, "shift"):
        raise _wrong("--size", f"{kind} has none", "Leave it out.")
    if not size.is_finite() or abs(size) > _LARGEST or size == 0:
        raise _wrong("--size", f"{size} is not possible", "Give a number that is not 0.")
    if kind in SHARES and not 0 < size <= 1:
        raise _wrong("--size", f"{size} is no share of the rows", "Give one above 0, up to 1.")
    if kind in ("scale", "unit") and size < 0:
        raise _wrong("--size", f"{size} is no factor", "Give one above 0.")
    return size


def _of_numbers(
    drift: Drift, found: tuple[np.ndarray, int], size: Decimal | None, column: Column
) -> Drift:
    values, places = found
    places = 0 if column.integer else places
    if drift.kind != "shift":
        return replace(drift, places=places, words=f"{column.name} x {drift.size:f}")
    step = drift.size
    if size is None:  # a standard deviation is a shift that anybody would see
        spread = float(np.std(values)) if len(values) else 0.0
        step = rounded(Decimal(repr(spread)), places) or Decimal(1).scaleb(-places)
    return replace(drift, places=places, size=step, words=f"{column.name} {step:+f}")


def _numbers(
    raw: pd.DataFrame, schema: Schema, notation: Notation, source: str
) -> tuple[np.ndarray, int]:
    """The numbers of a column, shape (n,), and their decimal places at most."""
    read = exact_reader(schema.columns[source], notation)
    counts = raw[source].value_counts()
    found = [(number, n) for text, n in counts.items() if (number := read(text)) is not None]
    places = [-int(number.normalize().as_tuple().exponent) for number, _ in found]
    values = np.repeat([float(number) for number, _ in found], [n for _, n in found])
    return values, min(_MOST_PLACES, max([0, *places]))


def _of_levels(drift: Drift, values: pd.Series, column: Column) -> Drift:
    seen = values.value_counts()
    # Of equally frequent levels the first by name, whatever the order of the rows.
    order = sorted(seen.index, key=lambda level: (-seen[level], level))
    if drift.kind == "new-level":
        new = _new_level([*order, *(column.levels or ())])
        return replace(drift, levels=(new,), words=f"{column.name}: the new level {new}")
    if len(order) < 2:
        raise _wrong("--column", f"{column.name} has a single level", "Choose another column.")
    if drift.kind == "swap":
        words = f"{column.name}: {order[0]} and {order[-1]} swapped"
        return replace(drift, levels=(order[0], order[-1]), words=words)
    return replace(drift, levels=(order[-1],), words=f"{column.name}: moved to {order[-1]}")


def _new_level(known: list[str]) -> str:
    keys = [code_key(level) for level in known]
    numbers = [key for key in keys if isinstance(key, Decimal)]
    if numbers and len(numbers) == len(keys):
        return f"{max(numbers).to_integral_value() + 1:f}"
    name = "new level"
    while fold(name) in keys:
        name += " too"
    return name


def _new_name(source: str, schema: Schema) -> str:
    taken = {fold(name) for name in (*schema.columns, schema.target.column)}
    name = f"{source}_new"
    while fold(name) in taken:
        name += "_new"
    return name


def _some(rows: int, drift: Drift, rng: np.random.Generator) -> np.ndarray:
    """Draw the rows that change: all, or a share of them, but at least one."""
    if drift.kind not in SHARES or drift.size == 1:
        return np.arange(rows)
    count = max(1, round(float(drift.size) * rows))
    return np.sort(rng.choice(rows, min(count, rows), replace=False))


def _wrong(option: str, problem: str, hint: str) -> InputError:
    return InputError(COMMAND, option, problem, hint)

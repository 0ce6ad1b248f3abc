"""A seeded generator of dirty extracts: clean cells in; a dirty CSV and the truth about it out."""

import csv
import io
import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from creditrisk.prepare.duplicates import least_cells
from creditrisk.schema import Schema
from tests.support.defects import (
    DEFECTS,
    ERASING,
    HARMLESS,
    PLAIN,
    Cell,
    Style,
    Value,
    damage,
    pick,
    plain,
)

EXTRA_NAMES = ("comment", "Unnamed: 0", "", "comment", "x;y,z", "a\nb")
EXTRA_CELLS = (
    "",
    "a, b; c",
    "two\nlines",
    "cr\r\nlf",
    'say "hi"',
    "Müller",
    "?",
    "\t",
    "1",
    "\n\n",
)
NO_TARGETS = ("", " ", "?", "N/A", "7", "good or bad", "0.5", "01x")


@dataclass(frozen=True)
class Rates:
    """How much is hit: shares of the cells or rows, and numbers of copies."""

    cells: float = 0.03
    kinds: tuple[str, ...] = tuple(DEFECTS)
    moves: bool = True  # may a number land elsewhere in its domain, unnoticed
    twins: int = 0
    twin_gaps: int = 3  # cells erased in each of a pair, at most
    duplicates: int = 0
    conflicts: float = 0.0  # of the copies: they bear the other outcome
    invalid_target: float = 0.0
    ragged: float = 0.0
    blank_lines: float = 0.0


@dataclass
class Row:
    """A row of the dirty file: the clean row it tells of, its cells, its outcome and its faults."""

    origin: int
    cells: dict[str, Cell]
    bad: int | None
    copy: str = ""  # twin or duplicate
    ragged: int = 0
    line: int = 0


@dataclass
class Dirty:
    """A dirty file and the truth; frames are indexed by `row_id`, columns by our names.

    Attributes:
        data: the file.
        style: how it is written.
        rows: `origin`, `copy`, `line`, `malformed`, `bad` (missing where the target is invalid).
        true: what each cell was before it was hit.
        expected: what must be read from each cell, None where it is missing.
        causes: why a cell is missing, None where it is not.
        kinds: the defect of each cell, None for a plain one.
        pairs: {(copy, original), ...} by row_id, both well-formed with a valid target.
        ignored: names of the extra columns.
        blank_lines: number of lines without text.
    """

    data: bytes
    style: Style
    rows: pd.DataFrame
    true: pd.DataFrame
    expected: pd.DataFrame
    causes: pd.DataFrame
    kinds: pd.DataFrame
    pairs: set[tuple[int, int]]
    ignored: list[str] = field(default_factory=list)
    blank_lines: int = 0


def make_dirty(
    clean: pd.DataFrame, schema: Schema, seed: int, rates: Rates, style: Style = PLAIN
) -> Dirty:
    """Make a clean table dirty.

    Args:
        clean: values under the source names, target included: floats for numeric columns, levels as
            the schema spells them for the others; nothing missing.
        schema: the contract of its columns.
        seed: what every draw hangs on.
    """
    rng = np.random.default_rng(seed)
    records = clean.to_dict("records")
    rows = [_hit(rng, i, record, schema, rates, style) for i, record in enumerate(records)]
    for copy, count in (("twin", rates.twins), ("duplicate", rates.duplicates)):
        for i in rng.choice(len(clean), size=count, replace=False):
            rows.append(_copy(rng, copy, rows[i], records[i], schema, rates, style))
    rows = [rows[i] for i in rng.permutation(len(rows))]
    for row in rows:
        if rng.random() < rates.invalid_target:
            row.bad = None
        if rng.random() < rates.ragged:
            row.ragged = pick(rng, (-2, -1, 1, 3))
    data, ignored, blank_lines = _write(rng, rows, schema, rates, style)
    return _truth(data, rows, clean, schema, style, ignored, blank_lines)


def _hit(rng, origin: int, clean: dict, schema: Schema, rates: Rates, style: Style) -> Row:
    """Write one row, each feature cell hit by chance."""
    cells = {}
    for source, column in schema.columns.items():
        value = clean[source]
        cell = plain(value, column, style)
        if column.kind != "id" and rng.random() < rates.cells:
            hit = damage(rng, value, column, style, rates.kinds)
            if rates.moves or hit.cause or hit.value == value:
                cell = hit
        cells[source] = cell
    target = schema.target
    return Row(origin, cells, int(clean[target.column] in target.bad))


def _copy(rng, copy: str, of: Row, clean: dict, schema: Schema, rates: Rates, style: Style) -> Row:
    """Write a row once more, in other notation; a twin has gaps of its own and leaves some in `of`.

    As many cells stay in both as the rule asks for.
    """
    features = [s for s, c in schema.columns.items() if c.kind != "id"]
    cells = {
        s: _redress(rng, cell, schema.columns[s], rates, style) for s, cell in of.cells.items()
    }
    if copy == "twin":
        spare = len(features) - least_cells(15, len(features))
        gaps = [s for s in features if of.cells[s].cause]
        both = [s for s in rng.permutation(np.array(features, object)) if s not in gaps]
        for s in gaps[spare:]:
            of.cells[s] = plain(clean[s], schema.columns[s], style)
            cells[s] = of.cells[s]
        free = max(0, spare - len(gaps))
        here = min(free, 1 + int(rng.integers(rates.twin_gaps)))
        there = min(free - here, int(rng.integers(rates.twin_gaps + 1)))
        for s in both[:here]:
            cells[s] = damage(rng, clean[s], schema.columns[s], style, ERASING)
        for s in both[here : here + there]:
            of.cells[s] = damage(rng, clean[s], schema.columns[s], style, ERASING)
        for s in gaps[: min(spare, int(rng.integers(len(gaps) + 1)))]:
            cells[s] = plain(clean[s], schema.columns[s], style)
    bad = of.bad if rng.random() >= rates.conflicts else 1 - of.bad
    return Row(of.origin, cells, bad, copy)


def _redress(rng, cell: Cell, column, rates: Rates, style: Style) -> Cell:
    """Write what is read from a cell in another way."""
    if column.kind == "id" or rng.random() >= rates.cells:
        return cell
    if cell.value is not None:
        return damage(rng, cell.value, column, style, HARMLESS)
    value = "x" if column.kind != "numeric" else 1.0
    return damage(rng, value, column, style, ("empty", "null_word"))


def _write(rng, rows: list[Row], schema: Schema, rates: Rates, style: Style):
    """Write the file; sets each row's `line`."""
    target = schema.target
    sources = [*schema.columns, target.column]
    extra = [EXTRA_NAMES[i % len(EXTRA_NAMES)] for i in range(style.extra_columns)]
    places = np.arange(len(sources) + len(extra))
    if style.shuffle_columns:
        places = rng.permutation(places)

    def line(cells: list[str]) -> str:
        out = io.StringIO()
        quoting = csv.QUOTE_ALL if style.quote_all else csv.QUOTE_MINIMAL
        csv.writer(
            out, delimiter=style.delimiter, quoting=quoting, lineterminator=style.newline
        ).writerow(cells)
        return out.getvalue()

    names = [_odd(rng, s) if style.odd_header else s for s in sources] + extra
    text = line([names[p] for p in places])
    blank_lines = 0
    for row in rows:
        if rng.random() < rates.blank_lines:
            text += style.newline
            blank_lines += 1
        row.line = len(re.findall("\r\n|\r|\n", text)) + 1
        cells = [row.cells[s].text for s in schema.columns] + [
            _outcome(rng, row.bad, target, style)
        ]
        cells += [pick(rng, EXTRA_CELLS) for _ in extra]
        cells = [cells[p] for p in places]
        text += line(cells[: row.ragged] if row.ragged < 0 else cells + ["1"] * row.ragged)
    data = text.encode(style.encoding)
    ignored = [names[p].strip() for p in places if p >= len(sources)]
    return (b"\xef\xbb\xbf" if style.bom else b"") + data, ignored, blank_lines


def _odd(rng, name: str) -> str:
    name = pick(rng, (name.upper(), name.title(), name.swapcase(), "  ".join(name.split(" "))))
    return pick(rng, ("", " ", "\t")) + name + pick(rng, ("", "  "))


def _outcome(rng, bad: int | None, target, style: Style) -> str:
    if bad is None:
        return pick(rng, NO_TARGETS)
    code = pick(rng, target.bad if bad else target.good)
    forms = (code, code, f" {code} ", f"{code}{style.decimal}0" if code.isdigit() else code.upper())
    return pick(rng, forms)


def _truth(data, rows: list[Row], clean, schema: Schema, style, ignored, blank_lines) -> Dirty:
    index = pd.RangeIndex(1, len(rows) + 1, name="row_id")
    features = {s: c.name for s, c in schema.columns.items() if c.kind != "id"}
    values = {s: list(clean[s]) for s in features}

    def frame(of) -> pd.DataFrame:
        return pd.DataFrame(
            {
                n: pd.Series([of(r, s) for r in rows], index=index, dtype=object)
                for s, n in features.items()
            }
        )

    table = pd.DataFrame(
        {
            "origin": [r.origin for r in rows],
            "copy": [r.copy for r in rows],
            "line": [r.line for r in rows],
            "malformed": [r.ragged != 0 for r in rows],
            "bad": pd.array([r.bad for r in rows], dtype="Int8"),
        },
        index=index,
    )
    sound = table[~table["malformed"] & table["bad"].notna()]
    first = {o: i for i, o in sound.loc[sound["copy"] == "", "origin"].items()}
    pairs = {
        (i, first[o]) for i, o in sound.loc[sound["copy"] != "", "origin"].items() if o in first
    }
    return Dirty(
        data,
        style,
        table,
        frame(lambda r, s: values[s][r.origin]),
        frame(lambda r, s: r.cells[s].value),
        frame(lambda r, s: r.cells[s].cause),
        frame(lambda r, s: r.cells[s].kind),
        pairs,
        ignored,
        blank_lines,
    )


def clean_values(text: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Take a clean table of text to the values that `make_dirty` wants."""
    out: dict[str, list[Value]] = {}
    for source in text:
        column = schema.columns.get(source)
        number = column is not None and column.kind == "numeric"
        out[source] = [float(v) for v in text[source]] if number else list(text[source])
    return pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in out.items()})

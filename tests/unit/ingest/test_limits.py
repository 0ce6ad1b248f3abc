"""Whatever is in a file, a bounded part of it is held, and each of its rows is accounted for."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.csv_reader import CsvReader
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_csv
from tests.support.defects import ROOT
from tests.support.small_data import DEFAULT, DEFAULT_CSV, SMALL

DATA = DataParams(source="x", schema_="y")
HEADER, *LINES = DEFAULT_CSV.read_text().splitlines()
NAMES = HEADER.split(",")
LONG = "q" * (limits.MAX_CELL + 1)


def changed(name, cell):
    """The first data line with another cell."""
    cells = LINES[0].split(",")
    cells[NAMES.index(name)] = cell
    return ",".join(cells)


def read(path, size=100):
    return pd.concat(read_batches(path, DATA, DEFAULT, size), ignore_index=True)


def written(folder, form, cells):
    """A file of rows that differ in the cells of `verw`."""
    path = folder / f"new.{form}"
    rows = [dict(zip(NAMES, changed("verw", cell).split(","), strict=True)) for cell in cells]
    if form == "csv":
        path.write_text("\n".join([HEADER, *(",".join(row.values()) for row in rows)]) + "\n")
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pd.DataFrame(rows).to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("form", "where"), [("csv", "line 3"), ("jsonl", "line 2"), ("parquet", "row 2")]
)
def test_a_cell_over_the_limit_makes_its_row_malformed_and_no_other(tmp_path, form, where):
    found = read(written(tmp_path, form, ["1", LONG, LONG[1:], "2"]))
    problem = f"{where}: the cell of verw has more than 10,000 characters"
    assert found["malformed"].fillna("").tolist() == ["", problem, "", ""]
    assert found.loc[1, [*DEFAULT.columns]].isna().all()
    assert found["verw"].str.len().fillna(0).tolist() == [1, 0, 10_000, 1]


def test_a_long_cell_of_a_column_that_is_not_wanted_does_no_harm(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(f"{HEADER},note\n{LINES[0]},{LONG}\n{LINES[1]},x\n")
    assert read(path)["malformed"].isna().all()


@pytest.mark.parametrize(
    "record",
    [
        changed("verw", "q" * (limits.MAX_RECORD + 1)),
        changed("verw", '"' + "q" * (limits.MAX_RECORD + 1) + '"'),
        changed("verw", '"' + "q, q\n" * (limits.MAX_RECORD // 4) + '"'),
        "," * (limits.MAX_RECORD + 1),
    ],
    ids=["cell", "quoted cell", "quoted lines", "cells"],
)
def test_a_record_over_the_limit_is_one_malformed_row(tmp_path, record):
    path = tmp_path / "new.csv"
    path.write_text("\n".join([HEADER, LINES[0], record, *LINES[1:4]]) + "\n")
    found = read(path, size=2)
    problems = found["malformed"].fillna("").tolist()
    assert [problems[i] for i in (0, 2, 3, 4)] == [""] * 4
    assert problems[1].endswith("more than 1,000,000 characters")
    assert found["line"].diff().iloc[1] == 1
    assert found["laufzeit"].tolist()[2:] == [line.split(",")[1] for line in LINES[1:4]]


def test_rows_between_stray_quotes_are_kept_however_far_apart_the_quotes_are(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_RECORD", 10_000)
    assert sum(map(len, LINES)) > 4 * limits.MAX_RECORD
    path = tmp_path / "new.csv"
    rows = ['"' + LINES[0], *LINES, LINES[1] + ',"', LINES[2]]
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    found = read(path, 300)
    assert found["line"].tolist() == list(range(2, len(LINES) + 5))
    assert found.index[found["malformed"].notna()].tolist() == [0, len(LINES) + 1]
    assert found["laufzeit"].iloc[-1] == LINES[2].split(",")[1]


@pytest.mark.parametrize("body", [LINES, ["no row"] * 5_000], ids=["rows", "no rows"])
def test_a_quote_that_is_never_closed_is_named_however_much_follows(tmp_path, monkeypatch, body):
    monkeypatch.setattr(limits, "MAX_RECORD", 10_000)
    path = tmp_path / "new.csv"
    path.write_text("\n".join([HEADER, LINES[0], '"' + LINES[0], *body]) + "\n")
    with pytest.raises(InputError, match=rf"line 3: a quote .* never closed \({len(body)} lines"):
        read(path, 300)


PIECE = st.text(alphabet='ab;"\r\n é', max_size=30)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.lists(PIECE, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 4))
def test_both_readers_draw_the_same_limits(pieces, end, size):
    names = [*SMALL.columns]
    rows = [*pieces, ";".join(["abc"] * 8), *pieces, "d" * 200, ";".join(["f"] * 8)]
    content = end.join([";".join(names), *rows]).encode()
    data = DataParams(source="x", schema_="y", delimiter=";")
    outcomes = []
    with patch.multiple(limits, MAX_CELL=5, MAX_RECORD=90, BATCH_CHARACTERS=60):
        for exact in (False, True):
            reader = CsvReader(io.BytesIO(content), "f", data, SMALL, size, False)
            try:
                frames = list(reader._exact(io.BytesIO(content)) if exact else reader)
                outcomes.append((pd.concat(frames, ignore_index=True), reader.blank_lines))
            except InputError as error:
                outcomes.append((str(error), 0))
    (fast, blank), (exact, exactly_blank) = outcomes
    if isinstance(exact, str):
        assert fast == exact
        return
    pd.testing.assert_frame_equal(fast, exact)
    assert blank == exactly_blank


def test_training_stops_where_most_of_very_many_rows_are_malformed(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_MALFORMED_ROWS", 100)
    path = tmp_path / "source.csv"
    path.write_text("\n".join([HEADER, LINES[0], *["1"] * 150]))
    with pytest.raises(InputError, match=r"line 152: 150 of the first 151 rows do not fit"):
        read_csv(path, DATA, DEFAULT)
    path.write_text("\n".join([HEADER, *LINES[:200], *["1"] * 150]))
    frame = read_csv(path, DATA, DEFAULT).frame  # most of them are sound
    assert frame["malformed"].notna().sum() == 150


@pytest.mark.parametrize("use_dictionary", [True, False])
def test_a_row_group_that_expands_beyond_all_bounds_is_refused(tmp_path, use_dictionary):
    frame = pd.DataFrame([line.split(",") for line in LINES[:2]], columns=NAMES)
    table = pa.Table.from_pandas(frame.assign(verw=["z" * 40_000_000, "y" * 40_000_000]))
    path = tmp_path / "new.parquet"
    pq.write_table(
        table,
        path,
        use_dictionary=use_dictionary,
        dictionary_pagesize_limit=2**30,
        compression="zstd",
        write_statistics=False,
    )
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match=r"row group 1: 76 MiB, at most 64 MiB"):
        read(path)


def test_texts_of_a_dictionary_are_not_repeated_beyond_a_batch(tmp_path):
    path = tmp_path / "new.parquet"
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000), pa.array(["y" * 9_000]))
    pq.write_table(pa.table(dict.fromkeys(SMALL.columns, repeated)), path)
    held, numbers = [], []
    for batch in read_batches(path, DATA, SMALL, 100_000):
        held.append(int(batch.memory_usage(deep=True).sum()))
        numbers += batch["row_id"].tolist()
    assert max(held) < 1.5 * limits.BATCH_CHARACTERS
    assert numbers == [*range(1, 5_001)]


def test_a_distinct_text_of_a_dictionary_is_parsed_once(tmp_path):
    frame = pd.DataFrame([line.split(",") for line in LINES], columns=NAMES).astype("category")
    frame.to_parquet(tmp_path / "new.parquet")
    plain = tmp_path / "new.csv"
    plain.write_text("\n".join([HEADER, *LINES]))
    found = next(read_batches(tmp_path / "new.parquet", DATA, DEFAULT, 1_000))
    assert set(found[[*DEFAULT.columns]].dtypes.astype(str)) == {"category"}
    texts = found.astype(dict.fromkeys(DEFAULT.columns, "str")).drop(columns="line")
    pd.testing.assert_frame_equal(texts, read(plain, 1_000).drop(columns="line"))
    assert found["line"].tolist() == found["row_id"].tolist()


def test_rows_of_tiny_row_groups_are_read_together(tmp_path):
    frame = pd.DataFrame([line.split(",") for line in LINES[:50]], columns=NAMES)
    frame.to_parquet(tmp_path / "new.parquet", row_group_size=1)
    sizes = [len(batch) for batch in read_batches(tmp_path / "new.parquet", DATA, DEFAULT, 20)]
    assert sizes == [20, 20, 10]
    texts = read(tmp_path / "new.parquet").astype(dict.fromkeys(DEFAULT.columns, "str"))
    pd.testing.assert_frame_equal(texts[[*DEFAULT.columns]], frame[[*DEFAULT.columns]])
    assert texts["row_id"].tolist() == [*range(1, 51)]


def repeated_text(path):
    columns = {name: ["x" * (200_000 if name == "verw" else 1)] for name in NAMES}
    rows = pa.array([0] * 2_000)
    pq.write_table(
        pa.table({n: pa.DictionaryArray.from_arrays(rows, c) for n, c in columns.items()}), path
    )


# The file, and the number of rows that are read of it, -1 where it is refused.
ATTACKS = {
    "one cell.csv": (
        lambda path: path.write_text(
            "\n".join([HEADER, changed("verw", "q" * 60_000_000), LINES[0]])
        ),
        2,
    ),
    "one quoted cell.csv": (
        lambda path: path.write_text(
            "\n".join([HEADER, changed("verw", f'"{"q" * 60_000_000}"'), LINES[0]])
        ),
        2,
    ),
    "one byte a line.csv": (
        lambda path: path.write_text("\n".join([HEADER, *["1"] * 1_000_000])),
        -1,
    ),
    "a repeated text.parquet": (repeated_text, 2_000),
}
PEAK = """
import pathlib, re, sys
from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_csv
from creditrisk.schema import load_schema

def peak():  # not getrusage: it includes the memory of whoever started this process
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search("VmHWM:\\s*(\\d+)", status)[1]) // 1024

path, schema, data = sys.argv[1], load_schema(sys.argv[2]), DataParams(source="x", schema="y")
before = peak()
try:
    if path.endswith("csv"):
        rows = len(read_csv(path, data, schema).frame)
    else:
        rows = sum(map(len, read_batches(path, data, schema, 32768)))
except InputError:
    rows = -1
print(rows, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own count")
@pytest.mark.parametrize("attack", ATTACKS)
def test_memory_has_a_bound(tmp_path, attack):
    write, expected = ATTACKS[attack]
    path = tmp_path / attack
    write(path)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, path, ROOT / "data/schema/german_credit.yaml"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows, megabytes = map(int, done.stdout.split())
    assert rows == expected
    assert megabytes < 100

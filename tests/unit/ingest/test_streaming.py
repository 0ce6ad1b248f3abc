"""Whatever the number of rows, training holds one batch of them while it reads the file."""

import io
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from creditrisk.core.errors import InputError
from creditrisk.core.files import FrameFile, read_frame, write_frame, write_frames
from creditrisk.ingest.csv_reader import CsvReader
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_source, source_rows, summary
from tests.support.defects import ROOT
from tests.support.small_data import DEFAULT, DEFAULT_CSV

DATA = DataParams(source="x", schema_="y")
INGEST = """
import re, sys
from pathlib import Path
from creditrisk.core.files import write_frames
from creditrisk.ingest import table
from creditrisk.ingest.params import DataParams
from creditrisk.schema import load_schema
table.BATCH_ROWS = 10_000
schema = load_schema("data/schema/german_credit.yaml")
rows = table.source_rows(sys.argv[1], DataParams(source="x", schema_="y"), schema)
write_frames(rows, sys.argv[2])
# Not getrusage: its peak includes that of the process that started this one.
print(rows.rows, re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def repeated(path, times):
    """The default data, its rows several times."""
    header, lines = DEFAULT_CSV.read_text().split("\n", 1)
    path.write_text(header + "\n" + lines * times)
    return path


def test_a_batch_is_written_and_let_go_before_the_next_one_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("creditrisk.ingest.table.BATCH_ROWS", 100)
    batches, most = [], []

    def watched(rows):
        for batch in rows:
            most.append(sum(one() is not None for one in batches))
            batches.append(weakref.ref(batch))
            yield batch
            del batch

    write_frames(watched(source_rows(DEFAULT_CSV, DATA, DEFAULT)), tmp_path / "raw.parquet")
    assert len(most) == 10
    assert max(most) <= 1
    assert pq.ParquetFile(tmp_path / "raw.parquet").num_row_groups == 10
    whole = read_source(DEFAULT_CSV, DATA, DEFAULT).frame
    pd.testing.assert_frame_equal(read_frame(tmp_path / "raw.parquet"), whole)


@pytest.mark.slow
def test_the_peak_memory_does_not_grow_with_the_rows(tmp_path):
    peaks = []
    for times in (30, 330):
        source = str(repeated(tmp_path / "rows.csv", times))
        done = subprocess.run(
            [sys.executable, "-c", INGEST, source, str(tmp_path / "raw.parquet")],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        rows, peak = map(int, done.stdout.split())
        assert rows == 1000 * times
        peaks.append(peak)
    # 300,000 rows more take about 60 MB as text; the allocators keep some of what was freed.
    assert peaks[1] - peaks[0] < 25_000, peaks


def test_one_batch_has_the_same_bytes_as_a_frame(tmp_path):
    frame = read_source(DEFAULT_CSV, DATA, DEFAULT).frame
    write_frame(frame, tmp_path / "one.parquet")
    write_frames([frame], tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_an_error_in_the_middle_of_the_source_leaves_the_old_file(tmp_path, monkeypatch):
    monkeypatch.setattr("creditrisk.ingest.table.BATCH_ROWS", 100)
    source = tmp_path / "rows.csv"
    source.write_bytes(DEFAULT_CSV.read_bytes() + b'"never closed\n1,2\n')
    (tmp_path / "raw.parquet").write_bytes(b"the old file")
    with pytest.raises(InputError, match="never closed"):
        write_frames(source_rows(source, DATA, DEFAULT), tmp_path / "raw.parquet")
    assert (tmp_path / "raw.parquet").read_bytes() == b"the old file"
    assert sorted(os.listdir(tmp_path)) == ["raw.parquet", "rows.csv"]


def test_what_is_counted_while_reading_is_told_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("creditrisk.ingest.table.BATCH_ROWS", 3)
    header, *lines = DEFAULT_CSV.read_text().splitlines()
    source = tmp_path / "rows.csv"
    texts = [f"{header},note", *(f"{line},x" for line in lines[:7]), "", lines[7], f"{lines[8]},x"]
    source.write_text("\n".join(texts) + "\n")
    rows = source_rows(source, DATA, DEFAULT)
    assert sum(map(len, rows)) == 9
    told = summary(rows)
    del told["source_sha256"]
    assert told == {
        "rows_read": 9, "malformed": 1, "blank_lines": 1, "columns_read": 21,
        "columns_ignored": ["note"],
    }  # fmt: skip


def test_lines_of_another_length_do_not_cost_the_others_the_fast_way(monkeypatch):
    header, *lines = DEFAULT_CSV.read_text().splitlines()
    lines[0] += ",more"
    lines[40] = lines[40].partition(",")[2]
    lines[-1] = "one"
    content = "\n".join([header, *lines]).encode()
    exact = CsvReader(io.BytesIO(content), "f", DATA, DEFAULT, 300, True)
    expected = pd.concat(exact._exact(io.BytesIO(content)), ignore_index=True)
    slow = []
    monkeypatch.setattr(CsvReader, "_line_by_line", lambda self, text: slow.append(text))
    fast = CsvReader(io.BytesIO(content), "f", DATA, DEFAULT, 300, True)
    pd.testing.assert_frame_equal(pd.concat(fast, ignore_index=True), expected)
    assert not slow
    assert expected["malformed"].notna().sum() == 3


def test_a_column_is_read_when_it_is_asked_for(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": pd.Series(["x", None], dtype="str")})
    write_frame(frame, tmp_path / "f.parquet")
    file = FrameFile(tmp_path / "f.parquet")
    assert len(file) == 2
    for name in frame:
        pd.testing.assert_series_equal(file[name], frame[name])
    with pytest.raises(InputError, match="no column of this name"):
        file["c"]


@pytest.mark.parametrize("kind", ["missing", "text", "folder", "pipe", "cut off"])
def test_what_is_no_parquet_is_one_line(tmp_path, kind):
    path = Path(tmp_path, "f.parquet")
    if kind == "text":
        path.write_text("a,b\n1,2\n")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "cut off":
        write_frame(pd.DataFrame({"a": [1, 2]}), path)
        path.write_bytes(path.read_bytes()[:-20])
    for reading in (FrameFile, read_frame):
        with pytest.raises(InputError, match=f"{path}: file: (not found|not Parquet)"):
            reading(path)

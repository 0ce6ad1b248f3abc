"""One reader for every form: the same rows from each, for training and for scoring."""

import csv
import gzip
import io
import json
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_columns, read_source
from creditrisk.schema import parse_schema
from tests.support.small_data import DEFAULT, DEFAULT_CSV, SMALL
from tests.unit.ingest.workbooks import ods, xlsx

pytestmark = pytest.mark.slow

DATA = DataParams(source="x", schema_="y")
NAMES = [*SMALL.columns, SMALL.target.column, "note"]
FORMS = ["csv.gz", "csv.zst", "csv.zip", "jsonl", "jsonl.gz", "jsonl.zst", "jsonl.zip", "parquet"]
FORMS += ["xlsx", "ods"]


def packed(path, content):
    """Write bytes, compressed as the suffix says."""
    if path.suffix == ".gz":
        content = gzip.compress(content)
    elif path.suffix == ".zst":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(content)
        return path
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.stem, content)
        return path
    path.write_bytes(content)
    return path


def written(path, names, rows):
    """Write rows of texts in the form that the name says; an empty text is an empty cell."""
    if path.suffix == ".xlsx":
        return xlsx(path, {"One": [names, *rows]})
    if path.suffix == ".ods":
        return ods(path, [names, *rows])
    if path.suffix == ".parquet":
        pd.DataFrame(rows, columns=names, dtype="str").to_parquet(path)
        return path
    if "jsonl" in path.name:
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
        return packed(path, "".join(f"{line}\n" for line in lines).encode())
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows([names, *rows])
    return packed(path, file.getvalue().encode())


CELL = st.text(alphabet='ab1. ",;\n\té€漢🙂', max_size=4)
ROW = st.lists(CELL, min_size=len(NAMES), max_size=len(NAMES)).filter(lambda row: any(row))


@settings(max_examples=15, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=6))
@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_rows_of_the_csv_cell_for_cell(form, rows):
    if form == "ods":  # paragraphs and runs of blanks are elements of their own there
        rows = [[" ".join(cell.split()) for cell in row] for row in rows]
        rows = [row for row in rows if any(row)] or [["a"] * len(NAMES)]
    with tempfile.TemporaryDirectory() as folder:
        plain = written(Path(folder, "f.csv"), NAMES, rows)
        other = written(Path(folder, f"f.{form}"), NAMES, rows)
        expected, found = (read_source(path, DATA, SMALL) for path in (plain, other))
        assert found.ignored == expected.ignored == ["note"]
        assert found.blank_lines == expected.blank_lines == 0
        texts = expected.frame.drop(columns="line")
        pd.testing.assert_frame_equal(
            found.frame.drop(columns="line").fillna(dict.fromkeys(NAMES, "")), texts
        )
        start = 1 if form.startswith(("jsonl", "parquet")) else 2
        if "csv" not in form:
            assert found.frame["line"].tolist() == [*range(start, start + len(rows))]
        together = pd.concat(read_batches(other, DATA, SMALL, 2), ignore_index=True)
        cells = together.astype(dict.fromkeys(SMALL.columns, "str"))
        pd.testing.assert_frame_equal(
            cells.drop(columns="line").fillna(dict.fromkeys(SMALL.columns, "")),
            texts.drop(columns=SMALL.target.column),
        )
        columns = read_columns(other, DATA).fillna(dict.fromkeys(NAMES, ""))
        assert columns[NAMES].to_numpy().tolist() == rows


@pytest.mark.parametrize("suffix", ["", ".dat", ".asc"])
@pytest.mark.parametrize("form", ["csv", *FORMS])
def test_without_a_telling_suffix_the_first_bytes_tell_the_form(tmp_path, form, suffix):
    rows = [["a1"] * len(NAMES)]
    path = written(tmp_path / f"f.{form}", NAMES, rows).rename(tmp_path / f"source{suffix}")
    assert read_source(path, DATA, SMALL).frame["Region"].tolist() == ["a1"]
    if suffix:
        with pytest.raises(InputError, match=rf"the suffix \{suffix} is unknown"):
            next(read_batches(path, DATA, SMALL, 10))
    else:
        assert len(next(read_batches(path, DATA, SMALL, 10))) == 1


def test_the_attributes_of_the_reader_say_what_it_found(tmp_path):
    path = tmp_path / "f.csv.gz"
    packed(path, b"b,Income,a\n1,2,3\n\n\n4,5,6\n")
    batches = read_batches(path, DATA, None, 10)
    frame = next(batches)
    assert batches.header == ["b", "Income", "a"]
    assert batches.columns == {"b": 0, "Income": 1, "a": 2}
    assert batches.blank_lines == 2
    assert frame["line"].tolist() == [2, 5]


def test_names_of_later_json_objects_are_named_as_ignored(tmp_path):
    path = tmp_path / "f.jsonl"
    row = dict.fromkeys(NAMES, "1")
    path.write_text(f"{json.dumps(row)}\n\n{json.dumps(row | {'more': 1, 'most': [2]})}\n")
    extract = read_source(path, DATA, SMALL)
    assert extract.ignored == ["note", "more", "most"]
    assert extract.blank_lines == 1
    assert extract.frame["malformed"].isna().all()


@pytest.mark.parametrize(
    ("good", "bad", "texts"),
    [("0", "1", ["1", "0"]), ("false", "true", ["True", "False"]), ("no", "2", ["1", "0"])],
)
def test_a_target_of_truth_values_is_read_as_its_codes(tmp_path, good, bad, texts):
    schema = parse_schema(
        {
            "name": "x",
            "target": {"column": "t", "good": good, "bad": bad},
            "columns": {"a": {"name": "a", "kind": "numeric"}},
        },
        "x",
    )
    pd.DataFrame({"a": [1, 2], "t": [True, False]}).to_parquet(tmp_path / "f.parquet")
    xlsx(tmp_path / "f.xlsx", {"One": [["a", "t"], [1, True], [2, False]]})
    for name in ("f.parquet", "f.xlsx"):
        assert read_source(tmp_path / name, DATA, schema).frame["t"].tolist() == texts


def test_dictionaries_of_several_batches_become_one_text_column(tmp_path, monkeypatch):
    monkeypatch.setattr("creditrisk.ingest.table.BATCH_ROWS", 30)
    frame = pd.read_csv(DEFAULT_CSV, dtype="str").astype("category")
    frame.to_parquet(tmp_path / "f.parquet")
    found = read_source(tmp_path / "f.parquet", DATA, DEFAULT).frame
    expected = read_source(DEFAULT_CSV, DATA, DEFAULT).frame
    pd.testing.assert_frame_equal(found.drop(columns="line"), expected.drop(columns="line"))


def test_all_columns_are_read_up_to_a_limit_and_names_are_stripped(tmp_path, monkeypatch):
    path = tmp_path / "f.csv"
    path.write_text(" a ,b\n" + "1,2\n" * 10)
    assert [*read_columns(path, DATA)] == ["row_id", "line", "malformed", "a", "b"]
    found = read_columns(path, DATA, 4)
    assert found["row_id"].tolist() == [1, 2, 3, 4]
    assert len(read_columns(path, DATA, 40)) == 10
    monkeypatch.setattr("creditrisk.ingest.table.BATCH_ROWS", 3)
    assert read_columns(path, DATA, 4)["row_id"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("a,,b", "line 1: column 2 has no name"),
        ("a,b,A ", "line 1: column a appears twice"),
        ("a,row_id,b", "column row_id: the name is reserved"),
        ("a, line,b", "column line: the name is reserved"),
        ("a,malformed,b", "column malformed: the name is reserved"),
        ("1,35,35", "line 1: holds values, not names of columns"),
    ],
)
def test_a_header_whose_names_do_not_tell_the_columns_apart_is_refused(tmp_path, header, words):
    path = tmp_path / "f.csv"
    path.write_text(f"{header}\n1,2,3\n")
    with pytest.raises(InputError, match=words):
        read_columns(path, DATA)


def test_what_training_holds_has_a_bound(tmp_path, monkeypatch):
    path = packed(tmp_path / "f.csv.gz", b"a,b\n" + b"1,2\n" * 200_000)
    assert len(read_columns(path, DATA)) == 200_000
    monkeypatch.setattr(limits, "TABLE_BYTES", 1_000_000)
    with pytest.raises(InputError, match=r"its text takes more than 1 MiB\. If .* unpack it"):
        read_columns(path, DATA)
    assert sum(map(len, read_batches(path, DATA, None, 1_000))) == 200_000  # nothing is held


@pytest.mark.parametrize("reading", [read_columns, lambda *a: read_source(*a, SMALL)])
def test_standard_input_is_no_source_of_training(reading):
    with pytest.raises(InputError, match="can't be read twice"):
        reading("-", DATA)

"""New applicants in every form and from every kind of input: read once, and the same rows."""

import io
import json
import os
import sys
import threading
from contextlib import contextmanager

import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from tests.support.small_data import DEFAULT, DEFAULT_CSV, SMALL, with_id

DATA = DataParams(source="x", schema_="y")
HEADER, *LINES = DEFAULT_CSV.read_text().splitlines()
ROWS = [dict(zip(HEADER.split(","), line.split(","), strict=True)) for line in LINES[:40]]
SMALL_ROW = {
    "Income": "1,200.50",
    "Age Years": "30",
    "Balance": "-1",
    "Region": "Nord",
    "Grade": "low",
    "Status": "Ok",
    "Code": "1",
    "One": "yes",
}


def content(form, rows=ROWS):
    """The bytes of a file of rows."""
    frame, file = pd.DataFrame(rows), io.BytesIO()
    if form == "csv":
        frame.to_csv(file, index=False)
    elif form == "jsonl":
        frame.to_json(file, orient="records", lines=True)
    else:
        frame.to_parquet(file)
    return file.getvalue()


def read(path, schema=DEFAULT, size=7, data=DATA):
    frame = pd.concat(read_batches(path, data, schema, size), ignore_index=True)
    return frame.drop(columns="line", errors="ignore")


@contextmanager
def piped(bytes_):
    """A file descriptor from which a thread lets these bytes come."""
    out, into = os.pipe()

    def write():
        with open(into, "wb") as pipe:
            pipe.write(bytes_)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield out
    finally:
        thread.join()


@contextmanager
def fifo(path, bytes_):
    """A named pipe that can be opened once: its name is gone when it is."""
    os.mkfifo(path)

    def write():
        with open(path, "wb") as pipe:
            path.unlink()
            pipe.write(bytes_)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield path
    finally:
        thread.join()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("way", ["file", "fifo", "process substitution", "standard input"])
def test_each_form_is_read_in_each_way(tmp_path, monkeypatch, form, way):
    expected = pd.DataFrame(ROWS)[[*DEFAULT.columns]].astype("str")
    data = content(form)
    if way == "file":
        (tmp_path / f"new.{form}").write_bytes(data)
        found = read(tmp_path / f"new.{form}")
    elif way == "fifo":
        with fifo(tmp_path / "pipe", data) as path:
            found = read(path)
    else:
        with piped(data) as number:
            if way == "process substitution":
                found = read(f"/dev/fd/{number}")
                os.close(number)
            else:
                with open(number) as stdin:
                    monkeypatch.setattr(sys, "stdin", stdin)
                    found = read("-")
    pd.testing.assert_frame_equal(found[[*DEFAULT.columns]].astype("str"), expected)
    assert found["row_id"].tolist() == [*range(1, 41)]
    assert found["malformed"].isna().all()


def test_a_quote_late_in_a_pipe_does_not_need_it_from_its_start(tmp_path):
    quoted = '"' + LINES[40].replace(",", '","') + '"'
    text = "\n".join([HEADER, *LINES[:40], quoted, *LINES[41:60]])
    with fifo(tmp_path / "pipe", text.encode()) as path:
        found = read(path)
    assert found["row_id"].tolist() == [*range(1, 61)]
    assert found["laufzeit"].tolist() == [line.split(",")[1] for line in LINES[:60]]


@pytest.mark.parametrize("bytes_", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_input_without_text_is_empty(monkeypatch, bytes_):
    with piped(bytes_) as number, open(number) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(InputError, match="standard input: file: empty"):
            read("-")


def test_a_closed_standard_input_is_said_to_be_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input: file: closed"):
        read("-")


def test_an_unknown_suffix_is_refused_with_those_that_are_known(tmp_path):
    (tmp_path / "new.foo").write_bytes(content("csv"))
    with pytest.raises(InputError, match=r"suffix \.foo is unknown.*\.csv, \.parquet, \.pq"):
        read(tmp_path / "new.foo")


def test_a_file_that_is_not_what_its_suffix_says_is_refused(tmp_path):
    for suffix, words in (("parquet", "not Parquet"), ("jsonl", "line 1: not a JSON object")):
        path = tmp_path / f"new.{suffix}"
        path.write_bytes(content("csv"))
        with pytest.raises(InputError, match=words):
            read(path)


def json_lines(tmp_path, *objects, data=DATA, schema=SMALL):
    """Read lines, given as objects or as they are."""
    path = tmp_path / "new.jsonl"
    lines = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in objects)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return read(path, schema, data=data)


def test_values_of_json_are_the_texts_of_a_csv(tmp_path):
    exact = b'{"Income": 1200.50, "age years": 3e1, "Balance": -0.10, "Region": 10115, "Grade":'
    exact += b' "low", "Status": null, "Code": 12345678901234567890123, "One": true, "more": [1]}'
    found = json_lines(tmp_path, exact, b"", SMALL_ROW)
    texts = ["1200.50", "3e1", "-0.10", "10115", "low", None, "12345678901234567890123", "1"]
    assert found.iloc[0, 2:].fillna("none").tolist() == [t or "none" for t in texts]
    assert found["row_id"].tolist() == [1, 2]
    german = DataParams(source="x", schema_="y", decimal=",", thousands=".")
    assert json_lines(tmp_path, exact, data=german)["Balance"].tolist() == ["-0,10"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (SMALL_ROW | {"Region": [1]}, "column Region is a list or an object"),
        (SMALL_ROW | {"Region": {"a": 1}}, "column Region is a list or an object"),
        ({k: v for k, v in SMALL_ROW.items() if k != "Grade"}, "no column Grade"),
        (SMALL_ROW | {" GRADE": "low"}, "column Grade appears twice"),
        (json.dumps(SMALL_ROW).replace("Nord", "\\ud800").encode(), "column Region is not Unicode"),
        (SMALL_ROW | {"Region": "x" * 1_000_001}, "more than 1,000,000 bytes"),
    ],
)
def test_a_line_that_is_no_row_is_malformed_and_the_others_are_read(tmp_path, line, problem):
    found = json_lines(tmp_path, SMALL_ROW, line, SMALL_ROW)
    assert found["malformed"].fillna("").tolist() == ["", f"line 2: {problem}", ""]
    assert found["Region"].fillna("").tolist() == ["Nord", "", "Nord"]


def test_a_first_object_without_a_column_is_refused_as_a_header_is(tmp_path):
    with pytest.raises(InputError, match=r"line 1: no column Age Years\. Did you mean Age_Years"):
        json_lines(tmp_path, {k.replace(" ", "_"): v for k, v in SMALL_ROW.items()})


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_column_row_id_of_the_input_is_not_replaced_by_numbers(tmp_path, form):
    path = tmp_path / f"new.{form}"
    given = ["00017", "=1+1", ""]
    path.write_bytes(content(form, [SMALL_ROW | {"Row_ID": i} for i in given]))
    assert read(path, SMALL)["row_id"].tolist() == given


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_the_id_of_the_schema_is_read_as_text(tmp_path, form):
    path = tmp_path / f"new.{form}"
    path.write_bytes(content(form, [SMALL_ROW | {"customer": i} for i in ("007", "A 1")]))
    found = read(path, with_id())
    assert found["Customer"].tolist() == ["007", "A 1"]
    assert found["row_id"].tolist() == [1, 2]

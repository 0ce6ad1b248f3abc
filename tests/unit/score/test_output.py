"""What score writes: the same rows in each form, whole or not at all, with the ids of the input."""

import contextlib
import io
import json
import os
import subprocess
import sys
from unittest.mock import patch

import pandas as pd
import pytest

from commands import score
from creditrisk.core.cli import run
from tests.support.champions import project, raw_lines, record
from tests.support.defects import ROOT
from tests.support.stage_runs import call

HEADER, LINES = raw_lines()
TEXT = "\n".join([HEADER, *LINES[:5], "1,2,3"]) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return project(tmp_path_factory.mktemp("output") / "p")


def scored(folder, name, text=TEXT, *args):
    """Score a text into the file `name`; gives what the command printed."""
    (folder / "new.csv").write_text(text)
    done = call(folder, "commands.score", "--input", "new.csv", "--output", name, *args)
    assert done.returncode == 0, done.stderr
    return done


def through_pipes(folder, data, *args, stdout=None):
    """Run the command from standard input to standard output; gives code, output and messages."""
    stdin = io.TextIOWrapper(io.BytesIO(data))
    pipe = io.TextIOWrapper(io.BytesIO())
    err, code = io.StringIO(), 0
    with (
        contextlib.chdir(folder),
        patch.object(sys, "argv", ["score.py", "--input", "-", "--output", "-", *args]),
        patch.object(sys, "stdin", stdin),
        patch.object(sys, "stdout", stdout or pipe),
        contextlib.redirect_stderr(err),
    ):
        try:
            run(score.main)
        except SystemExit as end:
            code = end.code
    return code, pipe.buffer.getvalue(), err.getvalue()


@pytest.mark.parametrize("name", ["o.csv", "o.jsonl", "o.ndjson", "o.pq", "O.CSV"])
def test_the_suffix_decides_the_form_and_the_rows_are_the_same(folder, name):
    scored(folder, "o.parquet")
    expected = pd.read_parquet(folder / "o.parquet")
    assert expected["pd"].notna().tolist() == [True] * 5 + [False]
    scored(folder, name)
    if name.lower().endswith("csv"):
        found = pd.read_csv(folder / name, dtype={"pd": str})  # not rounded
    elif name == "o.pq":
        found = pd.read_parquet(folder / name)
    else:
        rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        assert list(rows[5]) == list(expected)
        assert rows[5]["pd"] is None
        found = pd.DataFrame(rows)
    pd.testing.assert_frame_equal(found.astype(expected.dtypes), expected, check_exact=True)


def test_an_input_without_rows_gives_an_output_without_rows_in_each_form(folder):
    for name in ("o.csv", "o.jsonl", "o.parquet"):
        scored(folder, name, HEADER + "\n")
    empty = pd.read_parquet(folder / "o.parquet")
    assert len(empty) == 0
    assert (folder / "o.csv").read_text() == ",".join(empty) + "\n"
    assert (folder / "o.jsonl").read_text() == ""


@pytest.mark.parametrize("name", ["o.xlsx", "o", "o.csv.gz", ".csv"])
def test_another_suffix_is_refused_with_those_that_are_known(folder, name):
    done = call(folder, "commands.score", "--input", "new.csv", "--output", name)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert ".csv, .parquet, .pq, .jsonl, .ndjson" in done.stderr
    assert not (folder / name).exists()


def test_a_pipe_gets_the_rows_and_nothing_else(folder):
    scored(folder, "o.csv")
    code, out, err = through_pipes(folder, TEXT.encode())
    assert (code, out) == (0, (folder / "o.csv").read_bytes())
    assert err == "score: 6 rows, 5 scored, 3 of them refused; 1 could not be read: see `problem`\n"
    for form, name in (("parquet", "o.parquet"), ("jsonl", "o.jsonl")):
        scored(folder, name)
        code, out, _ = through_pipes(folder, TEXT.encode(), "--format", form)
        assert (code, out) == (0, (folder / name).read_bytes())


@pytest.mark.slow
def test_a_shell_pipes_into_score_and_on(folder):
    (folder / "new.csv").write_text(TEXT)
    command = f"cat new.csv | {sys.executable} -m commands.score --input - --output - | head -n 1"
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "row_id,pd,score,decision,reasons,missing,problem\n"
    assert done.stderr.startswith("score: 6 rows, 5 scored")


def test_a_pipe_gets_nothing_of_an_input_that_is_bad_at_its_end(folder):
    bad = TEXT + '"open\nx'
    code, out, err = through_pipes(folder, bad.encode(), "--batch", "1")
    assert (code, out, err.count("\n")) == (2, b"", 1)
    assert "standard input: line 8: a quote" in err


def with_columns(names, values):
    """The text with further columns in front."""
    rows = [f"{','.join(cells)},{line}" for cells, line in zip(values, LINES, strict=False)]
    return "\n".join([f"{','.join(names)},{HEADER}", *rows]) + "\n"


def with_id(folder, name):
    """Give the champion's schema an id."""
    path = folder / "models/champion.json"
    described = json.loads(path.read_text())
    described["schema"]["columns"] |= {"Customer": {"name": name, "kind": "id"}}
    path.write_text(json.dumps(described))
    record(folder)


@pytest.mark.parametrize("name", ["customer", "self"])
def test_the_id_of_the_schema_comes_out_as_it_went_in(tmp_path, name):
    folder = project(tmp_path / "p")
    with_id(folder, name)
    ids = ["007", "none", "A  1"]
    text = with_columns(["Customer"], [[i] for i in ids]) + "1,2\n"
    scored(folder, "o.parquet", text, "--reasons", "0")
    found = pd.read_parquet(folder / "o.parquet")
    assert list(found)[:3] == ["row_id", name, "pd"]
    assert found[name].fillna("").tolist() == [*ids, ""]
    assert found["row_id"].tolist() == [1, 2, 3, 4]
    assert found["pd"].notna().tolist() == [True] * 3 + [False]


def test_a_row_id_of_the_input_comes_out_and_this_is_said(folder):
    ids = ["00017", "x", "x"]
    done = scored(folder, "o.parquet", with_columns(["row_id"], [[i] for i in ids]))
    assert pd.read_parquet(folder / "o.parquet")["row_id"].tolist() == ids
    assert "score: the input has a column row_id: it comes out as it is" in done.stdout
    assert "row_id" not in scored(folder, "o.parquet").stdout


def test_no_cell_of_a_csv_is_a_formula_and_json_shows_each_character(tmp_path):
    folder = project(tmp_path / "p")
    with_id(folder, "customer")
    ids = ['=cmd|"/c calc"!A1', "@SUM(1)", "-5", "\x1b[2J\u202ex"]
    text = with_columns(["Customer"], [['"' + i.replace('"', '""') + '"'] for i in ids])
    scored(folder, "o.csv", text, "--reasons", "0")
    found = pd.read_csv(folder / "o.csv", dtype=str)["customer"]
    assert found.tolist() == ["'" + ids[0], "'" + ids[1], "-5", ids[3]]
    scored(folder, "o.jsonl", text, "--reasons", "0")
    written = (folder / "o.jsonl").read_text()
    assert written.isascii()
    assert "\x1b" not in written
    assert [json.loads(line)["customer"] for line in written.splitlines()] == ids


def test_a_terminal_gets_nothing_that_does_not_show(tmp_path):
    folder = project(tmp_path / "p")
    with_id(folder, "customer")
    text = with_columns(["Customer"], [["\x1b[2J\u202ex"]])
    reading, writing = os.openpty()
    with open(reading, "rb", buffering=0) as screen, open(writing, "w") as terminal:
        code, _, _ = through_pipes(folder, text.encode(), "--reasons", "0", stdout=terminal)
        os.set_blocking(reading, False)
        shown = (screen.read(4096) or b"").decode()
    assert code == 0
    assert shown.splitlines()[1].startswith("1, [2J x,0.")
    assert "\x1b" not in shown
    scored(folder, "o.csv", text, "--reasons", "0")
    assert "\x1b[2J\u202ex" in (folder / "o.csv").read_text()

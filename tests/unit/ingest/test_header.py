"""The header against the schema: what is wrong is said, and nobody's cells are shown."""

import csv
import os
from pathlib import Path

import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_columns, read_csv
from creditrisk.schema import parse_schema
from tests.support.small_data import DEFAULT, DEFAULT_CSV
from tests.unit.ingest.workbooks import xlsx

DATA = DataParams(source="x", schema_="y")
HEADER, *LINES = DEFAULT_CSV.read_text().splitlines()
FILES = {
    "passwords": "root:x0Secret9:0:0::/root:/bin/sh\nx0Secret9:x:1\n",
    "text": "Dear Mrs x0Secret9, your account, as agreed\n",
    "rows without a header": "\n".join([f"x0Secret9,{line}" for line in LINES[:3]]),
    "no header at another delimiter": "\n".join(
        [f"x0Secret9;{line}".replace(",", ";") for line in LINES]
    ),
    "another header": "\n".join(["x0Secret9," + HEADER.replace(",", "_,"), LINES[0]]),
}


@pytest.mark.parametrize("kind", FILES)
def test_the_first_line_of_another_file_is_not_shown(tmp_path, kind):
    path = tmp_path / "source.csv"
    path.write_text(FILES[kind])
    for reading in (
        lambda: read_csv(path, DATA, DEFAULT),
        lambda: next(read_batches(path, DATA, DEFAULT, 10)),
    ):
        with pytest.raises(InputError, match="line 1") as error:
            reading()
        assert "x0Secret9" not in str(error.value)
        assert "x0Secret9" not in error.value.for_log
        assert LINES[0].split(",")[4] not in str(error.value)


def test_the_name_that_was_meant_is_proposed_where_the_header_is_one(tmp_path):
    path = tmp_path / "source.csv"
    path.write_text("\n".join([HEADER.replace("laufzeit", "lauf_zeit"), LINES[0]]))
    with pytest.raises(InputError, match=r"no column laufzeit\. Did you mean lauf_zeit\?") as error:
        read_csv(path, DATA, DEFAULT)
    assert "lauf_zeit" not in error.value.for_log


def test_a_header_of_very_many_names_takes_no_time(tmp_path):
    path = tmp_path / "source.csv"
    names = ",".join(f"c{i}" for i in range(100_000))
    path.write_text(f"{HEADER},{names}\n{LINES[0]}{',' * 100_000}\n")
    assert len(read_csv(path, DATA, DEFAULT).frame) == 1


def test_what_can_not_be_read_twice_is_no_source(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null"), tmp_path):
        with pytest.raises(InputError, match="can't be read twice"):
            read_csv(path, DATA, DEFAULT)


NO_HEADER = DataParams(source="x", schema_="y", header="none")
POSITIONS = parse_schema(
    {
        "name": "x",
        "target": {"column": "3", "good": "0", "bad": "1"},
        "columns": {"1": {"name": "a", "kind": "numeric"}, "2": {"name": "b", "kind": "nominal"}},
    },
    "x",
)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("cell", ["x", '"x"', '"x\ny"'])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_without_a_header_the_first_record_is_a_row(tmp_path, mark, cell, size):
    path = tmp_path / "source.csv"
    path.write_text(f"{mark}5,{cell},0,z\n6,y,1,z\n\n7,{cell},1,z\n8,1,2\n")
    extract = read_csv(path, NO_HEADER, POSITIONS)
    text = cell.strip('"')
    assert extract.frame["1"].fillna("").tolist() == ["5", "6", "7", ""]
    assert extract.frame["2"].fillna("").tolist() == [text, "y", text, ""]
    assert extract.frame["3"].fillna("").tolist() == ["0", "1", "1", ""]
    more = text.count("\n")
    assert extract.frame["line"].tolist() == [1, 2 + more, 4 + more, 5 + 2 * more]
    assert extract.blank_lines == 1
    assert extract.ignored == ["4"]
    batches = list(read_batches(path, NO_HEADER, POSITIONS, size))
    assert max(map(len, batches)) <= size
    together = pd.concat(batches, ignore_index=True)
    pd.testing.assert_frame_equal(together, extract.frame.drop(columns="3"))
    columns = read_columns(path, NO_HEADER)
    assert [*columns][3:] == ["1", "2", "3", "4"]


def test_positions_count_from_1(tmp_path):
    path = tmp_path / "source.csv"
    path.write_text("5,x,0\n")
    tree = {"name": "x", "target": {"column": "2", "good": "0", "bad": "1"}}
    columns = {"0": {"name": "a", "kind": "numeric"}, "1": {"name": "b", "kind": "nominal"}}
    with pytest.raises(InputError, match="line 1: no column 0: positions count from 1"):
        read_csv(path, NO_HEADER, parse_schema(tree | {"columns": columns}, "x"))
    columns["9"] = columns.pop("0")
    with pytest.raises(InputError, match=r"no column 9\. .* the columns are 1 to 3:"):
        read_csv(path, NO_HEADER, parse_schema(tree | {"columns": columns}, "x"))


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_forms_that_carry_their_names_have_them_whatever_is_said_of_the_header(tmp_path, suffix):
    path = tmp_path / f"source.{suffix}"
    frame = pd.DataFrame({"3": ["0"], "2": ["x"], "1": ["5"]})
    frame.to_parquet(path) if suffix == "parquet" else frame.to_json(
        path, orient="records", lines=True
    )
    found = read_csv(path, NO_HEADER, POSITIONS).frame
    assert found[["1", "2", "3"]].to_numpy().tolist() == [["5", "x", "0"]]


@pytest.mark.parametrize(
    "line",
    [
        "5,x,0,2020-01-01",
        "1.5,-2e3,a,b",
        '"1,5",12%,a,b',
        "a,b,a,c",
        ",,7",
    ],
)
def test_values_in_the_place_of_the_header_are_told_as_such_and_not_shown(tmp_path, line):
    path = tmp_path / "source.csv"
    path.write_text(f"{line}\n{line}\n")
    words = r"line 1: holds values, not names of columns.* data\.header in params\.yaml to none"
    for reading in (
        lambda: read_csv(path, DATA, DEFAULT),
        lambda: next(read_batches(path, DATA, DEFAULT, 10)),
    ):
        with pytest.raises(InputError, match=words) as error:
            reading()
        assert all(cell not in str(error.value) for cell in ("2020", "-2e3", "12%"))
    workbook = xlsx(tmp_path / "f.xlsx", {"One": [next(csv.reader([line])), [1]]})
    with pytest.raises(InputError, match=words.replace("line", "row")):
        read_csv(workbook, DATA, DEFAULT)


def test_names_with_numbers_in_them_are_no_values(tmp_path):
    path = tmp_path / "source.csv"
    path.write_text("x1,x2,x3,2019,q 4\n1,2,3,4,5\n")
    with pytest.raises(InputError, match="Its columns are not those of the schema"):
        read_csv(path, DATA, DEFAULT)

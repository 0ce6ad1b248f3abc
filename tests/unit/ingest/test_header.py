"""The header against the schema: what is wrong is said, and nobody's cells are shown."""

import os
from pathlib import Path

import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_csv
from tests.support.small_data import DEFAULT, DEFAULT_CSV

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

"""The one reader: fast where a file is plain, exact where it is not, the same rows either way."""

import csv
import io
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.core.errors import InputError
from creditrisk.ingest.csv_reader import CsvReader
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_csv
from tests.support.small_data import DEFAULT, DEFAULT_CSV, SMALL

NAMES = [*SMALL.columns, "extra"]
PLAIN = st.text(alphabet="ab1. \té'", max_size=3)
CELL = st.text(alphabet='ab1.;"\r\n\t é,', max_size=4)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.lists(CELL, min_size=len(NAMES), max_size=len(NAMES)),
            st.lists(PLAIN, min_size=len(NAMES), max_size=len(NAMES)),
            st.lists(CELL, max_size=4),
        ),
        max_size=8,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["quoted", "as it is"]),
    st.sampled_from([";", ",", "§"]),
    st.integers(1, 5),
)
def test_fast_reader_reads_what_the_exact_one_reads(records, end, how, sign, size):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=sign, lineterminator=end)
    writer.writerow(NAMES)
    for record_ in records:
        if how == "quoted":
            writer.writerow(record_)
        else:
            file.write(sign.join(record_) + end)
    data = DataParams(source="x", schema_="y", delimiter=sign, thousands="'")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "f.csv")
        content = file.getvalue().encode()
        path.write_bytes(content)
        outcomes = []
        for exact in (False, True):
            reader = CsvReader(io.BytesIO(path.read_bytes()), "f", data, SMALL, size, False)
            try:
                batches = list(reader._exact(io.BytesIO(content)) if exact else reader)
                outcomes.append((batches, reader.blank_lines))
            except InputError as error:
                outcomes.append(str(error))
    fast, exact = outcomes
    if isinstance(exact, str) or isinstance(fast, str):
        assert fast == exact
        return
    assert fast[1] == exact[1]
    assert bool(fast[0]) == bool(exact[0])
    if exact[0]:
        together, alone = (pd.concat(found[0], ignore_index=True) for found in (fast, exact))
        pd.testing.assert_frame_equal(together, alone)


@pytest.mark.parametrize("size", [7, 300])
def test_training_and_scoring_read_the_same_rows_whatever_the_batch(size):
    data = DataParams(source="x", schema_="y")
    whole = read_csv(DEFAULT_CSV, data, DEFAULT).frame
    batches = CsvReader(io.BytesIO(DEFAULT_CSV.read_bytes()), "f", data, DEFAULT, size, False)
    together = pd.concat(batches, ignore_index=True)
    pd.testing.assert_frame_equal(together, whole.drop(columns=DEFAULT.target.column))


def test_blank_lines_are_counted_and_lines_numbered_past_them(tmp_path):
    header, *lines = DEFAULT_CSV.read_text().splitlines()
    path = tmp_path / "gaps.csv"
    path.write_text("\n".join([header, lines[0], "", "", lines[1], lines[2]]) + "\n\n")
    extract = read_csv(path, DataParams(source="x", schema_="y"), DEFAULT)
    assert extract.frame["line"].tolist() == [2, 5, 6]
    assert extract.blank_lines == 3

"""Types of Parquet columns: what a CSV could have is read, anything else is refused by name."""

import datetime
import decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_columns
from creditrisk.schema import parse_schema

DATA = DataParams(source="x", schema_="y")
DAY = datetime.date(2020, 1, 2)
NOON = datetime.datetime(2020, 1, 2, 12)
SCHEMA = parse_schema(
    {
        "name": "x",
        "target": {"column": "t", "good": "0", "bad": "1"},
        "columns": {
            "Amount": {"name": "amount", "kind": "numeric"},
            "Level": {"name": "level", "kind": "nominal"},
        },
    },
    "x",
)


def read(folder, array, column="Amount"):
    """Read a file in which a column is `array`."""
    columns = dict.fromkeys(["Amount", "Level"], pa.array(["1"] * len(array))) | {column: array}
    pq.write_table(pa.table(columns), folder / "f.parquet")
    return next(read_batches(folder / "f.parquet", DATA, SCHEMA, 10))[column]


REFUSED = {
    "list": pa.array([[1]]),
    "large_list": pa.array([[1]], pa.large_list(pa.int64())),
    "fixed_size_list": pa.array([[1]], pa.list_(pa.int64(), 1)),
    "struct": pa.array([{"a": 1}]),
    "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "binary": pa.array([b"1"]),
    "large_binary": pa.array([b"1"], pa.large_binary()),
    "fixed_size_binary": pa.array([b"1"], pa.binary(1)),
    "date32": pa.array([DAY]),
    "timestamp": pa.array([NOON]),
    "time64": pa.array([NOON.time()]),
    "duration": pa.array([NOON - NOON]),
    "dictionary<values=binary": pa.array([b"1"]).dictionary_encode(),
}


@pytest.mark.parametrize("column", ["Amount", "Level"])
@pytest.mark.parametrize("kind", REFUSED)
def test_a_type_that_no_csv_could_have_is_refused_by_name(tmp_path, kind, column):
    with pytest.raises(InputError) as error:
        read(tmp_path, REFUSED[kind], column)
    assert f"f.parquet: column {column}: of the type {kind}" in str(error.value)
    assert "Write it as text or as a number" in str(error.value)


READ = {
    "text": (pa.array(["a", None, ""]), ["a", None, ""]),
    "large text": (pa.array(["a", None], pa.large_string()), ["a", None]),
    "a view of text": (pa.array(["a", None], pa.string_view()), ["a", None]),
    "a dictionary of text": (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
    "a dictionary of numbers": (pa.array([2, None, 2]).dictionary_encode(), ["2", None, "2"]),
    "whole numbers": (pa.array([2**63 - 1, None]), ["9223372036854775807", None]),
    "bytes": (pa.array([255], pa.uint8()), ["255"]),
    "numbers": (pa.array([0.1, 2.0, None]), ["0.1", "2.0", None]),
    "decimals": (pa.array([decimal.Decimal("1.50"), None]), ["1.50", None]),
    "nothing": (pa.nulls(2), [None, None]),
}


@pytest.mark.parametrize("kind", READ)
def test_what_a_csv_could_have_is_read_as_its_text(tmp_path, kind):
    array, texts = READ[kind]
    found = read(tmp_path, array)
    assert [None if pd.isna(text) else text for text in found] == texts


@pytest.mark.parametrize(
    ("column", "words"), [("Amount", ["1", "0"]), ("Level", ["True", "False"])]
)
def test_true_and_false_are_numbers_in_a_numeric_place_and_words_elsewhere(tmp_path, column, words):
    assert read(tmp_path, pa.array([True, False]), column).tolist() == words


def test_text_that_is_not_unicode_is_refused(tmp_path):
    broken = pa.array([b"a", b"\xff\xfe"]).cast(pa.binary()).view(pa.string())
    with pytest.raises(InputError, match="not Parquet"):
        read(tmp_path, broken)


def test_a_file_that_is_cut_off_is_refused_in_one_line(tmp_path):
    read(tmp_path, pa.array(["a" * 50] * 50))
    path = tmp_path / "f.parquet"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="not Parquet"):
        next(read_batches(path, DATA, SCHEMA, 10))


def test_pages_that_are_damaged_are_refused_in_one_line(tmp_path):
    read(tmp_path, pa.array([str(i) for i in range(2_000)]))
    path = tmp_path / "f.parquet"
    data = bytearray(path.read_bytes())
    data[20:2_000] = bytes(1_980)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="not Parquet"):
        next(read_batches(path, DATA, SCHEMA, 10))


DATES = parse_schema(
    {
        "name": "x",
        "target": {"column": "t", "good": "0", "bad": "1"},
        "application_date": "Amount",
        "columns": {
            "Amount": {"name": "amount", "kind": "date", "format": "%d.%m.%Y %H"},
            "Level": {"name": "level", "kind": "nominal"},
        },
    },
    "x",
)
LATE = pa.scalar(3_000_000, pa.int32()).cast(pa.date32())  # the year 10183
BERLIN = pa.timestamp("ms", tz="Europe/Berlin")
DAYS = {
    "date32": (pa.array([DAY, None, DAY]), ["02.01.2020 00", None, "02.01.2020 00"]),
    "date64": (pa.array([DAY], pa.date64()), ["02.01.2020 00"]),
    "seconds": (pa.array([NOON], pa.timestamp("s")), ["02.01.2020 12"]),
    "nanoseconds": (pa.array([1_577_966_400_000_000_001], pa.timestamp("ns")), ["02.01.2020 12"]),
    "a time zone": (pa.array([NOON], BERLIN), ["02.01.2020 13"]),
    "a dictionary": (pa.array([DAY, DAY]).dictionary_encode(), ["02.01.2020 00"] * 2),
    "a year beyond microseconds": (
        pa.array([10**13], pa.timestamp("s")),
        ["<value out of range: 10000000000000000>"],
    ),
    "a late year": (pa.array([LATE]), ["10183-09-21"]),
}


@pytest.mark.parametrize("kind", DAYS)
def test_dates_are_read_for_a_column_of_dates(tmp_path, kind):
    array, texts = DAYS[kind]
    table = {"Amount": array, "Level": pa.array(["1"] * len(array))}
    pq.write_table(pa.table(table), tmp_path / "f.parquet")
    found = next(read_batches(tmp_path / "f.parquet", DATA, DATES, 10))["Amount"]
    assert [None if pd.isna(text) else text for text in found] == texts
    pq.write_table(pa.table({"Amount": array, "Level": array}), tmp_path / "f.parquet")
    with pytest.raises(InputError, match=r"column Level: of the type .*which is not read"):
        next(read_batches(tmp_path / "f.parquet", DATA, DATES, 10))


@pytest.mark.parametrize("kind", ["list", "time64", "duration", "binary"])
def test_other_types_are_refused_for_a_column_of_dates_too(tmp_path, kind):
    array = REFUSED[kind]
    pq.write_table(pa.table({"Amount": array, "Level": pa.array(["1"])}), tmp_path / "f.parquet")
    for schema in (DATES, None):
        with pytest.raises(InputError, match=f"column Amount: of the type {kind}"):
            next(read_batches(tmp_path / "f.parquet", DATA, schema, 10))


def test_without_a_schema_dates_are_iso_with_a_time_if_any_value_has_one(tmp_path, monkeypatch):
    monkeypatch.setattr("creditrisk.ingest.table.BATCH_ROWS", 2)  # the time is in another batch
    midnight = datetime.datetime(2020, 1, 2)
    columns = {
        "day": pa.array([DAY, None, DAY]),
        "midnight": pa.array([midnight, None, midnight]),
        "noon": pa.array([midnight, None, NOON]),
        "fine": pa.array([midnight, None, NOON.replace(microsecond=5)]),
        "text": pa.array(["2020-01-02 00:00:00.000000", None, "x"]),
    }
    pq.write_table(pa.table(columns), tmp_path / "f.parquet")
    found = read_columns(tmp_path / "f.parquet", DATA).fillna("")
    assert {name: found[name].tolist() for name in columns} == {
        "day": ["2020-01-02", "", "2020-01-02"],
        "midnight": ["2020-01-02", "", "2020-01-02"],
        "noon": ["2020-01-02 00:00:00", "", "2020-01-02 12:00:00"],
        "fine": ["2020-01-02 00:00:00.000000", "", "2020-01-02 12:00:00.000005"],
        "text": ["2020-01-02 00:00:00.000000", "", "x"],
    }

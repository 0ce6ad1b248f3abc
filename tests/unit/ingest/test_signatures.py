"""A file is named for what its first bytes say, if its suffix says something else."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import struct
import tarfile
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_columns
from tests.unit.ingest.workbooks import ods, xlsx

DATA = DataParams(source="x", schema_="y")
TEXT = b"a,b\n1,2\n"
TABLE = pa.table({"a": ["1", "2"], "b": ["3", "4"]})
NOISE = bytes(range(256)) * 2


def _written(write):
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _zip(*names):
    def write(file):
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, TEXT)

    return _written(write)


def _tar():
    def write(file):
        with tarfile.open(fileobj=file, mode="w") as archive:
            info = tarfile.TarInfo("a.csv")
            info.size = len(TEXT)
            archive.addfile(info, io.BytesIO(TEXT))

    return _written(write)


def _sqlite():
    with sqlite3.connect(":memory:") as base:
        base.execute("create table t (a)")
        return base.serialize()


# The bytes and how they are named. Those of other programs are headers by their specifications.
NOT_READ = {
    "bzip2": (bz2.compress(TEXT), "a bzip2 file"),
    "xz": (lzma.compress(TEXT), "an xz file"),
    "lz4": (b"\x04\x22\x4d\x18" + NOISE, "an lz4 file"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + NOISE, "a 7z archive"),
    "rar": (b"Rar!\x1a\x07\x01\0" + NOISE, "a rar archive"),
    "tar": (_tar(), "a tar archive"),
    "pdf": (b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\n", "a PDF document"),
    "pdf with binary": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + NOISE, "a PDF document"),
    "sqlite": (_sqlite(), "an SQLite database"),
    "duckdb": (bytes(8) + b"DUCK" + NOISE, "a DuckDB database"),
    "access": (b"\0\1\0\0Standard ACE DB\0" + NOISE, "an Access database"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + NOISE, "an HDF5 file"),
    "arrow": (_written(lambda f: pyarrow.feather.write_feather(TABLE, f)), "an Arrow"),
    "feather": (b"FEA1" + NOISE, "a Feather file"),
    "orc": (_written(lambda f: pyarrow.orc.write_table(TABLE, f)), "an ORC file"),
    "avro": (b"Obj\x01\x04\x14avro.codec\x08null" + NOISE, "an Avro file"),
    "sas7bdat": (bytes(12) + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf" + NOISE, "a SAS data set"),
    "sas transport": (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000", "a SAS transport"),
    "spss": (b"$FL2@(#) SPSS DATA FILE" + struct.pack("<i", 2) + NOISE, "an SPSS file"),
    "stata": (b"<stata_dta><header><release>118</release><K>\x02\0</K>", "a Stata file"),
    "old stata": (b"\x72\x02\x01\0\x05\0" + NOISE, "a Stata file"),
    "r": (b"RDX3\nX\n\0\0\0\3" + NOISE, "an R data file"),
    "rds": (b"X\n\0\0\0\3\0\4\3\1" + NOISE, "an R data file"),
    "pickle": (pickle.dumps({"a": 1}), "a pickle file, which is not read. It could run any code"),
    "html": (b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>", "an HTML page"),
    "html table": (b"<table border=1>\n<tr><td>a</td></tr></table>", "an HTML page"),
    "xml": (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>', "an XML document"),
    "json array": (b'[\n {"a": 1}]', "a JSON array"),
    "docx": (_zip("[Content_Types].xml", "word/document.xml"), "a Word document"),
    "encrypted parquet": (b"PARE" + NOISE, "an encrypted Parquet file"),
}


def read(path):
    return pd.concat(read_batches(path, DATA, None, 10), ignore_index=True)


def refused(path):
    """The one line with which both readings refuse a file."""
    errors = []
    for reading in (read, lambda file: read_columns(file, DATA)):
        with pytest.raises(InputError) as error:
            reading(path)
        errors.append(str(error.value))
    assert errors[0] == errors[1]
    assert "\n" not in errors[0]
    return errors[0].removeprefix(f"{path}: ")


@pytest.mark.parametrize("suffix", [".csv", "", ".xls", ".parquet", ".jsonl"])
@pytest.mark.parametrize("kind", NOT_READ)
def test_what_is_not_read_is_named_whatever_the_suffix(tmp_path, kind, suffix):
    content, words = NOT_READ[kind]
    path = tmp_path / f"f{suffix}"
    path.write_bytes(content)
    assert refused(path).startswith(f"file: {words}")
    assert "not read" in refused(path)


@pytest.mark.parametrize("kind", ["tar", "r", "rds", "pickle", "html", "sqlite"])
def test_what_is_not_read_is_named_inside_a_compressed_file_too(tmp_path, kind):
    content, words = NOT_READ[kind]
    path = tmp_path / "f.csv.gz"
    path.write_bytes(gzip.compress(content))
    assert refused(path).startswith(f"file: {words.split(',')[0]} in a compressed file")


@pytest.mark.parametrize("kind", NOT_READ)
def test_an_unknown_suffix_does_not_hide_what_is_not_read(tmp_path, kind):
    content, words = NOT_READ[kind]
    path = tmp_path / "f.dta"
    path.write_bytes(content)
    assert refused(path).startswith(f"file: {words}")


def _read_forms(folder):
    made = xlsx(folder / "made.xlsx", {"One": [["a", "b"], [1, 2]]}).read_bytes()
    zstd = folder / "made.zst"
    with pa.CompressedOutputStream(str(zstd), "zstd") as file:
        file.write(TEXT)
    return {
        ".csv": (TEXT, "text"),
        ".parquet": (_written(lambda f: TABLE.to_pandas().to_parquet(f)), "a Parquet file"),
        ".xlsx": (made, "an Excel workbook"),
        ".ods": (ods(folder / "made.ods", [["a"], ["1"]]).read_bytes(), "an OpenDocument spread"),
        ".csv.gz": (gzip.compress(TEXT), "a gzip file"),
        ".csv.zst": (zstd.read_bytes(), "a zstd file"),
        ".csv.zip": (_zip("f.csv"), "a zip archive"),
        ".jsonl": (json.dumps({"a": 1}).encode(), "JSON lines"),
    }


SAID = {
    ".csv": "CSV",
    ".txt": "CSV",
    ".parquet": "Parquet",
    ".xlsx": "a workbook",
    ".csv.gz": "gzip",
    ".csv.zst": "zstd",
    ".csv.zip": "a zip archive",
}


@pytest.mark.parametrize("suffix", SAID)
@pytest.mark.parametrize(
    "kind", [".csv", ".parquet", ".xlsx", ".ods", ".csv.gz", ".csv.zst", ".csv.zip", ".jsonl"]
)
def test_a_form_that_is_read_is_named_under_the_suffix_of_another(tmp_path, kind, suffix):
    content, words = _read_forms(tmp_path)[kind]
    path = tmp_path / f"applicants{suffix}"
    path.write_bytes(content)
    both_are_workbooks = (kind, suffix) == (".ods", ".xlsx")
    is_text = suffix in (".csv", ".txt")
    if kind == suffix or both_are_workbooks or (is_text and kind in (".csv", ".parquet")):
        assert "a" in read(path)
        return
    found = refused(path)
    if kind in (".csv", ".jsonl") and words != "JSON lines":
        assert found.startswith(f"file: not {SAID[suffix]} as its suffix says")
    else:
        assert found.startswith(f"file: {words}"), found
        assert f"not {SAID[suffix]} as its suffix says. Name it applicants{kind}" in found


def test_a_workbook_under_the_name_of_a_csv_may_also_be_saved_as_one(tmp_path):
    path = tmp_path / "x.csv"
    xlsx(tmp_path / "x.xlsx", {"One": [["a"], [1]]}).rename(path)
    words = (
        "file: an Excel workbook, not CSV as its suffix says. Name it x.xlsx, or save it as CSV."
    )
    assert refused(path) == words


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("suffix", [".csv", "", ".dat"])
def test_text_of_wide_characters_is_named_and_read_if_the_encoding_is_set(
    tmp_path, encoding, suffix
):
    path = tmp_path / f"f{suffix}"
    path.write_bytes("a,é\n1,2\n".encode(encoding))
    with pytest.raises(
        InputError, match=f"text in {encoding.upper()}.* data.encoding .*{encoding}"
    ):
        read_columns(path, DATA)
    data = DataParams(source="x", schema_="y", encoding=encoding)
    assert read_columns(path, data)["é"].tolist() == ["2"]


@pytest.mark.parametrize("name", ["PAR1", "ORC", "BZh9", "RDX3", "$FL2", "Obj", "X", "Rar!"])
def test_a_name_of_a_column_is_not_taken_for_a_signature(tmp_path, name):
    path = tmp_path / "f.csv"
    path.write_text(f"{name},b\n1,2\n")
    assert read(path)[name].tolist() == ["1"]
    path.rename(tmp_path / "f")
    assert read(tmp_path / "f")[name].tolist() == ["1"]


def test_bytes_that_nothing_is_known_of_are_no_text_in_training(tmp_path):
    path = tmp_path / "f.bin"
    path.write_bytes(b"\0\1\2\3" * 100)
    with pytest.raises(InputError, match=r"the suffix \.bin is unknown, and the file is no text"):
        read_columns(path, DATA)


def test_a_zip_file_that_is_damaged_is_said_to_be(tmp_path):
    path = tmp_path / "f.csv.zip"
    path.write_bytes(_zip("f.csv")[:-30])
    assert refused(path).startswith("file: a zip file that is damaged or cut off")

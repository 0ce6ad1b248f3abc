"""Compressed text: read as a stream; what is damaged, or holds something else, is one line."""

import gzip
import os
import random
import sys
import threading
import zipfile

import pandas as pd
import pyarrow as pa
import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_columns
from tests.unit.ingest.workbooks import xlsx

DATA = DataParams(source="x", schema_="y")
RANDOM = random.Random(1)
TEXT = "a,b\n" + "".join(f"{RANDOM.random()},{i}\n" for i in range(20_000))


def zipped(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def compressed(folder, form):
    path = folder / f"f.csv.{form}"
    if form == "gz":
        path.write_bytes(gzip.compress(TEXT.encode()))
    elif form == "zst":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(TEXT.encode())
    else:
        zipped(path, **{"f.csv": TEXT})
    return path


def read(path):
    return pd.concat(read_batches(path, DATA, None, 1_000), ignore_index=True)


@pytest.mark.parametrize("form", ["gz", "zst", "zip"])
def test_a_compressed_file_from_a_pipe_is_read_once(tmp_path, form):
    content = compressed(tmp_path, form).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = threading.Thread(target=lambda: pipe.write_bytes(content))
    thread.start()
    found = read(pipe)
    thread.join()
    assert found["b"].tolist() == [str(i) for i in range(20_000)]


@pytest.mark.parametrize("form", ["gz", "zst"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.99999])
def test_a_file_that_is_cut_off_is_refused_in_one_line(tmp_path, form, share):
    path = compressed(tmp_path, form)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    for reading in (read, lambda file: read_columns(file, DATA)):
        with pytest.raises(InputError) as error:
            reading(path)
        problem = f"{path}: file: a {path.suffix[1:]} file that is damaged or cut off."
        assert str(error.value).startswith(problem.replace("gz ", "gzip ").replace("zst ", "zstd "))


@pytest.mark.parametrize("form", ["gz", "zst", "zip"])
def test_bytes_that_are_damaged_are_refused_in_one_line(tmp_path, form):
    path = compressed(tmp_path, form)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged or cut off"):
        read(path)


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_files_one_behind_the_other_are_read_as_one(tmp_path, form):
    path = compressed(tmp_path, form)
    path.write_bytes(path.read_bytes() * 2)
    assert len(read(path)) == 40_001  # the second header is a row


def test_a_zip_file_with_two_files_is_refused_with_their_names(tmp_path):
    names = [f"{letter}.csv" for letter in "abcdefg"]
    path = zipped(tmp_path / "f.zip", **dict.fromkeys(names[:2], TEXT))
    with pytest.raises(InputError, match=r"file: holds 2 files: a\.csv, b\.csv\. Give"):
        read(path)
    path = zipped(tmp_path / "g.zip", **dict.fromkeys(names, TEXT))
    words = r"holds 7 files: a\.csv, b\.csv, c\.csv, d\.csv, e\.csv and 2 more\. Give"
    with pytest.raises(InputError, match=words):
        read(path)
    path = zipped(tmp_path / "h.zip")
    with pytest.raises(InputError, match=r"holds no file"):
        read(path)


def test_folders_and_the_notes_of_macos_are_no_files_of_a_zip(tmp_path):
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (("data/", ""), ("data/f.csv", TEXT), ("__MACOSX/data/._f.csv", "x")):
            archive.writestr(name, text)
    assert len(read(path)) == 20_000


def test_the_form_of_a_file_in_a_zip_is_that_of_its_name(tmp_path):
    path = zipped(tmp_path / "f.zip", **{"f.jsonl": '{"a": 1}\n'})
    assert read(path)["a"].tolist() == ["1"]
    path = zipped(tmp_path / "g.zip", **{"f.csv": '{"a": 1}\n'})
    with pytest.raises(InputError, match="JSON lines, not CSV"):
        read(path)


def test_a_zip_file_with_a_password_is_refused(tmp_path):
    path = zipped(tmp_path / "f.zip", **{"f.csv": TEXT})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag, before the file and in the directory
    content[content.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="protected by a password"):
        read(path)


def test_a_zip_file_of_a_method_that_is_not_read_is_refused(tmp_path):
    path = zipped(tmp_path / "f.zip", **{"f.csv": TEXT})
    content = bytearray(path.read_bytes())
    content[8] = content[content.rindex(b"PK\1\2") + 10] = 99
    path.write_bytes(content)
    with pytest.raises(InputError, match="packed by a method that is not read"):
        read(path)


@pytest.mark.parametrize("inner", ["f.parquet", "f.xlsx", "f.csv.gz"])
def test_only_text_is_read_from_a_compressed_file(tmp_path, inner):
    path = tmp_path / inner
    if inner == "f.parquet":
        pd.DataFrame({"a": ["1"]}).to_parquet(path)
    elif inner == "f.xlsx":
        xlsx(path, {"One": [["a"], [1]]})
    else:
        path.write_bytes(gzip.compress(TEXT.encode()))
    outer = tmp_path / f"{inner}.gz"
    outer.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(InputError, match=r"in a compressed file, which is not read\. Unpack it"):
        read(outer)


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_rows_come_before_the_rest_is_unpacked(tmp_path, monkeypatch, form):
    monkeypatch.setattr(sys.modules[__name__], "TEXT", TEXT * 10)
    path = compressed(tmp_path, form)
    path.write_bytes(path.read_bytes()[:-20])  # cut off, which is seen at the end only
    batches = read_batches(path, DATA, None, 1_000)
    assert next(batches)["b"].tolist() == [str(i) for i in range(1_000)]
    with pytest.raises(InputError, match="damaged or cut off"):
        list(batches)

"""Workbooks that are damaged, protected or made to fill the memory: one line each."""

import zipfile

import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_columns
from tests.unit.ingest.workbooks import xlsx

DATA = DataParams(source="x", schema_="y")


def test_a_cell_over_the_limit_and_a_row_over_the_limit_are_malformed(tmp_path):
    rows = [["a", "b"], ["x" * 10_001, "1"], ["x" * 10_000, "2"], ["y"]]
    wide = [["a", *map(str, range(120))], ["y"], ["x" * 9_000] * 121, ["z"]]
    path = xlsx(tmp_path / "f.xlsx", {"One": rows, "Wide": wide})
    found = read_columns(path, DATA)
    problem = "row 2: the cell of a has more than 10,000 characters"
    assert found["malformed"].fillna("").tolist() == [problem, "", ""]
    assert found["a"].str.len().tolist()[1:] == [10_000, 1]
    found = read_columns(path, DataParams(source="x", schema_="y", sheet="Wide"))
    assert found["malformed"].fillna("").tolist() == [
        "",
        "row 3: more than 1,000,000 characters",
        "",
    ]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_workbook_that_is_cut_off_is_refused_in_one_line(tmp_path, share):
    path = xlsx(tmp_path / "f.xlsx", {"One": [["a"], *([[i] for i in range(500)])]})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="damaged or cut off"):
        read_columns(path, DATA)


def test_a_workbook_with_a_broken_sheet_is_refused_in_one_line(tmp_path):
    path = xlsx(tmp_path / "f.xlsx", {"One": [["a"], [1]]})
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, text[:-80] if "sheet1" in name else text)
    with pytest.raises(InputError, match=r"workbook: .*damaged"):
        read_columns(broken, DATA)


def test_an_old_workbook_that_is_damaged_is_refused_in_one_line(tmp_path):
    path = tmp_path / "f.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 40)
    with pytest.raises(InputError, match=r"workbook: .*damaged"):
        read_columns(path, DATA)


def test_a_workbook_with_a_password_is_said_to_have_one(tmp_path):
    path = tmp_path / "f.xlsx"
    stream = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000) + stream + bytes(2_000))
    with pytest.raises(InputError, match="workbook: protected by a password"):
        read_columns(path, DATA)


def test_a_workbook_that_unpacks_beyond_all_bounds_is_refused_before_it_is_read(
    tmp_path, monkeypatch
):
    path = xlsx(tmp_path / "f.xlsx", {"One": [["a"], ["x" * 3_000_000]]})
    assert len(read_columns(xlsx(tmp_path / "g.xlsx", {"One": [["a"], ["x"]]}), DATA)) == 1
    monkeypatch.setattr(limits, "WORKBOOK_BYTES", 2**21)
    monkeypatch.setattr("creditrisk.ingest.workbook.subprocess", None)  # no process is started
    with pytest.raises(InputError, match=r"workbook: 3 MiB when it is unpacked, at most 2 MiB"):
        read_columns(path, DATA)


def test_two_cells_far_apart_do_not_fill_the_memory(tmp_path, capfd):
    path = xlsx(tmp_path / "f.xlsx", {"One": [["a"], ["b"]]})
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(bomb, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'r="A2"', b'r="XFD1048576"'))
    with pytest.raises(InputError, match=r"workbook: it takes more memory .* at most 1,024 MiB"):
        read_columns(bomb, DATA)
    assert capfd.readouterr() == ("", "")

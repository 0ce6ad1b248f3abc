"""How a text file is written is found out from its bytes."""

import gzip
import zipfile

import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.workflow.draft.cells import distinct_cells
from creditrisk.workflow.draft.notation import guess_notation
from creditrisk.workflow.draft.sniff import Written, guess_delimiter, guess_header, sniff

PLAIN = "income,city,bad\n1200,Köln,0\n900,Bonn,1\n"


def written(tmp_path, content: bytes, name: str = "new.csv") -> Written | None:
    (tmp_path / name).write_bytes(content)
    return sniff(tmp_path / name)


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("latin-1", "latin-1"),
    ],
)  # fmt: skip
def test_encoding(tmp_path, encoding, found):
    assert written(tmp_path, PLAIN.encode(encoding)) == Written(found, ",", "first")


def test_a_byte_that_only_cp1252_has_a_sign_for(tmp_path):
    assert written(tmp_path, PLAIN.replace("ö", "€").encode("cp1252")).encoding == "cp1252"


def test_a_character_far_behind_the_start_decides_the_encoding(tmp_path):
    body = "a,b\n" + "1,2\n" * 600_000
    assert written(tmp_path, (body + "1,é\n").encode("latin-1")).encoding == "latin-1"


def test_a_character_across_two_pieces_is_utf8(tmp_path):
    body = ("a,b\n" + "1,2\n" * 400_000)[: 2**20 - 1]
    assert written(tmp_path, (body + "é,1\n").encode()).encoding == "utf-8"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_delimiter(sign):
    text = f"a{sign}b{sign}c\n" + f'1{sign}"x;,|\ty"{sign}2\n' * 9
    assert guess_delimiter(text) == sign


def test_decimal_commas_are_no_delimiter():
    assert guess_delimiter("1,5;2,5\n" * 9) == ";"


def test_blanks_are_the_delimiter_only_if_nothing_else_fits():
    assert guess_delimiter("A11  6 A34\nA12 48   A32\n") == " "
    assert guess_delimiter("a b,c d\n1 2,3 4\n") == ","


def test_a_few_ragged_lines_do_not_matter():
    assert guess_delimiter("a;b;c\n" * 50 + "a;b\n" * 3) == ";"


def test_a_table_of_one_column_has_no_delimiter(tmp_path):
    with pytest.raises(InputError, match="no delimiter"):
        written(tmp_path, b"one\ntwo\nthree\n")


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([["age", "job"], ["30", "a"], ["40", "b"]], "first"),
        ([["b", "30.83", "+"], ["a", "58.67", "-"]], "none"),
        ([["u", "g"], ["y", "p"], ["u", "g"]], "none"),
        ([["", "age"], ["1", "30"], ["2", "40"]], "first"),
        ([["home", "job"], ["own", "a"], ["rent", "b"]], "first"),
        ([["x", "x"], ["a", "b"], ["c", "d"]], "none"),
        ([["x", "x"], ["1", "b"], ["2", "d"]], "first"),
        ([["1,5", "a"], ["2,5", "b"]], "none"),
    ],
)
def test_header(rows, header):
    assert guess_header(rows) == header


def test_the_name_of_the_target_tells_the_header():
    rows = [["2019", "2020", "bad"], ["1", "2", "0"]]
    assert guess_header(rows) == "none"
    assert guess_header(rows, "Bad") == "first"
    assert guess_header([["7", "1"], ["8", "2"]], "1") == "none"


def test_packed_files(tmp_path):
    content = PLAIN.replace(",", ";").encode("latin-1")
    expected = Written("latin-1", ";", "first")
    assert written(tmp_path, gzip.compress(content), "new.csv.gz") == expected
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        archive.writestr("new.csv", content)
    assert sniff(tmp_path / "new.zip") == expected


def test_what_is_no_delimited_text(tmp_path):
    assert written(tmp_path, b'{"a": 1}\n', "new.jsonl") is None
    with pytest.raises(InputError, match="empty"):
        written(tmp_path, b"\n \n")
    with pytest.raises(InputError, match="not found"):
        sniff(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("texts", "delimiter", "notation"),
    [
        (["1.5", "2.25"], ",", (".", ",")),
        (["3.031,96", "8.436,12"], ";", (",", ".")),
        (["1,5", "2,25"], ";", (",", ".")),
        (["$1,234.50", "12%"], ",", (".", ",")),
        (["1 234,5", "20 000,1"], ";", (",", " ")),
        (["1'234.50", "2'000.00"], ",", (".", "'")),
        (["1 234.5", "9 000"], "\t", (".", " ")),
        (["1", "2"], ",", (".", ",")),
        (["1", "2"], ";", (",", ".")),
        (["1.5", "2.25"], ";", (".", ",")),
        (["1.234", "5.678"], ";", (",", ".")),
        (["1,23,456", "1,5", "2,5"], ",", (",", ".")),
        ([f"12 50{i} Street {chr(70 + i)}" for i in range(20)], ",", (".", ",")),
    ],
)
def test_notation(texts, delimiter, notation):
    cells = distinct_cells("x", pd.Series(texts, dtype="str"), [])
    assert guess_notation([cells], delimiter) == notation


def test_the_delimiter_that_gives_the_target_wins():
    rows = "".join(f"=cmd|x!A{i},{i},bad\n" for i in range(9))
    assert guess_delimiter("a,b,y\n" + rows, target="y") == ","
    assert guess_delimiter("a|b,c|y\n1|2,3|0\n", target="y") == "|"
    assert guess_delimiter("a,b\n1,2\n", target="2") == ","

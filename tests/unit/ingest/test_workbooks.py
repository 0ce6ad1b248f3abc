"""Workbooks: each cell becomes the text that a CSV would have."""

import base64
import datetime
import zlib

import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_columns, read_source
from creditrisk.schema import parse_schema
from tests.unit.ingest.workbooks import DAY_0, Error, Number, ods, xlsb, xlsx

DATA = DataParams(source="x", schema_="y")
DAY, NOON = datetime.date(2020, 1, 31), datetime.datetime(2020, 1, 31, 12)
COLUMNS = {
    "amount": {"name": "amount", "kind": "numeric"},
    "free": {"name": "free", "kind": "nominal"},
    "words": {"name": "words", "kind": "nominal", "levels": ["true", "false"]},
    "when": {"name": "when", "kind": "date", "format": "%d.%m.%Y"},
}
SCHEMA = parse_schema(
    {
        "name": "x",
        "target": {"column": "t", "good": "0", "bad": "1"},
        "application_date": "when",
        "columns": COLUMNS,
    },
    "x",
)
# A sheet `S` with a, b, c / 1, 2.5, x as Excel 97 to 2003 has it.
XLS = (
    "eNrtWD1oFEEU/mbv/0gue/EiJkI4AkaNacTGJtkoaCpD1EIRQe+SKyThIoeF2hiNVwqClWITSGMTtdGICtpZCBEt"
    "BEG40zKVoGCR3Prmu1m5RIscaIgy3/K+eftm3s67mTezN/tmMV2ZfdhVxRoMIoSan0C0waZEEsGNC6n3fa0GZVzE"
    "t/inkIjLREYjeNr6OqbnUM93FQ4ehF8KA59ETuM8RqaKhewG4iBjyCkdw4Cwwl2xpNDJqNrJY+Qt5Pts+Yw8RMsN"
    "8oC0rahTWPRG+vabLD7p9LAuBf3cx/T5QMtedOCVzuIrN1W9bQQHSudyk5uzojvcgjnIvA0XioVSbrKCjEzgHL75"
    "WeBrsFJfZK19Y+0KYv++2h77jf2WEwam4Z9lgpdlc10I1Sf4+DK2QSopMuk5kbzImMjFpN6HuW7dVeu2lfncIjyO"
    "NuppZrUrO/PyvS9vj+RHvTO0THOvru/oO3QQ8HFVe4hzijUOWUfTR30P+Rqfup16FzkjuShl72iHUQ7PsM111vZK"
    "P/uId97OBn2X6OWlowvd5c/ebtHnh6uXM/PvvVn0yCCMi7++ZtCv+tWd2xpPvKBUZvV/JHf+shPEHdfE7pvXVhtW"
    "kKSaJtfv9Oion3eOGSvtrdZ4P5ceFb2j5KWQ9tZ+in56lAaddjzioA01vDGTsLCwsLCwsLCwsNhMUOa/fsicNSLm"
    "LBEz33VWRGr2M8l/i2OYkuuCHEwPoShlCZeayp+tiKjgWWqdPsH3Qo0T0nsJE8gzjomm81fOgqrx96zb0f1zS6jZ"
    "/mvNxPmX+/8B69a9pw=="
)


def with_data(**changed):
    return DataParams(source="x", schema_="y", **changed)


def read(folder, cells, data=DATA, name="amount"):
    """Read one column of these cells."""
    header = [name, *(other for other in COLUMNS if other != name)]
    rows = [[cell, "x", "x", "x"] for cell in cells]
    path = xlsx(folder / "f.xlsx", {"One": [header, *rows]})
    found = next(read_batches(path, data, SCHEMA, 100))[name]
    return [None if pd.isna(cell) else cell for cell in found]


CELLS = [
    (1, "1"),
    (1.0, "1"),
    (-0.0, "0"),
    (0.1, "0.1"),
    (1.5e300, "1.5e+300"),
    (Number("12345678901234567"), "12345678901234568"),
    (Number("1E-7"), "1e-07"),
    (True, "1"),
    (False, "0"),
    ("007", "007"),
    (" a ", " a "),
    (None, None),
    ("", None),
    (Error("#N/A"), "#N/A"),
    (Error("#DIV/0!"), "#DIV/0!"),
    (DAY, "2020-01-31"),
    (NOON, "2020-01-31 12:00:00"),
    (datetime.timedelta(hours=30), "30:00:00"),
]


def test_a_cell_is_the_text_that_a_csv_would_have(tmp_path):
    assert read(tmp_path, [cell for cell, _ in CELLS]) == [text for _, text in CELLS]


def test_numbers_have_the_decimal_sign_of_the_file(tmp_path):
    german = with_data(decimal=",", thousands=".")
    assert read(tmp_path, [1234.5, 2.0, "1.234"], german) == ["1234,5", "2", "1.234"]


def test_truth_values_are_words_where_the_column_has_them(tmp_path):
    assert read(tmp_path, [True, False], name="words") == ["True", "False"]
    assert read(tmp_path, [True, False], name="free") == ["True", "False"]


def test_dates_are_written_by_the_format_of_the_schema(tmp_path):
    cells = [DAY, NOON, "1.2.2020", 43861]
    assert read(tmp_path, cells, name="when") == ["31.01.2020", "31.01.2020", "1.2.2020", "43861"]


def test_without_a_schema_a_column_of_dates_has_a_time_if_any_value_has_one(tmp_path):
    rows = [[DAY, DAY, DAY], [DAY, NOON, "none"], [None, None, DAY]]
    path = xlsx(tmp_path / "f.xlsx", {"One": [["a", "b", "c"], *rows]})
    found = read_columns(path, DATA).fillna("")
    assert found["a"].tolist() == ["2020-01-31", "2020-01-31", ""]
    assert found["b"].tolist() == ["2020-01-31 00:00:00", "2020-01-31 12:00:00", ""]
    assert found["c"].tolist() == ["2020-01-31", "none", "2020-01-31"]


def test_blank_rows_are_counted_between_rows_and_not_at_the_end(tmp_path):
    rows = [[], ["a", "b"], [], [1, 2], [None, None], ["", ""], [3, ""], [], [None, None]]
    path = xlsx(tmp_path / "f.xlsx", {"One": rows})
    batches = read_batches(path, DATA, None, 1)
    found = pd.concat(batches, ignore_index=True)
    assert found["line"].tolist() == [4, 7]
    assert found["row_id"].tolist() == [1, 2]
    assert found["a"].tolist() == ["1", "3"]
    assert batches.blank_lines == 3


def test_a_table_may_start_anywhere_and_a_cell_beside_it_makes_its_row_malformed(tmp_path):
    rows = [[], ["", "", "a", "b"], ["", "", 1, 2], ["", "", 3, 4, "", "note"], ["", "", 5]]
    path = xlsx(tmp_path / "f.xlsx", {"One": rows})
    found = read_columns(path, DATA).fillna("")
    assert found["malformed"].tolist() == ["", "row 4: 4 cells, the header has 2", ""]
    assert found["a"].tolist() == ["1", "", "5"]
    assert found["b"].tolist() == ["2", "", ""]


def test_errors_are_found_wherever_the_table_is_and_however_long_the_sheet(tmp_path):
    rows = [["", "a", "b"], *([["", "x" * 50, 1.5]] * 30_000), ["", Error("#REF!"), 2]]
    path = xlsx(tmp_path / "f.xlsx", {"Q & A": [["z"], ["z"]], "Two": rows, "Three": rows[:2]})
    found = read_columns(path, with_data(sheet="Two"))
    assert found["a"].iloc[-1] == "#REF!"
    assert found["a"].iloc[:-1].eq("x" * 50).all()
    assert read_columns(path, with_data(sheet="Three"))["a"].tolist() == ["x" * 50]


def test_an_error_that_a_piece_of_the_sheet_cuts_through_is_found(tmp_path):
    rows = [["a"], *([[Error("#N/A")]] * 60_000)]
    found = read_columns(xlsx(tmp_path / "f.xlsx", {"One": rows}), DATA)
    assert found["a"].eq("#N/A").all()
    assert len(found) == 60_000


def test_a_row_with_nothing_but_an_error_is_a_row(tmp_path):
    path = xlsx(tmp_path / "f.xlsx", {"One": [["a", "b"], [1, 2], [Error("#N/A"), None]]})
    assert read_columns(path, DATA)["a"].tolist() == ["1", "#N/A"]


def test_the_sheet_is_the_named_one_or_the_first_that_is_shown(tmp_path):
    sheets = {"Notes": [["a"], ["n"]], "Rows": [["a"], ["r"]], "Q & A": [["a"], ["q"]]}
    path = xlsx(tmp_path / "f.xlsx", sheets, hidden=("Notes",))
    assert read_columns(path, DATA)["a"].tolist() == ["r"]
    for name in sheets:
        assert read_columns(path, with_data(sheet=name))["a"].tolist() == [name[0].lower()]
    with pytest.raises(InputError, match=r"workbook: no sheet Row, .* Did you mean Rows\?"):
        read_columns(path, with_data(sheet="Row"))
    with pytest.raises(InputError, match=r"no sheet xyz, .* Valid: Notes, Rows, Q & A\."):
        read_columns(path, with_data(sheet="xyz"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [([], "sheet: empty"), ([["a", "b"]], "a header and no data lines")],
)
def test_a_sheet_without_rows_is_refused(tmp_path, rows, words):
    with pytest.raises(InputError, match=words):
        read_columns(xlsx(tmp_path / "f.xlsx", {"One": rows}), DATA)


def test_the_old_form_of_excel_is_read(tmp_path):
    path = tmp_path / "f.xls"
    path.write_bytes(zlib.decompress(base64.b64decode(XLS)))
    found = read_columns(path, DATA)
    assert found.drop(columns=["row_id", "malformed"]).to_numpy().tolist() == [[2, "1", "2.5", "x"]]


def test_the_binary_form_of_excel_is_read(tmp_path):
    path = xlsb(tmp_path / "f.xlsb", [["a", "b"], [1, "x"], [2.5, "y"]])
    assert read_columns(path, DATA)[["a", "b"]].to_numpy().tolist() == [["1", "x"], ["2.5", "y"]]
    xlsx(tmp_path / "f.xlsm", {"One": [["a"], [1]]})
    assert read_columns(tmp_path / "f.xlsm", DATA)["a"].tolist() == ["1"]


def test_open_document_spreadsheets_are_read_by_their_content_whatever_the_workbook(tmp_path):
    path = ods(tmp_path / "f.ods", [["a", "b"], ["1", ""], ["", ""], ["x", "2"]])
    batches = read_batches(path, DATA, None, 10)
    assert next(batches)["a"].tolist() == ["1", "x"]
    assert batches.blank_lines == 1


def test_a_row_of_new_applicants_has_the_same_text_in_any_batch(tmp_path):
    header = [*COLUMNS, "row_id"]
    rows = [[i / 4, DAY if i % 2 else NOON, True, DAY, f"id {i}"] for i in range(20)]
    path = xlsx(tmp_path / "f.xlsx", {"One": [header, *rows]})
    whole, parts = (
        pd.concat(read_batches(path, DATA, SCHEMA, size), ignore_index=True) for size in (100, 3)
    )
    pd.testing.assert_frame_equal(whole, parts)
    assert whole["row_id"].tolist() == [f"id {i}" for i in range(20)]
    assert whole["free"].tolist()[:2] == ["2020-01-31 12:00:00", "2020-01-31"]


def test_training_reads_a_workbook_without_a_header_by_position(tmp_path):
    schema = parse_schema(
        {
            "name": "x",
            "target": {"column": "3", "good": "0", "bad": "1"},
            "columns": {"1": {"name": "a", "kind": "numeric"}},
        },
        "x",
    )
    path = xlsx(tmp_path / "f.xlsx", {"One": [[5, "x", 0], [6, "y", 1]]})
    extract = read_source(path, with_data(header="none"), schema)
    assert extract.frame[["1", "3"]].to_numpy().tolist() == [["5", "0"], ["6", "1"]]
    assert extract.frame["line"].tolist() == [1, 2]
    assert extract.ignored == ["2"]


def test_days_count_as_excel_counts_them(tmp_path):
    assert (DAY_0 + datetime.timedelta(43_861)).date() == DAY
    assert read(tmp_path, [DAY]) == ["2020-01-31"]

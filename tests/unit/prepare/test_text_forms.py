"""One text in several forms: headers, levels, outcomes, null words, ids, duplicates, the split."""

import unicodedata

import pandas as pd
import pytest

from creditrisk.schema import parse_schema
from tests.support.defects import PARAMS
from tests.support.small_data import clean, ingest

SCHEMA = parse_schema(
    {
        "name": "caf\u00e9",
        "target": {"column": "Rembours\u00e9", "good": ["pay\u00e9"], "bad": ["d\u00e9faut"]},
        "columns": {
            "Num\u00e9ro": {"name": "number", "kind": "id"},
            "\u00c9tat": {"name": "state", "kind": "nominal", "levels": ["cr\u00e9\u00e9", "gel"]},
            "Ville": {"name": "town", "kind": "nominal"},
            "Montant": {"name": "amount", "kind": "numeric", "unit": "k\u00e9"},
        },
    },
    "small.yaml",
)
ROWS = [f"{i},{'créé' if i % 2 else 'gel'},Besançon {i},{i}.5 ké" for i in range(1, 21)]
FILE = "\n".join(
    ["Numéro,État,Ville,Montant,Remboursé"]
    + [f"{row},{'défaut' if i % 4 == 0 else 'payé'}" for i, row in enumerate(ROWS)]
)


def prepared(text: str, **changed):
    return clean(ingest(text.encode(), SCHEMA).frame, SCHEMA, **changed)


def sprinkled(text: str, unseen: str) -> str:
    """The text with a character after each letter; the file's structure stays."""
    return "".join(c + unseen if c.isalpha() else c for c in text)


FORMS = {
    "NFD": unicodedata.normalize("NFD", FILE),
    "zero width": sprinkled(FILE, "\u200b"),
    "byte-order marks": sprinkled(FILE, "\ufeff"),
    "accents after a joiner": sprinkled(unicodedata.normalize("NFD", FILE), "\u200d"),
    "direction": sprinkled(FILE, "\u202e"),
    "control": FILE.replace(",", "\x1b,\x07").replace("Besançon ", "Besançon\x7f"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_another_form_gives_the_same_rows(form):
    assert FORMS[form] != FILE
    usual, other = prepared(FILE), prepared(FORMS[form])
    assert usual.summary["rows_clean"] == 20
    assert usual.clean["state"].tolist()[:2] == ["cr\u00e9\u00e9", "gel"]
    pd.testing.assert_frame_equal(other.clean, usual.clean)
    assert other.summary == usual.summary


def test_the_raw_frame_keeps_the_text_as_it_was():
    raw = ingest(FORMS["zero width"].encode(), SCHEMA).frame
    assert raw["Ville"].iloc[0] == "B\u200be\u200bs\u200ba\u200bn\u200bç\u200bo\u200bn\u200b 1"


def test_copies_in_another_form_are_duplicates_and_share_their_applicant():
    copies = unicodedata.normalize("NFD", FILE).split("\n")[1:4]
    near = FORMS["zero width"].split("\n")[4].replace("4.5 k\u200bé\u200b", "")
    found = prepared("\n".join([FILE, *copies, near]), near_duplicate_min_cells=2)
    assert found.summary["rejected"]["duplicate"] == 3
    assert found.summary["rejected"]["near_duplicate"] == 1
    assert found.summary["applicants"] == 20


def test_a_cell_of_characters_that_do_not_show_is_empty():
    lines = FILE.split("\n")
    lines[1] = "1,\u200b,\ufeff \x00,\u2060,payé"
    lines[2] = "2,gel,Lyon,3,\u200b"
    found = prepared("\n".join(lines))
    assert [found.summary["cells"][n]["empty"] for n in ("state", "town", "amount")] == [1, 1, 1]
    assert found.rejected["detail"].tolist() == ["line 3: Rembours\u00e9 is empty"]


@pytest.mark.parametrize("word", [".", "#NULL!", "#N/A", "#null!", " #n/a ", "n/\u200ba"])
def test_words_of_spreadsheets_and_statistics_programs_mean_missing(word):
    lines = FILE.split("\n")
    lines[1] = f"1,créé,{word},{word},payé"
    cells = prepared("\n".join(lines)).summary["cells"]
    assert cells["town"]["null_word"] == cells["amount"]["null_word"] == 1


def test_a_null_word_is_found_in_any_form():
    lines = FILE.split("\n")
    lines[1] = "1,créé,donnée\u200b absente,5,payé"
    null_words = [*PARAMS["prepare"]["null_words"], unicodedata.normalize("NFD", "Donnée absente")]
    found = prepared("\n".join(lines), null_words=null_words)
    assert found.summary["cells"]["town"]["null_word"] == 1


LONG = ["9007199254740992", "9007199254740993"]  # 2**53 and the next: one float


def codes(column: dict, written: list[str], twice: int):
    """Prepare rows whose code and outcome are `written`, all of it `twice` times over."""
    schema = parse_schema(
        {
            "name": "long",
            "target": {"column": "y", "good": LONG[:1], "bad": LONG[1:]},
            "columns": {"c": {"name": "code"} | column, "x": {"name": "x", "kind": "numeric"}},
        },
        "long.yaml",
    )
    lines = [f"{code},{i},{code}" for i, code in enumerate(written * twice)]
    found = clean(ingest("\n".join(["c,x,y", *lines]).encode(), schema).frame, schema)
    return found, found.clean.sort_values("x")


@pytest.mark.parametrize("column", [{"kind": "nominal"}, {"kind": "nominal", "levels": LONG}])
def test_codes_that_are_one_float_are_two_codes(column):
    written = [LONG[0], f"{LONG[1]}.0", f"+{LONG[1]}", LONG[0]]
    found, rows = codes(column, written, 4)
    assert found.summary["rows_clean"] == found.summary["applicants"] == 16
    assert rows["code"].tolist() == [LONG[0], LONG[1], LONG[1], LONG[0]] * 4
    assert rows["bad"].tolist() == [0, 1, 1, 0] * 4


def test_a_level_with_an_underscore_is_no_number():
    tree = {
        "name": "x",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {
            "c": {"name": "c", "kind": "nominal", "levels": ["1_0", "2"]},
            "x": {"name": "x", "kind": "numeric"},
        },
    }
    schema = parse_schema(tree, "x.yaml")
    lines = [f"{['10', '1_0', '2', '2'][i % 4]},{i},{i % 3 % 2}" for i in range(40)]
    found = clean(ingest("\n".join(["c,x,y", *lines]).encode(), schema).frame, schema)
    assert found.summary["cells"]["c"]["out_of_domain"] == 10

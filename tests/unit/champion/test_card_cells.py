"""How the query of the card reads one cell: as the reader of applicants' files does."""

import math

import pandas as pd
import pytest

from creditrisk.champion.card.sql import card_sql
from creditrisk.prepare.cells import Notation, level_cell, numeric_cell, text_cell
from creditrisk.prepare.parse import read_text
from creditrisk.schema import Column
from tests.support import cards
from tests.support.card_cells import TEXTS, level_card, number_card

NULLS = ["?", "n/a", "nan", "-", ".", "#NULL!", "not known", "999"]
WORDS = Notation.of(".", "", NULLS)
MISSING, OTHER = 200, 300


def points(card, texts, null_words=()):
    """The points of texts, of a column of texts."""
    stated = pd.DataFrame({"v": pd.Series(list(texts), dtype=object)})
    return list(cards.in_sqlite(card_sql(card, null_words), stated)["points_v"])


def read(texts, cell):
    return [read_text(text, cell)[0] for text in texts]


def of_levels(values, codes):
    """The points that `level_card` has for what was read."""
    return [MISSING if v is None else codes.index(v) if v in codes else OTHER for v in values]


def test_a_text_is_the_number_that_the_reader_reads():
    special = {"-9": "a", "96": "b", "1e3": "c"}
    card = number_card(special=special)
    cell = numeric_cell(Column(name="v", kind="numeric", special=special), cards.PLAIN)

    def wanted(text):
        value, cause = read_text(text, cell)
        if cause == "special":
            return 100 + [-9.0, 96.0, 1000.0].index(value)
        return MISSING if value is None else next(
            line.points for line in card.variables[0].bins
            if (line.low is None or line.low <= value) and (line.high is None or value < line.high)
        )  # fmt: skip

    found = points(card, TEXTS)
    assert dict(zip(TEXTS, found, strict=True)) == {text: wanted(text) for text in TEXTS}
    assert len(set(found)) > 8
    # These the reader takes as well; the head of the query says that a database does not.
    assert points(card, ["12-", "(12)", "12 EUR", "\u221212"]) == [MISSING] * 4


def test_a_number_keeps_all_its_digits():
    # SQLite writes 15 digits of a number as a text: 17 make the difference here.
    edge = 0.1 + 0.2
    card = number_card(min=edge)
    below = math.nextafter(edge, 0)
    assert f"{edge:.15g}" == f"{below:.15g}"
    assert points(card, [below, edge]) == [MISSING, points(card, [0.5])[0]]


def test_special_codes_and_domains_of_a_column_of_texts():
    card = number_card(special={"-9": "refused"}, min=0, max=20, integer=True, cap_high=10)
    texts = ["-9", "-9.0", " -9 ", "-8", "21", "9.5", "9", "10", "11", "20"]
    ten = points(number_card(), ["10"])[0]
    nine = points(number_card(), ["9"])[0]
    assert points(card, texts) == [100] * 3 + [MISSING] * 3 + [nine, ten, ten, ten]


LISTED = ["Öländ", "low", "It's mid", "TOP Level", "Zürich", "ÅSE", "straße", "1", "2.5", "none",
          "<b>", "a<>b"]  # fmt: skip


def test_a_listed_level_is_the_one_that_the_reader_finds():
    texts = ["low", "LOW", " Low ", "it's  MID", "it's mid", "its mid", "top level", "Top   Level",
             "top" + 20 * " " + "level", "toplevel", "Zürich", "zürich", " zürich ", "ZÜRICH",
             "ÅSE", "åse", "åSE", "straße", "STRASSE", "strasse", "1", "1.0", " 1.00", "+1", "01",
             "1e0", "10", "-1", "2.5", "2.50", "None", "NONE", "n/a", "?", "", "  ", "<B>", "a<>b",
             "A<>B", "a< >b", "Öländ", "no such level", "Zu\u0308rich", "%", "l_w"]  # fmt: skip
    wanted = of_levels(read(texts, level_cell(LISTED, WORDS)), LISTED)
    for null_words in ((), NULLS):
        found = points(level_card(LISTED), texts, null_words)
        assert dict(zip(texts, found, strict=True)) == dict(zip(texts, wanted, strict=True))
    assert set(wanted) == {*range(len(LISTED)), MISSING}


def test_case_of_other_letters_is_beyond_sqlite_as_the_query_says():
    texts = ["öländ", "ÖLÄND", "Öländ", "ölÄnd"]
    assert read(texts, level_cell(LISTED, WORDS)) == ["Öländ"] * 4
    assert points(level_card(LISTED), texts) == [0, 0, 0, MISSING]
    assert "knows the case of A to Z alone" in card_sql(level_card(LISTED))


def test_levels_that_differ_in_case_alone_are_told_apart():
    codes = ["a", "A", "b"]
    texts = ["a", "A", " A ", "b", "B"]
    assert points(level_card(codes), texts) == of_levels(
        read(texts, level_cell(codes, WORDS)), codes
    )


def test_a_code_of_more_digits_than_a_float_has_is_found_by_its_text():
    codes = ["9007199254740992", "9007199254740993"]
    assert points(level_card(codes), [*codes, "9007199254740994"]) == [0, 1, MISSING]


@pytest.mark.parametrize("null_words", [(), NULLS])
def test_a_level_that_is_not_listed_is_its_text_without_blanks_around(null_words):
    codes = ["low", "Top  level".replace("  ", " "), "Zürich", "2", "-3", "007"]
    texts = ["low", " low ", "LOW", "Top level", " Top   level ", "top level", "Zürich", "ZÜRICH",
             "Zu\u0308rich", "2", "2.0", "-3", "-3.0", "007", "7", "new", "", "  ", "n/a", " N / A",
             "Not Known", "notknown", "?", "-", ".", "#null!", "nan", "999", None]  # fmt: skip
    notation = WORDS if null_words else cards.PLAIN
    values = [None if t is None else read_text(t, text_cell(notation))[0] for t in texts]
    found = points(level_card(codes, listed=False), texts, null_words)
    assert found == of_levels(values, codes)
    sql = card_sql(level_card(codes, listed=False), null_words)
    assert ("count as missing, unless" in sql) == bool(null_words)
    assert ("has to be NULL" in sql) != bool(null_words)


def test_a_null_word_that_is_a_number_is_missing():
    card = number_card(special={"96": "x"})
    assert points(card, ["999", " 999.0", 999.0, 999, "96", "998"], NULLS)[:5] == [MISSING] * 4 + [
        100
    ]
    assert points(card, ["998"], NULLS) == points(card, ["999"])


def test_null_words_stay_texts_in_the_query():
    words = ["x'); DROP TABLE applicants; --", "y\n\u2028"]
    card = level_card(["a"], listed=False)
    found = points(card, [words[0].upper(), "y", "a"], words)
    assert found == [MISSING, MISSING, 0]
    assert all(line.isprintable() for line in card_sql(card, words).split("\n"))

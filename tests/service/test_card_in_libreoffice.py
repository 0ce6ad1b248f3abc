"""The workbook of the scorecard, opened in LibreOffice: its formulas give the scores of the card.

It is never skipped: a formula that no spreadsheet has computed is not known to work.
"""

import zipfile

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.card.apply import card_accepts, card_points, variable_points
from creditrisk.champion.card.excel import card_workbook
from creditrisk.prepare.cells import Notation, level_cell, text_cell
from creditrisk.prepare.parse import read_text
from tests.support import cards
from tests.support.card_cells import level_card, number_card

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["default", "nasty"])
def opened(request, tmp_path_factory):
    """A portfolio, all its applicants and others, and the sheet that LibreOffice computed."""
    of = getattr(cards, request.param)()
    stated = cards.applicants(of)
    workbook = card_workbook(of.card(), rows=len(stated) + 2, applicants=stated)
    sheet = cards.in_libreoffice(workbook, tmp_path_factory.mktemp(request.param))
    return of, stated, sheet


def test_the_score_and_the_decision_of_every_applicant(opened):
    of, stated, sheet = opened
    card, features = of.card(), of.features(stated)
    told = stated.notna().any(axis=1).to_numpy()
    assert told.sum() > 1500
    found = sheet.iloc[: len(stated)]
    wanted = card_points(card, features)[told]
    # By place: a column of the data may have the name "score", too.
    assert (found.iloc[told, -2].astype(float) == wanted).all()
    decisions = np.where(card_accepts(card, wanted), "accept", "reject")
    assert (found.iloc[told, -1] == decisions).all()
    assert set(decisions) == {"accept", "reject"}
    for name, points in variable_points(card, features).items():
        assert (found.loc[told, f"{name}: points"].astype(float) == points[told]).all(), name


def test_rows_without_a_value_have_no_score(opened):
    _, stated, sheet = opened
    empty = [*stated.index[~stated.notna().any(axis=1)], len(stated), len(stated) + 1]
    computed = sheet.iloc[empty, len(stated.columns) :]
    assert len(computed) >= 3
    assert (computed == "").all(axis=None)


def test_texts_of_the_data_are_texts_in_the_workbook(opened):
    of, stated, sheet = opened
    for field in of.card().fields:
        if field.kind == "level":
            given = stated[field.name].astype(object).where(stated[field.name].notna(), "")
            assert (sheet[field.name].iloc[: len(stated)] == given).all()


def test_decimals_of_points_add_up(tmp_path):
    of = cards.default()
    card, stated = of.card(2), of.stated.head(100)
    sheet = cards.in_libreoffice(card_workbook(card, 100, stated), tmp_path)
    wanted = card_points(card, of.features(stated))
    assert (wanted != np.rint(wanted)).any()
    assert sheet["score"].astype(float).to_numpy() == pytest.approx(wanted, abs=1e-9)


def test_caps_come_before_bins(tmp_path):
    card, stated, features = cards.edited()
    sheet = cards.in_libreoffice(card_workbook(card, len(stated), stated), tmp_path)
    assert (sheet["score"].astype(float) == card_points(card, features)).all()


def test_codes_typed_as_numbers_are_levels_too(tmp_path):
    of = cards.default()
    stated = of.stated.head(100)
    typed = stated.astype(dict.fromkeys(("status", "purpose", "housing"), float))
    sheet = cards.in_libreoffice(card_workbook(of.card(), 100, typed), tmp_path)
    wanted = card_points(of.card(), of.features(stated))
    assert (sheet["score"].astype(float) == wanted).all()


def test_the_same_card_gives_the_same_bytes_without_macros_or_links(tmp_path):
    card = cards.nasty().card()
    found = card_workbook(card, rows=5)
    assert found == card_workbook(card, rows=5)
    (tmp_path / "card.xlsx").write_bytes(found)
    with zipfile.ZipFile(tmp_path / "card.xlsx") as file:
        names = file.namelist()
        assert {info.date_time[:3] for info in file.infolist()} == {(1980, 1, 1)}
        assert b"2000-01-01T00:00:00Z" in file.read("docProps/core.xml")
        formulas = file.read("xl/worksheets/sheet1.xml").count(b"<f>")
    assert formulas == 0  # of the sheet Card: a text such as =cmd is none
    assert not [name for name in names if "vba" in name or "external" in name]
    rows = pd.read_excel(tmp_path / "card.xlsx", sheet_name="Card", header=None, engine="calamine")
    assert set(cards.HOSTILE) <= set(rows[3].dropna().astype(str))


def test_levels_in_other_case_or_with_blanks_are_those_of_the_reader(tmp_path):
    codes = ["low", "It's mid", "TOP Level", "Zürich", "ÅSE", "1", "*", "=1+1", "none"]
    texts = ["low", "LOW", " Low ", "it's   MID", "its mid", "top level", "  Top  Level ", "zürich",
             "ZÜRICH", "åse", "1", " 1 ", "*", "=1+1", "None", "n/a", "?", " ", "no such level",
             "toplevel"]  # fmt: skip
    found = level_points(level_card(codes), texts, tmp_path, null_words=["n/a", "none"])
    cell = level_cell(codes, Notation.of(".", "", ["n/a", "none"]))
    values = [read_text(text, cell)[0] for text in texts]
    assert found == [200 if value is None else codes.index(value) for value in values]
    assert len(set(found)) == len(codes) + 1


def test_levels_that_differ_in_case_alone_are_told_apart(tmp_path):
    assert level_points(level_card(["a", "A"]), ["a", "A", " A "], tmp_path) == [0, 1, 1]


@pytest.mark.parametrize("null_words", [[], ["n/a", "Not known", "#NULL!", "*", "="]])
def test_levels_that_are_not_listed_keep_their_case(null_words, tmp_path):
    codes = ["low", "Top level", "Zürich"]
    texts = ["low", " low ", "LOW", "Top   level", "top level", "ZÜRICH", "N / A", "notknown", "*",
             "NOT KNOWN", "#null!", "=", " ", "x"]  # fmt: skip
    found = level_points(level_card(codes, listed=False), texts, tmp_path, null_words=null_words)
    cell = text_cell(Notation.of(".", "", null_words))
    values = [read_text(text, cell)[0] for text in texts]
    wanted = [200 if v is None else codes.index(v) if v in codes else 300 for v in values]
    assert found == wanted


def test_a_null_word_that_is_a_number_is_missing(tmp_path):
    sheet = cards.in_libreoffice(
        card_workbook(number_card(), 3, pd.DataFrame({"v": [999.0, 998.0, 12.0]}), ["n/a", "999"]),
        tmp_path,
    )
    assert sheet["v: points"].astype(float).tolist() == [200, 41, 23]


def level_points(card, texts, folder, null_words=()):
    workbook = card_workbook(card, len(texts), pd.DataFrame({"v": texts}), null_words)
    sheet = cards.in_libreoffice(workbook, folder)
    return sheet["v: points"].astype(float).tolist()

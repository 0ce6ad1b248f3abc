"""The card: its points and decisions are those of the model, in SQL as well."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from xlsxwriter.worksheet import Worksheet

from creditrisk.champion.card import excel
from creditrisk.champion.card.apply import card_accepts, card_points, variable_points
from creditrisk.champion.card.excel import card_workbook
from creditrisk.champion.card.exports import write_exports
from creditrisk.champion.card.model import HOW_TO, Field, Line, Variable, read_card
from creditrisk.champion.card.sql import card_sql
from creditrisk.core.errors import InputError
from creditrisk.core.files import read_csv
from creditrisk.tracking.imports import import_closure
from tests.support import card_cells, cards
from tests.support.champions import default_pd
from tests.support.project import ROOT

pytestmark = pytest.mark.slow

PORTFOLIOS = ["default", "nasty"]


def portfolio(name):
    return getattr(cards, name)()


def score_name(stated):
    return "score_2" if "score" in stated else "score"


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_exact_points_and_decisions_are_those_of_the_model(name):
    of = portfolio(name)
    card, features = of.card(None), of.features(cards.applicants(of))
    pds = default_pd(of.model, features)
    found = card_points(card, features)
    assert found == pytest.approx(card.scale.points(pds), abs=1e-8)
    assert card.scale.pd(found) == pytest.approx(pds, abs=1e-10)
    assert (card_accepts(card, found) == (pds < cards.THRESHOLD)).all()
    assert card.rounding.decisions_changed == 0
    assert card.rounding.largest_points == 0


def test_a_score_at_the_cut_off_is_refused_as_is_the_pd():
    card = cards.default().card()
    at = np.array([card.cutoff_points])
    assert card.scale.pd(at)[0] == pytest.approx(cards.THRESHOLD)
    assert not card_accepts(card, at)[0]
    assert card_accepts(card, np.nextafter(at, math.inf))[0]


@pytest.mark.parametrize("name", PORTFOLIOS)
@pytest.mark.parametrize("digits", [0, 1, 3])
def test_the_error_of_rounding_is_what_rounding_does(name, digits):
    of = portfolio(name)
    card, train = of.card(digits), of.features(of.stated)
    each = variable_points(card, train, exact=True).values()
    rounded = sum(np.round(points, digits) for points in each)
    exact = card.scale.points(default_pd(of.model, train))
    assert card_points(card, train) == pytest.approx(rounded, abs=1e-9)
    if name == "default":  # its training rows are fewer
        return
    found = card.rounding
    assert found.rows == len(train)
    assert found.largest_points == pytest.approx(np.abs(rounded - exact).max())
    assert found.mean_points == pytest.approx(np.abs(rounded - exact).mean())
    pds = 1 / (1 + np.exp((rounded - card.offset) / card.factor))
    assert found.largest_pd == pytest.approx(np.abs(pds - default_pd(of.model, train)).max())
    changed = (rounded > card.cutoff_points) != (exact > card.cutoff_points)
    assert found.decisions_changed == changed.sum()
    assert digits > 0 or changed.any()


@pytest.mark.parametrize("name", PORTFOLIOS)
@pytest.mark.parametrize("digits", [0, 2, None])
def test_sqlite_computes_the_score_and_the_decision_of_every_applicant(name, digits):
    of = portfolio(name)
    stated = cards.applicants(of)
    check(of, stated, cards.in_sqlite(card_sql(of.card(digits)), stated), digits)


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_a_table_of_texts_has_the_same_scores_in_sqlite(name):
    of = portfolio(name)
    stated = cards.applicants(of)
    texts = cards.as_imported(stated)
    assert texts.map(lambda value: isinstance(value, str)).all(axis=None)
    found = cards.in_sqlite(card_sql(of.card()), texts)
    check(of, stated, found, 0)
    typed = cards.in_sqlite(card_sql(of.card()), stated)
    points = [name for name in found if name.startswith("points_") and name not in stated]
    assert len(points) == len(of.card().variables)
    assert (found[points] == typed[points]).all(axis=None)


def test_all_rows_of_the_default_data_as_texts_in_sqlite():
    of = cards.default()
    assert len(of.stated) == 1000
    found = cards.in_sqlite(card_sql(of.card()), cards.as_imported(of.stated))
    assert (found["score"] == card_points(of.card(), of.features(of.stated))).all()


def hostile(of):
    """Rows with texts in the place of numbers, each in each column, also in operands."""
    base = of.stated.dropna().head(1).astype(object)
    rows = [base.assign(**{field.name: text})
            for field in of.card().fields if field.kind == "number"
            for text in card_cells.TEXTS]  # fmt: skip
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_hostile_texts_in_the_place_of_numbers_have_the_score_of_the_reader(name):
    of = portfolio(name)
    stated = hostile(of)
    wanted = card_points(of.card(), of.features(stated))
    assert len(set(wanted)) > 3
    for rows in (stated, cards.as_imported(stated)):
        found = cards.in_sqlite(card_sql(of.card()), rows)
        assert (found[score_name(stated)] == wanted).all()


@pytest.mark.parametrize("name", PORTFOLIOS)
@pytest.mark.parametrize("digits", [0, 2, None])
def test_duckdb_as_well(name, digits):
    duckdb = pytest.importorskip("duckdb")
    of = portfolio(name)
    stated = cards.applicants(of)
    sql = card_sql(of.card(digits))
    check(of, stated, cards.in_duckdb(duckdb, sql, stated), digits)
    check(of, stated, cards.in_duckdb(duckdb, sql, cards.as_imported(stated)), digits)
    rows = cards.as_imported(hostile(of))
    found = cards.in_duckdb(duckdb, sql, rows)[score_name(rows)].astype(float)
    assert found.to_numpy() == pytest.approx(card_points(of.card(digits), of.features(rows)))


def check(of, stated, found, digits):
    card, features = of.card(digits), of.features(stated)
    assert len(found) == len(stated) > 1500
    wanted, scores = card_points(card, features), found[score_name(stated)].astype(float)
    if digits is None:
        assert scores.to_numpy() == pytest.approx(wanted, abs=1e-9)
    else:
        assert (scores == wanted).all()
    decisions = np.where(card_accepts(card, wanted), "accept", "reject")
    assert (found["decision"] == decisions).all()
    assert set(decisions) == {"accept", "reject"}
    # The columns of the table go through.
    assert set(stated) <= set(found)


def test_whole_numbers_and_levels_stored_as_numbers_are_found_in_sql():
    of = cards.default()
    kinds = {"status": float, "purpose": float, "housing": int}
    # Of whole numbers, too, a ratio has decimals.
    whole = {"amount": int, "duration": int, "age": int}
    found = cards.in_sqlite(card_sql(of.card()), of.stated.astype(kinds | whole))
    assert (found["score"] == card_points(of.card(), of.features(of.stated))).all()


def test_caps_come_before_bins_and_ratios_have_decimals_in_sql():
    card, stated, features = cards.edited()
    found = cards.in_sqlite(card_sql(card), stated)
    assert (found["score"] == card_points(card, features)).all()


def test_what_is_computed_of_a_number_that_is_too_large_is_missing_in_sql():
    of = cards.nasty()
    tree = of.card().model_dump()
    score = next(field for field in tree["fields"] if field["name"] == "score")
    score |= {"cap_low": None, "cap_high": None}
    deep = next(v for v in tree["variables"] if v["name"] == "deep")
    for place, line in enumerate(deep["lines"]):
        line["points"] = float(place)
    card = type(of.card()).model_validate(tree)
    stated = of.stated.head(3).assign(score=[1e200, -1e200, 1e308], late=1.0)
    features = of.features(stated, caps={})
    assert features[["twice", "deep"]].isna().all(axis=None)
    found = cards.in_sqlite(card_sql(card), stated)
    assert (found["score_2"] == card_points(card, features)).all()


def test_numbers_that_are_none_are_missing_in_sql():
    of = cards.nasty()
    stated = of.stated.head(3).astype(object)
    stated["score"] = [math.inf, -math.inf, "twelve"]
    found = cards.in_sqlite(card_sql(of.card()), stated)
    missing = card_points(of.card(), of.features(stated.assign(score=None)))
    assert (found["score_2"] == missing).all()


def test_hostile_texts_stay_texts_in_sql():
    of = cards.default()
    tree = of.card().model_dump()
    nasty = "x'); DROP TABLE applicants; --\n\"y\u2028"
    status = next(v for v in tree["variables"] if v["name"] == "status")
    status["lines"][0] |= {"code": nasty, "label": "one\n' -- two\u2028; DROP TABLE applicants"}
    field = next(f for f in tree["fields"] if f["name"] == "status")
    field["levels"] = {nasty: "x"} | field["levels"]
    card = type(of.card()).model_validate(tree)
    stated = of.stated.head(4).assign(status=[nasty, "2", "1", None])
    found = cards.in_sqlite(card_sql(card), stated)
    assert found["points_status"].iloc[0] == status["lines"][0]["points"]
    assert found["status"].iloc[0] == nasty
    # Each line of the file is code or a comment as a whole: no label gets out of its comment.
    assert all(line.isprintable() for line in card_sql(of.card()).split("\n"))


def test_columns_that_a_database_takes_for_one_give_no_query():
    card = cards.default().card()
    twice = card.model_copy(update={"fields": [*card.fields, Field(name="AGE", kind="number")]})
    assert card_sql(twice).startswith("-- No query")


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_the_card_comes_back_from_its_file(name, tmp_path):
    of = portfolio(name)
    card = of.card()
    written = write_exports(card, tmp_path, rows=3)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()} == {
        "README.txt", "card.csv", "card.json", "card.sql", "card.xlsx"
    }  # fmt: skip
    again = read_card(tmp_path / "card.json")
    assert again == card
    features = of.features(cards.applicants(of))
    assert (card_points(again, features) == card_points(card, features)).all()
    before = {path.name: path.read_bytes() for path in written}
    write_exports(of.card(), tmp_path, rows=3)
    assert before == {path.name: path.read_bytes() for path in written}


def test_the_files_say_what_the_model_says(tmp_path):
    of = cards.nasty()
    write_exports(of.card(), tmp_path, rows=1)
    tree = json.loads((tmp_path / "card.json").read_text())
    assert tree["how_to"] == list(HOW_TO)
    assert tree["threshold"] == cards.THRESHOLD
    late = next(field for field in tree["fields"] if field["name"] == "late")
    assert late["special"] == {"96": "other", "-1": "refused; 'x'", "1e3": "more"}
    assert (late["min"], late["max"], late["integer"]) == (0, 90, True)
    assert [v["derived"] for v in tree["variables"] if v["name"] == "twice"] == [
        {"op": "product", "of": ["both", "both"]}
    ]
    table = read_csv(tmp_path / "card.csv")
    assert len(table) == sum(len(variable.lines) for variable in of.card().variables)
    assert set(cards.HOSTILE) <= set(table["code"])
    # No cell of the file is a formula.
    assert "\n=cmd" not in (tmp_path / "card.csv").read_text()
    assert ",=" not in (tmp_path / "card.csv").read_text()


def test_without_a_scorecard_the_folder_says_so(tmp_path):
    write_exports(cards.default().card(), tmp_path, rows=1)
    write_exports(None, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.txt", "card.csv"]
    assert "No model is a scorecard" in (tmp_path / "README.txt").read_text()
    assert read_csv(tmp_path / "card.csv").empty
    assert read_card(tmp_path / "card.json") is None


def test_a_file_that_is_no_card_is_told_in_a_line(tmp_path):
    with pytest.raises(InputError, match="not found"):
        read_card(tmp_path / "none/card.json")
    for text in ("{}", "[", '{"version": 2}'):
        (tmp_path / "card.json").write_text(text)
        with pytest.raises(InputError):
            read_card(tmp_path / "card.json")


def test_a_level_counts_as_the_one_that_it_is_merged_into():
    lines = [
        Line(kind=kind, label="x", code=code, rows=1, points=points, points_exact=points)
        for kind, code, points in [("level", "a", 1), ("level", "rare levels", 2),
                                   ("missing", None, 3), ("other", None, 4)]
    ]  # fmt: skip
    variable = Variable(name="v", reason_code="R01", lines=lines)

    def points(field):
        codes, rest = variable.stated_levels(field)
        return {code: line.points for code, line in codes.items()}, rest.points

    merged = {"kept": ["a"], "merged_into": "rare levels"}
    free = Field(name="v", kind="level")
    assert points(free) == ({"a": 1, "rare levels": 2}, 4)
    assert points(free.model_copy(update=merged)) == ({"a": 1}, 2)
    listed = free.model_copy(update={"levels": {"a": "A", "b": "B"}})
    assert points(listed) == ({"a": 1, "b": 4}, 3)
    assert points(listed.model_copy(update=merged)) == ({"a": 1, "b": 2}, 3)


def test_rows_are_judged_alone():
    of = cards.nasty()
    features = of.features(cards.applicants(of)).sample(50, random_state=2)
    together = card_points(of.card(None), features)
    alone = [card_points(of.card(None), features.iloc[[i]])[0] for i in range(len(features))]
    assert (together == np.array(alone)).all()


def test_who_reads_a_card_needs_no_library_of_workbooks():
    for name in ("apply", "make"):
        files = import_closure(f"creditrisk.champion.card.{name}", ROOT)
        assert "excel.py" not in {path.name for path in files}


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_no_formula_of_the_workbook_needs_what_its_sheet_leaves_out(name, monkeypatch):
    """The library would put a prefix before the functions of newer programs."""
    card = portfolio(name).card()
    ours = card_workbook(card, rows=3)
    monkeypatch.setattr(excel, "_Sheet", Worksheet)
    assert card_workbook(card, rows=3) == ours

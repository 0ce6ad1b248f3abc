"""What a column is, guessed from a few cells."""

import numpy as np
import pandas as pd
import pytest

from creditrisk.prepare.cells import Notation
from creditrisk.workflow.draft.cells import distinct_cells
from creditrisk.workflow.draft.codes import suspicious_codes
from creditrisk.workflow.draft.dates import choose_application_date, guess_format
from creditrisk.workflow.draft.guess import Guess, guess_column
from creditrisk.workflow.draft.names import our_names

NULL_WORDS = ["?", "na", "n/a", "none", "-", "unknown"]
POINT = Notation.of(".", ",", NULL_WORDS)
COMMA = Notation.of(",", ".", NULL_WORDS)


def cells_of(texts, name="x"):
    return distinct_cells(name, pd.Series(list(texts), dtype="str"), NULL_WORDS)


def guess(texts, name="x", notation=POINT) -> Guess:
    return guess_column(cells_of(texts, name), notation, max_missing_share=0.5)


def numbered(count, pattern="{}"):
    return [pattern.format(i) for i in range(count)]


def test_numbers():
    found = guess(["1,200", "900.5", "", "NA", "-3", "1e3"] * 3)
    assert (found.kind, found.unit, found.left_out) == ("numeric", [], "")
    assert "-3 to 1,200" in found.evidence
    assert "33.3% missing (empty 3, 'NA' 3)" in found.evidence


def test_numbers_with_a_decimal_comma():
    assert "1.5 to 1,200" in guess(["1.200,00", "900", "1,5"] * 3, notation=COMMA).evidence


def test_a_few_texts_among_numbers_are_named():
    found = guess([*map(str, range(99)), "abc"], "amount")
    assert found.kind == "numeric"
    assert "1 cells are no numbers, such as 'abc'" in found.evidence


@pytest.mark.parametrize(
    ("texts", "unit"),
    [
        (["$39,052", "$7", "12"], ["$"]),
        (["17.67%", "5 %"], ["%"]),
        ([" 60 months", " 36 months"], ["months"]),
        (["1 year", "2 years", "3 years"], ["years", "year"]),
        (["EUR 12", "EUR 13.5"], ["EUR"]),
        (["12 €", "13 €", "14€"], ["€"]),
        (["12k", "13k", "14k"], ["k"]),
    ],
)
def test_units(texts, unit):
    found = guess(texts * 4)
    assert (found.kind, sorted(found.unit)) == ("numeric", sorted(unit))


@pytest.mark.parametrize(
    "texts",
    [
        ["A11", "A12", "A13"],  # codes
        ["12k", "500", "7", "9"],  # a multiplier that others do not have
        ["1st", "2nd", "third"],
        ["5-10 (x)", "1 (y)"],
    ],
)
def test_what_is_no_unit(texts):
    assert guess(texts * 4).kind == "nominal"


def test_two_numbers_are_levels_in_their_order():
    found = guess(["10", "9", "10.0"] * 4)
    assert (found.kind, found.levels) == ("nominal", ["9", "10"])


@pytest.mark.parametrize(
    ("texts", "levels"),
    [
        (["10+ years", "1 year", "< 1 year", "2 years"],
         ["< 1 year", "1 year", "2 years", "10+ years"]),
        (["26-50", "0-25", ">100", "51-100"], ["0-25", "26-50", "51-100", ">100"]),
        (["Grade 10", "Grade 2", "Grade 1"], ["Grade 1", "Grade 2", "Grade 10"]),
        (["under 25", "25 to 40", "over 40"], ["under 25", "25 to 40", "over 40"]),
        (["B", "A", "C"], ["A", "B", "C"]),
        (["B2", "A10", "A2", "C1"], ["A2", "A10", "B2", "C1"]),
        (["high", "Low", "medium"], ["Low", "medium", "high"]),
    ],
)  # fmt: skip
def test_ordered_levels(texts, levels):
    found = guess(texts * 3)
    assert (found.kind, found.levels) == ("ordinal", levels)


@pytest.mark.parametrize(
    "texts", [["a", "c", "b"], ["A", "B", "Z"], ["1 car", "2 dogs", "3 cars"], ["<5", "5", "what"]]
)
def test_levels_without_an_order(texts):
    assert guess(texts * 3).kind == "nominal"


def test_spellings_of_one_level_are_one():
    found = guess(["Own", "own", "OWN ", "own", "rent", "Rent"])
    assert found.levels == ["own", "Rent"]


def test_many_levels_are_not_listed():
    found = guess(numbered(60, "town {} x") * 2)
    assert (found.kind, found.levels) == ("nominal", None)


def test_none_is_a_level_beside_words_and_missing_beside_numbers():
    assert guess(["guarantor", "none", "none", "none"]).levels == ["guarantor", "none"]
    assert guess(["1", "2", "3", "none"]).kind == "numeric"


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["", "NA", "?"], "empty"),
        (["7", "7", ""], "constant"),
        (numbered(40, "I need {} for my car"), "differs in nearly every row"),
        (["1", "2", "3", "", "", "", ""], "prepare.max_missing_share"),
    ],
)
def test_what_is_left_out(texts, why):
    assert why in guess(texts).left_out


def test_missing_cells_count_in_the_rows_that_are_used():
    texts = ["1", "2", "3", "", ""]
    used = pd.Series([False, False, True, True, True])
    assert guess_column(cells_of(texts), POINT, 0.5).left_out == ""
    assert "max_missing_share" in guess_column(cells_of(texts), POINT, 0.5, used).left_out


@pytest.mark.parametrize(
    ("name", "texts", "kind"),
    [
        ("id", ["77", "12", "35"], "id"),
        ("LoanNo", ["77", "12", "35"], "id"),
        ("SK_ID_CURR", ["77", "12", "35"], "id"),
        ("whatever", ["LP001", "LP007", "LP003"], "id"),
        ("whatever", ["5", "6", "7"], "id"),
        ("income", ["77", "12", "35"], "numeric"),
        ("note", ["the 1st", "a 2nd one", "3"], "nominal"),
        ("member_id", ["77", "12", "77"], "group"),
        ("CustomerNo", ["a1", "b2", "a1"], "group"),
        ("ssn", ["77", "12", "77"], "group"),
        ("person_income", ["77", "12", "77", "13"], "numeric"),
        ("num_accounts", ["1", "2", "4", "3"], "numeric"),
        ("street_num", ["11", "2", "11", "3"], "numeric"),
        ("paid", ["10", "20", "30"], "numeric"),
    ],
)
def test_ids_and_groups(name, texts, kind):
    assert guess(texts, name).kind == kind


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "X", "rownames", "index"])
def test_row_numbers_are_left_out(name):
    assert guess(["1", "2", "3"], name).left_out == "a row number"


@pytest.mark.parametrize(
    ("name", "texts"),
    [("zip_code", ["481xx", "007xx"]), ("PLZ", ["50667", "10115", "1099"]),
     ("A14", ["00202", "00043", "00280", "12345"])],
)  # fmt: skip
def test_postal_codes_are_no_numbers(name, texts):
    assert guess(texts * 3, name).kind == "nominal"


@pytest.mark.parametrize("name", ["recoveries", "total_pymnt", "last_pymnt_amnt", "out_prncp"])
def test_names_of_what_is_known_later(name):
    assert "leak" in guess(["1.5", "2.5", "3.5"], name).left_out


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["2016-10-01", "2017-01-31"], "%Y-%m-%d"),
        (["31/12/2016", "01/02/2017"], "%d/%m/%Y"),
        (["12/31/2016", "01/02/2017"], "%m/%d/%Y"),
        (["31.12.2016", "1.2.2017"], "%d.%m.%Y"),
        (["2016/12/31", "2017/01/01"], "%Y/%m/%d"),
        (["Oct-2016", "Jul-2011"], "%b-%Y"),
        (["Oct-16", "Jul-11"], "%b-%y"),
        (["2016-10", "2011-07"], "%Y-%m"),
        (["10/2016", "07/2011"], "%m/%Y"),
        (["01-Oct-2016", "31-Jul-2011"], "%d-%b-%Y"),
        (["01-Oct-16", "31-Jul-11"], "%d-%b-%y"),
        (["20161001", "20110731"], "%Y%m%d"),
        (["2016-10-01 12:30:00", "2011-07-31 00:00:00"], "%Y-%m-%d %H:%M:%S"),
        (["2016-10-01T12:30:00Z", "2011-07-31T00:00:00Z"], "%Y-%m-%dT%H:%M:%SZ"),
        (["31/12/16", "01/02/17"], "%d/%m/%y"),
        (["01/10/2016 12:30", "31/07/2011 00:00"], "%d/%m/%Y %H:%M"),
    ],
)
def test_dates(texts, form):
    found = guess(texts * 2)
    assert (found.kind, found.date.format) == ("date", form)


@pytest.mark.parametrize(
    "texts",
    [
        ["2016", "2017", "2018"],
        ["10.2016", "11.2015"],
        ["12345678", "99999999", "45454545"],
        ["1-2", "3-4", "5-6"],
    ],
)
def test_what_is_no_date(texts):
    assert guess(texts * 2).kind != "date"


def test_a_date_whose_day_and_month_can_be_swapped():
    found = guess(["01/02/2016", "03/04/2017"] * 2)
    assert found.date.format == "%m/%d/%Y"
    assert "%d/%m/%Y fits them all as well" in found.evidence
    assert guess(["01/02/2016", "03/04/2017"] * 2, notation=COMMA).date.format == "%d/%m/%Y"
    # The first of each month: that part is the day.
    assert guess(["01/02/2016", "01/04/2017"] * 2).date.format == "%d/%m/%Y"


def test_one_wrong_date_in_many_does_not_matter():
    assert guess(["2016-10-01", "2016-11-01"] * 20 + ["2016-13-45"]).kind == "date"


def dates(**columns):
    return {name: guess_format(cells_of(texts, name), False) for name, texts in columns.items()}


def test_the_date_of_the_application():
    issued, opened = ["2016-01-01", "2017-01-01"], ["1990-01-01", "1991-01-01"]
    paid = ["2019-01-01", "2020-01-01"]

    def choose(**columns):
        return choose_application_date(dates(**columns))

    assert choose(issue_d=issued, earliest_cr_line=opened, last_pymnt_d=paid).source == "issue_d"
    assert choose(when=issued).source == "when"
    assert choose(a=opened, b=issued).source == "b"
    assert "a person must check" in choose(a=opened, b=issued).evidence
    assert choose(application_date=issued, issued=paid).source == "application_date"
    assert choose(date_of_birth=opened) is None
    assert choose() is None


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([0] * 90 + [1] * 5 + [17, 96, 96, 98, 98], "special: {96: ?, 98: ?}"),
        ([-100, -5000, -8998] * 30 + [365243] * 5, "special: {365243: ?}"),
        ([*range(100), -1, -1], "special: {-1: ?}"),
        ([*range(100), -9, -9, -8, -8], "special: {-9: ?, -8: ?}"),
        ([*range(18, 80), 999, 999], "special: {999: ?}"),
        ([*range(100, 200), -99999, -99999], "special: {-99999: ?}"),
        ([0, 1, 2] * 50 + [77777] * 9, "special: {77777: ?}"),
        (list(range(18, 100)) * 2, ""),
        ([*range(100), 5000], ""),
        ([-2, -1, 0, 1, 2] * 9, ""),
        ([-2, -1, 0, 1, 2, 3, 4, 8] * 9, "special: {-2: ?, -1: ?}"),
        ([0, 1, 2] * 50 + [12345] * 9, ""),
        ([-1.5, -1.5, 3, 4], ""),
        ([1, 2], ""),
    ],
)
def test_suspicious_codes(values, codes):
    counts = pd.Series(values, dtype="float64").value_counts().to_dict()
    assert suspicious_codes(counts)[-len(codes or " ") :] == codes


def test_names_differ_and_are_not_reserved():
    sources = ["Loan.Amount", "loan amount", "bad", "row_id", "special.x", "%", "2019", "Año", "pd"]
    names = our_names(sources, keys=["pd"])
    assert names == ["loan_amount", "loan_amount_2", "column_bad", "column_row_id", "special_x",
                     "column_6", "column_2019", "año", "column_pd"]  # fmt: skip


def test_the_guess_is_quick_where_every_cell_differs():
    values = np.random.default_rng(0).random(50_000).astype(str)
    assert guess(values).kind == "numeric"


def test_years_are_not_read_as_months():
    assert guess(["5 years", "6 months", "7 months", "30 days"] * 3).kind == "nominal"
    found = guess([f"{i} months" for i in range(1, 60)] + ["1 year"])
    assert (found.kind, found.unit) == ("numeric", ["months"])
    assert "'1 year'" in found.evidence

"""The outcome: which value is bad, and what a person says of more than two."""

import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.workflow.draft.cells import distinct_cells
from creditrisk.workflow.draft.target import Given, guess_bad, guess_target

LOANS = ["Fully Paid"] * 5 + ["Charged Off"] * 3 + ["Current"] * 4 + ["Default"]


def target(texts, name="y", **given):
    cells = distinct_cells(name, pd.Series(list(texts), dtype="str"), ["na", "-"])
    return guess_target(cells, Given(**given), "new.csv")


@pytest.mark.parametrize(
    ("name", "texts", "bad", "why"),
    [
        ("class", ["good", "bad", "bad"], "bad", "by its words"),
        ("status", ["Fully Paid", "Charged Off", "Charged Off"], "Charged Off", "by its words"),
        ("status", ["paid", "not paid", "not paid"], "not paid", "by its words"),
        ("status", ["repaid", "x", "x"], "x", "the other one is by its words good"),
        ("outcome", ["no default", "default", "default"], "default", "by its words"),
        ("loan_default", ["yes", "yes", "no"], "yes", "name"),
        ("Default", ["1", "1", "0"], "1", "name"),
        ("SeriousDlqin2yrs", ["1.0", "1.0", "0.0"], "1.0", "name"),
        ("not.fully.paid", ["1", "1", "0"], "1", "name"),
        ("repaid", ["1", "0", "0"], "0", "name"),
        ("approved", ["Y", "N", "N"], "N", "name"),
        ("TARGET", ["1", "0", "0"], "1", "rarer"),
        ("y", ["1", "2", "1"], "2", "rarer"),
        ("y", ["+", "-", "-"], "-", "by its words"),
    ],
)
def test_which_value_is_bad(name, texts, bad, why):
    found = target(texts, name)
    assert (found.bad, len(found.good)) == ([bad], 1)
    assert why in found.evidence[0]
    assert "check it" in found.evidence[0]


def test_spellings_of_a_value_are_one():
    assert target(["good", "GOOD", "good ", "bad"]).good == ["good"]
    assert target(["0", "0.0", "0", "1"]).good == ["0"]


def test_rows_without_an_outcome_are_counted():
    assert "2 rows have no outcome" in target(["0", "0", "1", "", "NA"]).evidence[1]


def test_more_than_two_values_are_listed_with_the_way_on():
    with pytest.raises(InputError, match=r"4 values: 'Fully Paid' \(5\), 'Current' \(4\)") as error:
        target(LOANS)
    assert "--good A,B --bad C --exclude D" in str(error.value)
    assert "GOOD=A,B BAD=C EXCLUDE=D" in str(error.value)
    assert "Fully Paid" not in error.value.for_log


def test_very_many_values_are_cut_off():
    with pytest.raises(InputError, match=r"300 values: .*GOOD=A,B"):
        target(map(str, range(300)))


@pytest.mark.parametrize("texts", [["1", "1"], ["", "NA"]])
def test_one_value_is_no_outcome(texts):
    with pytest.raises(InputError, match="good and bad outcomes"):
        target(texts)


def test_what_a_person_says():
    found = target(LOANS, good=["fully  paid"], bad=["Charged off", "Default"], exclude=["Current"])
    assert found.good == ["Fully Paid"]
    assert found.bad == ["Charged Off", "Default"]
    assert found.exclude == ["Current"]


def test_values_in_no_list_are_named():
    found = target(LOANS, good=["Fully Paid"], bad=["Default"])
    assert "rejected as invalid_target: 'Current' (4), 'Charged Off' (3)" in found.evidence[1]


def test_the_only_value_left_is_the_other_class():
    found = target(LOANS, bad=["Charged Off", "Default"], exclude=["Current"])
    assert found.good == ["Fully Paid"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"good": ["Fuly Paid"], "bad": ["Default"]}, "Did you mean Fully Paid"),
        ({"bad": ["Default"]}, "no value is named good"),
        ({"exclude": ["Current"]}, "no value is named good"),
        ({"good": ["Default"], "bad": ["Default"]}, "in two of"),
    ],
)
def test_lists_that_do_not_fit(given, words):
    with pytest.raises(InputError, match=words):
        target(LOANS, **given)


def test_a_null_word_may_be_named():
    assert target(["a", "b", "c", "NA"], good=["a"], bad=["b"], exclude=["na"]).exclude == ["NA"]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("default", "1"), ("no_default", "0"), ("non_default", "0"), ("not_bad", "0"),
        ("default_free", "0"), ("disapproved", "1"), ("not_fully_paid", "1"), ("repaid", "0"),
        ("is_late", "1"), ("related", "0"), ("good_bad", "0"),
    ],
)  # fmt: skip
def test_the_name_of_the_target_says_what_one_means(name, bad):
    # 0 is the rarer one, which decides where the name says nothing.
    assert guess_bad(name, "0", "1", {"0": 20, "1": 80})[0] == bad

"""Text of the data is data, in Markdown and in CSV."""

import csv
import random
import re

import pandas as pd
import pytest

from creditrisk.core.escape import (
    csv_cell,
    from_csv_cell,
    markdown,
    markdown_code,
    markdown_table,
)
from creditrisk.core.files import read_csv, write_csv
from tests.support.rendered import additions_in, rendered, tags_of, text_of

WORDS = [
    "car (new)", "from 200 DM, or salary for at least a year", "credit_history", "R & D", "12:30",
    "-0.4% (-7.8% to 6.2%)", "+5", "1,000,000", "age: yes", "one; two", "\N{EURO SIGN} 5.00?",
    "Gr\N{LATIN SMALL LETTER O WITH DIAERESIS}mping, U. (2019)", "and so on ...", "python 3.11.7",
]  # fmt: skip
MORE_THAN_WORDS = [
    "</details><h1>APPROVED by risk</h1>", "@octocat", "mail me@example.org", "#12", "GH-12",
    "![x](http://127.0.0.1/a.png)", "[approved](http://127.0.0.1)", "http://127.0.0.1",
    "www.example.org", "<img src=x onerror=alert(1)>", "<!-- x", "&lt;b&gt;", "# heading", "- item",
    "+ item", "1. item", "2) item", "> quote", "---", "===", "***", "_a_", "**a**", "~~a~~", "$x$",
    "`a`", "``", "a ` b", "a|b", "a\\|b", "a\\", ":smile:", ":100:", "a :100: b", "[x]: http://x",
    "deadbee1", "1234567", "x\n\n# y", "a\tb", "    code", "| a | b |", "<details><summary>",
]  # fmt: skip
PLACES = ["{}", "Cut-off {} of it", "- {}", "## {}", "> a {}", "**Better.** {}; {}."]


@pytest.mark.parametrize("text", WORDS)
def test_words_stay_words_in_markdown(text):
    assert markdown(text) == text
    assert rendered(text).startswith("<p>")
    assert "<code>" not in rendered(text)


@pytest.mark.parametrize("text", MORE_THAN_WORDS)
def test_what_is_more_than_words_is_shown_as_it_is_wherever_it_stands(text):
    given = " ".join(text.split())
    for place in PLACES:
        html = rendered(place.replace("{}", markdown(text)))
        assert tags_of(html) <= tags_of(rendered(place.replace("{}", "x"))) | {"code"}, place
        assert text_of(html) == text_of(rendered(place.replace("{}", "x"))).replace("x", given)
        assert additions_in(html) == []
    html = rendered(markdown_table([{"a": markdown(text), "b": 1}]))
    assert tags_of(html) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert text_of(html) == f"a b {given} 1"


def test_any_text_is_shown_as_it_is():
    draw = random.Random(5)
    signs = "ab1 \n`*_[]()<>!#|\\&;:.@$~=+-\"'/"
    for _ in range(600):
        text = "".join(draw.choices(signs, k=draw.randint(1, 12)))
        for write in (markdown, markdown_code):
            html = rendered(f"a {write(text)} b")
            assert tags_of(html) <= {"p", "code"}, text
            assert text_of(html) == " ".join(f"a {text} b".split()), text
            assert additions_in(html) == [], text
            cells = rendered(markdown_table([{"x": write(text), "y": "b"}]))
            assert text_of(cells) == " ".join(f"x y {text} b".split()), text


def test_only_the_words_that_need_it_are_code():
    assert markdown("what was corrected is in data/README.md now") == (
        "what was corrected is in `data/README.md` now"
    )


def test_characters_that_do_not_show_are_not_written():
    assert markdown("a\x1b[31mb\N{RIGHT-TO-LEFT OVERRIDE}c") == "a `[31mb` c"


def test_table_aligns_and_leaves_out_what_is_missing():
    assert markdown_table([{"a": None, "b": 2}], right=["b"]).splitlines() == [
        "| a | b |", "| --- | ---: |", "|  | 2 |",
    ]  # fmt: skip
    assert markdown_table([]) == ""


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "+cmd|x", "-x", "\t=1", "\r=1", "'=1", "a;=1+1", "a\n=1", "a\t@x"]
)
def test_no_cell_is_a_formula_whatever_separates_the_cells(text, tmp_path):
    path = tmp_path / "t.csv"
    write_csv(pd.DataFrame({text: [text, "b"], "n": [-1.5, 2.0]}), path)
    content = path.read_text(encoding="utf-8")
    for separator in ",;\t":
        for row in csv.reader(content.splitlines(), delimiter=separator):
            assert not any(re.match(r"[=@\t\r]|[+-](?!\d)", cell) for cell in row), row
    again = read_csv(path)
    text = text.replace("\r", "\n")
    assert again[text].to_list() == [text, "b"]
    assert again["n"].to_list() == [-1.5, 2.0]


def test_a_text_gets_an_apostrophe_wherever_a_spreadsheet_may_begin_a_cell():
    # docs/scoring.md has this example.
    assert csv_cell('"x"; --') == '"x";\' --'
    assert csv_cell("a, -b") == "a, -b"  # a comma is quoted in a CSV


def test_cells_are_read_as_they_were_before_they_were_written():
    draw = random.Random(5)
    for _ in range(5000):
        text = "".join(draw.choices(";\t\r\n'=+-@a1. ", k=draw.randint(0, 6)))
        assert from_csv_cell(csv_cell(text)) == text.replace("\r\n", "\n").replace("\r", "\n")
    for value in ("-5", "+1.5e3", "it's", "rock 'n' roll", "5 - 3", -5, None):
        assert csv_cell(value) == value

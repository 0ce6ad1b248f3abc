"""The sections for the validator: every number is in a CSV file or in metrics/evaluate.json."""

import re
from dataclasses import replace
from functools import cache
from html import unescape

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.grades import GradesParams
from creditrisk.core.files import json_text, read_csv, read_json, write_csv, write_text
from creditrisk.evaluate.validation import validate
from creditrisk.html.page import Page
from creditrisk.metrics.costs import Sample, decide
from creditrisk.report.validation import FORMATS, validation_sections
from creditrisk.report.words import load_words
from tests.support.browser import needs_chromium, open_page
from tests.support.report_results import applicants, inputs, out_of_fold

LANGUAGES = ("en", "es")
# A table's name in the catalogue to its file and lines.
TABLES = {
    "strategy.table": ("strategy", "in_use"),
    "strategy.all_test": ("strategy", "sample == 'test'"),
    "strategy.all_out_of_fold": ("strategy", "sample == 'out_of_fold'"),
    "grades.test": ("grades", "sample == 'test'"),
    "grades.out_of_fold": ("grades", "sample == 'out_of_fold'"),
    "gains.test": ("gains", "sample == 'test'"),
    "gains.out_of_fold": ("gains", "sample == 'out_of_fold'"),
    "folds.table": ("folds", "rows > 0"),
    "swap.title.scorecard": ("swap", "against == 'scorecard'"),
    "ratio.table": ("sensitivity", "scenario == 'ratio'"),
    "odds.table": ("sensitivity", "scenario == 'odds'"),
}
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


@cache
def results(language="en", amounts=False, rows=120, referred=0.1, threshold=None, **others):
    """The report's data with the tables of the validation, from simulated PDs."""
    whole, _ = inputs(amounts=amounts)
    decision = whole.decision
    cutoff = decision.break_even if threshold is None else threshold
    test, oof = applicants(rows, 2, 0.3), out_of_fold(0.5)
    rng = np.random.default_rng(0)
    on_test, on_oof = (
        Sample(f["bad"].to_numpy(), f["pd"].to_numpy(), decision.costs(f),
               rng.random(len(f)) < referred)
        for f in (test, oof)
    )  # fmt: skip
    now = test[["row_id", "bad"]].assign(decision=decide(on_test.pd, cutoff, on_test.referred))
    other = now.assign(decision=decide(on_test.pd, cutoff * 1.5, on_test.referred))
    compared = {"former": None, "scorecard": other} | others
    found = validate(oof, on_oof, on_test, cutoff, decision, GradesParams(), now, compared)
    return replace(
        whole,
        curves=whole.curves | found.tables,
        metrics=whole.metrics | found.metrics,
        words=load_words(language),
    )


def page(data):
    built = Page("Validation", language=data.words.language)
    for heading, blocks in validation_sections(data):
        built.section(heading, *blocks)
    return built.html()


def cells(html, caption):
    """The header and the rows of the table below a caption."""
    at = [m.end() for m in re.finditer(f"(?:caption>|<summary>){re.escape(caption)}", html)]
    assert len(at) == 1, caption
    grid = html[at[0] :].split("</table>")[0]
    head = [unescape(h) for h in re.findall(r"<th [^>]*>(.*?)</th>", grid)]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in grid.split("<tr>")[2:]]
    return head, [[unescape(cell) for cell in row] for row in rows]


def sentences(html):
    """The page's words outside of tables and charts."""
    body = re.sub(r"<(script|table)\b.*?</\1>", " ", html[html.index("<body>") :], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def column_of(header, words, group):
    """The columns of the file that a header may stand for."""
    own = [f"validation.{group}.column.", "validation.column."]
    return {
        key.rsplit(".", 1)[1]
        for key, text in words.texts.items()
        if text == header and any(key.startswith(start) for start in own)
    }


def written(value, column):
    if pd.isna(value):
        return "\N{EN DASH}"
    return format(value, FORMATS.get(column, ",.0f")) if not isinstance(value, str) else value


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("amounts", [False, True])
@pytest.mark.parametrize("name", TABLES)
def test_every_number_of_a_table_is_in_its_csv_file(name, amounts, language, tmp_path):
    data = results(language, amounts)
    file, query = TABLES[name]
    write_csv(data.curves[file], tmp_path / "file.csv")
    lines = read_csv(tmp_path / "file.csv").query(query)
    if name == "strategy.table":
        lines = lines.iloc[::-1]  # the test rows first
    group = name.split(".")[0]
    head, rows = cells(page(data), data.words(f"validation.{name}"))
    assert len(rows) == len(lines)
    assert len(set(head)) == len(head)
    for shown, (_, line) in zip(rows, lines.iterrows(), strict=True):
        for header, cell in zip(head, shown, strict=True):
            columns = column_of(header, data.words, group) & set(lines)
            if columns == {"value"}:
                assert f"{line['value']:.3g}" in cell or line["in_use"]
            elif isinstance(text := line[next(iter(columns))], str):
                words = data.words.texts.get(f"validation.value.{text}", text)
                assert cell.replace("\N{NO-BREAK SPACE}", " ") == words
            else:
                assert cell in {written(line[column], column) for column in columns}, header


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("amounts", [False, True])
def test_every_number_of_a_sentence_is_in_a_file_or_part_of_the_text(language, amounts, tmp_path):
    data = results(language, amounts)
    write_text(json_text(data.metrics), tmp_path / "evaluate.json")
    known = numbers_in(read_json(tmp_path / "evaluate.json"))
    for name in ("grades", "ks", "strategy", "sensitivity", "swap", "folds", "cap", "gains"):
        write_csv(data.curves[name], tmp_path / "file.csv")
        known |= set(read_csv(tmp_path / "file.csv").select_dtypes("number").to_numpy().ravel())
    allowed = {format(v, f) for v in known if np.isfinite(v) for f in (".1%", ".3f", ",.0f", ".3g")}
    templates = (v for k, v in data.words.texts.items() if k.startswith("validation."))
    allowed |= {n for text in templates for n in NUMBER.findall(text)}
    allowed |= {"5%", "5", "0.05", "0.01"}  # constants of the grades
    allowed |= {str(len(data.curves["folds"])), "41"}  # rows of a closed table
    found = NUMBER.findall(sentences(page(data)).replace(data.unit or "\0", ""))
    assert len(found) > 30
    assert [n for n in found if n not in allowed] == []


def numbers_in(tree):
    if isinstance(tree, dict | list):
        parts = tree.values() if isinstance(tree, dict) else tree
        return set().union(*map(numbers_in, parts)) if parts else set()
    return {tree} if isinstance(tree, int | float) and not isinstance(tree, bool) else set()


def test_the_sentence_counts_the_accepted_and_the_bad_among_them():
    data = results()
    line = data.curves["strategy"].query("in_use and sample == 'test'").iloc[0]
    assert (
        f"Of {line['approved']} accepted test applicants, {line['bad_approved']} went bad: "
        f"{line['bad_rate_approved']:.1%} (95% interval {line['bad_rate_approved_low']:.1%} to "
        f"{line['bad_rate_approved_high']:.1%}). Referred to a person: {line['referred']} of 120."
    ) in sentences(page(data))


def test_the_sentences_on_ks_and_swaps_are_those_of_their_lines():
    data = results()
    words = sentences(page(data))
    at = data.curves["ks"].query("ks").iloc[0]
    assert f"at a PD of {at['pd']:.1%}" in words
    assert f"{at['good']:.1%} of the good and {at['bad']:.1%} of the bad have" in words
    pair = data.curves["swap"].set_index(["old", "new"])[["rows", "bad"]]
    won, lost = pair.loc[("reject", "accept")], pair.loc[("accept", "reject")]
    assert lost["rows"] > 0
    assert (
        f"{won['rows']} applicants whom it rejects are accepted by the champion, {won['bad']} of "
        f"these went bad; {lost['rows']} whom it accepts are rejected by the champion, "
        f"{lost['bad']} of these went bad."
    ) in words


def test_a_cut_off_that_accepts_nobody_is_said_in_words():
    words = sentences(page(results(threshold=0.0)))
    assert "None of the 120 test applicants is accepted." in words
    assert "nan" not in words


def test_without_referrals_nothing_is_said_of_them():
    assert "Referred to a person" not in sentences(page(results(referred=0.0)))


@pytest.mark.parametrize(("shift", "words"), [(1000, "other rows"), (1, "not the same applicants")])
def test_a_former_champion_that_cannot_be_compared_is_said(shift, words):
    test = applicants(120, 2, 0.3)
    former = test[["row_id", "bad"]].assign(decision="accept", row_id=test["row_id"] + shift)
    data = results.__wrapped__(former=former)
    assert words in sentences(page(data))
    assert "Former champion and champion" not in page(data)


def test_losses_of_grades_are_shown_where_amounts_are_known():
    head = [cells(page(results(amounts=a)), "Grades on the test rows")[0] for a in (False, True)]
    assert ["expected loss" in h for h in head] == [False, True]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_block_to_sign_is_last_and_empty(language):
    data = results(language)
    heading, blocks = validation_sections(data)[-1]
    assert heading == data.words("validation.sign_off.heading")
    html = "".join(str(block.html) for block in blocks)
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in html.split("<tr>")[2:]]
    assert [row[0] for row in rows if row][:3] == [
        data.words(f"validation.sign_off.{step}") for step in ("prepared", "validated", "approved")
    ]
    # One cell alone: the line on differences between groups.
    assert all(set(row[1:]) == {""} or row == [""] for row in rows if row)
    assert data.champion.model_sha256 in html
    assert data.words("validation.sign_off.groups") in html


def test_lights_are_words():
    html = page(results())
    _, rows = cells(html, "Grades on the test rows")
    assert {row[1] for row in rows} <= {"green", "yellow", "red", "no\N{NO-BREAK SPACE}applicant"}


def test_the_same_data_give_the_same_page():
    assert page(results()) == page(results.__wrapped__())


@needs_chromium
def test_all_charts_are_drawn(tmp_path):
    (tmp_path / "page.html").write_text(page(results("es", True)), encoding="utf-8")
    opened = open_page(tmp_path / "page.html", tmp_path / "profile")
    assert opened.console == []
    assert opened.charts == 5

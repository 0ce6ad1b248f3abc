"""The section on refused applicants: the table's own numbers, in both languages, nothing more."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from creditrisk.evaluate.refused import part_of, refused_table
from creditrisk.html.page import Figure, Page
from creditrisk.metrics.costs import DecisionParams, Sample
from creditrisk.report.data import ReportData
from creditrisk.report.refused import refused_section
from creditrisk.report.words import LANGUAGES, load_words
from creditrisk.score.refused import Refused
from tests.support.champions import columns, described, part

EVIL = '<img src=x onerror="document.title=1"> **b** `c` $d$ [e](http://127.0.0.1)'
MATRIX = DecisionParams(cost_bad_accepted=5, cost_good_rejected=1, threshold="theory")
AMOUNTS = DecisionParams(
    cost_bad_accepted=5, cost_good_rejected=1, threshold="theory", amount_column="amount",
    loss_given_default=0.6, margin=0.1,
)  # fmt: skip


def refused(rows=120, seed=1, **changed):
    """Refused applicants: test rows with other PDs, and what could not be read of them."""
    frame = part("test").head(rows)[columns()]
    pds = np.random.default_rng(seed).beta(2, 3, len(frame))
    decisions = np.where(pds >= described("lr").threshold, "reject", "accept").astype(object)
    given = {
        "frame": frame, "pd": pds, "decisions": decisions, "rows": len(frame),
        "problems": {}, "unread_cells": {}, "ignored": [],
    }  # fmt: skip
    return Refused(**(given | changed))


def data(found, language="en", decision=MATRIX):
    rng = np.random.default_rng(3)
    samples = []
    for side in ("train", "test"):
        frame = part(side)
        pds = rng.beta(2, 4, len(frame))
        samples.append(Sample(frame["bad"].to_numpy(), pds, decision.costs(frame)))
    champion = described("lr")
    table = refused_table(found, part("train"), *samples, part("test"), champion, decision)
    board = pd.DataFrame({"algorithm": [], "label": []})
    return ReportData(
        {}, {}, {}, {}, champion, board, {"refused": table}, decision, words=load_words(language)
    )


def words_of(given):
    page = Page("x", language=given.words.language)
    html = page.section("y", *refused_section(given)).html()
    body = re.sub(r"<script.*?</script>", "", html[html.index("<body>") :], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "No file of refused applicants"), ("es", "No se dio ningún archivo")],
)
def test_without_a_file_one_sentence_says_so_and_how_to_add_one(language, said):
    blocks = refused_section(data(None, language))
    assert len(blocks) == 1
    told = words_of(data(None, language))
    assert said in told
    assert "data.rejected" in told
    assert "docs/data.md" in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_share_on_the_page_is_one_of_the_table(language):
    given = data(refused(), language)
    table = given.curves["refused"]
    known = {f"{value:.1%}" for value in table["value"].dropna()}
    known |= {f"{given.champion.threshold:.1%}"}
    shown = set(re.findall(r"\d[\d,]*\.\d%", words_of(given)))
    assert shown <= known
    assert len(shown) > 40


def test_the_sentences_have_the_numbers_of_the_table():
    given = data(refused())
    table, told = given.curves["refused"], words_of(given)
    pds = part_of(table, "pds").set_index("name")
    rates = part_of(table, "bounds").set_index("name")["bad_rate_accepted"]
    accept, reject = (int(pds.loc["refused", name]) for name in ("accept", "reject"))
    assert f"{len(part('test').head(120))} applicants were refused by the former policy" in told
    assert "No model has learned from them" in told
    assert f"This model would accept {accept} of the refused" in told
    assert f"refer 0 to a person and reject {reject}." in told
    assert f"Of the {accept} whom it would accept, {rates['model']:.1%} would go bad" in told
    assert f"{rates['odds_2']:.1%} to {rates['odds_4']:.1%} if refused applicants have" in told
    assert "What cannot be known" in told
    assert "Crook and Banasik (2004" in told


def test_the_numbers_are_the_same_in_both_languages():
    found = [
        sorted(re.findall(r"\d[\d,]*\.\d+%?", words_of(data(refused(), language))))
        for language in LANGUAGES
    ]
    assert found[0] == found[1]


def test_the_chart_has_both_kinds_and_the_cutoff_between_two_bands():
    given = data(refused())
    [block] = [block for block in refused_section(given) if isinstance(block, Figure)]
    bands = part_of(given.curves["refused"], "bands")
    accepted, others, cutoff = block.chart.data
    assert list(accepted.x) == bands["accepted_share"].tolist()
    assert list(others.x) == bands["refused_share"].tolist()
    place = int(cutoff.y[0] + 0.5)
    assert bands["low"][place] == pytest.approx(given.champion.threshold)
    assert block.chart.layout.yaxis.ticktext[place].startswith("16.7%")


def test_nobody_accepted_and_extrapolated_pds_are_said():
    pds = np.full(120, 0.999)
    told = words_of(data(refused(pd=pds, decisions=np.full(120, "reject", dtype=object))))
    assert "would accept 0 of the refused (0.0%)" in told
    assert "Of the 0 whom" not in told
    assert "nan" not in told.split()
    assert "100.0% of the refused have a PD in a band with less than 1%" in told
    usual = np.full(120, 0.3)
    told = words_of(data(refused(pd=usual, decisions=np.full(120, "reject", dtype=object))))
    assert "no PD is far outside of what was seen" in told


def test_costs_have_the_unit_of_the_amount():
    assert "cost a head, all (DM)" in words_of(data(refused(), decision=AMOUNTS))
    assert "cost a head, all (" not in words_of(data(refused()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_could_not_be_read_is_named_as_text(language):
    found = refused(
        rows=60, problems={f"line 7: {EVIL}": [6], "no cell could be read": [8, 9]}, ignored=[EVIL],
        unread_cells={"age": 3},
    )  # fmt: skip
    # Three more rows than could be judged.
    found = Refused(**(vars(found) | {"rows": len(found.pd) + 3}))
    given = data(found, language)
    html = Page("x").section("y", *refused_section(given)).html()
    assert "<img" not in html
    told = words_of(given)
    assert told.count(EVIL) == 2
    assert {"en": f"could not be read: 3 of {found.rows}", "es": f"leer: 3 de {found.rows}"}[
        language
    ] in told
    assert {"en": ": 3, in age.", "es": ": 3, en age."}[language] in told


def test_variables_that_moved_or_left_the_range_are_named_up_to_a_bound():
    frame = part("test").head(120)[columns()].copy()
    numbers = [name for name in columns() if pd.api.types.is_numeric_dtype(frame[name])]
    frame[numbers] = frame[numbers] + 1e6
    texts = [name for name in columns() if name not in numbers]
    frame[texts] = "never seen"
    told = words_of(data(refused(frame=frame)))
    assert "Variables that differ clearly from the training rows (PSI above 0.25): " in told
    assert f"and {len(columns()) - 10} more." in told
    same = words_of(data(refused(frame=part("train").head(120)[columns()])))
    assert "No refused applicant has a value outside" in same

"""Texts of the data, the schema and the parameters are texts in the model card and the report."""

import re
from dataclasses import replace
from html import unescape

import pytest

from creditrisk.champion.description import ChampionDescription
from creditrisk.report.card import ANNEX, CIRCULAR, model_card
from creditrisk.report.page import build_page
from creditrisk.report.words import LANGUAGES, load_words
from tests.support.rendered import additions_in, rendered, tags_of, text_of
from tests.support.report_results import AMOUNTS, in_language, inputs

APPROVED = "</details><h1>APPROVED by risk</h1>"
OTHERS = [
    "{0} {champion} {",
    "@octocat closes #12",
    "![x](http://127.0.0.1/a.png)",
    "[a](http://127.0.0.1)|b`c$d$",
]
TAGS = {"h1", "h2", "p", "ul", "li", "code", "a", "table", "thead", "tbody", "tr", "th", "td"}


def hostile(evil):
    """Results with `evil` in every text that does not come from us."""
    given = inputs(names=(f"amount {evil}", f"status {evil}"))[0]
    champion, schema = given.champion, given.champion.schema_
    (amount, status) = schema["columns"].values()
    schema = schema | {
        "name": f"name {evil}", "source": f"source {evil}", "licence": f"licence {evil}",
        "target": {"column": f"y {evil}", "good": ["1"], "bad": [f"0 {evil}"]},
        "columns": {
            f"a {evil}": amount | {"unit": [f"EUR {evil}"], "description": evil},
            f"s {evil}": status | {"levels": {f"1 {evil}": f"one {evil}", "2": "b"}},
        },
    }  # fmt: skip
    champion = ChampionDescription.model_validate(
        champion.model_dump(by_alias=True)
        | {
            "schema": schema, "label": f"label {evil}", "params": {f"C {evil}": evil},
            "calibration": evil, "created_by": {f"python {evil}": evil},
            "self_check": {"rows": {}, "pds": []},
        }
    )  # fmt: skip
    found = given.curves["fairness"]
    groups = found.assign(group=[f"{group} {evil}" for group in found["group"]])
    named = given.board.assign(label=[f"{a} {evil}" for a in given.board["algorithm"]])
    decision = AMOUNTS.model_copy(update={"amount_column": f"amount {evil}"})
    return replace(
        given,
        champion=champion,
        board=named,
        decision=decision,
        curves=given.curves | {"fairness": groups},
        warning=f"WARNING: look at {evil}",
        prepared=given.prepared | {"columns_ignored": [evil]},
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("evil", [APPROVED, *OTHERS])
def test_model_card_shows_texts_of_the_data_and_nothing_that_they_would_make(evil, language):
    words = load_words(language)
    html = rendered(model_card(in_language(hostile(evil), language)))
    assert tags_of(html) <= TAGS
    assert html.count("<h1>") == 1
    assert set(re.findall(r'href="([^"]*)"', html)) == {ANNEX, CIRCULAR}
    assert additions_in(html) == []
    shown = text_of(html)
    for text in (
        f"name {evil}, label {evil}", f"WARNING: look at {evil}", f"rf {evil}",
        words("card.source", source=f"source {evil}"),
        words("card.licence", licence=f"licence {evil}"),
        words("card.data_set", name=f"name {evil}", count="2", target=f"y {evil}", bad=f"0 {evil}"),
        f"amount {evil} (EUR {evil})", f'amount {evil} "under 2000 {evil}" (24)',
        f"python {evil} {evil}", words("referral.levels", names=f"status {evil}"),
        words("groups.used", names=words.listed([f"amount {evil}", f"status {evil}"])),
    ):  # fmt: skip
        assert text in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_shows_texts_of_the_data_as_they_are(language):
    evil = f"a {{0}} {{champion}} &lt;b&gt; [c](d) {APPROVED}"
    html = build_page(in_language(hostile(evil), language)).html()
    body = re.sub(r"<script.*?</script>", "", html[html.index("<body>") :], flags=re.DOTALL)
    assert body.count("<h1>") == 1
    shown = unescape(re.sub(r"<[^>]*>", " ", body))
    for text in (f"label {evil}", f'"under 2000 {evil}" (24)', f"amount {evil} (EUR"):
        assert text in shown
    # In the verdict and in the limits.
    assert shown.count(f"WARNING: look at {evil}") == 2

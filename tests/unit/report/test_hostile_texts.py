"""Texts of the data, the schema and the parameters are texts in the model card and the report."""

import re
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest

from creditrisk.champion.description import ChampionDescription
from creditrisk.report.card import ANNEX, CIRCULAR, model_card
from creditrisk.report.page import build_page
from tests.support.rendered import additions_in, rendered, tags_of, text_of
from tests.unit.report.test_report import AMOUNTS, inputs

APPROVED = "</details><h1>APPROVED by risk</h1>"
OTHERS = ["@octocat closes #12", "![x](http://127.0.0.1/a.png)", "[a](http://127.0.0.1)|b`c$d$"]
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
    share = {"approval_rate": 0.5, "tpr": 0.5, "fpr": 0.5, "bad_rate": 0.5, "calibration_gap": 0.3}
    groups = pd.DataFrame(
        {"variable": f"status {evil}", "group": f"one {evil}", "rows": rows, "bad": 2,
         "judged": rows > 30, "mean_pd": 0.8}
        | {f"{k}{end}": v for k, v in share.items() for end in ("", "_low", "_high")}
        for rows in (4, 40)
    )  # fmt: skip
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


@pytest.mark.parametrize("evil", [APPROVED, *OTHERS])
def test_model_card_shows_texts_of_the_data_and_nothing_that_they_would_make(evil):
    html = rendered(model_card(hostile(evil)))
    assert tags_of(html) <= TAGS
    assert html.count("<h1>") == 1
    assert set(re.findall(r'href="([^"]*)"', html)) == {ANNEX, CIRCULAR}
    assert additions_in(html) == []
    shown = text_of(html)
    for text in (
        f"name {evil}, label {evil}", f"Source: source {evil}.", f"Licence: licence {evil}.",
        f"outcome y {evil}, bad is 0 {evil}.", f"WARNING: look at {evil}", f"rf {evil}",
        f"amount {evil} (EUR {evil})", f"status {evil} one {evil} (4)", f"python {evil} {evil}",
        f"status {evil} one {evil}: the PDs are too high",
    ):  # fmt: skip
        assert text in shown


def test_page_shows_texts_of_the_data_as_they_are():
    evil = f"a &lt;b&gt; [c](d) {APPROVED}"
    html = build_page(hostile(evil)).html()
    body = re.sub(r"<script.*?</script>", "", html[html.index("<body>") :], flags=re.DOTALL)
    assert body.count("<h1>") == 1
    shown = unescape(re.sub(r"<[^>]*>", " ", body))
    for text in (f"label {evil}", f"one {evil} (4)", f"amount {evil} (EUR"):
        assert text in shown
    # In the verdict and in the limits.
    assert shown.count(f"WARNING: look at {evil}") == 2

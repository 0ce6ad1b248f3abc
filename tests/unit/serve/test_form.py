"""The page: fields from the schema, the decision, and what is wrong, without any script."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from creditrisk.serve.form import CAUSES
from tests.support.asgi import applicants, champion_model, client

FORM = "application/x-www-form-urlencoded"
HOSTILE = '"><script>alert(1)</script>'


def send(asked, values):
    return asked.ask("POST", "/", urlencode(values).encode(), FORM)


def entered(row):
    schema = champion_model("lr").schema
    return {schema.columns[name].name: value for name, value in row.items()}


def test_each_column_has_a_field_with_a_label_and_its_values():
    page = client().ask("GET", "/").body.decode()
    schema = champion_model("lr").schema
    fields = re.findall(r'<(?:input|select) id="(\w+)" name="(\w+)"', page)
    assert [name for _, name in fields] == [c.name for c in schema.columns.values()]
    for number, _ in fields:
        assert f'<label for="{number}">' in page
    assert '<option value="2">below 0 DM</option>' in page
    assert ">duration (months)</label>" in page
    assert "<script" not in page
    assert 'lang="en"' in page


def test_the_decision_page_has_pd_points_decision_reasons_and_what_was_missing():
    row = applicants(1, spoiled=False)[0]
    asked = client()
    values = entered(row) | {"age": "old", "purpose": ""}
    del values["housing"]
    page = unescape(send(asked, values).body.decode())
    body = {"applicants": [row | {"alter": "old", "verw": None, "wohn": None}], "reasons": 4}
    result = asked.post("/v1/score", body).tree["results"][0]
    assert f'data-pd="{result["pd"]!r}"' in page
    assert f'<dd id="points">{result["score"]}</dd>' in page
    assert result["decision"] == "refer"
    assert '<h2 id="decision">Referred to a person</h2>' in page
    for one in result["reasons"]:
        assert f"{one['variable'].replace('_', ' ')}" in page
        assert one["value"] in page
    assert f"age: {CAUSES['unparseable']}" in page
    assert "purpose: not given" in page
    assert "housing: not given" in page
    assert 'value="old"' in page  # to be corrected
    assert 'aria-invalid="true"' in page


def test_an_empty_form_gets_no_decision():
    page = send(client(), {"age": ""}).body.decode()
    assert '<h2 id="decision">No decision</h2>' in page


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"agee=1", 422),
        (b"age=1&age=2", 422),
        (b"age=%ff", 422),
        (b"age=%ED%A0%80", 422),
        (b"&&&", 422),
        (b"age=" + b"9" * 10_001, 422),
        (b"", 200),
    ],
)
def test_a_form_that_no_page_sends_is_refused_by_a_page(body, status):
    answer = client().ask("POST", "/", body, FORM)
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/html")
    assert (b'role="alert"' in answer.body) == (status == 422)


def test_what_is_entered_never_becomes_markup():
    for name in ("age", "purpose", HOSTILE):
        page = send(client(), {name: HOSTILE}).body.decode()
        assert "<script" not in page
        # A list of levels shows none that it does not have.
        assert ("&lt;script&gt;" in page) == (name != "purpose")
    assert client().post("/", {}).status == 415

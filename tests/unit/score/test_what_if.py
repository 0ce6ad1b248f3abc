"""What would change a decision, in words: in a file, in the service, in the form and in Python."""

import io
import re
from html import unescape
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.description import parse_description
from creditrisk.ingest.batches import read_batches
from creditrisk.score.api import ChampionModel
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import Scorer
from creditrisk.score.what_if import NOTHING_HELPS, WhatIf
from creditrisk.score.write import write
from creditrisk.serve.app import Service, build_app
from creditrisk.serve.settings import Keys
from tests.support.asgi import Client, applicants, csv_of
from tests.support.champions import project
from tests.support.changeable import champion_with, default_champion, texts
from tests.support.stage_runs import call

FORM = "application/x-www-form-urlencoded"
HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>'
CASES = applicants(60, spoiled=False)


def client(model=None):
    return Client(build_app(Service(model or default_champion("scorecard"), Keys())))


def scored(model, form="csv", most=3, rows=CASES, tmp_path=None):
    """What commands.score writes of some applicants."""
    path = tmp_path / "new.csv"
    path.write_bytes(csv_of(rows))
    scorer, file = Scorer(model.champion, model.scorer.notation, 0), io.BytesIO()
    batches = read_batches(path, model.data, model.schema, 25)
    what_if = WhatIf(scorer) if most else None
    write(batches, scorer, file, form, False, what_if, most)
    return file.getvalue()


def test_the_column_says_what_to_reach_and_what_it_is_now(tmp_path):
    model = default_champion("scorecard")
    frame = pd.read_csv(io.BytesIO(scored(model, tmp_path=tmp_path)))
    assert list(frame)[3:7] == ["decision", "reasons", "what_if", "missing"]
    accepted = frame["decision"] == "accept"
    assert frame["what_if"].isna().equals(accepted)
    told = frame.loc[~accepted, "what_if"]
    assert (told == NOTHING_HELPS).any()
    helped = told[told != NOTHING_HELPS]
    assert helped.str.startswith("accepted if ").all()
    assert helped.str.contains("; or if ").any()
    change = r"duration: \d+ months \(now \d+ months\)"
    assert helped.str.contains(change).any()
    assert helped.str.contains(r" and amount: \d+ DM \(now \d+ DM\)").any()
    assert (helped.str.count("; or if ") <= 2).all()
    one = pd.read_csv(io.BytesIO(scored(model, most=1, tmp_path=tmp_path)))["what_if"]
    first = helped.str.split("; or if ").str[0]
    assert one[helped.index].tolist() == first.tolist()


def test_without_it_the_output_is_as_before(tmp_path):
    model = default_champion("scorecard")
    plain = scored(model, most=0, tmp_path=tmp_path)
    asked = pd.read_csv(io.BytesIO(scored(model, tmp_path=tmp_path)), dtype=str)
    assert pd.read_csv(io.BytesIO(plain), dtype=str).equals(asked.drop(columns="what_if"))


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_other_forms_have_the_column_too(form, tmp_path):
    written = scored(default_champion("scorecard"), form, tmp_path=tmp_path)
    read = pd.read_parquet if form == "parquet" else lambda file: pd.read_json(file, lines=True)
    frame = read(io.BytesIO(written))
    asked = pd.read_csv(io.BytesIO(scored(default_champion("scorecard"), tmp_path=tmp_path)))
    assert frame["what_if"].fillna("").tolist() == asked["what_if"].fillna("").tolist()


def test_rows_that_can_not_be_read_get_none(tmp_path):
    rows = [CASES[1], dict.fromkeys(CASES[1]), CASES[3]]
    text = csv_of(rows).decode().splitlines()
    path = tmp_path / "new.csv"
    path.write_text("\n".join([*text[:2], ",".join(["1"] * 30), *text[2:]]) + "\n")
    model = default_champion("scorecard")
    file = io.BytesIO()
    batches = read_batches(path, model.data, model.schema, 25)
    write(batches, model.scorer, file, "csv", False, WhatIf(model.scorer), 2)
    frame = pd.read_csv(io.BytesIO(file.getvalue()))
    assert frame["problem"].notna().tolist() == [False, True, True, False]
    assert frame["what_if"].notna().tolist() == [True, False, False, True]


def test_a_champion_whose_schema_lets_nothing_change_is_an_error_with_a_hint(tmp_path):
    folder = project(tmp_path / "p", "scorecard")
    (folder / "new.csv").write_bytes(csv_of(CASES[:3]))
    described = (folder / "models/champion.json").read_text()
    done = call(folder, "commands.score", "--input", "new.csv", "--output", "out.csv",
                "--what-if", "2")  # fmt: skip
    if '"mutable"' in described:
        assert done.returncode == 0, done.stderr
        assert "what_if" in (folder / "out.csv").read_text().splitlines()[0]
    else:
        assert done.returncode == 2
        assert "no column is mutable" in done.stderr
        assert not (folder / "out.csv").exists()


def test_the_service_says_it_if_asked_and_each_cell_leads_to_acceptance_as_it_stands():
    asked = client()
    plain = asked.post("/v1/score", {"applicants": CASES[:50]}).tree["results"]
    none = asked.post("/v1/score", {"applicants": CASES, "what_if": 0}).tree["results"]
    found = asked.post("/v1/score", {"applicants": CASES[:50], "what_if": 3}).tree["results"]
    assert all("what_if" not in one for one in plain)
    assert all(one["what_if"] == [] for one in none)
    assert [{n: v for n, v in one.items() if n != "what_if"} for one in found] == plain
    sources = {c.name: s for s, c in default_champion("scorecard").schema.columns.items()}
    rows, pds = [], []
    for row, one in zip(CASES, found, strict=False):
        assert not (one["decision"] == "accept" and one["what_if"])
        for choice in one["what_if"]:
            assert set(choice) == {"changes", "pd"}
            changed = {sources[c["variable"]]: c["cell"] for c in choice["changes"]}
            assert all(set(c) == {"variable", "from", "to", "cell"} for c in choice["changes"])
            rows.append(row | changed)
            pds.append(choice["pd"])
    assert len(rows) > 30
    again = asked.post("/v1/score", {"applicants": rows}).tree["results"]
    assert {one["decision"] for one in again} == {"accept"}
    assert [one["pd"] for one in again] == pds


def test_a_number_is_written_with_the_decimals_and_the_decimal_sign_of_the_texts():
    model = champion_with("scorecard", {"amount": True})
    described = model.champion.description
    schema = described.schema_ | {
        "columns": {n: dict(c) for n, c in described.schema_["columns"].items()}
    }
    schema["columns"]["hoehe"].pop("integer")
    usual = {"amount": [value + 0.25 for value in described.usual["amount"]]}
    changed = described.model_copy(update={"schema_": schema, "usual": usual})
    champion = Champion(model.champion.model, parse_description(changed.to_json(), "x"))
    data = model.data.model_copy(update={"decimal": ",", "thousands": "."})
    asked = client(ChampionModel(champion, data, []))
    found = asked.post("/v1/score", {"applicants": CASES[:50], "what_if": 1}).tree["results"]
    rows = [
        row | {"hoehe": change["cell"]}
        for row, one in zip(CASES, found, strict=False)
        for choice in one["what_if"] for change in choice["changes"]
    ]  # fmt: skip
    assert any(row["hoehe"].endswith(",99") for row in rows)
    again = asked.post("/v1/score", {"applicants": rows}).tree["results"]
    assert {one["decision"] for one in again} == {"accept"}


@pytest.mark.parametrize(
    ("wanted", "where"),
    [(4, "what_if"), (-1, "what_if"), ("2", "what_if"), (1.5, "what_if"), (None, "what_if"),
     (True, "what_if")],
)  # fmt: skip
def test_a_number_of_alternatives_that_is_none_is_refused(wanted, where):
    answer = client().post("/v1/score", {"applicants": CASES[:1], "what_if": wanted})
    assert answer.status == 422
    assert answer.tree["error"]["where"] == where


def test_fewer_applicants_may_be_asked_about_at_once():
    body = {"applicants": CASES[:51], "what_if": 1}
    answer = client().post("/v1/score", body)
    assert answer.status == 422
    assert answer.tree["error"]["where"] == "applicants"
    assert "at most 50" in answer.tree["error"]["what"]
    assert client().post("/v1/score", body | {"what_if": 0}).status == 200


def test_the_description_of_the_service_knows_it():
    tree = client().ask("GET", "/openapi.json").tree
    shapes = tree["components"]["schemas"]
    assert "what_if" not in shapes["Result"]["required"]
    assert set(shapes["ChangeShape"]["properties"]) == {"variable", "from", "to", "cell"}
    body = tree["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]
    limits = {
        (one["properties"]["applicants"]["maxItems"], one["properties"]["what_if"]["maximum"])
        for one in body["schema"]["anyOf"]
    }
    assert limits == {(1000, 0), (50, 3)}


def form_of(row, model=None):
    schema = default_champion("scorecard").schema
    values = {schema.columns[name].name: value for name, value in row.items()}
    return client(model).ask("POST", "/", urlencode(values).encode(), FORM).body.decode()


def test_the_form_shows_it_to_who_is_not_accepted():
    results = client().post("/v1/score", {"applicants": CASES[:50], "what_if": 3}).tree["results"]
    helped = next(i for i, one in enumerate(results) if len(one["what_if"]) == 3)
    page = unescape(form_of(CASES[helped]))
    assert "<h3>What would change the decision</h3>" in page
    assert "not a promise of credit" in page
    for choice in results[helped]["what_if"]:
        for change in choice["changes"]:
            words = change["variable"].replace("_", " ")
            assert f"{words}: {change['to']} (now {change['from']})" in page
    lost = next(
        i for i, one in enumerate(results) if one["decision"] == "reject" and not one["what_if"]
    )
    assert NOTHING_HELPS.capitalize() in unescape(form_of(CASES[lost]))
    accepted = next(i for i, one in enumerate(results) if one["decision"] == "accept")
    assert "What would change" not in form_of(CASES[accepted])
    assert "What would change" not in form_of(CASES[helped], champion_with("scorecard", {}))


def test_labels_of_levels_are_text_on_the_page_and_in_a_file(tmp_path):
    labels = {"savings": {code: f"{HOSTILE}{code}" for code in "12345"}}
    model = champion_with("scorecard", {"savings": True}, labels=labels)
    judged = model.scorer.judge(texts(CASES))
    found = WhatIf(model.scorer).find(judged, 1)
    row = next(i for i, own in enumerate(found) if own)
    page = form_of(CASES[row], model)
    assert "&lt;script&gt;" in page
    assert not re.search(r"<script", page)
    written = scored(model, tmp_path=tmp_path)
    cells = pd.read_csv(io.BytesIO(written))["what_if"].dropna()
    assert cells.str.startswith(("accepted if savings: =HYPER", NOTHING_HELPS)).all()


def test_python_gets_the_same_as_the_service():
    model = default_champion("scorecard")
    results = client().post("/v1/score", {"applicants": CASES[:50], "what_if": 3}).tree["results"]
    for row, one in list(zip(CASES, results, strict=False))[:12]:
        assert model.explain(row).what_if == one["what_if"]
    assert model.explain(CASES[1], what_if=0).what_if == []
    assert np.shape(model.explain(CASES[1]).what_if)[0] <= 3

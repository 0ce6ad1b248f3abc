"""POST /v1/score and its relatives: the same PDs everywhere, and what is said of each applicant."""

import io

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.predict import Predictor
from creditrisk.score.mlflow_model import ServedChampion
from creditrisk.score.scorer import Scorer
from tests.support.asgi import applicants, champion_model, client, csv_of
from tests.support.champions import KINDS, columns, model, part, raw_lines

ALL = [*KINDS, "vote", "stack"]


def texts(rows):
    return {name: np.array([row[name] for row in rows], dtype=object) for name in rows[0]}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL)
def test_pds_are_the_same_bits_over_http_alone_in_batches_in_a_file_and_in_python(kind):
    rows, asked, found = applicants(), client(kind), champion_model(kind)
    batch = asked.post("/v1/score", {"applicants": rows}).tree["results"]
    pds = [one["pd"] for one in batch]
    alone = [asked.post("/v1/score", {"applicants": [row]}).tree["results"][0] for row in rows]
    assert alone == batch
    scorer = Scorer(found.champion, found.scorer.notation, 0)
    raw = pd.DataFrame(texts(rows), dtype="str").assign(row_id=range(1000))
    raw["malformed"] = pd.Series([None] * 1000, dtype="str")
    scored = scorer.score(raw).rows  # what commands.score writes
    assert scored["pd"].tolist() == pds
    assert scored["score"].tolist() == [one["score"] for one in batch]
    assert scored["decision"].tolist() == [one["decision"] for one in batch]
    assert found.score(rows)["pd"].tolist() == pds
    predictions = asked.post("/invocations", {"dataframe_records": rows}).tree["predictions"]
    assert [one["pd"] for one in predictions] == pds
    answer = asked.ask("POST", "/v1/score.csv?reasons=0", csv_of(rows), "text/csv")
    from_csv = pd.read_csv(io.BytesIO(answer.body), float_precision="round_trip")
    assert from_csv["pd"].tolist() == pds
    registered = ServedChampion(scorer, found.data.decimal)
    frame = pd.DataFrame(rows)
    assert registered.predict(frame)["pd"].tolist() == pds
    parts = [registered.predict(frame.iloc[i : i + 1]) for i in range(0, 1000, 9)]
    parts += [registered.predict(frame.iloc[i : i + 70]) for i in range(0, 1000, 70)]
    for part_ in parts:
        assert part_["pd"].tolist() == [pds[i] for i in part_.index]


@pytest.mark.parametrize("kind", ["lr", "scorecard", "vote"])
def test_applicants_of_the_test_rows_get_the_pds_of_evaluate(kind):
    header, lines = raw_lines()
    test = part("test")
    rows = [
        dict(zip(header.split(","), lines[i - 1].split(","), strict=True)) for i in test["row_id"]
    ]
    for row in rows:
        del row["kredit"]
    results = client(kind).post("/v1/score", {"applicants": rows}).tree["results"]
    ours = Predictor(model(kind)).pd(test[columns()])
    assert [one["pd"] for one in results] == ours.tolist()


def test_an_answer_names_the_model_the_reasons_and_what_was_missing():
    row = applicants(1, spoiled=False)[0] | {
        "laufkont": "2",
        "laufzeit": "48",
        "verw": "99",
        "alter": None,
    }
    answer = client().post("/v1/score", {"applicants": [row], "reasons": 3})
    assert answer.status == 200
    assert answer.tree["model"] == {"sha256": "0" * 64, "algorithm": "x", "threshold": 0.1666666667}
    found = answer.tree["results"][0]
    assert found["missing"] == [
        {"column": "purpose", "cause": "out_of_domain"},
        {"column": "age", "cause": "empty"},
    ]
    assert found["decision"] == "refer"
    assert len(found["reasons"]) == 3
    for one in found["reasons"]:
        assert set(one) == {"variable", "value", "counted", "log_odds", "code"}
    named = [(one["variable"], one["value"].split("; ")[1:]) for one in found["reasons"]]
    assert named[:2] == [(name, ["no training row lacked it"]) for name in ("age", "purpose")]
    assert found["reasons"][2]["log_odds"] != 0
    codes = client().ask("GET", "/v1/model").tree["reason_codes"]
    assert all(codes[one["code"]] == one["variable"] for one in found["reasons"])
    unasked = client().post("/v1/score", {"applicants": [row]}).tree["results"][0]
    assert unasked["reasons"] == found["reasons"][:2]  # a referral always names the fields
    whole = applicants(1, spoiled=False)
    decided = client().post("/v1/score", {"applicants": whole, "reasons": 3}).tree["results"][0]
    assert decided["decision"] == ("reject" if decided["pd"] >= 0.1666666667 else "accept")
    sizes = [abs(one["log_odds"]) for one in decided["reasons"]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 3
    assert client().post("/v1/score", {"applicants": whole}).tree["results"][0]["reasons"] == []


def test_names_of_the_schema_do_as_well_as_those_of_the_source():
    asked = client()
    schema = champion_model("lr").schema
    row = applicants(1)[0]
    renamed = {schema.columns[name].name: value for name, value in row.items()}
    loud = {name.upper(): value for name, value in row.items()}
    answers = [asked.post("/v1/score", {"applicants": [one]}) for one in (row, renamed, loud)]
    assert answers[0].body == answers[1].body == answers[2].body
    mixed = dict([next(iter(row.items())), ("age", "33")])
    answer = asked.post("/v1/score", {"applicants": [row, mixed]})
    assert answer.status == 422
    assert answer.tree["error"]["where"] == "applicants[1].age"
    assert "mixture" in answer.tree["error"]["what"]


def test_a_number_is_a_number_whatever_the_decimal_sign_and_a_text_is_as_in_the_file():
    point, comma = client(), client(data={"decimal": ",", "thousands": "."})
    row = applicants(1, spoiled=False)[0]
    for value in (1000, 1234.0, 1e3):
        body = {"applicants": [row | {"hoehe": value}]}
        assert (
            point.post("/v1/score", body).tree["results"]
            == (comma.post("/v1/score", body).tree["results"])
        )
    german = {"applicants": [row | {"hoehe": "1.234,0"}]}
    english = {"applicants": [row | {"hoehe": "1,234.0"}]}
    results = [point.post("/v1/score", english).tree, comma.post("/v1/score", german).tree]
    assert results[0]["results"] == results[1]["results"]
    assert results[0]["results"][0]["missing"] == []


def test_an_applicant_without_a_readable_cell_gets_no_decision_and_the_others_do():
    good = applicants(1)[0]
    rows = [{}, {"laufkont": "77", "alter": "x"}, good, dict.fromkeys(good)]
    results = client().post("/v1/score", {"applicants": rows, "reasons": 2}).tree["results"]
    for one in (results[0], results[1], results[3]):
        assert (one["pd"], one["score"], one["decision"]) == (None, None, None)
        assert one["problem"] == "no cell could be read"
        assert one["reasons"] == []
        assert len(one["missing"]) == 20
    assert results[2]["problem"] is None
    assert results[2]["pd"] > 0
    with_file = client().ask(
        "POST", "/v1/score.csv", csv_of([dict.fromkeys(good), good]), "text/csv"
    )
    frame = pd.read_csv(io.BytesIO(with_file.body))
    assert frame["problem"].tolist()[0] == "no cell could be read"
    assert frame["pd"].isna().tolist() == [True, False]


def test_the_two_other_protocols_answer_in_their_shapes():
    asked, rows = client(), applicants(3)
    wanted = [one["pd"] for one in asked.post("/v1/score", {"applicants": rows}).tree["results"]]
    names = list(rows[0])
    bodies = (
        {"dataframe_split": {"columns": names, "data": [list(row.values()) for row in rows]}},
        {"dataframe_records": rows},
        {"instances": rows},
        {"inputs": {name: [row[name] for row in rows] for name in names}},
    )
    for body in bodies:
        answer = asked.post("/invocations", body)
        assert [one["pd"] for one in answer.tree["predictions"]] == wanted, body
    assert asked.ask("GET", "/ping").status == 200
    tensors = [
        {"name": name, "shape": [3], "datatype": "BYTES", "data": [row[name] for row in rows]}
        for name in names
    ]
    answer = asked.post("/v2/models/credit-risk/infer", {"id": "a", "inputs": tensors}).tree
    assert answer["id"] == "a"
    outputs = {one["name"]: one for one in answer["outputs"]}
    assert outputs["pd"]["data"] == wanted
    assert outputs["pd"]["shape"] == [3]
    assert set(outputs) == {"pd", "score", "decision"}


def test_the_model_page_has_the_domains():
    about = client(revision="abc", description_sha256="d").ask("GET", "/v1/model").tree
    assert about["revision"] == "abc"
    assert about["hashes"] == {"model": "0" * 64, "description": "d", "data": "d" * 64}
    by_name = {one["name"]: one for one in about["columns"]}
    assert by_name["status"]["source"] == "laufkont"
    assert by_name["status"]["levels"]["2"] == "below 0 DM"
    assert by_name["age"]["kind"] == "numeric"
    assert about["training_rows"] == len(part("train"))

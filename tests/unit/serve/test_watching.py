"""What the service tells of itself: health, metrics, log lines, scored rows for monitoring."""

import json
import os

import pytest

from creditrisk.champion.self_check import TOLERANCE
from creditrisk.serve import events as events_module
from creditrisk.serve.app import build_app
from creditrisk.serve.events import Events
from tests.support.asgi import Client, applicants, client, csv_of, service

SECRET = "Zanzibar-4711"


def test_ready_only_if_the_stored_applicants_get_their_stored_pds():
    found = service()
    assert 0 <= found.state.largest_difference < TOLERANCE
    asked = Client(build_app(found))
    assert asked.ask("GET", "/health/ready").status == 200
    for wrong in (None, 1e-6, float("nan")):
        found.state.largest_difference = wrong
        assert asked.ask("GET", "/health/ready").status == 503
        assert asked.ask("GET", "/health/live").status == 200


def test_the_self_check_sees_another_model():
    found, other = service("lr"), service("mlp")
    check = found.champion.description.self_check
    assert check.largest_difference(other.champion.predictor) > 100 * TOLERANCE
    assert len(set(check.pds)) > 8


def test_metrics_count_requests_rows_decisions_and_missing_cells():
    asked = client()
    rows = [*applicants(20, spoiled=False), {"laufkont": "77"}]
    answers = asked.post("/v1/score", {"applicants": rows}).tree["results"]
    asked.post("/v1/score", {"applicants": 1})
    asked.ask("GET", f"/{SECRET}")
    text = asked.ask("GET", "/metrics").body.decode()
    rejected = sum(one["decision"] == "reject" for one in answers)
    for line in (
        'creditrisk_requests_total{code="200",path="/v1/score"} 1.0',
        'creditrisk_requests_total{code="422",path="/v1/score"} 1.0',
        'creditrisk_requests_total{code="404",path="other"} 1.0',
        "creditrisk_rows_total 21.0",
        f'creditrisk_decisions_total{{decision="reject"}} {rejected}.0',
        'creditrisk_decisions_total{decision="none"} 1.0',
        'creditrisk_missing_cells_total{cause="out_of_domain",column="status"} 1.0',
        'creditrisk_missing_cells_total{cause="empty",column="age"} 1.0',
        "creditrisk_pd_count 20.0",
        'creditrisk_request_seconds_count{path="/v1/score"} 2.0',
    ):
        assert line in text.splitlines(), line
    assert "creditrisk_model_info{" in text
    assert SECRET not in text


def test_a_bug_says_nothing_of_the_applicant_and_the_answer_is_whole(capsys, monkeypatch):
    found = service()

    def fails(*_):
        raise ValueError(SECRET)

    asked = Client(build_app(found))
    monkeypatch.setattr(found.telemetry, "scored", fails)
    answer = asked.post("/v1/score", {"applicants": [{"laufkont": "2"}]})
    assert answer.status == 500
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    printed = capsys.readouterr()
    assert "ValueError" in printed.out
    assert SECRET not in printed.out + printed.err + answer.body.decode()


def test_a_csv_that_is_refused_is_neither_counted_nor_kept(tmp_path):
    kept = Events(tmp_path, "m")
    asked = Client(build_app(service(events=kept)))
    rows = [row | {"alter": "x"} for row in applicants(5, spoiled=False)]
    assert asked.ask("POST", "/v1/score.csv", csv_of(rows), "text/csv").status == 422
    assert b"creditrisk_rows_total 0.0" in asked.ask("GET", "/metrics").body
    (part,) = tmp_path.iterdir()
    assert part.read_bytes() == b""


def test_head_is_answered_as_get_without_the_body():
    asked = client()
    for path in ("/", "/health/live", "/ping"):
        answer = asked.ask("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")
    assert asked.ask("HEAD", "/v1/score").status == 405


def test_a_line_of_json_for_each_request_and_no_cell_in_it(capsys):
    asked = client()
    asked.post("/v1/score", {"applicants": [{"laufkont": SECRET}] * 3})
    asked.post("/v1/score", {"applicants": [{SECRET: 1}]})
    asked.ask("GET", f"/{SECRET}?{SECRET}")
    asked.ask("POST", "/", f"age={SECRET}".encode(), "application/x-www-form-urlencoded")
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [line["status"] for line in lines] == [200, 422, 404, 200]
    assert [line["rows"] for line in lines] == [3, 0, 0, 1]
    assert all({"time", "request_id", "model", "ms", "path", "method"} <= set(x) for x in lines)
    assert SECRET not in printed.out + printed.err


def test_scored_rows_are_kept_and_the_file_gets_its_name_when_it_is_done(tmp_path):
    kept = Events(tmp_path / "events", "m")
    found = service(events=kept)
    asked = Client(build_app(found))
    rows = applicants(5)
    answers = asked.post("/v1/score", {"applicants": [*rows, {}]}).tree["results"]
    assert [path.suffix for path in (tmp_path / "events").iterdir()] == [".part"]
    kept.rotate()  # too young
    assert [path.suffix for path in (tmp_path / "events").iterdir()] == [".part"]
    kept.rotate(at_once=True)
    (file,) = (tmp_path / "events").iterdir()
    assert file.suffix == ".jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["pd"] for line in lines] == [one["pd"] for one in answers]
    assert lines[0]["row"] == rows[0]
    assert lines[5]["decision"] is None
    assert {line["model_sha256"] for line in lines} == {"m"}
    assert file.stat().st_mode & 0o077 == 0
    asked.ask("POST", "/", b"age=33", "application/x-www-form-urlencoded")
    kept.rotate(at_once=True)
    assert len(list((tmp_path / "events").iterdir())) == 2


def test_a_disk_that_is_full_keeps_no_half_of_a_request_and_is_counted(tmp_path, monkeypatch):
    kept = Events(tmp_path, "m")
    found = service(events=kept)
    asked = Client(build_app(found))
    asked.post("/v1/score", {"applicants": applicants(2)})
    (part,) = tmp_path.iterdir()
    before, write = part.read_bytes(), os.write
    monkeypatch.setattr(
        events_module.os, "write",
        lambda handle, content: write(handle, content[: len(content) // 2]),
    )  # fmt: skip
    answer = asked.post("/v1/score", {"applicants": applicants(3)})
    monkeypatch.undo()
    assert answer.status == 200
    assert part.read_bytes() == before
    assert b"creditrisk_lost_events_total 3.0" in asked.ask("GET", "/metrics").body
    asked.post("/v1/score", {"applicants": applicants(1)})
    assert len(part.read_bytes().splitlines()) == 3


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_what_a_killed_process_has_left_is_finished_without_half_a_request(tmp_path, cut):
    first = Events(tmp_path, "m")
    asked = Client(build_app(service(events=first)))
    asked.post("/v1/score", {"applicants": applicants(2)})
    asked.post("/v1/score", {"applicants": applicants(4)})
    (part,) = tmp_path.iterdir()
    Events(tmp_path, "m").rotate(at_once=True)
    assert part.exists()  # its writer lives
    content = part.read_bytes()
    os.close(first._handle)
    part.write_bytes(content[: len(content) - cut] if cut else content)
    Events(tmp_path, "m").rotate(at_once=True)
    (file,) = tmp_path.iterdir()
    assert file.suffix == ".jsonl"
    assert len(file.read_text().splitlines()) == (2 if cut else 6)

"""What the service does not answer: where, what and how to mend it, and never a 5xx."""

import asyncio
import base64
import hashlib
import json
from urllib.parse import quote

import pytest

from creditrisk.core.errors import InputError
from creditrisk.serve.guard import MOST_BYTES
from creditrisk.serve.settings import KEYS, Keys, read_keys
from tests.support.asgi import applicants, client, csv_of

ROW = {"laufkont": "2", "laufzeit": 48}
KEY = "0123456789abcdef-key"


def one(cells: str) -> bytes:
    return b'{"applicants": [{' + cells.encode("utf-8", "surrogatepass") + b"}]}"


HOSTILE = {
    "NaN": (one('"laufzeit": NaN'), "applicants[0].laufzeit"),
    "Infinity": (one('"laufzeit": -Infinity'), "applicants[0].laufzeit"),
    "too large": (one('"laufzeit": 1e400'), "applicants[0].laufzeit"),
    "twice": (one('"laufzeit": 1, "laufzeit": 2'), "applicants[0].laufzeit"),
    "twice by case": (one('"laufzeit": 1, "LAUFZEIT": 2'), "applicants[0].LAUFZEIT"),
    "unknown": (one('"agee": 1'), "applicants[0].agee"),
    "outcome": (one('"kredit": 1'), "applicants[0].kredit"),
    "truth": (one('"laufzeit": true'), "applicants[0].laufzeit"),
    "surrogate": (one('"laufkont": "\\ud800"'), "applicants[0].laufkont"),
    "surrogate in a name": (one('"\\ud800": 1'), "applicants[0]"),
    "list": (one('"laufzeit": [1]'), "applicants[0].laufzeit"),
    "object": (one('"laufzeit": {"a": 1}'), "applicants[0].laufzeit"),
    "long cell": (one(f'"laufkont": "{"x" * 10_001}"'), "applicants[0].laufkont"),
    "long number": (one(f'"laufzeit": 0.{"1" * 10_001}'), "applicants[0].laufzeit"),
    "digits": (one(f'"laufzeit": {"9" * 5_000}'), "applicants[0].laufzeit"),
    "no applicant": (b'{"applicants": []}', "applicants"),
    "too many": (json.dumps({"applicants": [{}] * 1001}).encode(), "applicants"),
    "no list": (b'{"applicants": {}}', "applicants"),
    "no object": (b'{"applicants": [1]}', "applicants[0]"),
    "no applicants": (b'{"reasons": 1}', "applicants"),
    "unknown at the top": (b'{"applicants": [{}], "reason": 1}', "reason"),
    "reasons": (b'{"applicants": [{}], "reasons": -1}', "reasons"),
    "half a reason": (b'{"applicants": [{}], "reasons": 1.5}', "reasons"),
    "true reasons": (b'{"applicants": [{}], "reasons": true}', "reasons"),
    "not JSON": (b'{"applicants": [', "body"),
    "not UTF-8": (b'{"applicants": [{"\xff": 1}]}', "body"),
    "empty": (b"", "body"),
    "deep": (b"[" * 100_000, "body"),
    "null": (b"null", "body"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_that_is_not_applicants_is_refused_with_its_place(name):
    body, where = HOSTILE[name]
    answer = client().ask("POST", "/v1/score", body)
    assert answer.status == 422, answer.body[:300]
    assert set(answer.tree["error"]) == {"where", "what", "hint"}
    assert answer.tree["error"]["where"] == where
    assert all(answer.tree["error"].values())
    assert len(answer.body) < 2_000


@pytest.mark.parametrize("name", ["x{}", "alter{}", " " * 5 + "alter{}"])
def test_very_many_names_end_at_the_first_that_is_wrong(name):
    # Blanks around a name do not count: each of these is the same one.
    names = [name.format(" " * i if "alter" in name else i) for i in range(600)]
    body = {"applicants": [dict.fromkeys(names, "1")] * 2}
    answer = client().post("/v1/score", body)
    assert answer.status == 422
    assert answer.tree["error"]["where"].startswith("applicants[0].")


MARKS = "a" + "\u0301\u0316" * 4_000  # accents above and below in turn: slow to put in order


def test_long_texts_and_very_many_names_end_soon():
    asked = client()
    for tree in ({MARKS[:900]: "1"}, {"x" * 1_001: "1"}):
        answer = asked.post("/v1/score", {"applicants": [tree]})
        assert answer.status == 422
    for last in (60_000, 59_999):  # with and without a name that stands twice
        columns = [*map(str, range(60_000)), str(last)]
        names = {"dataframe_split": {"columns": columns, "data": [[]]}}
        assert asked.post("/invocations", names).status == 422
    long_name = {"applicants": [{"laufkont": "1"}], "n" * 900: list(range(50_000))}
    assert asked.post("/v1/score", long_name).status == 422
    told = {"column": "status", "cause": "out_of_domain"}
    body = {"applicants": [{"laufkont": MARKS, "laufzeit": 6}]}
    assert told in asked.post("/v1/score", body).tree["results"][0]["missing"]
    form = "application/x-www-form-urlencoded"
    assert asked.ask("POST", "/", f"purpose={quote(MARKS)}".encode(), form).status == 200
    csv = csv_of([{**applicants(1)[0], "laufkont": MARKS}])
    assert asked.ask("POST", "/v1/score.csv", csv, "text/csv").status == 200
    # A script that writes vowels as marks.
    thai = "\u0e01\u0e34\u0e4c" * 100
    assert (
        asked.post("/v1/score", {"applicants": [{"laufkont": thai, "laufzeit": 6}]}).status == 200
    )


def test_the_shape_of_a_tensor_is_of_numbers():
    tensor = {"name": "alter", "shape": ["1"], "datatype": "BYTES", "data": ["33"]}
    path = "/v2/models/credit-risk/infer"
    assert client().post(path, {"inputs": [tensor]}).status == 422
    assert client().post(path, {"inputs": [tensor | {"shape": [1]}]}).status == 200


def test_a_client_that_leaves_is_no_bug(capsys):
    scope = {"type": "http", "method": "POST", "path": "/v1/score", "headers": [], "state": {}}

    async def gone():
        return {"type": "http.disconnect"}

    async def nobody(message):
        raise AssertionError(message)

    asyncio.run(client().app(scope, gone, nobody))
    assert json.loads(capsys.readouterr().out)["status"] == 499


def test_a_misspelt_name_is_met_with_the_right_one():
    error = client().ask("POST", "/v1/score", one('"laufzeitt": 1')).tree["error"]
    assert "laufzeit" in error["hint"]


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_body_of_more_than_a_megabyte_is_refused_also_in_pieces(pieces):
    asked = client()
    padding = b" " * MOST_BYTES
    for body, status in ((padding + b"1", 413), (padding[:-15] + b'{"applicants":1}'[:15], 422)):
        answer = asked.ask("POST", "/v1/score", body, pieces=pieces)
        assert answer.status == status
    assert asked.ask("POST", "/v1/score", b"{}", content_length="abc").status == 413


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=UTF-8", 200),
        ("Application/JSON", 200),
        ("text/plain", 415),
        ("application/json; charset=utf-16", 415),
        ("", 415),
    ],
)
def test_the_kind_of_the_body_must_be_named(kind, status):
    body = json.dumps({"applicants": [ROW]}).encode()
    assert client().ask("POST", "/v1/score", body, kind).status == status
    packed = client().ask("POST", "/v1/score", body, content_encoding="gzip")
    assert packed.status == 415


def test_unknown_paths_and_methods_are_refused_in_the_same_shape():
    asked = client()
    for method, path, status in (
        ("GET", "/nope", 404),
        ("DELETE", "/v1/score", 405),
        ("GET", "/v1/score/", 404),
        ("POST", "/health/live", 405),
    ):
        answer = asked.ask(method, path)
        assert answer.status == status
        assert set(answer.tree["error"]) == {"where", "what", "hint"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty"),
        (b"laufkont,laufzeit\n1,2\n", "no column"),
        (csv_of(applicants(2)) + b'"open\nx', "never closed"),
        (csv_of(applicants(5)), None),
        (b"\xff\xfe", "utf-8"),
    ],
)
def test_a_csv_is_refused_as_commands_score_does(text, words):
    answer = client().ask("POST", "/v1/score.csv", text, "text/csv")
    if words is None:
        assert answer.status == 200
        assert answer.body.startswith(b"row_id,pd,score,decision,reasons,missing,problem\n1,")
    else:
        assert answer.status == 422
        assert words in answer.body.decode()


def test_a_csv_has_at_most_as_many_rows_as_json():
    text = csv_of(applicants(1)).splitlines(keepends=True)
    whole = text[0] + text[1] * 1001
    assert client().ask("POST", "/v1/score.csv?reasons=0", whole, "text/csv").status == 422
    for query in ("reasons=-1", "reasons=x", "reasons=1&reasons=2", "other=1", "reasons=101"):
        answer = client().ask("POST", f"/v1/score.csv?{query}", whole, "text/csv")
        assert answer.status == 422
        assert answer.tree["error"]["where"].startswith("query")


def test_keys_are_asked_for_by_all_that_tells_something():
    keys = Keys((hashlib.sha256(KEY.encode()).digest(),))
    asked = client(keys=keys)
    basic = "Basic " + base64.b64encode(f"anybody:{KEY}".encode()).decode()
    right = ({"authorization": f"Bearer {KEY}"}, {"authorization": basic}, {"x_api_key": KEY})
    wrong = (
        {}, {"authorization": "Bearer x"}, {"authorization": "Basic ***"}, {"x_api_key": ""},
        {"authorization": f"Bearer {KEY}x"}, {"authorization": KEY},
    )  # fmt: skip
    for path in ("/", "/v1/model", "/metrics", "/openapi.json", "/nope"):
        for headers in wrong:
            answer = asked.ask("GET", path, **headers)
            assert answer.status == 401, (path, headers)
            assert answer.headers["www-authenticate"].startswith("Basic")
        for headers in right:
            assert asked.ask("GET", path, **headers).status == (404 if path == "/nope" else 200)
    body = {"applicants": [ROW]}
    assert asked.post("/v1/score", body).status == 401
    assert asked.post("/v1/score", body, x_api_key=KEY).status == 200
    for path in ("/health/live", "/health/ready", "/ping"):
        assert asked.ask("GET", path).status == 200


def test_keys_come_from_a_variable_or_a_file_also_as_hashes(monkeypatch, tmp_path):
    hashed = "sha256:" + hashlib.sha256(KEY.encode()).hexdigest()
    file = tmp_path / "keys"
    file.write_text(f"another-key-of-good-length\n{hashed}\n\n")
    many = ",".join([*("f" * 64 for _ in range(5)), KEY])  # longer than a file's name can be
    for value in (KEY, f"another-key-of-good-length, {KEY}", hashed, str(file), many):
        monkeypatch.setenv(KEYS, value)
        assert read_keys().allow(f"Bearer {KEY}", None)
        assert not read_keys().allow("Bearer another-key-of-some-length", None)
    wrong = (
        "",
        "short",
        " , ",
        str(tmp_path / "nowhere"),
        "keys-of-clients.txt",
        "sha256:12345678901",
    )
    for value in wrong:
        monkeypatch.setenv(KEYS, value)
        with pytest.raises(InputError, match=KEYS):
            read_keys()
    monkeypatch.delenv(KEYS)
    assert read_keys().allow(None, None)


def test_each_answer_has_the_headers_that_protect_a_browser():
    for answer in (client().ask("GET", "/"), client().ask("GET", "/nope"), client().post("/", {})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"]

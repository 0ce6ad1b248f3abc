"""docs/service.md says what the service does: its example, its paths, its metrics, its errors."""

import json
import re
from pathlib import Path

import pytest

from creditrisk.score.api import load_champion
from creditrisk.serve.app import Service, build_app
from creditrisk.serve.settings import Keys
from tests.support.asgi import Client
from tests.support.champions import project
from tests.support.defects import ROOT

PAGE = (ROOT / "docs/service.md").read_text()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = project(tmp_path_factory.mktemp("service") / "p", "lr")
    one = Service(load_champion(folder), Keys())
    one.self_check()
    return one


def post(service, path, kind, body):
    """Send a request to the application; gives the status and the body."""
    answer = Client(build_app(service)).ask("POST", path, body.encode(), kind)
    return answer.status, answer.body.decode()


def table(heading):
    """The first cells of the lines of the first table below a heading or a line."""
    lines = PAGE[PAGE.index(heading) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|---"))
    cells = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        cells.append(line.split("|")[1].strip().strip("`"))
    return cells


def test_the_example_gives_the_answer_beside_it(service):
    body = re.search(r"-d '(\{\"reasons.*?\]\})'", PAGE, flags=re.DOTALL)[1]
    written = re.search(r"^ {4}(\{\"model\".*?\"problem\":null\}\]\})", PAGE, re.DOTALL | re.M)[1]
    status, answer = post(service, "/v1/score", "application/json", body)
    assert status == 200
    (got,), (said,) = json.loads(answer)["results"], json.loads(written)["results"]
    assert json.loads(answer)["model"].keys() == json.loads(written)["model"].keys()
    # Another processor may compute another last bit.
    assert got.pop("pd") == pytest.approx(said.pop("pd"), abs=1e-8)
    for mine, theirs in zip(got["reasons"], said["reasons"], strict=True):
        assert mine.pop("log_odds") == pytest.approx(theirs.pop("log_odds"), abs=1e-6)
    assert got == said


def test_the_table_of_paths_is_complete(service):
    described = build_app(service).openapi()["paths"]
    wanted = {f"{verb.upper()} {path}" for path, verbs in described.items() for verb in verbs}
    assert set(table("## The paths")) == wanted | {"GET /openapi.json"}


def test_the_table_of_metrics_is_complete(service):
    text = service.telemetry.text().decode()
    found = re.findall(r"^# TYPE (\S+)", text, flags=re.MULTILINE)
    assert set(table("**Metrics**")) == {n for n in found if not n.endswith("_created")}


def test_the_table_of_results_is_complete(service):
    _, answer = post(
        service, "/v1/score", "application/json", json.dumps({"applicants": [{"age": 30}]})
    )
    assert table("## What comes back") == list(json.loads(answer)["results"][0])


def test_the_error_is_the_one_that_comes(service):
    (written,) = re.findall(r"^ {4}(\{\"error\".*)$", PAGE, flags=re.MULTILINE)
    body = json.dumps({"applicants": [{"agee": 35}]})
    assert post(service, "/v1/score", "application/json", body) == (422, written)


def test_the_ways_to_write_a_number_are_the_same(service):
    assert '`48`, `48.0` and `"48"` are the same' in PAGE
    body = '{"applicants": [{"duration": 48}, {"duration": 48.0}, {"duration": "48"}]}'
    _, answer = post(service, "/v1/score", "application/json", body)
    first, second, third = json.loads(answer)["results"]
    assert first == second == third
    assert first["pd"] is not None


def test_a_csv_has_four_reasons_unless_asked_otherwise(service):
    lines = (ROOT / "data/raw/german_credit.csv").read_text().splitlines(keepends=True)
    _, answer = post(service, "/v1/score.csv", "text/csv", "".join(lines[:3]))
    assert answer.splitlines()[2].count(" raises the risk") == 4


def test_the_number_of_packages_is_that_of_the_lock_file():
    lock = Path(ROOT / "requirements-serve.lock").read_text()
    # Of three packages with a condition, those for macOS and Windows are not installed on Linux.
    packages = re.findall(r"^([a-z][a-z0-9._-]*)==\S+(?: ; (.*?))? \\$", lock, flags=re.MULTILINE)
    here = [
        n for n, condition in packages if not condition or condition.startswith("sys_platform !=")
    ]
    assert f"It has the {len(here)} packages" in " ".join(PAGE.split())
    for left_out in ("dvc", "mlflow", "pyarrow", "plotly", "optuna", "pandera", "python-calamine"):
        assert left_out not in [name for name, _ in packages]

"""The registered model: raw applicants in; PD, points and decision out, bit for bit as `score`."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from creditrisk.champion.description import parse_description
from creditrisk.metrics.costs import DECISIONS
from creditrisk.prepare.cells import Notation
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import Scorer
from creditrisk.tracking import registry
from creditrisk.tracking.imports import read_closure
from creditrisk.tracking.store import StoreLocation
from stages.select import LOADER
from tests.support import champions
from tests.support.mlflow_server import clean_environment, free_port
from tests.support.project import ROOT
from tests.support.tracking_records import local_client

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
NOTATION = {
    "decimal": PARAMS["data"]["decimal"],
    "thousands": PARAMS["data"]["thousands"],
    "null_words": PARAMS["prepare"]["null_words"],
}
MODEL = f"models:/{registry.NAME}@{registry.CHAMPION}"
SECRET = "a text that no log may hold"
NOTHING = {"pd": None, "score": None, "decision": None}

# What select does with its champion, in a folder that is a DVC project with nothing in it.
REGISTER = """
import hashlib, json, sys
from pathlib import Path
from creditrisk.tracking.recording import Recording
from creditrisk.tracking.run_data import Champion
model, (columns, notation, loader) = Path("models/champion.joblib"), map(json.loads, sys.argv[1:])
Recording("select", {}, {}, serves=loader).finish({}, {}, {}, champion=Champion(
    model, hashlib.sha256(model.read_bytes()).hexdigest(),
    Path("models/champion.json").read_text(), columns, notation, True,
))
"""


@dataclass
class Registered:
    """A local store with a champion that was registered in it, without a built pipeline."""

    folder: Path
    scorer: Scorer

    @property
    def uri(self) -> str:
        return StoreLocation(self.folder / ".dvc/mlflow").uri

    @property
    def columns(self) -> list[str]:
        return [source for source, *_ in self.scorer._readers]

    def expected(self, rows: list[dict[str, str | None]]) -> list[dict[str, Any]]:
        """What scoring says of rows of texts."""
        judged = self.scorer.judge({n: [row.get(n) for row in rows] for n in self.columns})
        return [
            {"pd": float(pd), "score": int(points), "decision": decision} if readable else NOTHING
            for pd, points, decision, readable in zip(
                judged.pd, judged.points, judged.decisions, judged.readable, strict=True
            )
        ]


def register(folder: Path, kind: str) -> Registered:
    champions.project(folder, kind)
    (folder / ".dvc").mkdir()
    described = (folder / "models/champion.json").read_bytes()
    champion = Champion(champions.model(kind), parse_description(described, "champion.json"))
    found = Registered(folder, Scorer(champion, Notation.of(**NOTATION)))
    done = subprocess.run(
        [sys.executable, "-c", REGISTER, *map(json.dumps, (found.columns, NOTATION, LOADER))],
        cwd=folder, capture_output=True, text=True,
        env=clean_environment() | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return found


@pytest.fixture(scope="module")
def scorecard(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return register(tmp_path_factory.mktemp("scorecard"), "scorecard platt")


def elsewhere() -> dict[str, str]:
    """An environment that does not lead to this project's folder."""
    return {n: v for n, v in clean_environment().items() if n != "PYTHONPATH"}


class Served:
    """A real `mlflow models serve` on loopback."""

    def __init__(self, registered: Registered, folder: Path):
        self.log = folder / "serve.log"
        self.address = f"http://127.0.0.1:{(port := free_port())}"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", MODEL,
                 "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)],
                cwd=folder,
                env=elsewhere() | {"MLFLOW_TRACKING_URI": registered.uri,
                 "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(f"{self.address}/ping", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None or time.monotonic() > end:
                    self.kill()
                    raise RuntimeError(self.log.read_text()[-3000:]) from None
                time.sleep(0.3)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def post(self, body: bytes, kind: str = "application/json") -> tuple[int, Any]:
        call = urllib.request.Request(
            f"{self.address}/invocations", data=body, headers={"Content-Type": kind}
        )
        try:
            with urllib.request.urlopen(call, timeout=60) as answer:
                return answer.status, json.loads(answer.read(), parse_constant=_not_json)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def answers(self, **body: Any) -> list[dict[str, Any]]:
        code, answer = self.post(json.dumps(body).encode())
        assert code == 200, answer
        return answer["predictions"]


def _not_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.fixture(scope="module")
def served(scorecard: Registered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(scorecard, tmp_path_factory.mktemp("served"))
    yield server
    server.kill()


def applicants(count: int = 40) -> list[dict[str, str | None]]:
    """Rows of the default file, and some with cells that are missing, in all ways."""
    header, lines = champions.raw_lines()
    rows: list[dict[str, str | None]] = list(csv.DictReader([header, *lines[:count]]))
    for row in rows:
        del row["kredit"]
    if count < 5:
        return rows
    rows[1] |= {"laufzeit": None, "hoehe": "?"}
    rows[2] |= {"hoehe": "1,169", "alter": "17", "laufkont": "9"}
    rows[3] |= {"hoehe": "DM 1169.0", "beruf": " 2 ", "sparkont": SECRET}
    rows[4] = dict.fromkeys(rows[0])  # nothing can be read
    return rows


def numbers(rows: list[dict[str, str | None]]) -> list[dict[str, Any]]:
    return [
        {n: int(v) if v and re.fullmatch(r"-?\d+", v) else v for n, v in row.items()}
        for row in rows
    ]


def test_a_real_server_scores_raw_applicants_as_score_does(scorecard: Registered, served: Served):
    rows = applicants()
    expected = scorecard.expected(rows)
    assert expected[4] == NOTHING
    assert {row["decision"] for row in expected} == {*DECISIONS, None}
    assert served.answers(dataframe_records=rows) == expected
    # As numbers: pandas makes those of a column with a null floats.
    assert served.answers(dataframe_records=numbers(rows)) == expected
    columns = [*rows[0]]
    data = [[row[name] for name in columns] for row in numbers(rows)]
    assert served.answers(dataframe_split={"columns": columns, "data": data}) == expected
    for row, one in zip(rows[:6], expected, strict=False):
        assert served.answers(dataframe_records=[row]) == [one]


def test_a_column_that_is_left_out_or_misspelt_is_refused(scorecard: Registered, served: Served):
    rows = applicants()
    rest = {n: v for n, v in rows[0].items() if n != "hoehe"}
    for one in (rest, rest | {"hohe": rows[0]["hoehe"]}):
        code, answer = served.post(json.dumps({"dataframe_records": [one]}).encode())
        assert code == 400
        assert "missing inputs ['hoehe']" in answer["message"]
    # One that the schema does not know says nothing, and an applicant may lack what others have.
    more = [rows[0] | {"kredit": 1, "branch": "north"}, {"hoehe": 1169}, rest | {"hoehe": None}]
    told = served.answers(dataframe_records=more)
    assert told == scorecard.expected([rows[0], {"hoehe": "1169"}, rest])


def test_the_applicant_of_the_page_is_scored(scorecard: Registered, served: Served):
    page = (ROOT / "docs/tracking.md").read_text()
    [body] = re.findall(r"-d '(\{.*?\})'", page, re.DOTALL)
    [row] = json.loads(body)["dataframe_records"]
    code, answer = served.post(body.encode())
    assert code == 200
    texts = {name: str(value) for name, value in row.items()}
    assert answer["predictions"] == scorecard.expected([texts])


def test_a_csv_is_refused_in_words(served: Served):
    """MLflow reads a CSV only for columns of one type; ours hold texts or numbers."""
    code, answer = served.post(champions.DEFAULT_CSV.read_bytes()[:5000], "text/csv")
    assert code == 400
    assert "some of the inputs types are not DataType" in answer["message"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"kredit": 1}, "missing inputs ['laufkont', 'laufzeit'"),
        (applicants(1)[0] | {"hoehe": [SECRET]}, "column hoehe: neither text nor number"),
        (applicants(1)[0] | {"hoehe": {"x": SECRET}}, "column hoehe: neither text nor number"),
    ],
)
def test_what_is_no_applicant_is_refused(served: Served, row: dict[str, Any], problem: str):
    code, answer = served.post(json.dumps({"dataframe_records": [row]}).encode())
    assert code == 400
    assert problem in answer["message"]


def test_no_log_of_the_server_has_a_cell(served: Served):
    served.answers(dataframe_records=applicants())
    refused = applicants(1)[0] | {"hoehe": [SECRET]}
    served.post(json.dumps({"dataframe_records": [refused]}).encode())
    assert SECRET not in served.log.read_text()


LOADS = """
import json, os, sys
from importlib.util import find_spec
sys.path = [p for p in sys.path if p and not os.path.isdir(os.path.join(p, "creditrisk"))]
assert find_spec("creditrisk") is None
import mlflow
model = mlflow.pyfunc.load_model(sys.argv[1], suppress_warnings=False)
import creditrisk, pandas as pd
assert sys.argv[2] not in creditrisk.__file__, creditrisk.__file__
told = model.predict(pd.DataFrame(json.load(sys.stdin)))
print(json.dumps(told.to_dict(orient="records")))
"""


def answers_alone(model: str, rows: list[dict[str, Any]], uri: str, folder: Path) -> Any:
    """Load a model in a process that does not find this project's folder, and ask it."""
    done = subprocess.run(
        [sys.executable, "-c", LOADS, model, str(ROOT)], cwd=folder, input=json.dumps(rows),
        capture_output=True, text=True, env=elsewhere() | {"MLFLOW_TRACKING_URI": uri},
    )  # fmt: skip
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


@pytest.mark.parametrize("kind", ["scorecard platt", "vote"])
def test_it_loads_where_this_project_is_not(scorecard: Registered, tmp_path: Path, kind: str):
    found = scorecard if kind == "scorecard platt" else register(tmp_path / "project", kind)
    rows = applicants()
    assert answers_alone(MODEL, rows, found.uri, tmp_path) == found.expected(rows)


def test_the_registered_files_are_the_champions_own(scorecard: Registered):
    client = local_client(scorecard.folder)
    version = client.get_model_version_by_alias(registry.NAME, registry.CHAMPION)
    model = Path(client.download_artifacts(version.run_id, registry.FOLDER))
    for name in ("champion.joblib", "champion.json"):
        ours = (scorecard.folder / "models" / name).read_bytes()
        assert (model / "data/champion" / name).read_bytes() == ours
    code = model / "code"
    travelled = {p.relative_to(code).as_posix(): p.read_bytes() for p in code.rglob("*.py")}
    assert travelled == read_closure(LOADER)
    wanted = (model / "requirements.txt").read_text()
    for library in ("mlflow", "scikit-learn", "pandas", "numpy", "pydantic", "pyyaml", "scipy"):
        assert re.search(rf"^{library}==", wanted, re.M), library


def test_files_that_do_not_belong_together_are_not_loaded(scorecard: Registered, tmp_path: Path):
    client = local_client(scorecard.folder)
    version = client.get_model_version_by_alias(registry.NAME, registry.CHAMPION)
    model = Path(client.download_artifacts(version.run_id, registry.FOLDER, str(tmp_path)))
    with open(model / "data/champion/champion.joblib", "ab") as file:
        file.write(b"more")
    told = answers_alone(str(model), applicants(5), scorecard.uri, tmp_path)
    assert "champion.joblib is not the model that" in told


def test_another_version_of_our_code_in_the_process_is_refused(
    scorecard: Registered, tmp_path: Path
):
    client = local_client(scorecard.folder)
    version = client.get_model_version_by_alias(registry.NAME, registry.CHAMPION)
    model = Path(client.download_artifacts(version.run_id, registry.FOLDER, str(tmp_path)))
    with open(model / "code/creditrisk/schema.py", "a") as file:
        file.write("# A change.\n")
    code = f"import creditrisk, mlflow; mlflow.pyfunc.load_model({str(model)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env=clean_environment() | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "this process has another version of creditrisk" in done.stderr

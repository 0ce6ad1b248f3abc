"""A run that a server refuses blocks no other, and is there once when it is taken at last."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from mlflow.exceptions import MlflowException, RestException

from creditrisk.core.errors import InputError
from creditrisk.tracking import mirror, registry, server
from creditrisk.tracking.local_runs import KEY, PARENT, RECORDED, STAGE, experiment_id, open_store
from creditrisk.tracking.store import StoreLocation, remote_uri
from tests.support.mlflow_server import (
    Proxy,
    answering,
    clean_environment,
    dripping,
    proxied,
    serving,
)
from tests.support.project import ROOT, Project
from tests.support.tracking_records import client_of, records

DENIED = 403, {"error_code": "PERMISSION_DENIED", "message": "no"}


def registry_denied(path: str, body: bytes):
    return DENIED if "registered-models" in path or "model-versions" in path else None


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with serving(tmp_path_factory.mktemp("server")) as server, proxied(server) as proxy:
        yield proxy


class Store:
    """A local store, and a pass of the mirror over it as (sent, skipped, failed)."""

    def __init__(self, folder: Path, experiment: str):
        self.folder, self.begun = folder, int(time.time() * 1000)
        self.place = StoreLocation(folder / ".dvc/mlflow")
        self.client = open_store(self.place)
        self.name = experiment
        self.experiment = experiment_id(self.client, self.place, experiment)

    def add(self, stage: str, parent: str | None = None, **tags: str) -> str:
        """Record a run, a second after the one before."""
        self.begun += 1000
        tags = {KEY: f"{self.name}/{stage}/{self.begun}", STAGE: stage} | tags
        tags |= {PARENT: parent} if parent else {RECORDED: "true"}
        made = self.client.create_run(self.experiment, self.begun, tags, stage)
        run_id = made.info.run_id
        self.client.log_param(run_id, "p", stage)
        if not parent:
            self.client.log_text(run_id, stage, "results/a.txt")
        self.client.set_terminated(run_id, "FINISHED", self.begun + 10)
        return run_id

    def champion(self, sha: str) -> None:
        tags = {registry.SHA: sha, registry.IS_CHAMPION_RUN: "true"}
        run_id = self.add("select", **tags)
        registry.publish(self.client, run_id, self.client.get_run(run_id).data.tags)

    def send(self, uri: str) -> tuple[int, int, int, str]:
        found = mirror.send(self.place, uri, 60, lambda report: None)
        error = str(server.explain(found.error, uri)) if found.error else ""
        return found.sent, found.skipped, found.failed, error


@pytest.fixture(scope="module")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Laying out the tables takes a second: once, and copied."""
    place = StoreLocation(tmp_path_factory.mktemp("empty") / ".dvc/mlflow")
    place.folder.mkdir(parents=True)
    open_store(place)
    return place.folder.parent


@pytest.fixture
def store(_empty: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch) -> Store:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    shutil.copytree(_empty, tmp_path / ".dvc")
    return Store(tmp_path, request.node.name)


def here(store: Store, tmp_path: Path) -> dict:
    return records(store.client, tmp_path / "here")


def there(proxy: Proxy, store: Store, tmp_path: Path) -> dict:
    found = records(client_of(proxy.uri), tmp_path / "there")
    return {key: run for key, run in found.items() if key.startswith(f"{store.name}/")}


def test_registry_that_is_denied_holds_up_its_own_run_alone(
    store: Store, proxy: Proxy, tmp_path: Path
):
    parent = store.add("train@lr")
    store.add("C=1", parent)
    store.champion("a" * 64)
    store.add("evaluate")
    proxy.rule = registry_denied
    for counts in ((2, 0, 1), (0, 0, 1)):
        *found, error = store.send(proxy.uri)
        assert tuple(found) == counts
        assert "select: PERMISSION_DENIED: no: this account may not write there" in error
        # All but the version is there, the child under its parent, and nothing twice.
        assert there(proxy, store, tmp_path / str(counts)) == here(store, tmp_path / str(counts))
    done = Project(store.folder).command(
        "mirror", MLFLOW_TRACKING_URI=proxy.uri, PYTHONPATH=str(ROOT)
    )
    assert done.code == 1
    assert done.out == "mirror: sent 0, skipped 0, failed 1\n"
    assert "this account may not write there" in done.err
    proxy.rule = lambda path, body: None
    assert store.send(proxy.uri) == (0, 1, 0, "")
    assert there(proxy, store, tmp_path / "last") == here(store, tmp_path / "last")
    assert registry.champion_sha(client_of(proxy.uri)) == "a" * 64


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [
        ((413, {"detail": "too large"}), True),
        (ConnectionError, True),  # as proxies cut what is too large; the server is there
        ((503, {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "no"}), False),
    ],
)
def test_files_of_one_run_are_refused(store: Store, proxy: Proxy, answer, goes_on, tmp_path):
    def rule(path: str, body: bytes):
        if "mlflow-artifacts" not in path or body != b"big":
            return None
        if isinstance(answer, tuple):
            return answer
        raise answer

    store.add("big")
    for stage in ("dt", "select"):
        store.add(stage)
    proxy.rule = rule
    *found, error = store.send(proxy.uri)
    assert found == ([2, 0, 1] if goes_on else [0, 0, 3])
    assert error
    # What failed last time is not in the way the next time, whatever it failed of.
    *found, error = store.send(proxy.uri)
    assert found == ([0, 0, 1] if goes_on else [2, 0, 1])
    proxy.rule = lambda path, body: None
    assert store.send(proxy.uri) == (1, 0, 0, "")
    assert there(proxy, store, tmp_path) == here(store, tmp_path)


@pytest.mark.parametrize("where", ["head", "body", "calls"])
def test_mirror_ends_in_time_against_a_server_that_drips(store: Store, where: str):
    store.add("train@lr")
    with dripping(where) as uri:
        done = subprocess.run(
            [sys.executable, "-m", "commands.mirror", "--timeout", "4"],
            cwd=store.folder, capture_output=True, text=True, timeout=60,
            env=clean_environment() | {"MLFLOW_TRACKING_URI": uri, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == "mirror: sent 0, skipped 0, failed 1\n"
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"tracking: {uri} did") or "does not answer" in line


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_ping_ends_in_time_against_a_server_that_drips(where: str):
    with dripping(where) as uri, pytest.raises(server.RemoteError, match="does not answer"):
        server.ping(uri, 0.5)


def test_a_ping_reads_no_more_than_64_kb_of_an_answer():
    with answering(200, body=b"{}" + b" " * 65_000) as uri:
        server.ping(uri, 10)
    # Valid JSON, if one reads on.
    refused = pytest.raises(server.RemoteError, match="is not an MLflow server")
    with answering(200, body=b" " * 66_000 + b"{}") as uri, refused:
        server.ping(uri, 10)


def test_an_answer_that_is_nested_too_deep_is_not_one_of_mlflow():
    refused = pytest.raises(server.RemoteError, match="is not an MLflow server")
    with answering(200, body=b"[" * 60_000) as uri, refused:
        server.ping(uri, 10)


UNSEEN = "\x1b[2J\u202eevil\x07\x9b"


def test_what_does_not_show_in_an_answer_does_not_reach_the_terminal(store: Store, proxy: Proxy):
    store.add("train@lr")
    proxy.rule = lambda path, body: (
        (400, {"error_code": "INVALID_STATE", "message": f"no {UNSEEN}"})
        if path.endswith("runs/create")
        else None
    )
    mirrored = Project(store.folder).command(
        "mirror", MLFLOW_TRACKING_URI=proxy.uri, PYTHONPATH=str(ROOT)
    )
    proxy.rule = lambda path, body: None
    with answering(200, f"1.30{UNSEEN}", b"{}") as uri:
        old = Project(store.folder).command("mirror", MLFLOW_TRACKING_URI=uri, PYTHONPATH=str(ROOT))
    for done in (mirrored, old):
        assert done.code == 1
        (line,) = done.err.splitlines()
        assert "evil" in line
        assert line.isprintable()


def test_server_that_is_gone_in_the_middle_ends_the_pass(store: Store, proxy: Proxy):
    def rule(path: str, body: bytes):
        if b"second" in body or rule.gone:
            rule.gone = True
            raise ConnectionError
        return None

    rule.gone = False
    proxy.rule = rule
    for stage in ("first", "second", "third"):
        store.add(stage)
    *found, error = store.send(proxy.uri)
    assert found == [1, 0, 2]
    assert "can't be reached: runs stay pending" in error
    proxy.rule = lambda path, body: None
    assert store.send(proxy.uri) == (2, 0, 0, "")


def test_champion_that_comes_late_takes_no_alias_from_a_later_one(store: Store, proxy: Proxy):
    store.champion("b" * 64)
    assert store.send(proxy.uri)[:3] == (1, 0, 0)
    store.champion("c" * 64)
    store.champion("b" * 64)
    late = f"{'c' * 64}".encode()
    proxy.rule = lambda path, body: DENIED if "versions/create" in path and late in body else None
    assert store.send(proxy.uri)[:3] == (1, 0, 1)
    proxy.rule = lambda path, body: None
    assert store.send(proxy.uri)[:3] == (0, 1, 0)
    assert registry.champion_sha(client_of(proxy.uri)) == "b" * 64


def _answer(code: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = code
    return requests.HTTPError("no", response=response)


@pytest.mark.parametrize(
    ("error", "code", "mend"),
    [
        (RestException({"error_code": "PERMISSION_DENIED"}), 403, "may not write there"),
        (RestException({"error_code": "UNAUTHENTICATED"}), 401, "MLFLOW_TRACKING_PASSWORD"),
        (RestException({"error_code": "RESOURCE_DOES_NOT_EXIST"}), 404, "gone from the server"),
        (RestException({"detail": "no word of MLflow's"}), None, "stay pending"),
        (MlflowException("failed with error code 404 != 200"), 404, "no MLflow server"),
        (MlflowException("failed with error code 413 != 200"), 413, "raise the size"),
        (MlflowException("API request failed with exception: timed out"), None, "stay pending"),
        (MlflowException("Max retries exceeded: too many 503 error responses"), 503, "pending"),
        (_answer(413), 413, "raise the size"),
        (requests.ConnectionError("reset"), None, "stay pending"),
        (FileNotFoundError("a.txt"), None, "stay pending"),
    ],
)
def test_status_and_advice_of_each_kind_of_error(error: Exception, code: int | None, mend: str):
    assert server.status(error) == code
    assert mend in str(server.explain(error, "http://u:secret@127.0.0.1"))
    assert "secret" not in str(server.explain(error, "http://u:secret@127.0.0.1"))


@pytest.mark.parametrize(
    "uri", ["http://[::1", "nonsense", "file:///tmp/x", "http:///x", "http://u:secret@127.0.0.1:x"]
)
def test_what_is_no_address_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, uri: str):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(InputError, match=r"^environment: MLFLOW_TRACKING_URI: .* Correct") as error:
        remote_uri()
    assert "secret" not in str(error.value)

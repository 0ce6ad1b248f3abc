"""`make deploy` and `make rollback`, with a stand-in for gcloud and a real service behind it."""

import io
import json
import shutil
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest

from commands.deploy import main
from creditrisk.core.errors import InputError
from creditrisk.workflow.deploy import smoke
from creditrisk.workflow.image.sample import sample
from tests.support import fake_gcloud
from tests.support.champions import project
from tests.support.project import ROOT
from tests.support.running_service import running

pytestmark = pytest.mark.slow  # starts many processes
IMAGE = f"europe-west3-docker.pkg.dev/our-project/images/credit-risk@sha256:{'1' * 64}"
OTHER = IMAGE.replace("1" * 64, "2" * 64)


class Cloud:
    """A project's folder, gcloud's stand-in and its state."""

    def __init__(self, folder: Path, programs: Path, address: str):
        self.folder, self.state_file, self.programs = folder, programs / "state.json", programs
        fake_gcloud.install(programs / "gcloud", self.state_file)
        self.state_file.write_text(fake_gcloud.state(address))

    def save(self, state: dict) -> None:
        self.state_file.write_text(json.dumps(state))

    @property
    def state(self) -> dict:
        return json.loads(self.state_file.read_text())

    def change(self, **values: object) -> None:
        self.save(self.state | {"calls": []} | values)

    def calls(self, *words: str) -> list[list[str]]:
        return [call for call in self.state["calls"] if call[: len(words)] == [*words]]

    @property
    def served(self) -> str:
        return max(self.state["traffic"], key=lambda one: one.get("percent", 0))["revisionName"]

    def run(self, *args: str, **settings: str) -> str:
        """Run the command in this process, which has loaded the libraries; return what it says."""
        said = io.StringIO()
        environment = {"PROJECT": "our-project", "REGION": "europe-west3", "IMAGE": ""} | settings
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["deploy", *args])
            for name, value in {"PATH": f"{self.programs}:/usr/bin:/bin", **environment}.items():
                patch.setenv(name, value)
            main()
        return said.getvalue()

    def refused(self, *words: str, args: tuple[str, ...] = (), **settings: str) -> None:
        with pytest.raises(InputError) as caught:
            self.run(*args, **settings)
        assert "\n" not in str(caught.value)
        for word in words:
            assert word in str(caught.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = project(tmp_path_factory.mktemp("deploy") / "p")
    shutil.copytree(ROOT / "deploy", made / "deploy")
    shutil.copytree(ROOT / "data/raw", made / "data/raw")
    return made


@pytest.fixture(scope="module")
def service(folder):
    with running(folder) as one:
        yield one


@pytest.fixture(scope="module")
def known(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return sample()


@pytest.fixture
def cloud(folder, service, known, tmp_path, monkeypatch) -> Cloud:
    monkeypatch.setattr(
        "creditrisk.workflow.image.sample.sample", lambda: known
    )  # some seconds each
    return Cloud(folder, tmp_path / "bin", f"http://127.0.0.1:{service.port}")


def test_first_the_service_then_revisions_without_traffic_until_they_pass(cloud):
    cloud.run(IMAGE=IMAGE)
    [first] = cloud.calls("run", "deploy")
    assert f"--image={IMAGE}" in first
    assert "--no-traffic" not in first
    assert cloud.served == "credit-risk-00001"

    cloud.change()
    said = cloud.run(IMAGE=OTHER)
    names = [" ".join(call[:3]) for call in cloud.state["calls"]]
    place = names.index("run deploy credit-risk")
    assert "--no-traffic" in cloud.state["calls"][place]
    assert names.index("auth print-identity-token") < place
    assert names[-1] == "run services update-traffic"
    assert cloud.served == "credit-risk-00002"
    assert "back to credit-risk-00001: make rollback" in said

    cloud.run("--rollback")
    assert cloud.served == "credit-risk-00001"
    # And forth again: the one that served until now is the one before.
    cloud.run("--rollback")
    assert cloud.served == "credit-risk-00002"


def test_all_settings_of_the_file_are_flags(cloud):
    cloud.run(IMAGE=IMAGE)
    [call] = cloud.calls("run", "deploy")
    assert {*call} >= {
        "--ingress=all", "--min-instances=0", "--max-instances=4", "--cpu-boost",
        "--concurrency=16", "--timeout=30", "--port=8080", "--cpu=1", "--memory=512Mi",
        "--no-allow-unauthenticated",
        "--service-account=credit-risk-service@our-project.iam.gserviceaccount.com",
        "--startup-probe=httpGet.path=/health/ready,periodSeconds=2,timeoutSeconds=2,"
        "failureThreshold=30",
        "--liveness-probe=httpGet.path=/health/live,periodSeconds=30,timeoutSeconds=5,"
        "failureThreshold=3",
    }  # fmt: skip


def test_what_is_missing_is_one_line_and_nothing_is_deployed(cloud, folder):
    cloud.refused("PROJECT", "missing", IMAGE=IMAGE, PROJECT="")
    cloud.refused("REGION", "missing", IMAGE=IMAGE, REGION="")
    cloud.refused("IMAGE", "make image-push")
    cloud.refused("IMAGE", "by its digest", IMAGE=IMAGE.replace("@sha256:", ":"))
    cloud.refused("no revision before", args=("--rollback",))
    assert not cloud.calls("run", "deploy")
    cloud.change(fails="run services describe")
    cloud.refused("gcloud", "PERMISSION_DENIED", "docs/deploy.md", IMAGE=IMAGE)
    assert not cloud.calls("run", "deploy")
    cloud.change(fails="auth print-identity-token")
    cloud.refused("auth print-identity-token", "gcloud auth login", "ID_TOKEN", IMAGE=IMAGE)
    assert not cloud.calls("run")
    (cloud.programs / "gcloud").unlink()
    cloud.refused("gcloud", "not found on the PATH", IMAGE=IMAGE, PATH=str(cloud.programs))


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("timeoutSeconds: 30", "timeoutSecond: 30", "Did you mean timeoutSeconds"),
        ("timeoutSeconds: 30", "timeoutSeconds:", "spec.template.spec.timeoutSeconds"),
        ("      serviceAccountName: credit-risk-service", "", "serviceAccountName: missing"),
        ("name: credit-risk\n", "name: --help\n", "metadata.name"),
        ("name: credit-risk\n", "name:\n", "metadata.name"),
        ("containerConcurrency: 16", "containerConcurrency: {}", "containerConcurrency"),
        ('startup-cpu-boost: "true"', "startup-cpu-boost: perhaps", "startup-cpu-boost"),
        ("kind: Service", "kind: Job", "kind"),
        ("/health/ready", "/health/ready,periodSeconds=999", "startupProbe.httpGet.path"),
        ('cpu: "1"', "cpu: 010", "limits.cpu"),
        ("apiVersion", "- apiVersion", "YAML"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_asked(
    cloud, folder, tmp_path, line, instead, words
):
    other = tmp_path / "p"
    shutil.copytree(folder, other)
    file = other / "deploy/service.yaml"
    assert line in file.read_text()
    file.write_text(file.read_text().replace(line, instead, 1))
    cloud.folder = other
    cloud.refused("deploy/service.yaml", words, IMAGE=IMAGE)
    assert not cloud.state["calls"]


@pytest.mark.parametrize("answer", ["", "null", "[]", "{}", '{"status": 1}', "<html>"])
def test_an_answer_of_gcloud_that_is_no_service_is_one_line(cloud, answer):
    cloud.change(answers=answer)
    cloud.refused("gcloud", "its answer is no service", IMAGE=IMAGE)
    assert not cloud.calls("run", "services", "update-traffic")


def test_a_key_that_fits_no_header_is_named_first(cloud):
    cloud.refused("CREDITRISK_API_KEY", "one line", IMAGE=IMAGE, CREDITRISK_API_KEY="a\nb")
    assert not cloud.calls("run")


@pytest.mark.parametrize(
    "broken",
    ["another model", "another PD", "not ready", "a login", "another deployment", "no service"],
)
def test_a_revision_that_fails_its_smoke_test_gets_no_traffic(
    cloud, known, tmp_path, monkeypatch, broken
):
    cloud.run(IMAGE=IMAGE)
    if broken == "another model":
        other = project(tmp_path / "other", "dt")
        with running(other) as service:
            cloud.change(address=f"http://127.0.0.1:{service.port}")
            cloud.refused("has the model", "on this machine", "No traffic", IMAGE=OTHER)
    elif broken == "a login":
        cloud.change(address=f"{cloud.state['address']}/?page=")
        cloud.refused("/health/ready", "no JSON", "No traffic", IMAGE=OTHER)
    elif broken == "not ready":
        cloud.change(address=f"{cloud.state['address']}/nothing")
        monkeypatch.setattr(smoke, "PATIENCE", 1)
        cloud.refused("answers 404", "No traffic", IMAGE=OTHER)
    elif broken == "another PD":
        cloud.change()
        almost = replace(known, pds=[known.pds[0] + 1e-7])
        monkeypatch.setattr("creditrisk.workflow.image.sample.sample", lambda: almost)
        cloud.refused("a PD of", "on this machine", "No traffic", IMAGE=OTHER)
    elif broken == "another deployment":
        cloud.change(another_deploys="credit-risk-00009")
        cloud.refused("Somebody else deploys", IMAGE=OTHER)
    else:
        cloud.change(fails="run deploy")
        cloud.refused("PERMISSION_DENIED", IMAGE=OTHER)
    assert cloud.served == "credit-risk-00001"
    assert not cloud.calls("run", "services", "update-traffic")


def test_a_first_revision_that_fails_is_never_the_one_to_go_back_to(cloud, monkeypatch):
    address = cloud.state["address"]
    with monkeypatch.context() as patch:
        patch.setattr(smoke, "PATIENCE", 1)
        cloud.change(address=f"{address}/nothing")
        cloud.refused("answers 404", IMAGE=IMAGE)
    cloud.change(address=address)
    assert "make rollback" not in cloud.run(IMAGE=OTHER)
    assert cloud.served == "credit-risk-00002"
    cloud.refused("no revision before", args=("--rollback",))
    assert cloud.served == "credit-risk-00002"


def test_a_revision_that_was_made_by_hand_is_the_one_before(cloud):
    cloud.change(traffic=[{"revisionName": "by-hand", "percent": 100}])
    assert "back to by-hand" in cloud.run(IMAGE=IMAGE)


def test_a_service_with_keys_is_asked_with_a_token_and_a_key(cloud, folder):
    key = "0123456789abcdef" * 4
    with running(folder, CREDITRISK_API_KEYS=f"{'f' * 64},{key}") as service:
        cloud.change(address=f"http://127.0.0.1:{service.port}")
        cloud.refused("/v1/score", "answers 401", IMAGE=IMAGE)
        cloud.run(IMAGE=IMAGE, CREDITRISK_API_KEY=key)
    assert cloud.served == "credit-risk-00002"

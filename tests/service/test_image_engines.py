"""`make image`, `image-test` and `image-push` with stand-ins for the engines, no download."""

import hashlib
import io
import json
import math
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from commands.image import main
from creditrisk.core.errors import InputError
from creditrisk.workflow.image import wheels
from creditrisk.workflow.image.sample import sample
from tests.support import fake_engine
from tests.support.champions import project, write_model
from tests.support.project import ROOT

pytestmark = pytest.mark.slow  # starts many processes
REGISTRY = "registry.example/our-project/images"
LOCK = "requirements-image.lock"


@dataclass(frozen=True)
class House:
    """A project in Git, with stand-ins on its PATH."""

    folder: Path
    programs: Path

    def image(self, *args: str, **environment: str) -> str:
        """Run the command in this process, which has loaded the libraries; return what it says."""
        said = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["image", *args])
            for name in ("ENGINE", "BASE", "REGISTRY"):
                patch.delenv(name, raising=False)
            for name, value in {"PATH": str(self.programs), **environment}.items():
                patch.setenv(name, value)
            main()
        return said.getvalue()

    def refused(self, *args: str, **environment: str) -> str:
        with pytest.raises(InputError) as caught:
            self.image(*args, **environment)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    @property
    def state(self) -> dict:
        return json.loads((self.programs / "engine.json").read_text())

    def change(self, **values: object) -> None:
        (self.programs / "engine.json").write_text(json.dumps(self.state | values))

    def calls(self, *words: str) -> list[list[str]]:
        return [call for call in self.state["calls"] if call[: len(words)] == [*words]]

    def git(self, *args: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        done = subprocess.run(
            ["git", *identity, *args], cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    folder = project(tmp_path_factory.mktemp("image") / "p")
    shutil.copytree(ROOT / "data/raw", folder / "data/raw")
    for name in (LOCK, "Containerfile", ".containerignore"):
        shutil.copy(ROOT / name, folder)
    for name in ("creditrisk", "commands"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".gitignore").write_text("build/\n__pycache__/\n")
    fake_engine.need_no_wheels(folder)
    return folder


@pytest.fixture
def house(original, tmp_path) -> House:
    folder = shutil.copytree(original, tmp_path / "p")
    made = House(folder, tmp_path / "bin")
    made.programs.mkdir()
    engines(made, "podman")
    made.git("init", "--quiet")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message=all")
    return made


def names(line: str, *words: str) -> None:
    for word in words:
        assert word in line


def engines(house: House, *names: str) -> None:
    for program in house.programs.iterdir():
        program.unlink()
    fake_engine.install(house.programs, *names)
    # Nothing else is on the PATH: a real engine may be on this machine.
    for name in ("git", "sh", "pip"):
        if found := shutil.which(name):
            (house.programs / name).symlink_to(found)


def test_built_tried_and_pushed_with_the_commit_as_its_tag(house):
    commit = house.git("rev-parse", "HEAD")
    assert f"credit-risk:{commit} is built by podman" in house.image("build", BASE="our/base:1")
    [[*build]] = house.calls("podman", "build")
    assert {"--build-arg=BASE=our/base:1", f"--build-arg=REVISION={commit}",
            f"--tag=credit-risk:{commit}", "--platform=linux/amd64"} < {*build}  # fmt: skip
    assert build[-1] == "build/image/context"

    said = house.image("test")
    assert "20 applicants get the PDs of this machine, bit for bit" in said
    assert f"credit-risk:{commit} is good" in said
    first = house.calls("podman", "run")[0]
    assert {"--read-only", "--cap-drop=all", "--memory=512m", "--user=23456:0"} < {*first}

    house.change(logins=["registry.example"])
    name = f"{REGISTRY}/credit-risk"
    pushed = f"{name}@{fake_engine.digest(f'{name}:{commit}')}"
    assert house.image("push", REGISTRY=REGISTRY).strip() == pushed
    assert (house.folder / "build/image/pushed").read_text().strip() == pushed


def test_docker_tells_the_digest_of_this_registry(house):
    engines(house, "docker")
    house.image("build")
    [call] = house.calls("docker", "build")
    assert "--timestamp=0" not in call
    house.change(logins=["registry.example"])
    name = f"{REGISTRY}/credit-risk"
    commit = house.git("rev-parse", "HEAD")
    pushed = house.image("push", f"--registry={REGISTRY}")
    assert pushed.strip() == f"{name}@{fake_engine.digest(f'{name}:{commit}')}"


def test_the_first_engine_that_works_is_taken(house):
    engines(house, "docker", "podman", "buildah")
    assert "is built by docker" in house.image("build")
    house.change(fails={"docker info": "Cannot connect to the Docker daemon"})
    assert "is built by podman" in house.image("build")
    assert "is built by buildah" in house.image("build", "--engine=buildah")
    names(house.refused("build", ENGINE="docker"), "docker does not work", "Cannot connect")


def test_what_is_missing_is_one_line(house):
    names(house.refused("build", ENGINE="kaniko"), "kaniko is not known", "docker, podman, buildah")
    names(house.refused("build", ENGINE="docker"), "docker not found on the PATH")
    names(house.refused("push"), "REGISTRY", "make image-push REGISTRY=")
    names(house.refused("push", REGISTRY="https://x/y"), "without https://")
    names(house.refused("push", REGISTRY="x/y:tag"), "names no registry")
    names(house.refused("test"), "is not built", "make image")
    names(house.refused("push", REGISTRY=REGISTRY), "is not built", "make image")
    house.image("build")
    line = house.refused("push", REGISTRY=REGISTRY)
    names(line, "unauthorized", "podman login registry.example")
    assert not (house.folder / "build/image/pushed").exists()
    (house.folder / "params.yaml").write_text(
        (house.folder / "params.yaml").read_text() + "# a change\n"
    )
    names(house.refused("push", REGISTRY=REGISTRY), "not as committed")
    engines(house)
    names(house.refused("build"), "none of docker, podman, buildah found")
    engines(house, "buildah")
    house.change(images={f"credit-risk:{house.git('rev-parse', 'HEAD')}-dirty": "x"})
    names(house.refused("test"), "buildah builds images, it does not run them", "podman")


def test_a_champion_that_is_missing_or_not_the_recorded_one_is_not_packed(house):
    model = house.folder / "models/champion.joblib"
    content = model.read_bytes()
    model.write_bytes(content + b" ")
    names(house.refused("build"), "models/champion.joblib", "not the file that dvc.lock records")
    model.unlink()
    names(house.refused("build"), "models/champion.joblib")
    assert not house.calls("podman", "build")


def test_an_image_with_another_model_or_other_pds_fails_its_trial(house, monkeypatch):
    house.image("build")
    with monkeypatch.context() as patch:
        patch.chdir(house.folder)
        known = sample()
    almost = replace(known, pds=[*known.pds[:-1], math.nextafter(known.pds[-1], 1)])
    monkeypatch.setattr("creditrisk.workflow.image.sample.sample", lambda: almost)
    names(house.refused("test"), "a PD is", f"{almost.pds[-1]!r} on this machine")
    # What the image has in it: the champion of the commit before.
    write_model(house.folder, "dt")
    house.git("commit", "--quiet", "--all", "--message=another champion")
    commit = house.git("rev-parse", "HEAD")
    house.change(images={f"credit-risk:{commit}": "0" * 40})
    names(house.refused("test"), "revision", "0" * 40, commit)


def test_an_image_that_does_not_start_or_does_not_end_fails_its_trial(house, monkeypatch):
    house.image("build")
    house.change(fails={"podman run": "Error: OCI runtime error: out of memory"})
    names(house.refused("test"), "ended before it served", "out of memory")
    monkeypatch.setattr("creditrisk.workflow.image.trial.STOP", 1)
    house.change(fails={"podman kill": "Error: no such container"})
    names(house.refused("test"), "still runs 1 s after SIGTERM")


def test_packages_that_cannot_be_downloaded_are_named(house):
    (house.folder / LOCK).write_text(
        "no-such-package-anywhere==1.0 --hash=sha256:" + "0" * 64 + "\n"
    )
    line = house.refused("build", PIP_NO_INDEX="1", PIP_CONFIG_FILE="/dev/null")
    names(line, "no-such-package-anywhere", "network")
    assert not house.calls("podman", "build")


def test_a_damaged_package_is_downloaded_again(house, monkeypatch):
    content = b"a package"
    (house.folder / LOCK).write_text(
        f"one==1.0 \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    )
    wheel = house.folder / fake_engine.FOLDER / "one.whl"
    monkeypatch.setattr(wheels, "run_program", lambda *_: wheel.write_bytes(content))
    monkeypatch.chdir(house.folder)
    for broken in (None, b"a packag", b""):
        if broken is not None:
            wheel.write_bytes(broken)
        wheels.download()
        assert wheel.read_bytes() == content
    monkeypatch.setattr(wheels, "run_program", lambda *_: pytest.fail("it was there"))
    wheels.download()


def test_only_what_git_has_gets_into_an_image(house, monkeypatch):
    (house.folder / ".gitignore").write_text("build/\n__pycache__/\n*.key\n")
    house.git("commit", "--quiet", "--all", "--message=ignore keys")
    (house.folder / "creditrisk/service.key").write_text("a secret that .gitignore names")
    assert "-dirty" not in house.image("build")
    context = house.folder / "build/image/context"
    assert not list(context.rglob("*.key"))
    assert (context / "creditrisk/schema.py").read_bytes() == (
        ROOT / "creditrisk/schema.py"
    ).read_bytes()

    # An edit while the packages are downloaded.
    code = house.folder / "creditrisk/schema.py"
    committed = code.read_bytes()
    monkeypatch.setattr(wheels, "download", lambda: code.write_text("EDITED = 1"))
    house.image("build")
    assert (context / "creditrisk/schema.py").read_bytes() == committed

    assert "-dirty is built" in house.image("build")
    assert (context / "creditrisk/schema.py").read_text() == "EDITED = 1"
    house.change(logins=["registry.example"])
    names(house.refused("push", REGISTRY=REGISTRY), "creditrisk/schema.py: Git: not as committed")
    assert not house.calls("podman", "push")


def test_a_champion_that_changes_during_the_build_is_not_packed(house, monkeypatch):
    monkeypatch.setattr(wheels, "download", lambda: write_model(house.folder, "dt"))
    names(house.refused("build"), "models/champion.joblib", "changed while", "Run make image again")
    assert not house.calls("podman", "build")


def test_a_champion_behind_a_link_is_packed_itself(house):
    model = house.folder / "models/champion.joblib"
    model.rename(house.folder / "cache")
    model.symlink_to("../cache")
    house.image("build")
    packed = house.folder / "build/image/context/models/champion.joblib"
    assert packed.read_bytes() == model.read_bytes()
    assert not packed.is_symlink()


def test_without_rows_there_is_no_trial(house):
    house.image("build")
    data = house.folder / "data/raw/german_credit.csv"
    lines = data.read_text().splitlines(keepends=True)
    data.write_text(lines[0])
    names(house.refused("test"), "german_credit.csv: rows: none")
    data.unlink()
    names(house.refused("test"), "params.yaml: data.source", "not found")

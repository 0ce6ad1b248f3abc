"""The image for real: built, pushed to a registry, pulled, run under limits; then a new champion.

One test, since building takes a minute and each step needs the one before it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.champions import project, write_model
from tests.support.containers import Containers, containers, debian, missing, registry
from tests.support.project import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
IN_IMAGE = ("Containerfile", ".containerignore", "requirements-image.lock")
UNPACKED, COMPRESSED = 650_000_000, 220_000_000  # bytes
LIMITS = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--memory=512m",
)
APPLICANTS = ROOT / "data/raw/german_credit.csv"


@dataclass(frozen=True)
class House:
    """A project in Git, and the programs around it."""

    folder: Path
    engine: Containers

    def command(self, name: str, *args: str) -> subprocess.CompletedProcess:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [sys.executable, "-m", f"commands.{name}", *args], cwd=self.folder,
            env=os.environ | self.engine.environment | {"PATH": path},
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900,
        )  # fmt: skip

    def image(self, *args: str) -> str:
        done = self.command("image", *args, "--engine=buildah")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def git(self, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit everything, and return the image's name in the engine's store."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=a champion")
        return f"localhost/credit-risk:{self.git('rev-parse', 'HEAD')}"

    def inspect(self, image: str) -> dict:
        [found] = json.loads(self.engine.run("podman", "image", "inspect", image))
        return found

    def run(self, image: str, *command: str, limits: tuple[str, ...] = LIMITS) -> str:
        return self.engine.run("podman", "run", "--rm", *limits, image, *command)


@pytest.fixture
def house(tmp_path, monkeypatch):
    folder = project(tmp_path / "p")
    for name in IN_IMAGE:
        shutil.copy(ROOT / name, folder)
    for name in ("creditrisk", "commands", "data/raw"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".gitignore", folder)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.org")
    with containers(tmp_path / "containers") as engine:
        made = House(folder, engine)
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("add", "--force", "models", "dvc.lock")
        yield made


@pytest.mark.long
def test_built_pushed_pulled_run_and_a_new_champion_is_the_top_layer(house, tmp_path):
    (tmp_path / "base").mkdir()
    base = debian(tmp_path / "base" / "base.tar")
    house.engine.import_base(base)
    image = house.commit()
    said = house.image("build", "--base=localhost/base")
    assert f"{image.removeprefix('localhost/')} is built" in said
    with registry(tmp_path / "registry") as shop:
        pushed = house.image("push", f"--registry={shop.host}/images").strip()
        first = shop.blobs()
        labels_and_size(house, image, shop.host, pushed)

        # What another machine pulls is what was tried here.
        house.engine.run("buildah", "rmi", "--force", image)
        house.engine.run("podman", "pull", "--quiet", "--tls-verify=false", pushed)
        house.engine.run("podman", "tag", pushed, image)
        said = house.image("test")
        assert "20 applicants get the PDs of this machine, bit for bit" in said
        assert "ends on SIGTERM" in said
        assert "refuses a model that dvc.lock does not record" in said
        nothing_but_the_service(house, image)
        a_batch_job(house, image, tmp_path)

        one = house.inspect(image)["RootFS"]["Layers"]
        write_model(house.folder, "lr platt")
        refused = house.command("image", "push", f"--registry={shop.host}/images")
        assert refused.returncode == 2
        assert "not as committed" in refused.stderr
        other = house.commit()
        house.image("build", "--base=localhost/base")
        two = house.inspect(other)["RootFS"]["Layers"]
        assert two[:-1] == one[:-1]
        assert two[-1] != one[-1]
        house.image("push", f"--registry={shop.host}/images")
        new = {name: size for name, size in shop.blobs().items() if name not in first}
        # The layer, the image's configuration and its manifest.
        assert len(new) == 3
        champion = sum(path.stat().st_size for path in (house.folder / "models").iterdir())
        assert sum(new.values()) < champion + 100_000

        # A machine that has built none yet builds the same, so nothing at all is pushed again.
        house.engine.forget()
        house.engine.import_base(base)
        house.image("build", "--base=localhost/base")
        assert house.inspect(other)["RootFS"]["Layers"] == two
        known = shop.blobs()
        house.image("push", f"--registry={shop.host}/images")
        assert shop.blobs() == known


def labels_and_size(house: House, image: str, host: str, pushed: str) -> None:
    assert re.fullmatch(rf"{re.escape(host)}/images/credit-risk@sha256:[0-9a-f]{{64}}", pushed)
    assert (house.folder / "build/image/pushed").read_text().strip() == pushed
    commit = house.git("rev-parse", "HEAD")
    request = urllib.request.Request(
        f"http://{host}/v2/images/credit-risk/manifests/{commit}",
        headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Docker-Content-Digest"] == pushed.partition("@")[2]
        manifest = json.loads(answer.read())
    assert sum(layer["size"] for layer in manifest["layers"]) <= COMPRESSED
    about = house.inspect(image)
    assert about["Size"] <= UNPACKED
    assert about["User"] == "10001:10001"
    description = json.loads((house.folder / "models/champion.json").read_text())
    labels = about["Labels"]
    assert labels["org.opencontainers.image.revision"] == commit
    assert labels["creditrisk.model.sha256"] == description["model_sha256"]
    assert re.fullmatch("[0-9a-f]{64}", labels["creditrisk.dvc-lock.sha256"])


def nothing_but_the_service(house: House, image: str) -> None:
    """No build tool, no test, no key, no data; nothing of the network that built it."""
    script = (
        "import importlib.util as u, json, os, pathlib, shutil; "
        "print(json.dumps({"
        "'uid': os.getuid(), "
        "'tools': [n for n in ('pip', 'pip3', 'gcc', 'make', 'git', 'curl') if shutil.which(n)], "
        "'modules': [n for n in ('pip', 'setuptools', 'mlflow', 'dvc', 'plotly', 'pytest') "
        "if u.find_spec(n)], "
        "'files': sorted(str(p) for p in pathlib.Path('/app').rglob('*') if p.is_file() "
        "and not p.is_relative_to('/app/creditrisk') and p.suffix != '.pyc'), "
        "'tests': sum(1 for _ in pathlib.Path('/opt/venv').rglob('tests'))}))"
    )
    found = json.loads(house.run(image, "python", "-c", script))
    assert found["uid"] == 10001
    assert found["tools"] == found["modules"] == []
    assert found["tests"] == 0
    names = ("commands/__init__.py", "commands/score.py", "commands/serve.py", "dvc.lock",
             "models/champion.joblib", "models/champion.json", "params.yaml")  # fmt: skip
    assert found["files"] == [f"/app/{name}" for name in names]


def a_batch_job(house: House, image: str, tmp_path: Path) -> None:
    """The same image scores a file in a folder, which a bucket is in the cloud."""
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    shutil.copy(APPLICANTS, bucket / "new.csv")
    bucket.chmod(0o777)
    house.run(
        image, "python", "-m", "commands.score", "--input=/data/new.csv",
        "--output=/data/scored.csv", limits=(*LIMITS, f"--volume={bucket}:/data"),
    )  # fmt: skip
    here = house.command("score", f"--input={APPLICANTS}", f"--output={tmp_path / 'here.csv'}")
    assert here.returncode == 0, here.stderr
    assert (bucket / "scored.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()

import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.audit import HOOK
from tests.support.mlflow_server import PATIENT, serving
from tests.support.project import SMALL, Project, new_project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the built pipeline stands in front: one worker builds it, while the other takes
    what needs none."""
    items.sort(key=lambda item: "built" not in item.fixturenames)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small pipeline, rebuilt from nothing under the audit hook and with a tracking server,
    whose folder lies beside it. Copy it before changing it."""
    # One for all workers: the first builds it, the others wait.
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / "built" / "project"
    with FileLock(shared / "built.lock"):
        if not (folder.parent / "done").exists():
            _build(folder)
            (folder.parent / "done").touch()
    return Project(folder)


def _build(folder: Path) -> None:
    project = new_project(folder, SMALL)
    with serving(folder.parent / "server") as server:
        done = project.dvc(
            "repro",
            AUDIT_LOG=str(folder.parent / "audit.log"),
            PYTHONPATH=str(HOOK),
            PYTHONDONTWRITEBYTECODE="1",
            PYTHONHASHSEED="1",
            MLFLOW_TRACKING_URI=server.uri,
            CREDITRISK_MIRROR_TIMEOUT=PATIENT,
            CREDITRISK_TRACKING="on",
        )
    (folder.parent / "repro.txt").write_text(done.out + done.err)
    project.commit("built")


@pytest.fixture
def fresh(built: Project, tmp_path) -> Project:
    """A copy of the built project that a test may change."""
    return built.copy(tmp_path / "project")


@pytest.fixture(autouse=True)
def _environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server of the person who runs the tests; runs are recorded where recording is tested."""
    for name in [n for n in os.environ if n.startswith(("MLFLOW_", "DVC_EXP", "CREDITRISK_"))]:
        monkeypatch.delenv(name)
    if "tracking" not in request.path.parts:
        monkeypatch.setenv("CREDITRISK_TRACKING", "off")

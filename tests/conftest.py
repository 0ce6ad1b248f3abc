import os

import pytest
from audit import HOOK
from project import SMALL, Project, new_project


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small pipeline, rebuilt from nothing under the audit hook. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("built") / "project"
    project = new_project(folder, SMALL)
    project.dvc(
        "repro",
        AUDIT_LOG=str(folder.parent / "audit.log"),
        PYTHONPATH=str(HOOK),
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONHASHSEED="1",
    )
    project.commit("built")
    return project


@pytest.fixture
def fresh(built: Project, tmp_path) -> Project:
    """A copy of the built project that a test may change."""
    return built.copy(tmp_path / "project")


@pytest.fixture(autouse=True)
def _no_tracking_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(("MLFLOW_", "DVC_EXP"))]:
        monkeypatch.delenv(name)

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from threadpoolctl import threadpool_limits

from tests.support.audit import HOOK
from tests.support.mlflow_server import PATIENT, serving
from tests.support.project import SMALL, Project, new_project

SERVERS = {"tracking", "remotes"}
BUILD_FAILED = pytest.StashKey[bool]()


def _forget_servers() -> None:
    for name in [n for n in os.environ if n.startswith(("MLFLOW_", "DVC_", "CREDITRISK_"))]:
        del os.environ[name]


_forget_servers()  # now, because the fixtures of a module run before those of its first test


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests by what they need.

    Those that need the built pipeline come first: one worker builds it, while the other takes what
    needs none. Before them comes what takes minutes, so that nobody waits for it at the end.
    """
    for item in items:
        if "built" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.pipeline)
        if SERVERS & set(item.path.parts):
            item.add_marker(pytest.mark.server)
    items.sort(key=lambda item: [item.get_closest_marker(n) is None for n in ("long", "pipeline")])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A pipeline that can't be built fails one test, which shows why; the others are skipped."""
    if item.get_closest_marker("pipeline") and item.config.stash.get(BUILD_FAILED, False):
        pytest.skip("the pipeline can't be built: another test shows why")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Project:
    """A small pipeline, rebuilt from nothing under the audit hook and with a tracking server,
    whose folder lies beside it. Copy it before changing it.
    """
    # One for all workers: the first builds it, the others wait.
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / "built" / "project"
    outcome = folder.parent / "outcome"
    with FileLock(shared / "built.lock"):
        if not outcome.exists():
            folder.parent.mkdir(parents=True)
            outcome.write_text("failed")
            pytestconfig.stash[BUILD_FAILED] = True
            _build(folder)
            outcome.write_text("done")
    if outcome.read_text() != "done":
        pytest.skip("the pipeline can't be built: another test shows why")
    pytestconfig.stash[BUILD_FAILED] = False
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


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """As `core.cli.run` has it: a fit of a small network takes ten times as long on two threads."""
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True)
def _environment(request: pytest.FixtureRequest) -> Iterator[None]:
    """No server of the person who runs the tests; runs are recorded where recording is tested."""
    with pytest.MonkeyPatch.context() as patch:
        if "tracking" not in request.path.parts:
            patch.setenv("CREDITRISK_TRACKING", "off")
        if "unit" in request.path.parts:
            # A search starts a process per core, which takes longer than a small search itself.
            patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        yield
    # `mlflow.set_tracking_uri` leaves the address of a test's server in the environment.
    _forget_servers()

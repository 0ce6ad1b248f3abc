"""A run that can't be recorded now is kept on disk, and recorded once when that is possible."""

import hashlib
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import joblib
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from creditrisk.tracking import process, recording, registry
from creditrisk.tracking.imports import read_closure
from creditrisk.tracking.recording import Recording
from creditrisk.tracking.run_data import Champion
from creditrisk.tracking.store import StoreLocation
from stages.select import LOADER
from tests.support.mlflow_server import free_port
from tests.support.project import ROOT, Done, Project
from tests.support.tracking_records import all_runs, local_client

ROWS = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "amount": [1.0, 3.0, 2.0, 5.0]})


class Pipeline:
    """A DVC project without a pipeline, in which the tests themselves are the stages."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        self.folder, self.capsys = folder, capsys
        self.place = StoreLocation(folder / ".dvc/mlflow")
        self.database = self.place.database

    def stage(self, name: str, **more) -> list[str]:
        """Run a stage with an output of its own; return what tracking says."""
        self.capsys.readouterr()
        output = self.folder / f"{name}.json"
        output.write_text(json.dumps({"made by": name}))
        run = Recording(name, {}, {"stage": name}, serves=LOADER if "champion" in more else None)
        run.finish({"cv": {"roc_auc": 0.75}}, {"C": 1}, {"results": [output]}, **more)
        output.write_text("changed since")
        told = self.capsys.readouterr()
        assert told.out == ""
        return told.err.splitlines()

    def champion(self, name: str, **more) -> Champion:
        model = LogisticRegression(C=len(name)).fit(ROWS, [0, 1, 0, 1])
        path = self.folder / f"{name}.joblib"
        joblib.dump(model, path)
        description = {
            "algorithm": name, "params": {}, "metrics": {}, "calibration": "none",
            "threshold": 0.5, "training_rows": 4, "data_sha256": "0",
        }  # fmt: skip
        found = {"sha256": _sha256(path), "is_champion_run": True} | more
        return Champion(
            path,
            description=json.dumps(description),
            columns=["alter", "hoehe"],
            notation={"decimal": ".", "thousands": ",", "null_words": []},
            **found,
        )

    def recorded(self) -> list[str]:
        """The names of the runs in the store; each has its artifact as its stage wrote it."""
        client = local_client(self.folder)
        for run in all_runs(client):
            text = Path(client.download_artifacts(run.info.run_id, "results")).glob("*")
            assert [json.loads(p.read_text()) for p in text] == [{"made by": run.info.run_name}]
            assert run.info.status == "FINISHED"
            assert run.data.metrics == {"cv.roc_auc": 0.75}
        return sorted(run.info.run_name for run in all_runs(client))

    def kept(self) -> list[Path]:
        return sorted(self.folder.glob(".dvc/mlflow-kept/*.run"))

    def aside(self) -> list[Path]:
        """The databases that were put aside, and logs of them."""
        found = self.folder.glob(".dvc/mlflow/broken-*/*")
        return sorted(path for path in found if path.suffix != ".db-shm")

    def mirror(self, *args: str, **env: str) -> Done:
        return Project(self.folder).command("mirror", *args, **env)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one run; making one takes seconds: once, and copied."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / ".dvc").mkdir()
    (folder / "first.json").write_text(json.dumps({"made by": "first"}))
    code = (
        "from pathlib import Path; from creditrisk.tracking.recording import Recording;"
        "Recording('first', {}, {}).finish("
        "{'cv': {'roc_auc': 0.75}}, {}, {'results': [Path('first.json')]})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == ""
    return folder / ".dvc"


@pytest.fixture
def pipeline(_empty: Path, tmp_path: Path, monkeypatch, capsys) -> Pipeline:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    shutil.copytree(_empty, tmp_path / ".dvc")
    monkeypatch.chdir(tmp_path)
    return Pipeline(tmp_path, capsys)


HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA locking_mode = EXCLUSIVE")
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process holds the database, against readers too."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"locked\n"
        yield
        holder.stdin.close()


@contextmanager
def limit(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(process, "RECORD_SECONDS", seconds)
        patch.setattr(recording, "READ_SECONDS", 0.1)
        yield


def test_a_run_that_meets_a_locked_store_is_recorded_by_the_next_stage(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    with limit(monkeypatch, 2.0), locked(pipeline.database):
        begun = time.monotonic()
        (line,) = pipeline.stage("train@lr")
        assert time.monotonic() - begun < 12
    assert line.startswith("tracking: train@lr is not recorded yet: the recording process took")
    assert "(1 run kept in " in line
    assert pipeline.stage("select") == []
    assert pipeline.recorded() == ["first", "select", "train@lr"]
    assert pipeline.kept() == []
    assert pipeline.aside() == []  # a locked store is not a broken one


def test_a_kept_run_is_for_this_user_only_and_out_of_git(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    with limit(monkeypatch, 0.0):
        pipeline.stage("train@lr")
    (kept,) = pipeline.kept()
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    subprocess.run(["git", "init", "-q"], check=True)
    done = subprocess.run(
        ["git", "status", "--short", "-uall"], capture_output=True, text=True, check=True
    )
    assert "mlflow-kept" not in done.stdout


def test_no_run_is_kept_behind_a_planted_link(pipeline: Pipeline, tmp_path: Path):
    target = tmp_path / "somebody's folder"
    target.mkdir(mode=0o755)
    shutil.rmtree(pipeline.place.kept)
    pipeline.place.kept.symlink_to(target)
    (line,) = pipeline.stage("train@lr")
    assert "train@lr is not recorded: " in line
    assert "is a link. Delete it." in line
    assert list(target.iterdir()) == []
    assert target.stat().st_mode & 0o777 == 0o755


def test_mirror_records_what_was_kept_with_and_without_a_server(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    with limit(monkeypatch, 0.0):
        pipeline.stage("train@lr")
        pipeline.stage("train@dt")
    done = pipeline.mirror()
    assert done.code == 2
    assert done.out == "mirror: recorded 2 of 2 kept runs\n"
    assert done.err.startswith("error: environment: MLFLOW_TRACKING_URI: not set.")
    assert pipeline.recorded() == ["first", "train@dt", "train@lr"]
    with limit(monkeypatch, 0.0):
        pipeline.stage("train@rf")
    done = pipeline.mirror(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")
    assert done.code == 1
    assert done.out == "mirror: recorded 1 of 1 kept runs\nmirror: sent 0, skipped 0, failed 4\n"
    assert pipeline.recorded() == ["first", "train@dt", "train@lr", "train@rf"]


@pytest.mark.parametrize("end", ["raise ImportError('no MLflow')", "import os; os._exit(3)"])
def test_without_mlflow_or_with_one_that_crashes_a_run_is_kept(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
):
    broken = tmp_path / "packages/mlflow"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text(end)
    with monkeypatch.context() as patch:
        # The recording process is a copy of this one, or, where it is none, starts with this path.
        patch.setenv("PYTHONPATH", f"{broken.parent}{os.pathsep}{ROOT}")
        patch.syspath_prepend(broken.parent)
        for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
            patch.delitem(sys.modules, name)
        (line,) = pipeline.stage("train@lr")
    assert "tracking: train@lr is not recorded yet: " in line
    assert pipeline.stage("select") == []
    assert pipeline.recorded() == ["first", "select", "train@lr"]


def test_a_store_that_can_not_be_written_costs_no_run(pipeline: Pipeline):
    store = pipeline.place.folder.rename(pipeline.folder / "elsewhere")
    pipeline.place.folder.write_text("a file where the folder should be")
    (line,) = pipeline.stage("train@lr")
    assert "tracking: train@lr is not recorded yet: " in line
    pipeline.place.folder.unlink()
    store.rename(pipeline.place.folder)
    assert pipeline.stage("select") == []
    assert pipeline.recorded() == ["first", "select", "train@lr"]


def garbage(database: Path) -> None:
    database.write_bytes(b"no database")


def nothing(database: Path) -> None:
    database.write_bytes(b"")


def folder(database: Path) -> None:
    database.unlink()
    database.mkdir()


def newer(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'fffff0000000'")


@pytest.mark.parametrize("harm", [garbage, nothing, folder, newer])
def test_a_broken_store_is_put_aside_and_a_new_one_begun(pipeline: Pipeline, harm):
    harm(pipeline.database)
    before = pipeline.database.read_bytes() if pipeline.database.is_file() else None
    (line,) = pipeline.stage("train@lr")
    (aside,) = (path for path in pipeline.aside() if path.name == "mlflow.db")
    assert (aside.read_bytes() if aside.is_file() else None) == before
    assert line.startswith(f"tracking: the local store {pipeline.database} ")
    assert f"put aside in {aside.parent}, and a new one is begun" in line
    assert pipeline.recorded() == ["train@lr"]
    assert pipeline.stage("select") == []
    assert pipeline.recorded() == ["select", "train@lr"]


def test_a_store_that_is_broken_inside_is_put_aside_and_the_run_kept(pipeline: Pipeline):
    with closing(sqlite3.connect(pipeline.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'runs'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with open(pipeline.database, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    aside, kept = pipeline.stage("train@lr")
    assert "is broken (" in aside
    assert "tracking: train@lr is not recorded yet: " in kept
    assert "mlflow.db" in [path.name for path in pipeline.aside()]
    assert pipeline.stage("select") == []
    assert pipeline.recorded() == ["select", "train@lr"]


def test_a_log_without_its_database_is_not_read_into_a_new_one(pipeline: Pipeline):
    pipeline.database.unlink()
    Path(f"{pipeline.database}-shm").unlink(missing_ok=True)
    log = Path(f"{pipeline.database}-wal")
    log.write_bytes(b"of a database that is gone")
    (line,) = pipeline.stage("train@lr")
    assert "put aside in" in line
    assert [p.read_bytes() for p in pipeline.aside()] == [b"of a database that is gone"]
    assert pipeline.recorded() == ["train@lr"]


def older(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0584bdc529eb'")


def test_a_store_of_an_older_mlflow_is_not_broken(pipeline: Pipeline):
    older(pipeline.database)
    (line,) = pipeline.stage("train@lr")
    assert "train@lr is not recorded yet: Detected out-of-date database schema" in line
    assert "mlflow db upgrade" in line
    assert pipeline.aside() == []
    assert len(pipeline.kept()) == 1


def test_a_run_that_can_never_be_recorded_holds_up_no_other(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    with limit(monkeypatch, 0.0):
        pipeline.stage("train@lr")
    (kept,) = pipeline.kept()
    never = kept.with_name(f"{'0' * 64}.0.run")
    never.write_bytes(b"no archive")
    os.utime(never, (1, 1))  # the oldest, so the first in the queue
    for stage in ("select", "evaluate", "train@dt"):
        (line,) = pipeline.stage(stage)
        assert "runs of earlier stages are not recorded: File is not a zip file (1 run kept" in line
    assert "recorded by `python -m commands.mirror`" in line
    assert pipeline.recorded() == ["evaluate", "first", "select", "train@dt", "train@lr"]
    # After three tries no stage waits for it any more, and `make mirror` still names it.
    assert pipeline.stage("train@rf") == []
    done = pipeline.mirror(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")
    assert done.code == 1
    assert "File is not a zip file (1 run kept" in done.err
    assert [path.read_bytes() for path in pipeline.kept()] == [b"no archive"]


def test_a_run_that_is_kept_twice_is_recorded_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    with limit(monkeypatch, 0.0):
        pipeline.stage("train@lr")
        (kept,) = pipeline.kept()
        copy = kept.read_bytes()
        pipeline.stage("train@lr")
    assert pipeline.stage("select") == []
    # As if the recording had been killed before it deleted the file.
    kept.write_bytes(copy)
    assert pipeline.stage("evaluate") == []
    assert pipeline.recorded() == ["evaluate", "first", "select", "train@lr"]
    assert pipeline.kept() == []


# Records what is kept in a new process for each line it reads, and tells the process's number.
WARM = """
import os, sys
from pathlib import Path
import mlflow.sklearn, matplotlib.figure
from creditrisk.tracking import local_runs, writer
from creditrisk.tracking.store import StoreLocation
from creditrisk.tracking.worker import Records
local_runs.hush()
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        Records(StoreLocation(Path(sys.argv[1])), lambda *a, **k: None).record_all(None)
        os._exit(0)
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


def test_recording_killed_at_random_moments_records_each_run_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    chance, names = random.Random(3), ["train@lr", "train@dt", "train@rf"]
    with limit(monkeypatch, 0.0):
        for name in names:
            pipeline.stage(name)
    with subprocess.Popen(
        [sys.executable, "-c", WARM, str(pipeline.place.folder)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as warm:  # fmt: skip
        for late in (0.0, 0.0, *(chance.uniform(0.0, 0.3) for _ in range(6))):
            begun = rows(pipeline.database, "runs")
            warm.stdin.write("again\n")
            warm.stdin.flush()
            pid = int(warm.stdout.readline())
            watched = os.pidfd_open(pid)
            ended = lambda seconds: bool(select.select([watched], [], [], seconds)[0])  # noqa: B023, E731
            # From the first sign of its work on, some way into it.
            while rows(pipeline.database, "runs") == begun and not ended(0.005):
                pass
            if not ended(late):
                signal.pidfd_send_signal(watched, signal.SIGKILL)
            os.close(watched)
            assert warm.stdout.readline() == "ended\n"
        warm.stdin.close()
    assert pipeline.stage("select") == []
    assert rows(pipeline.database, "runs WHERE lifecycle_stage = 'deleted'") >= 2  # half recorded
    assert pipeline.recorded() == sorted(["first", "select", *names])


def rows(database: Path, table: str) -> int:
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_champion_that_was_kept_does_not_replace_a_later_one(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    with limit(monkeypatch, 0.0):
        pipeline.stage("early", champion=pipeline.champion("early"))
    champion = pipeline.champion("late")
    assert pipeline.stage("late", champion=champion) == []
    client = local_client(pipeline.folder)
    chosen = client.get_model_version_by_alias(registry.NAME, registry.CHAMPION)
    assert chosen.tags["model.algorithm"] == "late"
    assert len(client.search_model_versions(f"name = '{registry.NAME}'")) == 2
    model = client.download_artifacts(chosen.run_id, registry.FOLDER)
    files = Path(model) / "data/champion"
    for name, ours in (("champion.joblib", champion.model.read_bytes()),
                       ("champion.json", champion.description.encode())):  # fmt: skip
        assert (files / name).read_bytes() == ours
    code = {path: (Path(model) / "code" / path).read_bytes() for path in read_closure(LOADER)}
    assert code == read_closure(LOADER)


class Poison:
    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_model_that_was_replaced_is_not_loaded_to_record_it(pipeline: Pipeline, tmp_path: Path):
    champion = pipeline.champion("lr")
    joblib.dump(Poison(tmp_path / "ran"), champion.model)
    (line,) = pipeline.stage("select", champion=champion)
    assert "its hash is not the recorded one" in line
    assert not (tmp_path / "ran").exists()

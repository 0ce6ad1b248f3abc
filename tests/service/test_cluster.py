"""Searches on a real Dask cluster: a scheduler and two worker processes on this machine."""

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from creditrisk.core import cluster as cluster_module
from creditrisk.core import cluster_job
from creditrisk.core.cluster import Cluster, cluster, package_zip
from creditrisk.core.errors import InputError
from creditrisk.core.workers import workers
from creditrisk.modeling.persistence import dump_model
from creditrisk.train.params import TrainParams
from creditrisk.train.single import train_single
from creditrisk.train.spec import SearchSpec
from tests.support.dask_cluster import running_cluster
from tests.unit.train.test_fold_fits import FEATURES, PREPROCESS, applicants, candidates_of

pytestmark = pytest.mark.server

VARIABLE = "DASK_SCHEDULER_ADDRESS"


@pytest.fixture(scope="module")
def address():
    with running_cluster(workers=2) as running:
        yield running.address


def where(shared: object) -> tuple[int, str]:
    """A job: its process, and the file of the code that it runs."""
    import creditrisk.core.errors

    return os.getpid(), creditrisk.core.errors.__file__


def spec(name: str) -> SearchSpec:
    train = TrainParams(
        folds=3, repeats=2, scoring="roc_auc", calibration="auto", nested=True, outer_folds=3,
        inner_folds=2,
    )  # fmt: skip
    candidates = candidates_of(name)
    return SearchSpec(name, candidates, FEATURES, PREPROCESS, train, seed=1)


def frame() -> pd.DataFrame:
    rows = applicants(240)
    return rows.assign(row_id=np.arange(1, 241), applicant=np.arange(240))


def same(one, other) -> None:
    """Compare two trained models: all that train writes."""
    assert dump_model(one.model) == dump_model(other.model)
    for name in ("oof", "nested", "trials"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert one.best_params == other.best_params


@pytest.mark.parametrize("name", ["lr", "scorecard", "rf", "lgbm", "mlp"])
def test_results_are_bit_for_bit_those_of_this_machine(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch
):
    local = train_single(spec(name), frame(), log=lambda line: None)
    monkeypatch.setenv(VARIABLE, address)
    same(train_single(spec(name), frame(), log=lambda line: None), local)


def test_workers_run_the_code_that_was_sent_and_not_what_is_installed_there(address: str):
    with cluster(address, None) as pool:
        assert pool.count == 2
        found = [job.result() for job in [pool.submit(where) for _ in range(8)]]
    assert os.getpid() not in {pid for pid, _ in found}
    assert all("creditrisk-code-" in path for _, path in found)


def constant(shared: object) -> object:
    import creditrisk.core.errors

    return vars(creditrisk.core.errors).get("MARK")


def test_two_people_with_different_code_each_get_results_of_their_own(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with cluster(address, None) as mine:
        assert mine.submit(constant).result() is None
        monkeypatch.setattr(cluster_module, "package_zip", lambda: marked(package_zip()))
        # What runs the jobs there is another file, too, and so another module.
        other = tmp_path / "cluster_job.py"
        other.write_bytes(Path(cluster_job.__file__).read_bytes() + b"# theirs\n")
        monkeypatch.setattr(cluster_job, "__file__", str(other))
        with cluster(address, None) as theirs:
            for _ in range(3):
                pending = [theirs.submit(constant), mine.submit(constant), theirs.submit(constant)]
                assert [job.result() for job in pending] == ["theirs", None, "theirs"]


def test_the_next_connection_changes_nothing_on_the_workers(address: str):
    def state(dask_worker) -> dict[str, object]:
        import sys
        from pathlib import Path

        ours = {name for name in sys.modules if name.startswith("creditrisk_job")}
        folder = Path(dask_worker.local_directory)
        return {
            "modules": {name: id(sys.modules[name]) for name in ours},
            "plugins": len(dask_worker.plugins),
            "code": sorted(path.name for path in folder.glob("creditrisk-code-*")),
            "path": [path for path in sys.path if "creditrisk-code-" in path],
        }

    states = []
    for _ in range(2):
        with cluster(address, None) as pool:
            for job in [pool.submit(where) for _ in range(8)]:
                job.result()
            states.append(pool.client.run(state))
    assert states[0] == states[1]
    for found in states[0].values():
        assert len(found["modules"]) >= 1
        # Of the code that this process ran before, nothing is left: workers may share the folder.
        assert len(found["path"]) == 1
        assert len(found["code"]) <= 2


def marked(content: bytes) -> bytes:
    """The package, with a constant more in one file."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            more = b'\nMARK = "theirs"\n' if name == "creditrisk/core/errors.py" else b""
            after.writestr(name, before.read(name) + more)
    return changed.getvalue()


def test_same_code_is_the_same_zip_file_without_what_python_has_compiled():
    assert package_zip() == package_zip()
    with zipfile.ZipFile(io.BytesIO(package_zip())) as packed:
        names = packed.namelist()
    assert "creditrisk/algorithms.yaml" in names
    assert not [name for name in names if "__pycache__" in name]


def test_rows_are_sent_once_and_not_with_each_job(address: str, monkeypatch: pytest.MonkeyPatch):
    sizes: list[int] = []
    dumps = cluster_module.cloudpickle.dumps

    def weighed(call):
        sizes.append(len(dumps(call)))
        return dumps(call)

    # In our module alone: Dask uses the library for its own messages.
    monkeypatch.setattr(cluster_module, "cloudpickle", SimpleNamespace(dumps=weighed))
    rows = np.random.default_rng(0).normal(size=(50_000, 20))
    with cluster(address, rows) as pool:
        sums = [job.result() for job in [pool.submit(total, k) for k in range(20)]]
        held = pool.client.run_on_scheduler(
            lambda dask_scheduler: [
                task.nbytes for task in dask_scheduler.tasks.values() if task.nbytes > rows.nbytes
            ]
        )
    assert sums == [rows[:, k].sum() for k in range(20)]
    assert len(held) == 1
    assert len(sizes) == 20
    assert max(sizes) < 10_000


def total(rows: np.ndarray, column: int) -> float:
    return float(rows[:, column].sum())


def odd(shared: object) -> None:
    class Unpicklable(Exception):
        def __reduce__(self):
            raise TypeError("no")

    raise Unpicklable("of a library")


def test_an_error_that_cannot_be_sent_is_told_in_words(address: str):
    with cluster(address, None) as pool, pytest.raises(RuntimeError, match=r"able: of a library"):
        pool.submit(odd).result()


def test_a_fit_that_fails_there_is_the_same_line_as_here(
    address: str, monkeypatch: pytest.MonkeyPatch
):
    rows = frame().assign(age=np.where(np.arange(240) == 3, 1e300, 1.0))
    monkeypatch.setenv(VARIABLE, address)
    with pytest.raises(InputError, match=r"data\.source: column age: has values up to 1e\+300"):
        train_single(spec("lr"), rows, log=lambda line: None)


def test_a_worker_that_is_killed_in_mid_search_costs_time_only(monkeypatch: pytest.MonkeyPatch):
    local = train_single(spec("rf"), frame(), log=lambda line: None)
    with running_cluster(workers=2) as running:
        monkeypatch.setenv(VARIABLE, running.address)
        killed: list[int] = []

        def kill(*fitted: object) -> None:  # called when the search on all rows has ended
            killed.append(running.pids[0])
            os.kill(running.pids[0], signal.SIGKILL)

        found = train_single(spec("rf"), frame(), kill, log=lambda line: None)
        assert killed
    same(found, local)


def test_without_any_worker_left_it_ends_with_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_module, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(cluster_module, "LOOK_SECONDS", 0.2)
    with running_cluster(workers=1) as running, cluster(running.address, None) as pool:
        pool.submit(where).result()
        os.kill(running.pids[0], signal.SIGKILL)
        with pytest.raises(InputError, match="the Dask cluster was lost"):
            pool.submit(where).result()


def test_a_scheduler_without_workers_is_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_module, "ANSWER_SECONDS", 2.0)
    with (
        running_cluster(workers=0) as running,
        pytest.raises(InputError, match=f"{running.address}: the Dask scheduler has no workers"),
        workers_at(running.address, monkeypatch),
    ):
        pass


def workers_at(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, address)
    return workers(None)


@pytest.mark.parametrize(
    ("address", "said"), [("tcp://127.0.0.1:9", "no Dask scheduler answers"), ("here", "port")]
)
def test_no_scheduler_is_one_line_within_ten_seconds(address: str, said: str):
    code = "from creditrisk.core.cli import run; from creditrisk.core.workers import workers\n"
    code += "def main():\n    with workers(0): pass\nrun(main)"
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {VARIABLE: address, "CREDITRISK_LOG": "off"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert time.monotonic() - started < 10
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {VARIABLE}: {address}: ")
    assert said in line


def test_a_worker_with_another_version_is_named(address: str, monkeypatch: pytest.MonkeyPatch):
    real = cluster_module.library_version
    monkeypatch.setattr(
        cluster_module, "library_version", lambda name: "0.1" if name == "pandas" else real(name)
    )
    with (
        pytest.raises(
            InputError, match=rf"the worker tcp\S+ has pandas {real('pandas')}, here 0\.1"
        ),
        cluster(address, None),
    ):
        pass


def test_a_worker_with_another_version_that_comes_late_is_named(
    address: str, monkeypatch: pytest.MonkeyPatch
):
    def none_is_there_yet(pool: Cluster) -> dict[str, tuple[tuple[str, ...], str]]:
        return {"pandas": (("pandas",), "0.1")}

    monkeypatch.setattr(Cluster, "_refuse_others", none_is_there_yet)
    with (
        pytest.raises(InputError, match=r"the worker tcp\S+ has pandas \S+, here 0\.1\. Install"),
        cluster(address, None) as pool,
    ):
        pool.submit(where).result()

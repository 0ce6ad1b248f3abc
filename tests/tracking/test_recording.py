"""What a run tells, when a run is a new one, and what the registry holds."""

import json
import subprocess
import sys
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
import pytest

from creditrisk.tracking import registry
from creditrisk.tracking.local_runs import PARENT
from creditrisk.tracking.store import find_store, is_temporary, without_secrets
from tests.support.mlflow_server import serving
from tests.support.project import Project
from tests.support.tracking_records import all_runs, client_of, local_client, records


@pytest.fixture(autouse=True)
def _no_pytest_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)


def test_a_run_tells_what_it_was(built: Project, tmp_path: Path):
    runs = {r["name"]: r for r in records(local_client(built.folder), tmp_path).values()}
    run = runs["train@dt"]
    account = json.loads((built.folder / "metrics/train/dt.json").read_text())
    for part in ("cv", "cv_std", "train"):
        for name, value in account[part].items():
            told = [v for _, _, v in run["metrics"][f"{part}.{name}"]]
            assert told == [pytest.approx(value, abs=1e-9)]  # the file has ten digits
    assert {"encoder": "binary", "resample": "smote", "max_depth": "3"}.items() <= (
        run["params"].items()
    )
    assert len(run["params"]) < 10
    head = built.run("git", "log", "--format=%H", "--reverse").out.split()[0]
    assert run["tags"]["git.commit"] == head
    assert run["tags"]["git.dirty"] == "false"
    assert run["tags"]["version.scikit-learn"]
    assert len(run["tags"]["data.train"]) == len(run["tags"]["params.hash"]) == 64
    assert {"cv_results.csv", "model/dt.joblib", "results/dt.json"} <= set(run["files"])
    assert run["inputs"]
    (log,) = (name for name in run["files"] if name.startswith("log/"))
    assert "train@dt" in log
    lines = (built.folder / "logs" / Path(log).name).read_text()
    assert "train@dt wrote models/dt.joblib" in lines


def test_one_child_a_candidate_and_nothing_of_the_nested_searches(fresh: Project, tmp_path: Path):
    had = len(all_runs(local_client(fresh.folder)))
    grid = {"encoder": ["onehot", "binary"], "resample": ["none", "smote"], "max_depth": [2, 3]}
    fresh.params({"algorithms": {"dt": grid}})
    assert fresh.stage("train", "dt").code == 0
    runs = all_runs(local_client(fresh.folder))
    assert len(runs) == had + 9
    parent = next(r for r in runs if r.info.run_name == "train@dt" and r.data.params["max_depth"])
    children = [r for r in runs if r.data.tags.get(PARENT) == parent.info.run_id]
    table = pd.read_csv(fresh.folder / "plots/train/dt.csv")
    told = sorted((c.data.params["max_depth"], c.data.params["encoder"], c.data.params["resample"])
                  for c in children)  # fmt: skip
    assert told == sorted(
        zip(table["max_depth"].astype(str), table["encoder"], table["resample"], strict=True)
    )
    best = max(c.data.metrics["mean_test_score"] for c in children)
    assert best == pytest.approx(table["mean"].max(), abs=1e-9)


def test_the_same_inputs_and_code_are_the_same_run(fresh: Project):
    had = len(all_runs(local_client(fresh.folder)))
    fresh.dvc("repro", "-s", "-f", "train@lr")
    assert len(all_runs(local_client(fresh.folder))) == had
    module = fresh.folder / "creditrisk/metrics/costs.py"
    module.write_text(module.read_text() + "# A change.\n")
    # An address that is none costs a line, and no record.
    done = fresh.stage("train", "lr", MLFLOW_TRACKING_URI="http://[::1")
    assert done.code == 0
    (line,) = (x for x in done.err.splitlines() if x.startswith("tracking:"))
    assert line.startswith("tracking: environment: MLFLOW_TRACKING_URI: not the address of")
    assert len(all_runs(local_client(fresh.folder))) == had + 2


def test_a_stage_that_fails_leaves_no_run(fresh: Project):
    had = len(all_runs(local_client(fresh.folder)))
    fresh.params({"algorithms": {"xgb": {"n_estimators": 10, "max_depth": -5}}})
    done = fresh.stage("train", "xgb")
    assert done.code == 2
    assert "tracking:" not in done.err
    assert len(all_runs(local_client(fresh.folder))) == had


def test_a_broken_store_costs_one_line(fresh: Project):
    before = (fresh.folder / "models/lr.joblib").read_bytes()
    store = fresh.folder / ".dvc/mlflow/mlflow.db"
    for extra in ("-wal", "-shm"):
        Path(f"{store}{extra}").unlink(missing_ok=True)
    store.write_bytes(b"no database")
    done = fresh.stage("train", "lr")
    assert done.code == 0
    assert len([x for x in done.err.splitlines() if x.startswith("tracking:")]) == 1
    assert (fresh.folder / "models/lr.joblib").read_bytes() == before


def test_the_registry_keeps_champion_and_previous(
    fresh: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def version(client, alias: str) -> str | None:
        try:
            return str(client.get_model_version_by_alias(registry.NAME, alias).version)
        except mlflow.exceptions.MlflowException:
            return None

    def select(model: str) -> None:
        fresh.params({"model": model})
        done = fresh.stage("select", MLFLOW_TRACKING_URI=server.uri, CREDITRISK_MIRROR_TIMEOUT="90")
        assert done.code == 0
        assert "tracking:" not in done.err

    board = pd.read_csv(fresh.folder / "plots/leaderboard.csv")["algorithm"].tolist()
    with serving(tmp_path / "server") as server:
        there, here = client_of(server.uri), local_client(fresh.folder)
        select("auto")  # the run that is recorded already, sent now
        assert [version(c, "champion") for c in (here, there)] == ["1", "1"]
        assert [version(c, "previous") for c in (here, there)] == [None, None]
        select(board[1])
        assert [version(c, "champion") for c in (here, there)] == ["2", "2"]
        assert [version(c, "previous") for c in (here, there)] == ["1", "1"]
        described = json.loads((fresh.folder / "models/champion.json").read_text())
        now = there.get_model_version_by_alias(registry.NAME, "champion")
        assert now.tags[registry.SHA] == described["model_sha256"]
        assert now.tags["model.algorithm"] == board[1]
        assert float(now.tags["metric.cv.roc_auc"]) == described["metrics"]["cv"]["roc_auc"]

        mlflow.set_tracking_uri(server.uri)
        mlflow.set_registry_uri(server.uri)
        monkeypatch.setattr(sys, "path", [*sys.path])  # loading prepends the model's code
        model = mlflow.pyfunc.load_model(f"models:/{registry.NAME}@champion")
        raw = pd.read_csv(fresh.folder / "data/raw/german_credit.csv")
        fresh.run("dvc", "commit", "--force", "select")  # the stage ran without DVC
        done = fresh.command("score", "--input=data/raw/german_credit.csv", "--output=s.parquet")
        assert done.code == 0, done.err
        ours = pd.read_parquet(fresh.folder / "s.parquet")[["pd", "score", "decision"]]
        told = model.predict(raw.drop(columns="kredit"))
        assert (told["pd"].to_numpy() == ours["pd"].to_numpy()).all()
        assert told["score"].tolist() == ours["score"].tolist()
        assert told["decision"].tolist() == ours["decision"].tolist()

        # Another cut-off is another model, whose decisions differ: a version of its own.
        fresh.params({"decision": {"cost_bad_accepted": 4}})
        select(board[1])
        assert [version(c, "champion") for c in (here, there)] == ["3", "3"]
        fresh.params({"decision": {"cost_bad_accepted": 5}})

        # Back to the first: the same artifact, so no fourth version.
        select("auto")
        for client in (here, there):
            assert version(client, "champion") == "1"
            assert version(client, "previous") == "3"
            assert len(client.search_model_versions(f"name = '{registry.NAME}'")) == 3


def test_the_store_lies_in_what_stays(tmp_path: Path):
    project = tmp_path / "repo"
    inner = project / ".dvc/tmp/exps/standalone/tmp1"
    (inner / ".dvc").mkdir(parents=True)
    assert find_store(inner).folder == project / ".dvc/mlflow"
    assert is_temporary(inner)
    assert not is_temporary(project)
    assert find_store(tmp_path) is None
    run = lambda *c: subprocess.run(c, cwd=project, check=True, capture_output=True)  # noqa: E731
    run("git", "init", "-q")
    (project / ".dvc/config").write_text("")
    run("git", "add", ".dvc/config")
    run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "x")
    run("git", "worktree", "add", "-q", str(tmp_path / "other"))
    assert find_store(tmp_path / "other").folder == project / ".dvc/mlflow"


def test_addresses_are_shown_without_secrets():
    user = ":".join(["u", "p"])
    assert without_secrets(f"https://{user}@host/x?token=1") == "https://host/x"


def test_mirror_without_an_address_says_so(built: Project):
    done = built.command("mirror")
    assert done.code == 2
    assert done.err.startswith("error: environment: MLFLOW_TRACKING_URI: not set.")

"""The pipeline is declarative for real: what runs, when, and on what."""

import json
import re
from pathlib import Path

import joblib
import pandas as pd
import pytest
import yaml

from tests.support.audit import covered, declared_params, opened
from tests.support.project import ROOT, SMALL, Project, new_project

ALGOS = list(SMALL["algorithms"])
DOWNSTREAM_OF_XGB = ["train@xgb", "train@vote", "select", "evaluate"]


def test_everything_is_built_from_nothing_without_cache_or_remote(built: Project):
    outs = [out["path"] for entry in built.lock().values() for out in entry["outs"]]
    assert all((built.folder / out).exists() for out in outs)
    stages = ["ingest", "prepare", "eda", "featurize", *(f"train@{a}" for a in ALGOS)]
    assert sorted(built.lock()) == sorted([*stages, "select", "evaluate"])


def test_second_repro_runs_nothing(built: Project):
    done = built.dvc("repro")
    assert done.ran == []
    assert "up to date" in done.out
    assert built.run("git", "status", "--porcelain").out == ""


def test_two_rebuilds_give_the_same_bytes(built: Project, tmp_path: Path):
    again = new_project(tmp_path / "again", SMALL)
    # Another hash seed, two processes instead of one, one thread.
    again.dvc("repro", PYTHONHASHSEED="2", LOKY_MAX_CPU_COUNT="2", OMP_NUM_THREADS="1")
    assert again.lock() == built.lock()


@pytest.mark.parametrize("stage", ["ingest", "prepare", "eda", "featurize", "select", "evaluate"])
def test_stage_opens_only_what_is_declared(built: Project, stage: str):
    _assert_hermetic(built, stage)


@pytest.mark.parametrize("algo", ALGOS)
def test_train_opens_only_what_is_declared(built: Project, algo: str):
    _assert_hermetic(built, f"train@{algo}")


def _assert_hermetic(built: Project, stage: str) -> None:
    entry = built.lock()[stage]
    deps = [dep["path"] for dep in entry["deps"]]
    outs = [out["path"] for out in entry["outs"]]
    params = declared_params(entry)
    found = opened(built.folder.parent / "audit.log", built.folder)[stage]

    param_files = ["params.yaml", "creditrisk/algorithms.yaml"]
    undeclared = {n for n in found.read if not covered(n, deps + outs + param_files)}
    assert undeclared == set()
    # A file is written under a passing name beside its place.
    targets = {re.sub(r"/\.([^/]+)\.\w{8}\.part$", r"/\1", n) for n in found.write}
    assert {n for n in targets if not covered(n, outs)} == set()
    assert {p for p in found.param if not _declared(p, params)} == set()
    # And the other way round: what is declared is really used.
    code = [d for d in deps if d.startswith(("stages/", "creditrisk/"))]
    assert [d for d in code if not any(covered(n, [d]) for n in found.read)] == []
    used = {d for d in params for p in found.param if _declared(p, {d}) or _declared(d, {p})}
    assert params - used == set()


def _declared(param: str, declared: set[str]) -> bool:
    return any(param == d or param.startswith(f"{d}.") for d in declared)


def test_hook_sees_an_undeclared_file_and_parameter(fresh: Project, tmp_path: Path):
    """The hermetic tests can fail: a stage that peeks is caught."""
    script = fresh.folder / "stages/featurize.py"
    peek = 'open("params.yaml").read(); open("Makefile").read(); read_params("params.yaml", Peek)'
    before, marker, after = script.read_text().partition("    params = read_params")
    peek = f"    class Peek(Strict):\n        seed: int\n\n    {peek}\n"
    script.write_text(before + peek + marker + after)
    log = tmp_path / "audit.log"
    hook = str(ROOT / "tests/support/audit_hook")
    done = fresh.stage("featurize", AUDIT_LOG=str(log), PYTHONPATH=hook, DVC_STAGE="featurize")
    assert done.code == 0, done.err
    found = opened(log, fresh.folder)["featurize"]
    assert "Makefile" in found.read
    assert "seed" in found.param


def test_change_in_xgb_block_reruns_only_its_branch(fresh: Project):
    fresh.params({"algorithms": {"xgb": {"n_estimators": 11, "max_depth": 2}}})
    assert fresh.dvc("repro").ran == DOWNSTREAM_OF_XGB


def test_change_in_a_registry_entry_reruns_only_its_branch(fresh: Project):
    registry = fresh.folder / "creditrisk/algorithms.yaml"
    tree = yaml.safe_load(registry.read_text())
    tree["algorithms"]["knn"]["label"] = "nearest neighbours"
    registry.write_text(yaml.safe_dump(tree, sort_keys=False))
    done = fresh.dvc("repro")
    assert "train@knn" in done.ran
    assert not {f"train@{a}" for a in ALGOS if a != "knn"} & set(done.ran)


def test_an_entry_and_a_block_make_a_candidate(fresh: Project):
    """Adding an algorithm touches the registry, its place and params.yaml, and nothing else."""
    registry = fresh.folder / "creditrisk/algorithms.yaml"
    tree = yaml.safe_load(registry.read_text())
    tree["algorithms"]["nb"] = {
        "label": "naive Bayes",
        "family": "single",
        "estimator": "sklearn.naive_bayes.GaussianNB",
        "fixed": {},
        "simplicity": 2,
    }
    registry.write_text(yaml.safe_dump(tree, sort_keys=False))
    fresh.params({"algorithms": {"nb": {"encoder": "onehot", "var_smoothing": 0.01}}})
    said = fresh.command("check")
    assert said.code == 2
    assert "creditrisk/algorithms/nb/place.yaml: file: not found" in said.err
    folder = fresh.folder / "creditrisk/algorithms"
    place = (folder / "lr/place.yaml").read_text()
    (folder / "nb").mkdir()
    (folder / "nb/place.yaml").write_text(place)
    assert "Copy that of another single algorithm" in fresh.command("check").err
    (folder / "nb/place.yaml").write_text(place.replace("algorithms.lr", "algorithms.nb"))
    assert fresh.command("check").code == 0
    done = fresh.dvc("repro", "select")
    assert "train@nb" in done.ran
    assert not {f"train@{a}" for a in ALGOS if a != "vote"} & set(done.ran)
    board = pd.read_csv(fresh.folder / "plots/leaderboard.csv")
    assert "nb" in set(board["algorithm"])


def test_change_in_evaluate_reruns_only_evaluate(fresh: Project):
    with open(fresh.folder / "creditrisk/evaluate/measure.py", "a") as code:
        code.write("# A change.\n")
    assert fresh.dvc("repro").ran == ["evaluate"]


def test_change_in_a_module_of_eda_reruns_from_eda_on(fresh: Project):
    module = fresh.folder / "creditrisk/eda/adjust.py"
    old = ", q3 + factor * (q3 - q1)"
    assert old in module.read_text()
    module.write_text(module.read_text().replace(old, ", q3 + 0.5 * factor * (q3 - q1)"))
    done = fresh.dvc("repro", "train@dt")
    assert done.ran == ["eda", "featurize", "train@dt"]


def test_another_cost_matrix_refits_nothing(fresh: Project):
    done = fresh.dvc("exp", "run", "-S", "decision.cost_bad_accepted=4")
    assert done.ran == ["select", "evaluate"]
    found = json.loads((fresh.folder / "metrics/select.json").read_text())
    assert found["threshold"] == pytest.approx(1 / 5)


def test_experiments_rerun_only_what_they_touch(fresh: Project):
    assert fresh.dvc("exp", "run", "-S", "model=xgb").ran == ["select", "evaluate"]
    assert json.loads((fresh.folder / "metrics/evaluate.json").read_text())["algorithm"] == "xgb"
    done = fresh.dvc("exp", "run", "-S", "algorithms.xgb.max_depth=4")
    assert done.ran == DOWNSTREAM_OF_XGB
    best = json.loads((fresh.folder / "metrics/train/xgb.json").read_text())["best_params"]
    assert best["max_depth"] == 4


def test_champion_loads_with_public_libraries_alone(built: Project, tmp_path: Path):
    test = pd.read_parquet(built.folder / "data/processed/test.parquet")
    test.to_parquet(tmp_path / "frame.parquet")
    # From another folder: no package of ours is to be found there.
    Project(tmp_path).run(
        "python", "-I", "-c",
        "import joblib, pandas, sys; frame = pandas.read_parquet('frame.parquet');"
        f"model = joblib.load({str(built.folder / 'models/champion.joblib')!r});"
        "assert not [m for m in sys.modules if m.startswith('creditrisk')];"
        "joblib.dump(model.predict_proba(frame)[:, 1], 'pd.joblib')",
    )  # fmt: skip
    alone = joblib.load(tmp_path / "pd.joblib")
    ours = joblib.load(built.folder / "models/champion.joblib").predict_proba(test)[:, 1]
    assert (alone == ours).all()


def test_contract_of_the_metrics(built: Project):
    of_pds = {"roc_auc", "gini", "ks", "average_precision", "brier", "log_loss"}
    names = of_pds | {"accuracy", "precision", "recall", "f1", "gmean", "expected_cost"}
    found = json.loads((built.folder / "metrics/evaluate.json").read_text())
    for part in ("test", "train", "cv", "gap"):
        assert names <= set(found[part])
    assert all(low <= high for low, high in found["test"]["ci"].values())
    assert found["gap"]["brier"] == pytest.approx(found["train"]["brier"] - found["test"]["brier"])
    for algo in ALGOS:
        one = json.loads((built.folder / f"metrics/train/{algo}.json").read_text())
        assert {"cv", "cv_std", "train", "best_params", "candidates"} <= set(one)
        # The cut-off belongs to select: train judges PDs alone.
        assert set(one["cv"]) == set(one["train"]) == of_pds
        oof = pd.read_parquet(built.folder / f"data/oof/{algo}.parquet")
        assert list(oof) == ["row_id", "repeat", "fold", "bad", "pd"]
        assert oof["pd"].between(0, 1).all()
        assert not oof.duplicated(["row_id", "repeat"]).any()
    described = json.loads((built.folder / "models/champion.json").read_text())
    assert {
        "algorithm", "params", "threshold", "metrics", "features", "adjustments", "schema",
        "training_rows", "data_sha256", "created_by", "baseline", "self_check",
    } <= set(described)  # fmt: skip
    board = pd.read_csv(built.folder / "plots/leaderboard.csv")
    assert names <= set(board)


def test_leaderboard_is_in_order_and_the_best_is_champion(built: Project):
    board = pd.read_csv(built.folder / "plots/leaderboard.csv")
    assert board["score"].is_monotonic_decreasing
    chosen = json.loads((built.folder / "metrics/select.json").read_text())["algorithm"]
    assert board.loc[0, "algorithm"] == chosen


def test_no_output_names_this_machine(built: Project):
    for path in [*built.folder.glob("metrics/**/*.json"), *built.folder.glob("models/*.json")]:
        assert str(built.folder) not in path.read_text()
        assert str(Path.home()) not in path.read_text()

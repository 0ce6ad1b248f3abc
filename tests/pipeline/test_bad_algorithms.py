"""A wrong algorithm or a wrong value in its block: exit 2 and the one line, at once."""

import pandas as pd
import pytest
import yaml

from creditrisk.metrics.leakage import leakage_warning
from tests.support.project import Project

BLOCKS = {
    "misspelt": ("xgb", {"max_dept": 4}, ["algorithms.xgb.max_dept", "max_depth"]),
    "misspelt choice": ("lr", {"encodr": "onehot"}, ["algorithms.lr.encodr", "encoder"]),
    "unknown encoder": ("lr", {"encoder": "one-hot"}, ["algorithms.lr.encoder", "onehot"]),
    "unknown resampler": ("lr", {"resample": ["none", "smoot"]}, ["lr.resample", "smote"]),
    "wrong type": ("rf", {"n_estimators": "many"}, ["algorithms.rf.n_estimators", "many"]),
    "wrong type, XGBoost": ("xgb", {"max_depth": "deep"}, ["xgb.max_depth", "deep"]),
    "out of range": ("dt", {"max_depth": -1}, ["algorithms.dt.max_depth", "-1"]),
    "out of range, XGBoost": ("xgb", {"subsample": 7.0}, ["algorithms.xgb", "subsample"]),
    "empty list": ("lr", {"C": []}, ["algorithms.lr.C", "empty"]),
    "unknown member": ("vote", {"members": ["lr", "rff"]}, ["algorithms.vote.members", "rf"]),
    "member twice": ("vote", {"members": ["lr", "lr"]}, ["algorithms.vote.members", "twice"]),
    "misspelt, ensemble": ("vote", {"member": ["lr"]}, ["algorithms.vote.member", "members"]),
}


def _is_the_one_line(done, *words: str) -> None:
    assert done.code == 2, done.out + done.err
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("error: params.yaml: ")
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize("case", BLOCKS)
def test_wrong_block(fresh: Project, case: str):
    algo, block, words = BLOCKS[case]
    fresh.params({"algorithms": {algo: block}})
    _is_the_one_line(fresh.stage("train", algo, LOKY_MAX_CPU_COUNT="1"), *words)


def test_unknown_algorithm_as_model(fresh: Project):
    fresh.params({"model": "xgbb"})
    _is_the_one_line(fresh.stage("select"), "model", "xgbb", "xgb")


def test_unknown_algorithm_as_a_stage(built: Project):
    done = built.stage("train", "xgbb")
    _is_the_one_line(done, "algorithms.xgbb", "xgb")


def test_more_folds_than_rows_of_a_class(fresh: Project):
    fresh.params({"train": {"folds": 241}})
    _is_the_one_line(fresh.stage("train", "lr"), "train.folds", "241", "240")


@pytest.mark.parametrize("name", ["outer_folds", "inner_folds"])
def test_more_nested_folds_than_rows_of_a_class(fresh: Project, name: str):
    fresh.params({"train": {name: 241}})
    _is_the_one_line(fresh.stage("train", "lr"), f"train.{name}", "241 folds")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"train": {"scorng": "roc_auc"}}, ["train.scorng", "scoring"]),
        ({"train": {"scoring": "auc"}}, ["train.scoring", "auc"]),
        ({"preprocess": {"numeric_impute": "zero"}}, ["preprocess.numeric_impute", "zero"]),
        ({"seed": "x"}, ["seed"]),
    ],
)
def test_wrong_parameter_of_train(fresh: Project, block: dict, words: list[str]):
    fresh.params(block)
    _is_the_one_line(fresh.stage("train", "lr"), *words)


def test_wrong_cost_is_refused_where_the_cut_off_is_chosen(fresh: Project):
    fresh.params({"decision": {"cost_bad_accepted": -1}})
    assert fresh.stage("train", "lr", LOKY_MAX_CPU_COUNT="1").code == 0
    _is_the_one_line(fresh.stage("select"), "decision.cost_bad_accepted")


def test_leak_is_named_loudly(fresh: Project):
    """A column that is the outcome in another dress: the warning names it."""
    path = fresh.folder / "data/processed/train.parquet"
    frame = pd.read_parquet(path)
    frame["age"] = frame["bad"] * 10.0 + 20
    frame.to_parquet(path, index=False)
    done = fresh.stage("train", "dt", LOKY_MAX_CPU_COUNT="1")
    assert done.code == 0, done.err
    assert "WARNING" in done.err
    assert "age" in done.err


@pytest.mark.parametrize(
    ("auc", "word"), [(0.5, None), (0.4999, "worse"), (0.95, None), (0.96, "b")]
)
def test_an_auc_below_chance_is_told_as_one_too_good_is(auc, word):
    frame = pd.DataFrame({"bad": [0, 0, 1, 1], "a": [1, 2, 1, 2], "b": [1, 2, 3, 4]})
    told = leakage_warning(auc, frame, ["a", "b"], "the test")
    assert (told is None) == (word is None)
    if word:
        assert word in told.replace(",", "").split(), told


def test_perceptron_that_stops_early_says_so(fresh: Project):
    block = {"encoder": "onehot", "hidden_layer_sizes": [[4]], "max_iter": 3}
    fresh.params({"algorithms": {"mlp": block}})
    done = fresh.stage("train", "mlp", LOKY_MAX_CPU_COUNT="1")
    assert done.code == 0, done.err
    assert "max_iter" in done.err


def test_tampered_member_is_refused_before_it_is_loaded(fresh: Project):
    planted = fresh.folder / "planted"
    model = fresh.folder / "data/candidates/single/rf/model.joblib"
    model.unlink()
    # An old pickle that would make a file when loaded.
    model.write_bytes(f"cbuiltins\nopen\n(S'{planted}'\nS'w'\ntR.".encode())
    done = fresh.stage("train", "vote")
    assert done.code == 2
    assert "model.joblib" in done.err
    assert not planted.exists()


@pytest.mark.parametrize("name", ["zz; touch ran #", "zz'; touch ran; '", "zz$(touch ran)"])
def test_the_name_of_an_algorithm_never_reaches_a_shell(fresh: Project, name: str):
    registry = fresh.folder / "creditrisk/algorithms.yaml"
    tree = yaml.safe_load(registry.read_text())
    tree["algorithms"][name] = tree["algorithms"]["lr"]
    registry.write_text(yaml.safe_dump(tree))
    fresh.params({"algorithms": {name: {"C": 1.0}}})
    done = fresh.command("check")
    assert done.code == 2
    assert "not a name of an algorithm" in done.err
    fresh.run("dvc", "repro", f"train@{name}")
    assert not list(fresh.folder.rglob("ran"))

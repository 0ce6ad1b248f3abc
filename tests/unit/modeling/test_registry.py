"""The registry of algorithms: a block as a grid, and values checked before anything is fitted."""

import pytest
import yaml

from creditrisk.core.errors import InputError
from creditrisk.modeling import registry
from creditrisk.modeling.blocks import grid, model_params
from creditrisk.modeling.registry import algorithm, names


def test_lists_are_searched_and_single_values_fixed():
    candidates = grid("lr", {"encoder": ["onehot", "woe"], "C": [0.1, 1.0], "tol": 0.01}, 1)
    assert len(candidates) == 4
    assert {(c["encoder"], c["C"]) for c in candidates} == {
        ("onehot", 0.1), ("onehot", 1.0), ("woe", 0.1), ("woe", 1.0),
    }  # fmt: skip
    assert {(c["tol"], c["resample"]) for c in candidates} == {(0.01, "none")}


def test_list_in_a_list_is_one_value():
    candidates = grid("mlp", {"hidden_layer_sizes": [[8, 4], [16]]}, 1)
    assert [model_params(c)["hidden_layer_sizes"] for c in candidates] == [(8, 4), (16,)]


@pytest.mark.parametrize("name", names())
def test_every_entry_builds_its_estimator_seeded(name):
    if algorithm(name).family == "single":
        given = algorithm(name).build(seed=7).get_params()
        assert given.get("random_state", 7) == 7


@pytest.mark.parametrize(
    "block",
    [{"booster": "dart"}, {"grow_policy": "lossguide"}, {"max_depth": [2, None]}, {"gamma": 0.1}],
)
def test_values_that_xgboost_takes_are_taken(block):
    assert grid("xgb", block, 1)


@pytest.mark.parametrize("key", ["max_depth", "subsample", "learning_rate", "n_estimators"])
def test_text_where_xgboost_needs_a_number_is_refused(key):
    with pytest.raises(
        InputError, match=rf"algorithms\.xgb\.{key}: expected a number, got the text 'four'"
    ):
        grid("xgb", {key: [1, "four"]}, 1)


@pytest.mark.parametrize(
    ("key", "values", "cause"),
    [
        ("max_depth", [2, 2.5], "'2.5'"),
        ("max_depth", [-1], "value -1 .* greater equal to 0"),
        ("n_estimators", [100, 20.5], "20.5"),
        ("n_estimators", [-1], "-1"),
        ("max_bin", [64, 1], "Check failed: max_bin >= 2"),
    ],
)
def test_value_that_only_a_fit_refuses_is_told_before(key, values, cause):
    with pytest.raises(InputError, match=rf"algorithms\.xgb\.{key}: can't be fitted: .*{cause}"):
        grid("xgb", {"subsample": [0.5, 1.0], key: values}, 1)


@pytest.mark.parametrize(
    ("name", "key"),
    [("xgb", "n_estimators"), ("rf", "n_estimators"), ("dt", "max_depth"), ("lr", "C")],
)
def test_true_where_a_number_belongs_is_refused(name, key):
    with pytest.raises(
        InputError, match=rf"algorithms\.{name}\.{key}: expected a number, got true"
    ):
        grid(name, {key: [1, True]}, 1)


@pytest.mark.parametrize(
    ("name", "key"), [("rf", "bootstrap"), ("lr", "fit_intercept"), ("mlp", "early_stopping")]
)
def test_flags_are_flags(name, key):
    assert grid(name, {key: [True, False]}, 1)


@pytest.mark.parametrize("key", ["n_jobs", "tree_method", "random_state"])
def test_what_is_fixed_is_not_for_the_block(key):
    with pytest.raises(InputError, match="unknown parameter"):
        grid("xgb", {key: 1}, 1)


def registry_of(monkeypatch, tmp_path, entries):
    """Use a registry with these entries instead of the real one."""
    (tmp_path / "algorithms.yaml").write_text(yaml.safe_dump({"algorithms": entries}))
    monkeypatch.setattr(registry.resources, "files", lambda package: tmp_path)


ENTRY = {"label": "x", "family": "single", "fixed": {}, "simplicity": 1}


@pytest.mark.parametrize(
    "path",
    [
        "subprocess.getoutput", "os.system", "builtins.eval", "subprocess.Popen",
        "sklearn.base.clone", "sklearn.linear_model.LogisticRegressio", "nowhere.at.all", "", "x",
    ],
)  # fmt: skip
def test_only_a_class_of_estimators_is_called(monkeypatch, tmp_path, path):
    fixed = {"cmd": f"touch {tmp_path}/ran", "args": f"touch {tmp_path}/ran"}
    registry_of(monkeypatch, tmp_path, {"lr": ENTRY | {"estimator": path, "fixed": fixed}})
    with pytest.raises(InputError, match=r"estimator: .*: ?(not a class of|no such class)"):
        grid("lr", {}, 1)
    assert not (tmp_path / "ran").exists()


def test_a_fixed_value_that_the_estimator_does_not_take_is_one_line(monkeypatch, tmp_path):
    entry = ENTRY | {"estimator": "sklearn.svm.SVC", "fixed": {"depth": 3}}
    registry_of(monkeypatch, tmp_path, {"svc": entry})
    with pytest.raises(InputError, match=r"does not take a fixed value: .*depth"):
        grid("svc", {}, 1)


@pytest.mark.parametrize("name", ["zz; touch X #", "$(touch X)", "../up", "a b", "it's", "", 7])
def test_a_name_that_is_no_name_is_refused(monkeypatch, tmp_path, name):
    entry = ENTRY | {"estimator": "sklearn.svm.SVC"}
    registry_of(monkeypatch, tmp_path, {"svc": entry, name: entry})
    with pytest.raises(InputError, match="not a name of an algorithm"):
        names()


def test_an_unknown_field_of_an_entry_is_one_line(monkeypatch, tmp_path):
    entry = ENTRY | {"estimator": "sklearn.svm.SVC", "famly": "x"}
    registry_of(monkeypatch, tmp_path, {"svc": entry})
    with pytest.raises(InputError, match=r"algorithms\.svc\.famly: unknown parameter"):
        algorithm("svc")


@pytest.mark.parametrize("path", ["evil.X", "..x", ".a.b", "this.s", "sklearn..svm.SVC", "a b.C"])
def test_no_module_of_another_package_is_run(monkeypatch, tmp_path, capsys, path):
    (tmp_path / "evil.py").write_text("open('ran', 'w')\nclass X: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    registry_of(monkeypatch, tmp_path, {"svc": ENTRY | {"estimator": path}})
    with pytest.raises(InputError, match=r"estimator: .*: not a class of sklearn"):
        grid("svc", {}, 1)
    assert not (tmp_path / "ran").exists()
    assert capsys.readouterr().out == ""

"""`make check`: every number at the edge, and every name that collides, is refused where it is."""

import copy
import math
import re
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.groups import Bins, FairnessParams, groups_of
from creditrisk.champion.points import ScorecardParams
from creditrisk.core.errors import InputError
from creditrisk.core.yaml_text import parse_yaml
from creditrisk.eda.adjust import EdaParams, apply, learn
from creditrisk.metrics.costs import DecisionParams, Sample, choose_threshold, expected_cost
from creditrisk.metrics.intervals import stratified_draws
from creditrisk.modeling.blocks import grid, model_params
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.registry import algorithm, names
from creditrisk.modeling.resample import RESAMPLERS
from creditrisk.modeling.sample import search_sample
from creditrisk.monitor.judge import judge
from creditrisk.monitor.params import MonitorParams
from creditrisk.prepare.gates import check_quality_gates
from creditrisk.train.train_folds import OUTER_SEED
from creditrisk.workflow.check import check
from tests.support.defects import ROOT
from tests.support.small_data import SMALL, clean, params, raw_of, small_clean
from tests.support.watching import counted, reference, window

TREE = parse_yaml((ROOT / "params.yaml").read_text(encoding="utf-8"), "params.yaml")
# All numbers that there may be, also those that the default leaves out.
TREE["decision"] |= {"amount_column": "amount", "loss_given_default": 0.45, "margin": 0.1}
EDGES = (-1, 0, math.inf, math.nan, 2**64)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def numbers(value, place=()):
    """The place of each number in a tree."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return [place] if is_number else []
    return list(chain.from_iterable(numbers(part, (*place, key)) for key, part in parts))


def with_value(place, value) -> dict:
    tree = copy.deepcopy(TREE)
    here = tree
    for part in place[:-1]:
        here = here[part]
    here[place[-1]] = value
    return tree


def parameter(place) -> str:
    # The positions in a list are left out, numbers of rows are not.
    return ".".join(str(part) for part in place if isinstance(part, str) or part > 100)


def plain(place) -> str:
    """The parameter, without the number of rows above which it holds."""
    return re.sub(r"when_rows_above\.\d+\.", "", parameter(place))


def prepares(**rules) -> bool:
    done = clean(raw_of(small_clean(60, 1).to_dict("records"), SMALL), SMALL, **rules)
    check_quality_gates(done.summary, params(**rules), "params.yaml")
    return len(done.clean) == 60


def adjusts(**rules) -> bool:
    table = clean(raw_of(small_clean(60, 1).to_dict("records"), SMALL), SMALL).clean
    adjusted = apply(table, learn(table, SMALL, EdaParams(**rules)))
    return adjusted.equals(table)


def fits(name: str, **values) -> bool:
    rng = np.random.default_rng(0)
    rows, bad = rng.normal(size=(40, 6)), np.tile([0, 1], 20)
    model = algorithm(name).build(7).set_params(**values)
    few = {key: 3 for key in ("n_estimators", "max_rounds") if key in model.get_params()}
    model.set_params(**few)
    scores = model.fit(rows, bad)
    out = scores.predict_proba(rows) if hasattr(model, "predict_proba") else scores.predict(rows)
    return bool(np.isfinite(out).all())


def samples(rows: int) -> bool:
    frame = pd.DataFrame({"applicant": np.arange(40), "bad": np.tile([0, 1], 20)})
    return search_sample(frame, rows, 1) is frame


def makes_points(**values) -> bool:
    scale = ScorecardParams(**(TREE["scorecard"] | values))
    points = scale.points(np.array([0.0, 0.02, 1.0]))
    return bool(np.isfinite(points).all()) and bool((np.diff(points) < 0).all())


def groups(bins: list[float]) -> bool:
    ages = pd.Series([18.0, 30.0, 61.0, math.nan])
    found = groups_of("age", ages, Bins(bins=bins), SMALL)
    return found.notna().all() and len(found.cat.categories) == len(bins) + 2


def refers_for(cost: float) -> bool:
    """All are referred, for the cost of their referral."""
    one = Sample(np.array([0, 1]), np.array([0.1, 0.9]), None, np.array([True, True]))
    costs = DecisionParams(**(TREE["decision"] | {"amount_column": None, "cost_referred": cost}))
    priced = replace(one, costs=costs.costs(pd.DataFrame(index=range(2))))
    return expected_cost(priced, 0.5) == cost


def judges(**values) -> bool:
    """Without drift and a least size, there is no alarm all the same; with drift there is."""
    rules = MonitorParams(**(TREE["monitor"] | values))
    drifted = window(200, 1).assign(hoehe="18000")
    quiet, loud = (judge(counted(rows), reference(), rules) for rows in (window(200, 1), drifted))
    return not quiet.found and bool(loud.found)


# What is a sound value at the edge, and that the code which uses it copes with it.
SOUND = {
    ("seed", 0): lambda: fits("rf", random_state=0),
    ("prepare.near_duplicate_min_cells", 2**64): lambda: prepares(near_duplicate_min_cells=2**64),
    ("prepare.near_duplicate_max_expected_matches", 2**64): lambda: prepares(
        near_duplicate_max_expected_matches=2**64
    ),
    ("prepare.max_rejected_share", 0): lambda: prepares(max_rejected_share=0),
    ("prepare.max_missing_share", 0): lambda: prepares(max_missing_share=0),
    ("eda.cap_iqr_factor", 2**64): lambda: adjusts(cap_iqr_factor=2**64),
    ("eda.rare_level_share", 0): lambda: adjusts(rare_level_share=0),
    ("algorithms.xgb.learning_rate", 0): lambda: fits("xgb", learning_rate=0),
    ("algorithms.xgb.max_depth", 0): lambda: fits("xgb", max_depth=0),
    ("algorithms.xgb.subsample", 0): lambda: fits("xgb", subsample=0),
    ("algorithms.xgb.colsample_bytree", 0): lambda: fits("xgb", colsample_bytree=0),
    ("train.search_rows", 2**64): lambda: samples(2**64),
    ("train.search_cells", 2**64): lambda: samples(2**64 // 3),
    ("algorithms.lgbm.min_child_samples", 0): lambda: fits("lgbm", min_child_samples=0),
    ("algorithms.lgbm.subsample_freq", -1): lambda: fits("lgbm", subsample_freq=-1),
    ("algorithms.lgbm.subsample_freq", 0): lambda: fits("lgbm", subsample_freq=0),
    ("algorithms.ebm.inner_bags", 0): lambda: fits("ebm", inner_bags=0, outer_bags=1),
    ("algorithms.ebm.early_stopping_rounds", 0): lambda: fits("ebm", early_stopping_rounds=0),
    ("algorithms.ebm.interactions", 0): lambda: fits("ebm", interactions=0, outer_bags=1),
    ("algorithms.mlp.alpha", 0): lambda: fits("mlp", alpha=0, solver="lbfgs"),
    ("algorithms.svc.gamma", 0): lambda: fits("svc", gamma=0),
    ("scorecard.base_points", -1): lambda: makes_points(base_points=-1),
    ("scorecard.base_points", 0): lambda: makes_points(base_points=0),
    ("fairness.age.bins", -1): lambda: groups([-1, 60]),
    ("scorecard.digits", 0): lambda: makes_points(digits=0),
    ("decision.cost_referred", 0): lambda: refers_for(0),
    ("fairness.min_ratio", 0): lambda: FairnessParams(min_ratio=0).min_ratio == 0,
    ("monitor.psi", 0): lambda: judges(psi=0),
    ("monitor.share", 0): lambda: judges(share=0),
    ("monitor.auc_drop", 0): lambda: judges(auc_drop=0),
    ("fairness.age.bins", 0): lambda: groups([0, 60]),
    ("fairness.age.bins", 2**64): lambda: groups([25, 2**64]),
}
# In a list of edges, the order decides.
DISORDER = {(1, -1), (1, 0), (0, 2**64)}


@pytest.mark.slow
@pytest.mark.parametrize("place", numbers(TREE), ids=lambda p: ".".join(map(str, p)))
def test_a_number_at_the_edge_is_refused_by_name_or_sound(place):
    refused = 0
    for value in EDGES:
        disorder = place[-2:-1] == ("bins",) and (place[-1], value) in DISORDER
        if (plain(place), value) in SOUND and not disorder:
            assert check(with_value(place, value), "params.yaml") > 0
            assert SOUND[plain(place), value]()
            continue
        with pytest.raises(InputError) as caught:
            check(with_value(place, value), "params.yaml")
        line = str(caught.value)
        assert line.startswith(f"params.yaml: {parameter(place)}"), line
        assert "\n" not in line
        refused += 1
    assert refused >= 2  # at least .inf and .nan


def test_the_numbers_of_all_blocks_were_tried():
    blocks = {place[0] for place in numbers(TREE)}
    assert blocks == {"seed", "split", "prepare", "eda", "train", "algorithms", "decision",
                      "scorecard", "fairness", "grades", "monitor"}  # fmt: skip
    assert len(numbers(TREE)) > 40


@pytest.mark.parametrize("word", [".inf", "-.inf", ".nan", "1e999", "2020-01-01", "{a: 1}"])
@pytest.mark.parametrize(
    "text", ["algorithms: {lr: {C: WORD}}", "algorithms: {mlp: {hidden_layer_sizes: [[WORD]]}}"]
)
def test_what_is_no_number_in_a_grid_is_refused_by_name(text, word):
    ((name, block),) = parse_yaml(text.replace("WORD", word), "x")["algorithms"].items()
    tree = copy.deepcopy(TREE)
    tree["algorithms"][name] |= block
    with pytest.raises(InputError, match=rf"params\.yaml: algorithms\.{name}\.{next(iter(block))}"):
        check(tree, "params.yaml")


@pytest.mark.parametrize("value", [[["onehot"]], {"a": 1}, True, 1])
def test_a_choice_of_a_wrong_type_is_refused_by_name(value):
    with pytest.raises(InputError, match=r"algorithms\.lr\.encoder: "):
        grid("lr", {"encoder": value}, 1)
    with pytest.raises(InputError, match=r"algorithms\.lr\.bins: unknown bins 4\.0"):
        grid("lr", {"bins": 4.0}, 1)


def test_the_largest_seed_is_one_that_all_libraries_take():
    seed = 2**31 - 1
    bad = np.tile([0, 1], 20)
    assert check(with_value(("seed",), seed), "params.yaml") > 0
    for name in names():
        if algorithm(name).family == "single":
            values = grid(name, TREE["algorithms"][name], seed)[0]
            assert fits(name, **model_params(values))
            assert algorithm(name).build(seed).get_params().get("random_state", seed) == seed
    assert len(make_folds(bad, np.arange(40), 2, 100, seed + OUTER_SEED)) == 200
    assert [len(draw) for draw in stratified_draws(bad, 3, seed)] == [40] * 3
    rng = np.random.default_rng(0)
    for name in set(RESAMPLERS) - {"none", "smotenc"}:
        RESAMPLERS[name](seed, 1, []).fit_resample(rng.normal(size=(30, 3)), bad[:30] * bad[10:])


@pytest.mark.parametrize(("bad_accepted", "good_rejected"), [(1e15, 1e-9), (1e-9, 1e15)])
def test_costs_at_their_bounds_give_a_finite_cut_off(bad_accepted, good_rejected):
    costs = {"cost_bad_accepted": bad_accepted, "cost_good_rejected": good_rejected}
    frame = pd.DataFrame({"x": np.linspace(0, 1, 20)})
    for rule in ("theory", "oof"):
        decision = DecisionParams(threshold=rule, **costs)
        sample = Sample(np.tile([0, 1], 10), frame["x"].to_numpy(), decision.costs(frame))
        assert 0 < choose_threshold(sample, decision) <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("bad", "reserved"), ("row_id", "reserved"), ("split", "reserved"),
        ("original.amount", "reserved"), ("Bad", "reserved"), (" ", "empty"),
        ("amount", "already has"), ("laufkont", "already has"), ("kredit", "already has"),
        ("bur\u200bden", "does not show"), ("bur\x1b[1mden", "does not show"),
    ],
)  # fmt: skip
def test_a_derived_column_with_a_name_that_is_taken_or_hidden_is_refused_by_name(name, problem):
    tree = copy.deepcopy(TREE)
    tree["featurize"]["derived"] = {name: {"op": "ratio", "of": ["amount", "duration"]}}
    with pytest.raises(InputError) as caught:
        check(tree, "params.yaml")
    shown = " ".join(f"params.yaml: featurize.derived.{name}:".split()).replace("\u200b", " ")
    assert str(caught.value).startswith(shown.replace("\x1b", " "))
    assert problem in str(caught.value)
    assert str(caught.value).isprintable()


def test_two_forms_of_one_name_in_the_parameters_are_refused():
    tree = copy.deepcopy(TREE)
    tree["fairness"] = {"caf\u00e9": "levels", "cafe\u0301": "levels"}
    with pytest.raises(InputError, match=r"params\.yaml: fairness: two of its names read the same"):
        check(tree, "params.yaml")


def test_fairness_groups_with_near_edges_have_labels_of_their_own():
    values = pd.Series([999_999.0, 1_000_001.5, 1_000_003.0])
    found = groups_of("age", values, Bins(bins=[1_000_001, 1_000_002]), SMALL)
    assert found.tolist() == ["under 1000001", "1000001 to 1000002", "over 1000002"]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("algorithms",), {}, "algorithms: no block, so no algorithm runs"),
        (("algorithms", "xgb", "monotone"), True, "xgb.monotone: it is for bins, and there are"),
        (("algorithms", "xgb", "when_rows_above"), {10: {}, "10": {}}, "above: 10 stands twice"),
        (("algorithms", "xgb", "when_rows_above"), [], "when_rows_above: not a map"),
        (("train", "when_rows_above"), {9: {"fold": 3}}, "9.fold: unknown.* Did you mean folds"),
    ],
)
def test_what_would_be_ignored_is_refused_by_name(place, value, words):
    with pytest.raises(InputError, match=words):
        check(with_value(place, value), "params.yaml")

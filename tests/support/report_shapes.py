"""The report's inputs in every shape that changes its sentences or its charts."""

from dataclasses import replace

import pandas as pd

from creditrisk.champion.description import ChampionDescription
from creditrisk.metrics.performance import NAMES
from tests.support.report_results import EVIL, inputs


def without(given, *keys, **changes):
    selected = {k: v for k, v in given.selected.items() if k not in keys} | changes
    return replace(given, selected=selected)


def nobody_accepted(given):
    found = given.metrics["decisions"]
    rejected = found["accepted"] + found["rejected"]
    nobody = {"accepted": 0, "rejected": rejected, "approval_rate": 0.0, "bad_accepted": 0,
              "bad_rate_accepted": None, "bad_rate_accepted_ci": None}  # fmt: skip
    return replace(given, metrics=given.metrics | {"decisions": found | nobody})


def nobody_referred(given):
    rules = given.champion.referral
    none = {"missing": [], "most_missing": None, "levels": {}}
    champion = given.champion.model_copy(update={"referral": rules.model_copy(update=none)})
    return replace(given, champion=champion)


def split_by_time(given):
    """The test rows are the later ones, with an AUC that has risen; many variables have moved."""
    split = {"by": "time", "from": "2024-05-01", "early": 3, "undated": 2}
    moved = given.metrics["stability"] | {"auc_drop": -0.01}
    return replace(
        given,
        prepared=given.prepared | {"split_by": split},
        metrics=given.metrics | {"stability": moved},
        curves=given.curves | {"stability": pd.concat([given.curves["stability"]] * 6)},
    )


def second_of_the_board(given):
    """An ensemble is chosen although a single model has the better mean, by luck."""
    champion = given.champion.model_copy(
        update={"algorithm": given.board["algorithm"].iloc[1], "params": {"members": ["a", "b"]}}
    )
    pair = given.selected["two_best"] | {"more_than_luck": False}
    rows = {"train": 800, "search": 800, "fit": 500}
    changed = without(given, two_best=pair, rows=rows)
    optimism = given.selected["optimism"] | {"roc_auc": -0.01}
    return replace(without(changed, optimism=optimism), champion=champion)


def with_scorecard(given, digits=0):
    line = {"algorithm": given.champion.algorithm, "rows": 9, "bad_rate": 0.5, "woe": 0.1,
            "coefficient": -0.5, "points": 12.0, "kind": "bin", "reason_code": "R01"}  # fmt: skip
    lines = [
        ("amount", "under 2000"), ("amount", "from 2000 to under 3000"), ("amount", "from 3000"),
        ("amount", "missing"), ("status", "b"), ("status", "3 rare levels"),
        ("status", "any other level"),
        # More variables than there are charts of.
        *((f"v{number}", text) for number in range(13) for text in ("under 1", "from 1")),
    ]  # fmt: skip
    points = pd.DataFrame(
        line | {"variable": variable, "bin": text, "points": float(place * (variable != "status"))}
        for place, (variable, text) in enumerate(lines)
    )
    card = {"algorithm": given.champion.algorithm, "digits": digits, "threshold": 0.2,
            "cutoff_points": 501.25, "rows": 9, "largest_points": 2.5, "mean_points": 0.5,
            "largest_pd": 0.01, "decisions_changed": 3}  # fmt: skip
    return replace(given, points=points, selected=given.selected | {"scorecard": card})


def dirty(given):
    cells = given.prepared["cells"]
    counts = cells["amount"] | {"out_of_domain": 3, "special": 2}
    rows = {"together": 2, "by_chance": 5}
    prepared = {"cells": cells | {"amount": counts}, "equal_rows": rows}
    champion = given.champion.model_copy(
        update={
            "adjustments": {
                "caps": {"amount": {"low": 1.0, "high": 7.5}, "age": {"low": 18.0, "high": None}},
                "merges": {"status": {"into": "b", "levels": ["c"]}},
            }
        }
    )
    train = dict.fromkeys(("roc_auc",), 0.5)
    metrics = given.metrics | {
        "train": given.metrics["train"] | train,
        "gap": given.metrics["gap"] | {"roc_auc": -0.2},
        "importance_rows": given.champion.training_rows,
    }
    return replace(given, prepared=given.prepared | prepared, champion=champion, metrics=metrics)


def clean(given):
    """Nothing is wrong with the data, which say where they come from; another model is a card."""
    cells = {name: {"valid": 440} for name in given.prepared["cells"]}
    schema = given.champion.schema_ | {"source": "a bank", "licence": "CC0"}
    columns = {name: one | {"unit": []} for name, one in schema["columns"].items()}
    champion = given.champion.model_dump(by_alias=True) | {"schema": schema | {"columns": columns}}
    rejected = given.prepared["rejected"] | {"indeterminate": 9}
    pair = given.selected["two_best"] | {"more_than_luck": False}
    other = with_scorecard(without(given, two_best=pair), digits=2)
    return replace(
        other,
        points=other.points.assign(algorithm="another"),
        prepared=given.prepared | {"cells": cells, "rejected": rejected},
        champion=ChampionDescription.model_validate(champion),
    )


def calibrated(given, slope, large):
    ends = {"slope": slope, "in_the_large": large}
    shown = {name: {"value": sum(ci) / 2, "ci": ci} for name, ci in ends.items()}
    return given.metrics["calibration"] | shown


def cheap_to_accept(given):
    """The model saves for sure; its PDs are too low; no one measured how unsure its CV is."""
    base = given.metrics["baselines"] | {"accept_all": 0.9, "reject_all": 1.0, "champion": 0.1}
    test = given.metrics["test"]
    ci = test["ci"] | {"expected_cost": [0.05, 0.2]}
    changed = {
        "baselines": base,
        "test": test | {"ci": ci},
        "calibration": calibrated(given, [1.1, 1.9], [0.1, 0.4]),
    }
    without_nested = without(given, "nested", "optimism", cv_se=dict.fromkeys(NAMES))
    return replace(without_nested, metrics=given.metrics | changed)


def too_high(given):
    """The PDs are too high, and the nested estimate is outside the test's interval."""
    test = given.metrics["test"]
    changed = {
        "test": test | {"ci": test["ci"] | {"roc_auc": [0.98, 0.99]}},
        "calibration": calibrated(given, [0.9, 1.1], [-0.3, -0.1]),
    }
    return replace(given, metrics=given.metrics | changed)


def many_rules(given):
    rules = given.champion.referral.model_copy(
        update={
            "required": ["status"], "missing": ["amount"], "most_missing": 3, "band": (0.1, 0.2),
            "ranges": {"opened": (0.0, 9.0), "income": (0.0, 99.0)}, "gain": {"amount": [1.0]},
        }
    )  # fmt: skip
    columns = {"numeric": ["amount", "age"], "nominal": ["status"], "ordinal": []}
    features = given.champion.features | columns
    dated = given.champion.schema_
    dated = dated | {
        "application_date": "applied",
        "columns": dated["columns"]
        | {
            "applied": {"name": "applied", "kind": "date", "format": "%Y-%m-%d"},
            "opened": {"name": "opened", "kind": "date", "format": "%Y-%m-%d"},
        },
    }
    update = {"referral": rules, "features": features, "schema_": dated}
    champion = given.champion.model_copy(update=update)
    champion.__dict__.pop("schema_contract", None)  # made of the former schema
    return replace(given, champion=champion)


def no_groups(given):
    none = {name: given.curves[name].head(0) for name in ("fairness", "fairness_cutoffs")}
    refer = given.decision.refer.model_copy(update={"missing": True})
    rules = given.champion.referral.model_copy(update={"most_missing": None})
    return replace(
        given,
        curves=given.curves | none,
        decision=given.decision.model_copy(update={"refer": refer}),
        champion=given.champion.model_copy(update={"referral": rules}),
    )


def shape(name, whole):
    other = whole.board["algorithm"].iloc[1]
    if name == "named model that ranks last":
        changed = {"algorithm": other, "label": f"{other} in words"}
        champion = whole.champion.model_copy(update=changed)
        return replace(without(whole, model=other), champion=champion)
    return {
        "plain": lambda: whole,
        "no nested estimate": lambda: without(whole, "nested", "optimism"),
        "one candidate": lambda: inputs(candidates=("lr",))[0],
        "six test rows": lambda: inputs(rows=6)[0],
        "amounts, cut-off out of fold": lambda: inputs(amounts=True)[0],
        "HTML in names": lambda: inputs(names=(EVIL, f"b {EVIL}"))[0],
        "leak": lambda: replace(whole, warning=f"WARNING: look at {EVIL}"),
        "simplest within one error": lambda: without(whole, rule="one_standard_error"),
        "scores by Brier": lambda: without(whole, scoring="neg_brier_score"),
        "a null": lambda: without(whole, cv_se=dict.fromkeys(NAMES)),
        "nobody accepted": lambda: nobody_accepted(whole),
        "nobody referred": lambda: nobody_referred(whole),
        "split by time": lambda: split_by_time(whole),
        "samples": lambda: without(whole, rows={"train": 800, "search": 300, "fit": 500}),
        "second of the board": lambda: second_of_the_board(whole),
        "scorecard": lambda: with_scorecard(whole),
        "exact scorecard": lambda: with_scorecard(whole, digits=None),
        "dirty data": lambda: dirty(whole),
        "many rules": lambda: many_rules(whole),
        "no groups": lambda: no_groups(whole),
        "clean data": lambda: clean(whole),
        "cheap to accept all": lambda: cheap_to_accept(whole),
        "PDs too high": lambda: too_high(whole),
    }[name]()


SHAPES = [
    "plain", "no nested estimate", "named model that ranks last", "one candidate", "six test rows",
    "amounts, cut-off out of fold", "HTML in names", "leak", "simplest within one error",
    "scores by Brier", "a null", "nobody accepted", "nobody referred", "split by time",
    "samples", "second of the board", "scorecard", "exact scorecard", "dirty data", "many rules",
    "no groups", "clean data", "cheap to accept all", "PDs too high",
]  # fmt: skip

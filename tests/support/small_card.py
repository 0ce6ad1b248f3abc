"""A scorecard of four variables and a derived one, small enough to try every change there is."""

from functools import cache
from itertools import combinations, product

import numpy as np
import pandas as pd

from creditrisk.champion.description import describe_champion, parse_description
from creditrisk.champion.referral import learn_rules
from creditrisk.core.columns import NO_CODE, SPECIAL
from creditrisk.core.files import json_text
from creditrisk.featurize import derive
from creditrisk.ingest.params import DataParams
from creditrisk.metrics.costs import DecisionParams
from creditrisk.schema import parse_schema
from creditrisk.score.api import ChampionModel
from creditrisk.score.load_champion import Champion
from tests.support.champions import PARAMS, pipeline

LEVELS = ["low", "middle", "high"]
WORDS = ["red", "green", "blue"]
CARD = {"encoder": "woe", "resample": "none", "bins": 5, "C": 1.0}


def schema(x="true", y="true", rank="up", word="true"):
    """Numbers x and y, whole; ordinal levels; nominal ones. What can change is a parameter."""
    return parse_schema(
        {
            "name": "small",
            "target": {"column": "out", "good": ["0"], "bad": ["1"]},
            "columns": {
                "X": {"name": "x", "kind": "numeric", "integer": "true", "min": "0", "max": "24",
                      "mutable": x, "special": {"99": "refused"}},
                "Y": {"name": "y", "kind": "numeric", "integer": "true", "min": "1", "max": "20",
                      "mutable": y},
                "Rank": {"name": "rank", "kind": "ordinal", "levels": LEVELS, "mutable": rank},
                "Word": {"name": "word", "kind": "nominal", "levels": WORDS, "mutable": word},
            },
        },
        "small.yaml",
    )  # fmt: skip


@cache
def small_champion(operation="ratio", kind="scorecard", candidate=None, **decision):
    """A champion that is fitted on made-up rows, in which the risk depends on everything."""
    columns = schema()
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "x": rng.integers(0, 25, 3000).astype(float),
            "y": rng.integers(1, 21, 3000).astype(float),
            "rank": rng.choice(LEVELS, 3000),
            "word": rng.choice(WORDS, 3000),
        }
    )
    for name in ("y", "word"):
        frame.loc[rng.random(3000) < 0.05, name] = np.nan
    codes = rng.random(3000) < 0.06
    frame[SPECIAL + "x"] = pd.Series(np.where(codes, "99", NO_CODE), dtype="str")
    frame.loc[codes, "x"] = np.nan
    derived = {"made": {"op": operation, "of": ["x", "y"]}}
    frame = derive(frame, derived)
    made = frame["made"].rank(pct=True).fillna(0.5)
    odds = (
        0.08 * frame["x"].fillna(20) + 0.04 * frame["y"].fillna(20) + 2 * made
        - 0.7 * frame["rank"].map(LEVELS.index) - 1.2 * (frame["word"] == "blue") - 1.5
    )  # fmt: skip
    frame["bad"] = (rng.random(3000) < 1 / (1 + np.exp(-odds))).astype(int)
    features = {
        "numeric": ["x", "y", "made"], "nominal": ["word", SPECIAL + "x"], "many": [],
        "ordinal": {"rank": LEVELS}, "target": "bad", "derived": derived, "left_out": {},
        "missing": [], "monotone": {}, "bins": {},
    }  # fmt: skip
    names = [*features["numeric"], *features["nominal"], *features["ordinal"]]
    fitted = pipeline(kind, dict(candidate or CARD), features).fit(frame[names], frame["bad"])
    params = DecisionParams(**(PARAMS["decision"] | decision))
    caps = {"x": {"low": None, "high": 21.0, "rows_low": 0, "rows_high": 1}}
    merges = {"word": {"into": "other", "kept": ["blue"], "merged": {"red": 1, "green": 1},
                       "rows": 2}} if kind == "none" else {}  # fmt: skip
    described = describe_champion(
        fitted, {"best_params": {}, "calibration": "none"}, frame, features, columns,
        algorithm="x", label="x", threshold=0.35, scorecard=PARAMS["scorecard"],
        referral=learn_rules(frame, features, columns, params).at(0.35, params, frame),
        metrics={"cv": {}, "cv_se": {}}, adjustments={"caps": caps, "merges": merges},
        data_sha256="d" * 64, model_sha256="0" * 64,
    )  # fmt: skip
    champion = Champion(fitted, parse_description(json_text(described.to_json()), "x"))
    return ChampionModel(champion, DataParams(source="x", schema_="y"), [])


def with_mutable(model: ChampionModel, threshold=0.35, **mutable) -> ChampionModel:
    """The same champion, where other variables can change, and with another cut-off."""
    described = model.champion.description
    changed = schema(**mutable)
    names = [n for n, column in changed.variables.items() if column.mutable]
    described = described.model_copy(
        update={
            "schema_": changed.model_dump(exclude_defaults=True),
            "usual": {n: described.usual[n] for n in names},
            "threshold": threshold,
        }
    )
    champion = Champion(model.champion.model, parse_description(described.to_json(), "x"))
    return ChampionModel(champion, model.data, [])


def every_row() -> dict[str, np.ndarray]:
    """All applicants that there can be, as texts."""
    rows = list(product(range(25), range(1, 21), LEVELS, WORDS))
    columns = zip(*rows, strict=True)
    return {
        name: np.array([str(v) for v in values], dtype=object)
        for name, values in zip(("X", "Y", "Rank", "Word"), columns, strict=True)
    }


def brute_force(model: ChampionModel, applicant: dict, most: int) -> list[tuple[tuple, float]]:
    """The smallest sets of changes and their sizes, by deciding about every change there is.

    Args:
        model: the champion.
        applicant: cells under the names of the source, none missing.
        most: number of sets at most.
    """
    every = every_row()
    accepted = model.scorer.judge(every).accepted
    names = {"X": "x", "Y": "y", "Rank": "rank", "Word": "word"}
    columns = model.schema.columns
    changed, size = {}, np.zeros(len(accepted))
    possible = accepted.copy()
    for source in names:
        own, values = applicant[source], every[source]
        changed[source] = values != str(own)
        rule = columns[source].mutable
        if columns[source].kind == "numeric":
            usual = model.champion.description.usual.get(names[source], [0.0, 1.0])
            steps = values.astype(float) - float(own)
            size += np.abs(steps) / (usual[-1] - usual[0])
        elif source == "Rank":
            steps = np.array([LEVELS.index(v) for v in values]) - LEVELS.index(own)
            size += np.abs(steps) / 2
        else:
            steps = changed[source].astype(float)
            size += steps
        if not rule:
            possible &= ~changed[source]
        if rule in ("up", "down"):
            possible &= ~changed[source] | ((steps > 0) if rule == "up" else (steps < 0))
    found: list[tuple[tuple, float]] = []
    for count in (1, 2, 3):
        if len(found) >= most:
            break
        new = []
        for chosen in combinations(names, count):
            if any({*before} <= {*chosen} for before, _ in found):
                continue
            here = possible.copy()
            for source in names:
                here &= changed[source] == (source in chosen)
            if here.any():
                new.append((chosen, float(size[here].min())))
        found += sorted(new, key=lambda one: round(one[1], 9))
    return found[:most]

"""Fairness: each figure by hand on a table that fits on a screen."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from creditrisk.champion.groups import Bins, groups_of
from creditrisk.evaluate.fairness import fairness, to_nested_dict
from creditrisk.schema import parse_schema
from tests.support.small_data import DEFAULT

BY = {"age": Bins(bins=[25, 60]), "foreign_worker": "levels", "no such column": "levels"}


def wilson(k, n, z=1.959963984540054):
    centre, half = (
        (k + z * z / 2) / (n + z * z),
        z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4),
    )
    return centre - half, centre + half


def people():
    # age, foreign worker, bad, PD; refused from 0.5 on.
    lines = [(20, "1", 1, 0.9), (24, "2", 0, 0.6), (24, "2", 0, 0.2), (24, "2", 1, 0.1),
             (25, "2", 0, 0.1), (60, "2", 1, 0.5), (61, "2", 0, 0.7)]  # fmt: skip
    return pd.DataFrame(lines, columns=["age", "foreign_worker", "bad", "pd"]).astype(
        {"age": float}
    )


def test_figures_by_hand():
    frame = people()
    found = fairness(frame, frame["pd"].to_numpy(), 0.5, BY, DEFAULT)
    assert found["group"].tolist() == ["under 25", "25 to 60", "over 60", "yes", "no"]
    young = found.iloc[0]
    assert (young["rows"], young["bad"]) == (4, 2)
    assert young["approval_rate"] == 2 / 4
    assert young["tpr"] == 1 / 2  # of the bad aged 20 and 24 one is refused
    assert young["fpr"] == 1 / 2
    assert young["bad_rate"] == 2 / 4
    assert young["mean_pd"] == pytest.approx(1.8 / 4)
    assert young["calibration_gap"] == pytest.approx(0.45 - 0.5)
    for name, (k, n) in {"approval_rate": (2, 4), "tpr": (1, 2), "bad_rate": (2, 4)}.items():
        ends = young[f"{name}_low"], young[f"{name}_high"]
        assert ends == pytest.approx(wilson(k, n)), name
    low, high = wilson(2, 4)
    gap = young["calibration_gap_low"], young["calibration_gap_high"]
    assert gap == pytest.approx((0.45 - high, 0.45 - low))
    middle, old = found.iloc[1], found.iloc[2]
    assert (middle["rows"], middle["approval_rate"], middle["tpr"], middle["fpr"]) == (2, 0.5, 1, 0)
    assert (old["rows"], old["fpr"]) == (1, 1)
    assert np.isnan(old["tpr"])  # no bad one there


def test_groups_go_by_what_was_told_not_by_what_was_capped_or_merged():
    frame = people()
    plain = fairness(frame, frame["pd"].to_numpy(), 0.5, BY, DEFAULT)
    told = {"original.age": frame["age"], "original.foreign_worker": frame["foreign_worker"]}
    capped = frame.assign(age=frame["age"].clip(upper=40), foreign_worker="rare levels", **told)
    pd.testing.assert_frame_equal(fairness(capped, frame["pd"].to_numpy(), 0.5, BY, DEFAULT), plain)


def test_small_groups_are_flagged():
    frame = pd.concat([people()] * 8, ignore_index=True)
    found = fairness(frame, frame["pd"].to_numpy(), 0.5, BY, DEFAULT).set_index("group")
    assert found["judged"].to_dict() == {
        "under 25": True, "25 to 60": False, "over 60": False, "yes": False, "no": True,
    }  # fmt: skip


def test_every_row_is_in_one_group_missing_ones_too():
    ages = pd.Series([24.9, 25.0, 40.0, 59.9, 60.0, 60.1, np.nan])
    found = groups_of("age", ages, Bins(bins=[25, 40, 60]), DEFAULT)
    assert found.astype(str).tolist() == [
        "under 25", "25 to under 40", "40 to 60", "40 to 60", "40 to 60", "over 60", "missing",
    ]  # fmt: skip
    assert groups_of("age", ages, Bins(bins=[25]), DEFAULT).astype(str).tolist()[:2] == [
        "under 25", "from 25",
    ]  # fmt: skip
    codes = pd.Series(["2", None, "9"], dtype="str")
    words = groups_of("foreign_worker", codes, "levels", DEFAULT).astype(str).tolist()
    assert words == ["no", "missing", "9"]


def test_no_column_to_group_by_gives_no_lines():
    frame = people()[["bad"]]
    assert len(fairness(frame, np.full(7, 0.1), 0.5, BY, DEFAULT)) == 0


def test_edges_must_ascend():
    for wrong in ([], [60, 25], [25, 25]):
        with pytest.raises(ValidationError):
            Bins(bins=wrong)


def test_json_holds_the_same_figures():
    frame = people()
    found = fairness(frame, frame["pd"].to_numpy(), 0.5, BY, DEFAULT)
    tree = to_nested_dict(found)
    assert list(tree) == ["age", "foreign_worker"]
    assert tree["age"]["under 25"]["approval_rate"] == 0.5


def test_special_codes_are_groups_of_their_own():
    tree = {
        "name": "t",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {"a": {"name": "a", "kind": "numeric", "special": {"98": "refused"}}},
    }
    frame = pd.DataFrame(
        {
            "a": [20.0, 30.0, np.nan, np.nan, np.nan],
            "special.a": ["none", "none", "98", "98", "none"],
            "bad": [0, 1, 1, 0, 0],
        }
    )
    schema = parse_schema(tree, "t.yaml")
    found = fairness(frame, np.zeros(5), 0.5, {"a": Bins(bins=[25])}, schema)
    assert dict(zip(found["group"], found["rows"], strict=True)) == {
        "under 25": 1, "from 25": 1, "missing": 1, "refused": 2,
    }  # fmt: skip

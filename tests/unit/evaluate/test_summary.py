"""DVC's metrics: few enough for a screen, and equal to the numbers of the other files."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from creditrisk.evaluate.summary import MEASURES, summary
from creditrisk.metrics.performance import NAMES

FAIRNESS = pd.DataFrame(
    {
        "sample": ["out_of_fold"] * 3 + ["test"] * 3,
        "variable": ["age"] * 6,
        "group": ["young", "most", "few"] * 2,
        "judged": [True, True, False] * 2,
        "reference": [False, True, False] * 2,
        "approval_ratio": [0.28, 0.1, 0.01, 0.26, 0.1, 0.02],
    }
)
STRATEGY = pd.DataFrame(
    {
        "sample": ["out_of_fold", "out_of_fold", "test", "test"],
        "in_use": [False, True, False, True],
        "approval_rate": [0.5, 0.37, 0.5, 0.34],
        "bad_rate_approved": [0.1, 0.05, 0.1, 0.02],
        "rows": [800, 800, 200, 200],
        "referred": [16, 16, 2, 2],
    }
)


def measured(base: float) -> dict[str, float]:
    return {name: base + number / 1000 for number, name in enumerate(NAMES)}


def evaluated(shift: float = 0.0) -> tuple[dict[str, Any], dict[str, Any]]:
    """The contents of metrics/evaluate.json and metrics/select.json."""
    decisions = {"approval_rate": 0.34 + shift, "referral_rate": 0.01 + shift,
                 "bad_rate_accepted": 0.015 + shift, "accepted": 68}  # fmt: skip
    metrics = {"algorithm": "vote" if shift else "scorecard", "cv": measured(0.2 + shift)}
    metrics |= {"test": measured(0.3 + shift) | {"ci": {}}, "decisions": decisions}
    return metrics, {"nested": {"mean": measured(0.1 + shift), "se": {}}}


def test_the_numbers_are_those_of_the_files():
    metrics, selected = evaluated()
    found = summary(metrics, selected, FAIRNESS, STRATEGY)
    assert list(found) == ["cv", "nested", "test"]
    means = {"cv": metrics["cv"], "nested": selected["nested"]["mean"], "test": metrics["test"]}
    for name, row in found.items():
        assert row["model"] == "scorecard"
        assert {k: row[k] for k in MEASURES} == {k: means[name][v] for k, v in MEASURES.items()}
    # Groups with too few rows are not judged, and nobody is compared with himself.
    assert (found["cv"]["min_ratio"], found["test"]["min_ratio"]) == (0.28, 0.26)
    shares = {name: found["cv"][name] for name in ("approved", "referred", "bad_approved")}
    assert shares == {"approved": 0.37, "referred": 0.02, "bad_approved": 0.05}
    decided = {name: found["test"][name] for name in ("approved", "referred", "bad_approved")}
    assert decided == {"approved": 0.34, "referred": 0.01, "bad_approved": 0.015}


def test_what_was_not_estimated_is_left_out():
    metrics, _ = evaluated()
    metrics["decisions"]["bad_rate_accepted"] = None  # nobody was accepted
    found = summary(metrics, {})
    assert list(found) == ["cv", "test"]
    assert "bad_approved" not in found["test"]
    assert "min_ratio" not in found["cv"]
    assert "min_ratio" not in summary(metrics, {}, FAIRNESS.assign(judged=False))["test"]
    small = FAIRNESS.assign(judged=FAIRNESS["judged"] & ~FAIRNESS["reference"])
    assert "min_ratio" not in summary(metrics, {}, small)["test"]  # the reference is too small


@pytest.mark.slow
def test_everything_that_changes_fits_a_screen(tmp_path: Path):
    """A real project whose every number changes: `dvc metrics diff` and `dvc metrics show`."""

    def call(*command: str) -> list[str]:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def write(shift: float) -> None:
        fairness = FAIRNESS.assign(approval_ratio=FAIRNESS["approval_ratio"] + shift)
        strategy = STRATEGY.assign(approval_rate=STRATEGY["approval_rate"] + shift)
        for name, row in summary(*evaluated(shift), fairness, strategy).items():
            (tmp_path / f"metrics/summary/{name}.json").write_text(json.dumps(row))

    dvc = (sys.executable, "-m", "dvc")
    call("git", "init", "-q")
    call(*dvc, "init", "-q")
    (tmp_path / "metrics/summary").mkdir(parents=True)
    (tmp_path / "dvc.yaml").write_text("metrics:\n- metrics/summary\n")
    write(0.0)
    call("git", "add", "-A")
    call("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "base")
    write(0.012345)
    shown, diff = call(*dvc, "metrics", "show"), call(*dvc, "metrics", "diff")
    assert len(diff) < 40
    assert len(shown) == 4
    assert max(map(len, shown)) <= 132

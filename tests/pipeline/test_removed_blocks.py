"""Which algorithms run is said by the blocks of params.yaml alone: one removed, one put back."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from creditrisk.core.leftovers import remove_leftovers
from tests.support.project import ROOT, Project

LEFT = (
    "data/candidates/single/{}", "data/candidates/single/{}.json", "models/{}.joblib",
    "data/oof/{}.parquet", "metrics/train/{}.json", "plots/train/{}.csv",
)  # fmt: skip


def blocks(project: Project, keep: list[str] | None = None) -> dict:
    """Write params.yaml with some of its blocks only, and return all that it had."""
    path = project.folder / "params.yaml"
    tree = yaml.safe_load(path.read_text())
    whole = dict(tree["algorithms"])
    if keep is not None:
        tree["algorithms"] = {name: whole[name] for name in keep}
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return whole


def board(project: Project) -> set[str]:
    return set(pd.read_csv(project.folder / "plots/leaderboard.csv")["algorithm"])


@pytest.mark.slow
def test_a_block_removed_and_put_back_is_all(fresh: Project):
    everything = blocks(fresh)
    fresh.params({"algorithms": {"vote": {"members": "auto"}}})
    some = [name for name in everything if name not in ("svc", "ebm")]
    blocks(fresh, some)
    done = fresh.dvc("repro")
    assert "train@svc" not in done.ran
    assert set(done.ran) >= {"train@vote", "select"}
    assert "train@lr" not in done.ran
    assert "removed what is left of svc, which has no block any more" in done.out + done.err
    assert board(fresh) == set(some)
    for pattern in LEFT:
        assert not (fresh.folder / pattern.format("svc")).exists(), pattern
        assert (fresh.folder / pattern.format("lr")).exists(), pattern
    members = json.loads((fresh.folder / "metrics/train/vote.json").read_text())
    assert not {"svc", "ebm"} & set(members["best_params"]["members"])
    assert fresh.dvc("status", "dvc.yaml").out.strip() == "Data and pipelines are up to date."
    fresh.params({"algorithms": {"svc": everything["svc"]}})
    again = fresh.dvc("repro")
    assert {"train@svc", "train@vote", "select"} <= set(again.ran)
    assert "train@lr" not in again.ran
    assert board(fresh) == {*some, "svc"}


def test_every_algorithm_has_its_place():
    registry = yaml.safe_load((ROOT / "creditrisk/algorithms.yaml").read_text())["algorithms"]
    folder = ROOT / "creditrisk/algorithms"
    assert {path.name for path in folder.iterdir()} == set(registry)
    for name, entry in registry.items():
        place = yaml.safe_load((folder / name / "place.yaml").read_text())
        single = entry["family"] == "single"
        assert place == {
            "family": entry["family"],
            "reads": "data/processed/features.json" if single else "data/candidates/single",
            "blocks": f"algorithms.{name}" if single else "algorithms",
        }


def test_leftovers_are_what_is_called_after_no_name(tmp_path: Path):
    for name in ("lr.json", "old.json", "old/model.joblib", "lr/model.joblib", ".gitignore"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "lr")
    assert remove_leftovers(tmp_path, ["lr"]) == ["link", "old"]
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"lr.json", "lr/model.joblib", ".gitignore"}
    assert remove_leftovers(tmp_path / "absent", ["lr"]) == []

"""`make repro JOBS=n`: train stages side by side, and the same dvc.lock as by `dvc repro`."""

from pathlib import Path

import pytest
import yaml

from tests.support.project import SMALL, Project, new_project

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

FEW = {name: SMALL["algorithms"][name] for name in ("lr", "dt", "rf")}
FEW["vote"] = {"members": ["lr", "rf"]}


def few_algorithms(folder: Path) -> Project:
    project = new_project(folder, {"train": SMALL["train"]})
    path = folder / "params.yaml"
    tree = yaml.safe_load(path.read_text()) | {"algorithms": FEW}
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    project.commit("few algorithms")
    return project


def test_side_by_side_gives_the_same_dvc_lock_and_then_nothing_is_left_to_do(tmp_path: Path):
    one_by_one, beside = (few_algorithms(tmp_path / name) for name in ("plain", "beside"))
    one_by_one.dvc("repro")
    done = beside.command("repro", "--jobs", "3")
    assert done.code == 0, done.err
    assert "repro: 3 train stages, 3 at a time" in done.out
    for name in ("lr", "dt", "rf"):
        assert f"repro: train@{name} done" in done.out
    assert "train@vote" in done.ran  # by the plain `dvc repro` at the end: it reads the others
    assert not {"train@lr", "train@dt", "train@rf"} & {*done.ran}
    assert beside.lock() == one_by_one.lock()
    again = beside.command("repro", "--jobs", "3")
    assert (again.code, again.ran) == (0, [])
    # A stage that fails is named with its own line; what it spoils is not begun.
    beside.params({"algorithms": {"dt": {"max_depth": -1}}})
    failed = beside.command("repro", "--jobs", "3")
    assert failed.code == 2
    [line] = [line for line in failed.err.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: dvc: train@dt: failed: params.yaml: algorithms.dt.max_depth: ")
    assert "select" not in failed.ran

import itertools
import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from creditrisk.core.errors import InputError
from creditrisk.modeling.persistence import dump_model, load_model, sha256

ROOT = Path(__file__).parents[3]
AGAIN = """
import sys, joblib
from pathlib import Path
from creditrisk.modeling.persistence import dump_model
Path(sys.argv[2]).write_bytes(dump_model(joblib.load(sys.argv[1])))
"""


@pytest.fixture
def forest() -> RandomForestClassifier:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4))
    return RandomForestClassifier(20, random_state=0).fit(rows, rows[:, 0] > 0)


@pytest.mark.slow
def test_a_model_loaded_and_saved_again_has_the_same_bytes_each_time(forest, tmp_path):
    first = tmp_path / "first.joblib"
    first.write_bytes(dump_model(forest))
    hashes = set()
    for seed in "123":
        again = tmp_path / f"again{seed}.joblib"
        command = [sys.executable, "-c", AGAIN, str(first), str(again)]
        subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": seed}, check=True)
        hashes.add(sha256(again.read_bytes()))
    assert len(hashes) == 1


def test_bytes_hang_on_no_string_that_is_two_objects_in_memory():
    """LightGBM keeps the names of its parameters, which are one object in the first fit only."""
    name, same = "a parameter", " ".join(["a", "parameter"])
    assert name is not same
    assert dump_model({"names": [name, name]}) == dump_model({"names": [name, same]})


def test_a_saved_forest_predicts_as_before(forest, tmp_path):
    (tmp_path / "forest.joblib").write_bytes(dump_model(forest))
    rows = np.random.default_rng(1).normal(size=(50, 4))
    loaded = joblib.load(tmp_path / "forest.joblib")
    assert (loaded.predict_proba(rows) == forest.predict_proba(rows)).all()


def test_another_file_is_not_loaded(forest, tmp_path):
    (tmp_path / "forest.joblib").write_bytes(dump_model(forest))
    with pytest.raises(InputError, match="not loaded"):
        load_model(tmp_path / "forest.joblib", "0" * 64)


class Payload:
    """What an attacker puts in the place of a model: loading it makes a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


_before_opening = {}  # what to do before a file is opened, by its path: hooks can't be taken back


@sys.addaudithook
def _opened(event: str, args: tuple) -> None:
    if _before_opening and event == "open" and isinstance(args[0], str):
        _before_opening.get(args[0], lambda: None)()


@pytest.mark.parametrize("opening", [1, 2, 3])
def test_a_file_that_is_swapped_during_the_check_is_never_run(forest, tmp_path, opening):
    """Whichever time that the file is opened finds another one: it is refused, or never opened."""
    honest, path = dump_model(forest), tmp_path / "forest.joblib"
    poisoned, mark = dump_model(Payload(tmp_path / "ran")), tmp_path / "ran"
    path.write_bytes(honest)
    (tmp_path / "spare").write_bytes(poisoned)
    openings = itertools.count(1)

    def swap():
        if next(openings) == opening:
            os.replace(tmp_path / "spare", path)

    _before_opening[str(path)] = swap
    try:
        if opening == 1:
            with pytest.raises(InputError, match="not loaded"):
                load_model(path, sha256(honest))
        else:
            assert hasattr(load_model(path, sha256(honest)), "predict_proba")
    finally:
        _before_opening.clear()
    assert not mark.exists()

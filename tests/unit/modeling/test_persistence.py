import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from creditrisk.core.errors import InputError
from creditrisk.modeling.persistence import load_model, save_model, sha256

ROOT = Path(__file__).parents[3]
AGAIN = """
import sys, joblib
from pathlib import Path
from creditrisk.modeling.persistence import save_model
save_model(joblib.load(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def forest() -> RandomForestClassifier:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4))
    return RandomForestClassifier(20, random_state=0).fit(rows, rows[:, 0] > 0)


def test_a_model_loaded_and_saved_again_has_the_same_bytes_each_time(forest, tmp_path):
    first = tmp_path / "first.joblib"
    save_model(forest, first)
    hashes = set()
    for seed in "123":
        again = tmp_path / f"again{seed}.joblib"
        command = [sys.executable, "-c", AGAIN, str(first), str(again)]
        subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": seed}, check=True)
        hashes.add(sha256(again))
    assert len(hashes) == 1


def test_a_saved_forest_predicts_as_before(forest, tmp_path):
    save_model(forest, tmp_path / "forest.joblib")
    rows = np.random.default_rng(1).normal(size=(50, 4))
    loaded = joblib.load(tmp_path / "forest.joblib")
    assert (loaded.predict_proba(rows) == forest.predict_proba(rows)).all()


def test_another_file_is_not_loaded(forest, tmp_path):
    save_model(forest, tmp_path / "forest.joblib")
    with pytest.raises(InputError, match="not loaded"):
        load_model(tmp_path / "forest.joblib", "0" * 64)

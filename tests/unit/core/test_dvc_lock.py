"""dvc.lock as the rest of the code reads it: all paths from the project's folder."""

from creditrisk.core.dvc_lock import from_root, recorded_hashes

LOCK = """\
schema: '2.0'
stages:
  train@rf:
    cmd: cd ../../.. && python -m stages.train
    deps:
    - {path: ../../../data/processed/train.parquet, md5: '1'}
    params:
      ../../algorithms.yaml: {algorithms.rf: 1}
      ../../../params.yaml: {seed: 42}
    outs:
    - {path: ../../../models/rf.joblib, md5: '2'}
  select:
    cmd: python -m stages.select
    deps:
    - {path: models/rf.joblib, md5: '2'}
    outs:
    - {path: models/champion.joblib, md5: '3'}
"""


def test_paths_of_a_train_stage_are_those_of_the_other_stages(tmp_path):
    (tmp_path / "dvc.lock").write_text(LOCK)
    found = recorded_hashes(tmp_path / "dvc.lock")
    assert found == {"models/rf.joblib": "2", "models/champion.joblib": "3"}


def test_files_of_parameters_too():
    params = {"../../algorithms.yaml": {"a": 1}, "../../../params.yaml": {"seed": 42}}
    entry = from_root({"train@rf": {"params": params}})["train@rf"]
    assert entry == {
        "params": {"creditrisk/algorithms.yaml": {"a": 1}, "params.yaml": {"seed": 42}}
    }


def test_an_older_dvc_lock_without_working_directories_stays_as_it_is():
    old = {"train@rf": {"outs": [{"path": "models/rf.joblib"}], "params": {"params.yaml": {}}}}
    assert from_root(old) == old

"""What dvc.lock and `dvc status` say about the two revisions of a review."""

import hashlib
import json

from creditrisk.workflow.review.lock import changed_stages, stale_stages


def test_data_that_are_elsewhere_are_no_sign_of_stale_results():
    status = {
        "prepare": [{"changed deps": {"data/interim/raw.parquet": "deleted"}}],
        "train@rf": [
            {
                "changed deps": {
                    "data/train.parquet": "deleted",
                    "params.yaml": {"a.rf": "modified"},
                }
            },
            {"changed outs": {"models/rf.joblib": "not in cache", "metrics/rf.json": "modified"}},
        ],
        "select": ["changed command"],
    }
    assert stale_stages(status, {}, lambda md5: None) == {
        "train@rf": ["a.rf", "metrics/rf.json"],
        "select": ["command"],
    }


def test_folder_with_a_part_elsewhere_is_held_against_the_makers_of_its_parts():
    inner = [{"md5": "1" * 32, "relpath": "model"}]
    files = [
        {"md5": "2" * 32, "relpath": "lr.json"},
        {"md5": "1" * 32, "relpath": "rf/model"},
    ]
    whole = hashlib.md5(json.dumps(files).encode()).hexdigest() + ".dir"
    lock = {
        "train@lr": {"outs": [{"path": "oof/lr.json", "md5": "2" * 32}]},
        "train@rf": {"outs": [{"path": "oof/rf", "md5": "3.dir"}, {"path": "x", "md5": "4"}]},
        "select": {"deps": [{"path": "oof", "md5": whole}, {"path": "code", "md5": "5.dir"}]},
    }
    status = {"select": [{"changed deps": {"oof": "modified"}}]}
    assert stale_stages(status, lock, {"3.dir": inner}.get) == {}
    # Whose hashes are elsewhere too says nothing; code that no stage makes speaks for itself.
    assert stale_stages(status, lock, lambda md5: None) == {}
    changed = {"select": [{"changed deps": {"oof": "modified", "code": "modified"}}]}
    assert stale_stages(changed, lock, {"3.dir": inner}.get) == {"select": ["code"]}
    # One of its makers ran again, and it did not.
    lock["train@lr"]["outs"][0]["md5"] = "6" * 32
    assert stale_stages(status, lock, {"3.dir": inner}.get) == {"select": ["oof"]}
    outs = {"select": [{"changed outs": {"oof": "modified"}}]}
    assert stale_stages(outs, lock, lambda md5: None) == {"select": ["oof"]}


def test_stages_that_come_go_and_change():
    def stage(code: str, value: int) -> dict:
        return {
            "cmd": "run",
            "deps": [{"path": "code.py", "md5": code}],
            "params": {"params.yaml": {"a": value, "b": 1}},
            "outs": [{"path": "out", "md5": f"{code}{value}"}],
        }

    old = {"same": stage("x", 1), "went": stage("x", 1), "moved": stage("x", 1)}
    new = {"same": stage("x", 1), "moved": stage("y", 2), "came": stage("x", 1)}
    found = {row["stage"]: row for row in changed_stages(old, new)}
    assert {name: row["why"] for name, row in found.items()} == {
        "moved": "changed", "came": "new", "went": "gone",
    }  # fmt: skip
    assert found["moved"]["reads"] == ["a", "code.py"]
    assert found["moved"]["writes"] == ["out"]

"""The results of both revisions of a review, in a real repository."""

import subprocess
from pathlib import Path

import pytest

from creditrisk.core.errors import InputError
from creditrisk.workflow.review.files import flat, metrics_of_both, table_of_both
from creditrisk.workflow.review.revision import Base, find_base

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.org")


def git(*args: str) -> None:
    subprocess.run(["git", *IDENTITY, *args], check=True, capture_output=True)


@pytest.fixture
def base(tmp_path: Path, monkeypatch) -> Base:
    """A base whose metrics then change in the work tree."""
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "metrics/a.json": '{"n": 1, "m": {"x": 0.5, "ci": [1, 2], "t": "old"}, "gone": 3}',
        "metrics/train/rf.json": '{"cv": {"roc_auc": 0.7}}',
        "metrics/summary/cv.json": '{"auc": 0.7}',
        "metrics/note.txt": "no metrics",
        "plots/a.csv": "name,value\n'=1+1,2\n",
        "plots/broken.csv": 'a,b\n"',
    }.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "base")
    Path("metrics/a.json").write_text('{"n": 1, "m": {"x": 0.75, "ci": [3, 4], "t": "new"}}')
    Path("metrics/train/rf.json").unlink()
    Path("metrics/train/lr.json").write_text('{"cv": {"roc_auc": 0.8}}')
    Path("plots/a.csv").write_text("name,value\nx,3\n")
    return find_base("HEAD", "main")


def test_metrics_are_compared_number_by_number(base: Base):
    assert metrics_of_both(base) == {
        "metrics/a.json": {
            "n": {"old": 1, "new": 1, "diff": 0},
            "m.x": {"old": 0.5, "new": 0.75, "diff": 0.25},
            "m.t": {"old": "old", "new": "new"},
            "gone": {"old": 3, "new": None},
        },
        "metrics/train/lr.json": {"cv.roc_auc": {"old": None, "new": 0.8}},
        "metrics/train/rf.json": {"cv.roc_auc": {"old": 0.7, "new": None}},
    }


def test_it_is_what_dvc_makes_of_the_files(base: Base):
    # `dvc metrics diff` leaves out lists and nulls, and so did the review while it asked DVC.
    assert flat({"a": {"b": 1, "c": None, "d": [1]}, "e": True}) == {"a.b": 1, "e": True}


def test_tables_of_both_revisions_are_read_without_the_escape_of_csv(base: Base):
    old, new = table_of_both(base, "plots/a.csv")
    assert old.to_dict("list") == {"name": ["=1+1"], "value": [2]}
    assert new.to_dict("list") == {"name": ["x"], "value": [3]}
    assert table_of_both(base, "plots/none.csv") == (None, None)
    with pytest.raises(InputError, match=r"plots/broken\.csv: file: not CSV"):
        table_of_both(base, "plots/broken.csv")
    Path("plots/broken.csv").unlink()  # that of the base can't be mended
    assert table_of_both(base, "plots/broken.csv") == (None, None)


def test_a_broken_file_is_named(base: Base):
    Path("metrics/a.json").write_text("<<<<<<<")
    with pytest.raises(InputError, match=r"metrics/a\.json: file: not JSON"):
        metrics_of_both(base)

"""Outputs against dvc.lock, by their bytes."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from creditrisk.workflow.verify import added_hashes, verify


@pytest.fixture
def hashes(tmp_path: Path, monkeypatch) -> dict[str, str]:
    """A file and a folder with one file, and what dvc.lock has of them."""
    monkeypatch.chdir(tmp_path)
    Path("model").write_bytes(b"model")
    Path("folder").mkdir()
    Path("folder/part").write_bytes(b"part")
    part = hashlib.md5(b"part").hexdigest()
    listing = f'[{{"md5": "{part}", "relpath": "part"}}]'
    folder = f"{hashlib.md5(listing.encode()).hexdigest()}.dir"
    return {"model": hashlib.md5(b"model").hexdigest(), "folder": folder}


def problems(hashes: dict[str, str]) -> list[str]:
    return [found.path for found in verify(hashes, Path("cache"))[1]]


def test_nothing_is_found_where_nothing_changed(hashes):
    assert problems(hashes) == []


@pytest.mark.parametrize("name", ["model", "folder/part"])
def test_other_bytes_are_found(hashes, name):
    Path(name).write_bytes(b"other")
    assert problems(hashes) == [name.partition("/")[0]]


def test_an_output_of_another_kind_is_found(hashes):
    Path("model").unlink()
    Path("model").mkdir()
    shutil.rmtree("folder")
    Path("folder").write_bytes(b"x")
    assert set(problems(hashes)) == {"model", "folder"}


def test_a_link_to_a_folder_inside_an_output_is_found(hashes, tmp_path_factory):
    Path("folder/more").symlink_to(tmp_path_factory.mktemp("foreign"))
    assert problems(hashes) == ["folder/more"]


def test_what_is_missing_is_no_finding(hashes):
    Path("model").unlink()
    shutil.rmtree("folder")
    assert problems(hashes) == []


def test_the_applicants_file_that_dvc_add_tracks_is_among_what_is_hashed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    Path("data/raw").mkdir(parents=True)
    Path("data/raw/mine.csv").write_text("a,b\n")
    found = hashlib.md5(b"a,b\n").hexdigest()
    Path("data/raw/mine.csv.dvc").write_text(f"outs:\n- md5: {found}\n  path: mine.csv\n")
    assert added_hashes() == {"data/raw/mine.csv": found}
    assert verify(added_hashes(), Path("cache")) == (1, [])
    Path("data/raw/mine.csv").write_text("a,c\n")
    assert problems(added_hashes()) == ["data/raw/mine.csv"]

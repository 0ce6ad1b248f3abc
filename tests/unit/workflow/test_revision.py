"""The base of a review, in real repositories: what Git says is passed on, with what to do."""

import os
import subprocess
from pathlib import Path

import pytest

from creditrisk.core.errors import InputError
from creditrisk.core.git import contents, files_in_git
from creditrisk.workflow.review.revision import describe_here, find_base
from creditrisk.workflow.tracked_files import is_tracked


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch, tmp_path):
    """Git without this machine's settings, and folders that are in no repository."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")


def git(folder: Path, *args: str) -> str:
    command = ["git", "-C", str(folder), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, branch: str = "main", commits: int = 1) -> Path:
    subprocess.run(["git", "init", "-q", "-b", branch, folder], check=True)
    for number in range(commits):
        (folder / "file").write_text(str(number))
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", str(number))
    return folder


def refused(name: str | None = None, into: str = "main") -> str:
    with pytest.raises(InputError) as error:
        find_base(name, into)
    (line,) = str(error.value).splitlines()
    return line


def test_no_repository_is_told_in_gits_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = refused()
    assert line.startswith(".: Git: not a git repository (or any")
    assert line.endswith("Run this in a clone of the project.")


def test_a_repository_of_another_owner_is_told_with_the_command_that_git_proposes(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(repository(tmp_path / "theirs"))
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    line = refused()
    assert "git rev-parse: detected dubious ownership in repository at" in line
    assert f"Git proposes: git config --global --add safe.directory {Path.cwd()}" in line
    # Wherever Git is asked: a file is not "neither in Git nor in DVC" if nobody could look.
    with pytest.raises(InputError, match="dubious ownership"):
        is_tracked("file")


def test_a_machine_without_git_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(repository(tmp_path / "here"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused() == ("Git: program: not found on the PATH. Install Git, then run this again.")


def test_master_is_offered_where_there_is_no_main(tmp_path, monkeypatch):
    monkeypatch.chdir(repository(tmp_path / "old", "master"))
    assert refused() == (
        "Git: branch main: found neither locally nor at origin. "
        "There is another one: make review INTO=master"
    )
    assert find_base(None, "master").description == "merge base with `master`"


def test_the_default_branch_of_origin_is_offered(tmp_path, monkeypatch):
    origin = repository(tmp_path / "origin", "trunk")
    git(tmp_path, "clone", "-q", str(origin), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    git(Path(), "checkout", "-q", "--detach")
    git(Path(), "branch", "-D", "trunk")
    assert refused().endswith("make review INTO=trunk")
    assert find_base(None, "trunk").commit == git(origin, "rev-parse", "trunk")


def test_a_branch_with_a_name_for_the_shell_is_quoted(tmp_path, monkeypatch):
    origin = repository(tmp_path / "origin", "a;touch$IFS'x'")
    git(tmp_path, "clone", "-q", str(origin), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    command = refused().partition("make review ")[2]
    printed = subprocess.run(f"printf %s {command}", shell=True, capture_output=True, text=True)
    assert printed.stdout == "INTO=a;touch$IFS'x'"


def shallow(tmp_path: Path, *options: str) -> Path:
    """Clone one commit of a branch that left main two commits ago."""
    origin = repository(tmp_path / "origin", commits=2)
    git(origin, "checkout", "-qb", "change")
    for number in ("a", "b"):
        (origin / "file").write_text(number)
        git(origin, "commit", "-qam", number)
    git(origin, "checkout", "-q", "main")
    address = origin.as_uri()
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "change", *options, address, "clone")
    return tmp_path / "clone"


def test_a_shallow_clone_is_told_to_fetch_and_then_it_works(tmp_path, monkeypatch):
    monkeypatch.chdir(shallow(tmp_path, "--no-single-branch"))
    oldest = git(tmp_path / "origin", "rev-list", "--max-parents=0", "main")
    for line in (refused(), refused(oldest)):
        command = line.partition("This clone is shallow. Fetch the rest: ")[2]
        assert command == "git fetch --unshallow"
    subprocess.run(command, shell=True, check=True, capture_output=True)
    assert find_base(None, "main").commit == git(tmp_path / "origin", "rev-parse", "main")
    assert find_base(oldest, "main").commit == oldest


def test_a_clone_of_one_branch_is_told_to_fetch_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(shallow(tmp_path))
    line = refused()
    assert "branch main: found neither locally nor at origin. This clone is shallow" in line
    subprocess.run(line.partition("rest: ")[2], shell=True, check=True, capture_output=True)
    assert find_base(None, "main").commit == git(tmp_path / "origin", "rev-parse", "main")


def test_files_of_the_base_are_found_in_a_subfolder(tmp_path, monkeypatch):
    top = repository(tmp_path / "mono")
    (top / "credit/metrics").mkdir(parents=True)
    (top / "credit/dvc.lock").write_text("stages: {}\n")
    (top / "credit/metrics/a[1].json").write_text('{"n": 1}')
    git(top, "add", "-A")
    git(top, "commit", "-qm", "a project in a folder")
    monkeypatch.chdir(top / "credit")
    base = find_base(None, "main")
    assert base.text("dvc.lock") == "stages: {}\n"
    assert base.json("metrics/a[1].json") == {"n": 1}
    assert base.text("file") is None  # it is above
    assert base.json("metrics/none.json") == {}
    assert files_in_git(["metrics", "file"]) == ["metrics/a[1].json"]
    assert is_tracked("metrics/a[1].json")
    assert not is_tracked("metrics/a?1?.json")  # a name, not a pattern


def test_a_change_elsewhere_in_the_repository_is_no_change_of_this_project(tmp_path, monkeypatch):
    top = repository(tmp_path / "mono")
    (top / "credit").mkdir()
    (top / "credit/params.yaml").write_text("a: 1\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "two projects")
    (top / "file").write_text("changed")
    monkeypatch.chdir(top / "credit")
    head = git(top, "rev-parse", "--short", "HEAD")
    assert describe_here() == f"`main` at `{head}`"
    Path("params.yaml").write_text("a: 2\n")
    assert describe_here() == f"`main` at `{head}`, with uncommitted changes"


def test_many_files_of_revisions_are_read_at_once(tmp_path, monkeypatch):
    top = repository(tmp_path / "here")
    (top / "sub").mkdir()
    files = {
        "sub/a.json": '{"n": 1}',
        "sub/empty": "",
        "sub/two\nlines": "x",
        "sub/é ü": "ö\r\nß\n",
    }
    for name, text in files.items():
        (top / name).write_bytes(text.encode())
    git(top, "add", "-A")
    git(top, "commit", "-qm", "files")
    (top / "sub/a.json").write_text('{"n": 2}')
    git(top, "commit", "-qam", "another")
    monkeypatch.chdir(top / "sub")
    asked = ["HEAD:./a.json", "HEAD~1:./a.json", "HEAD:./none", "HEAD:./two\nlines", "nobody:./x"]
    asked += ["HEAD:./empty", "HEAD:sub", "HEAD:./é ü", "HEAD:file"]
    assert contents(asked) == [
        '{"n": 2}', '{"n": 1}', None, None, None, "", None, "ö\nß\n", "0",
    ]  # fmt: skip
    assert contents([]) == []


def test_a_broken_metrics_file_of_the_base_is_named(tmp_path, monkeypatch):
    top = repository(tmp_path / "here")
    (top / "select.json").write_text("<<<<<<< HEAD\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "broken")
    monkeypatch.chdir(top)
    with pytest.raises(InputError, match=r"select\.json: file: not a JSON object"):
        find_base("HEAD", "main").json("select.json")

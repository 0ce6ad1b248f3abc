"""The workflow files: sound, and nothing in them that a person can't run.

GitHub itself can't run here: `gh` is a stand-in, the expressions of the YAML are filled in by hand.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.dvc_project import link_environments
from tests.support.fake_gh import comment
from tests.support.project import ROOT, Project

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
MARKER = "<!-- creditrisk-review -->"
PROGRAMS = Path(sys.executable).parent


def read(name: str) -> dict:
    return yaml.safe_load((FOLDER / name).read_text())


def run_steps(job: dict) -> list[dict]:
    return [step for step in job["steps"] if "run" in step]


def zizmor(*files: Path) -> subprocess.CompletedProcess:
    # As data: where CI is set, the text for people is coloured, with or without a terminal.
    command = [PROGRAMS / "zizmor", "--offline", "--no-progress", "--format=json", *files]
    return subprocess.run(command, capture_output=True, text=True)


def test_files_fit_githubs_schema():
    assert [f.name for f in FILES] == ["audit.yml", "ci.yml", "review.yml"]
    command = [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *FILES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing(tmp_path):
    done = zizmor(*FILES)
    assert done.returncode == 0, done.stdout
    # It would: a tag instead of a commit, a stranger's text in a script.
    worse = tmp_path / "worse.yml"
    text = (FOLDER / "ci.yml").read_text()
    text = re.sub(r"checkout@\w{40}", "checkout@v6", text).rstrip()
    worse.write_text(text + " ${{ github.event.pull_request.title }}")
    done = zizmor(worse)
    assert done.returncode != 0
    found = {finding["ident"] for finding in json.loads(done.stdout)}
    assert {"unpinned-uses", "template-injection"} <= found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_action_is_pinned_and_every_right_is_granted_by_job(path):
    flow = yaml.safe_load(path.read_text())
    assert flow["permissions"] == {}
    assert "concurrency" in flow
    for line in re.findall(r"uses: .*", path.read_text()):
        assert re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    for name, job in flow["jobs"].items():
        rights = {"contents": "read"} | ({"pull-requests": "write"} if name == "comment" else {})
        assert job["permissions"] == rights
        assert job["timeout-minutes"] <= 120
        # A fork's token can't write; its report is in the run's summary.
        own = "github.event.pull_request.head.repo.full_name == github.repository"
        assert job.get("if") == (own if name == "comment" else None)


def test_the_gate_is_the_one_that_a_person_runs():
    jobs = read("ci.yml")["jobs"]
    assert [step["run"] for step in run_steps(jobs["gate"])] == ["bash .ci/run"]
    assert [step["run"] for step in run_steps(jobs["newest"])] == ["make smoke"]
    assert set(jobs) == {"gate", "newest"}
    assert read("ci.yml")[True] == {"push": {"branches": ["main"]}, "pull_request": None}


def test_no_workflow_hands_results_from_one_run_to_another():
    """Whoever can fill a cache that the gate restores can make it skip a stage."""
    for path in FILES:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                assert "actions/cache" not in step.get("uses", "")
                assert ".dvc" not in json.dumps(step.get("with", {}))
                # pip's: it compares the packages with the hashes in the lock files.
                assert step.get("with", {}).get("cache") in (None, "pip")
    assert "--require-hashes" in (ROOT / "Makefile").read_text()


@pytest.mark.skipif(not shutil.which("jq"), reason="jq runs the filter that gh would run")
def test_report_is_posted_once_and_updated_by_the_next_push(built: Project, tmp_path):
    origin = built.copy(tmp_path / "origin")
    store = tmp_path / "comments.json"
    others = [comment(1, f"{MARKER} from somebody", False), comment(2, "another bot's", True)]
    store.write_text(json.dumps({"calls": [], "comments": others}))

    origin.run("git", "checkout", "-qb", "change")
    for push in ("first", "second"):
        (origin.folder / "README.md").write_text(push)
        origin.commit(push)
        head = origin.run("git", "rev-parse", "--short", "HEAD").out.strip()
        play(origin.folder, tmp_path / push, store)
        state = json.loads(store.read_text())
        assert state["comments"][:2] == others
        (report,) = state["comments"][2:]
        assert report["body"].startswith(MARKER)
        assert f"(merge base with `main`). Here: `{head}`." in report["body"]
        assert "(<https://github.example/a/b/actions/runs/7#artifacts>)" in report["body"]
    assert [call[:2] for call in state["calls"]] == [
        ["pr", "view"], ["pr", "comment"], ["pr", "view"], ["api", "--silent"],
    ]  # fmt: skip


def play(origin: Path, folder: Path, store: Path) -> None:
    """Run the `run:` steps of review.yml, each job in a clone of its own as a runner has it."""
    flow = read("review.yml")
    folder.mkdir()
    gh = folder / "bin" / "gh"
    gh.parent.mkdir()
    fake = Path(__file__).parents[1] / "support/fake_gh.py"
    gh.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake}" "{store}" "$@"\n')
    gh.chmod(0o755)
    jobs = {name: runner(origin, folder / name) for name in ("review", "comment")}
    steps(flow["jobs"]["review"], jobs["review"], gh.parent)
    summary = jobs["review"].folder / "summary.md"
    assert summary.read_text() == (jobs["review"].folder / "review/comment.md").read_text()
    (upload,) = (s for s in flow["jobs"]["review"]["steps"] if "upload-artifact" in str(s))
    for name in upload["with"]["path"].split():
        path = jobs["review"].folder / name
        assert path.exists()
        if path.is_dir():
            shutil.copytree(path, jobs["comment"].folder / name)
        else:
            shutil.copy(path, jobs["comment"].folder / name)
    steps(flow["jobs"]["comment"], jobs["comment"], gh.parent)


def runner(origin: Path, folder: Path) -> Project:
    """Clone as actions/checkout does: a detached commit, branches at origin only."""
    subprocess.run(["git", "clone", "-q", origin, folder], check=True)
    project = Project(folder)
    project.run("git", "checkout", "-q", "--detach")
    for branch in project.run("git", "branch", "--format=%(refname:short)").out.split():
        project.run("git", "branch", "-D", branch)
    link_environments(folder)
    return project


def steps(job: dict, project: Project, programs: Path) -> None:
    values = {
        "github.base_ref": "main",
        "github.server_url": "https://github.example",
        "github.repository": "a/b",
        "github.run_id": "7",
        "github.token": "t",
        "github.event.pull_request.number": "12",
    }
    found = run_steps(job)
    assert found
    for step in found:
        # Values reach a script through its environment alone.
        assert "${{" not in step["run"]
        env = {
            name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda m: values[m[1]], text)
            for name, text in step.get("env", {}).items()
        }
        env |= {"GITHUB_STEP_SUMMARY": str(project.folder / "summary.md")}
        path = f"export PATH={programs}:$PATH; {step['run']}"
        done = project.run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", path, **env)
        assert done.code == 0, done.out + done.err

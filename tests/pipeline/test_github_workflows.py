"""The workflow files: sound, and nothing in them that a person can't run.

GitHub itself can't run here: `gh` is a stand-in, the expressions of the YAML are filled in by hand.
"""

import functools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support import fake_engine, fake_gcloud
from tests.support.dvc_project import link_environments
from tests.support.fake_gh import comment
from tests.support.project import ROOT, Project
from tests.support.running_service import running

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
    names = ["audit.yml", "ci.yml", "image.yml", "monitor.yml", "review.yml"]
    assert [f.name for f in FILES] == names
    command = [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *FILES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing(tmp_path):
    done = zizmor(*FILES)
    assert done.returncode == 0, done.stdout
    # It would: a tag instead of a commit, a stranger's text in a script.
    worse = tmp_path / "worse.yml"
    text = (FOLDER / "ci.yml").read_text()
    text = re.sub(r"checkout@\w{40}", "checkout@v6", text)
    script = "run: make smoke"
    worse.write_text(text.replace(script, f"{script} ${{{{ github.event.pull_request.title }}}}"))
    done = zizmor(worse)
    assert done.returncode != 0
    found = {finding["ident"] for finding in json.loads(done.stdout)}
    assert {"unpinned-uses", "template-injection"} <= found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_action_is_pinned_and_every_right_is_granted_by_job(path):
    flow = yaml.safe_load(path.read_text())
    assert flow["permissions"] == {}
    # What is called is part of its caller's run.
    assert "concurrency" in flow or set(flow[True]) == {"workflow_call"}
    for line in re.findall(r"uses: .*", path.read_text()):
        pinned = re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
        assert pinned or line == "uses: $/.github/workflows/image.yml"
    for name, job in flow["jobs"].items():
        assert job["permissions"] == {"contents": "read"} | MORE_RIGHTS.get((path.stem, name), {})
        assert "uses" in job or job["timeout-minutes"] <= 120
        assert job.get("if") == CONDITIONS.get((path.stem, name))


SIGNED = {"id-token": "write", "attestations": "write"}
MORE_RIGHTS = {
    ("review", "comment"): {"pull-requests": "write"},
    ("ci", "image"): SIGNED,
    ("image", "image"): SIGNED,
    ("image", "deploy"): {"id-token": "write"},
    ("monitor", "monitor"): {"id-token": "write"},
    ("monitor", "alert"): {"id-token": "write", "issues": "write"},
}
CONDITIONS = {
    # A fork's token can't write; its report is in the run's summary.
    ("review", "comment"):
        "github.event.pull_request.head.repo.full_name == github.repository",
    ("ci", "image"): "github.event_name == 'push' && vars.REGISTRY != ''",
    ("monitor", "monitor"): "vars.MONITOR == 'true'",
    # Also after a failure: for what an earlier run could not tell.
    ("monitor", "alert"): "${{ !cancelled() && vars.MONITOR == 'true' }}",
}  # fmt: skip


def test_the_gate_is_the_one_that_a_person_runs():
    jobs = read("ci.yml")["jobs"]
    assert [step["run"] for step in run_steps(jobs["gate"])] == ["bash .ci/run"]
    assert [step["run"] for step in run_steps(jobs["newest"])] == ["make smoke"]
    assert set(jobs) == {"gate", "newest", "image"}
    assert jobs["image"]["needs"] == "gate"
    assert read("ci.yml")[True] == {"push": {"branches": ["main"]}, "pull_request": None}


def test_no_workflow_hands_results_from_one_run_to_another():
    """Whoever can fill a cache that the gate restores can make it skip a stage."""
    for path in FILES:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job.get("steps", []):
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


def runner(origin: Path, folder: Path, *environments: str) -> Project:
    """Clone as actions/checkout does: a detached commit, branches at origin only."""
    subprocess.run(["git", "clone", "-q", origin, folder], check=True)
    project = Project(folder)
    project.run("git", "checkout", "-q", "--detach")
    for branch in project.run("git", "branch", "--format=%(refname:short)").out.split():
        project.run("git", "branch", "-D", branch)
    link_environments(folder)
    for name in environments:
        (folder / name).symlink_to(sys.prefix)
    return project


def steps(
    job: dict, project: Project, programs: Path, known: dict[str, str] | None = None
) -> dict[str, str]:
    """Run the `run:` steps of a job, and return what they have put out as `steps.ID.outputs.NAME`.

    Args:
        job: of a workflow.
        project: where.
        programs: stand-ins, first on the PATH.
        known: the values of further expressions.
    """
    values = {
        "github.base_ref": "main",
        "github.server_url": "https://github.example",
        "github.repository": "a/b",
        "github.run_id": "7",
        "github.token": "t",
        "github.event.pull_request.number": "12",
        **(known or {}),
    }
    filled = functools.partial(re.sub, r"\$\{\{ ([\w.]+) \}\}", lambda m: values[m[1]])
    found = run_steps(job)
    assert found
    for step in found:
        # Values reach a script through its environment alone.
        assert "${{" not in step["run"]
        if condition := step.get("if"):
            one, wanted, other = condition.split()
            if (values[one] == values[other]) != (wanted == "=="):
                continue
        settings = job.get("env", {}) | step.get("env", {})
        env = {name: filled(text) for name, text in settings.items()}
        output = project.folder.parent / f"{project.folder.name}.output"
        output.write_text("")
        env |= {"GITHUB_STEP_SUMMARY": str(project.folder / "summary.md")}
        env |= {"GITHUB_OUTPUT": str(output), "GITHUB_REPOSITORY": values["github.repository"]}
        path = f"export PATH={programs}:$PATH; {step['run']}"
        done = project.run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", path, **env)
        assert done.code == 0, done.out + done.err
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step['id']}.outputs.{name}"] = value
    return values


def test_a_commit_on_main_is_built_tried_pushed_and_deployed(built: Project, tmp_path):
    origin = with_a_bucket(built, tmp_path)
    commit = origin.run("git", "rev-parse", "HEAD").out.strip()
    programs = tmp_path / "bin"
    engine = fake_engine.install(programs, "podman")
    flow = read("image.yml")["jobs"]

    first = runner(origin.folder, tmp_path / "image", ".venv-gcs")
    (first.folder / fake_engine.FOLDER).mkdir(parents=True)
    registry = "europe-west3-docker.pkg.dev/our-project/images"
    done = steps(flow["image"], first, programs, {
        "vars.REGISTRY": registry, "steps.auth.outputs.access_token": "a-token-of-the-test",
    })  # fmt: skip
    image = done["steps.push.outputs.image"]
    name = f"{registry}/credit-risk"
    assert image == f"{name}@{fake_engine.digest(f'{name}:{commit}')}"
    assert done["steps.subject.outputs.name"] == name
    assert done["steps.subject.outputs.digest"] == image.partition("@")[2]
    asked = [call[1] for call in json.loads(engine.read_text())["calls"]]
    assert [word for word in asked if word in ("build", "run", "login", "push")] == [
        "build", "run", "run", "login", "push",
    ]  # fmt: skip

    second = runner(origin.folder, tmp_path / "deploy", ".venv-gcs")
    cloud = programs / "gcloud.json"
    fake_gcloud.install(programs / "gcloud", cloud)
    gh = programs / "gh"
    gh.write_text(f'#!/bin/sh\n[ "$2" = repos/a/b/commits/main ] && echo {commit}\n')
    gh.chmod(0o755)
    known = {
        "vars.PROJECT": "our-project", "vars.REGION": "europe-west3",
        "needs.image.outputs.image": image, "steps.asks.outputs.id_token": "a-token",
        "secrets.CREDITRISK_API_KEY": "", "github.sha": commit,
    }  # fmt: skip
    with running(first.folder) as service:
        cloud.write_text(fake_gcloud.state(f"http://127.0.0.1:{service.port}"))
        steps(flow["deploy"], second, programs, known)
        assert json.loads(cloud.read_text())["revisions"] == [image]
        # What main has left behind is not deployed, nor is anything fetched for it.
        cloud.write_text(fake_gcloud.state(f"http://127.0.0.1:{service.port}"))
        steps(flow["deploy"], second, programs, known | {"github.sha": "0" * 40})
        assert json.loads(cloud.read_text())["calls"] == []


def with_a_bucket(built: Project, folder: Path) -> Project:
    """A copy of the project whose remote `gcs` is a folder that has everything."""
    origin = built.copy(folder / "origin")
    origin.dvc("remote", "modify", "gcs", "url", str(folder / "bucket"))
    origin.dvc("push", "--remote", "gcs")
    fake_engine.need_no_wheels(origin.folder)
    origin.commit("a bucket, no packages")
    return origin


def test_only_an_approved_job_of_main_can_deploy():
    job = read("image.yml")["jobs"]["deploy"]
    assert job["environment"] == "production"
    assert job["needs"] == "image"
    assert job["concurrency"]["cancel-in-progress"] is False
    # Nobody but the called workflow itself reads the secret; none is a key of Google Cloud.
    text = (FOLDER / "image.yml").read_text() + (FOLDER / "ci.yml").read_text()
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"CREDITRISK_API_KEY"}
    assert "credentials_json" not in text

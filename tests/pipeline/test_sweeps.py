"""Sweeps: DVC's queue with two workers, what it re-runs and leaves alone, and the table of it."""

import ast
import csv
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import yaml
from dvc.repo.experiments.queue.celery import LocalCeleryQueue
from filelock import FileLock

from creditrisk.core.dvc_lock import from_root
from creditrisk.core.errors import InputError
from creditrisk.core.params import read_yaml
from creditrisk.workflow.check import Params, check
from creditrisk.workflow.experiments import queue
from creditrisk.workflow.experiments.overrides import apply_overrides, expand_sweeps
from creditrisk.workflow.tracked_files import check_tracked
from tests.support.project import ROOT, Done, Project

MODELS, DEPTHS = ("auto", "lr", "rf"), (2, 3)
LOST = "data/raw/mine.csv"  # neither in Git nor in DVC
OF_XGB = {"train@xgb", "train@vote", "select", "evaluate"}


@dataclass
class Swept:
    """A project after a sweep of six experiments, and how it was before."""

    project: Project
    said: Done
    before: dict[str, str]
    experiments: dict[tuple[str, int], str]

    @cached_property
    def table(self) -> str:
        return _table(self.project, COLUMNS="120")

    def show(self, name: str, path: str) -> str:
        """Read a file of an experiment."""
        refs = self.project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").out
        (ref,) = (r for r in refs.split() if r.endswith(f"/{name}"))
        return self.project.run("git", "show", f"{ref}:{path}").out

    def metrics(self, name: str, path: str = "metrics/evaluate.json") -> dict:
        return json.loads(self.show(name, path))


def _tree(project: Project) -> dict[str, str]:
    """Describe the work tree, the index and the stash."""
    files = ["params.yaml", "dvc.lock", "README.md", "notes.txt", LOST, "metrics/evaluate.json"]
    asked = {
        "status": ("status", "--porcelain"),
        "unstaged": ("diff",),
        "staged": ("diff", "--cached"),
        "head": ("rev-parse", "HEAD"),
        "stash": ("stash", "list"),
        "files": ("hash-object", *files),
    }
    return {name: project.run("git", *command).out for name, command in asked.items()}


def _drain(project: Project, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while any(task.status not in queue.DONE for task in queue.tasks(project.folder).values()):
        assert time.monotonic() < deadline, project.run("dvc", "queue", "status").out
        time.sleep(1)


@pytest.fixture(scope="module")
def swept(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """The sweep that the tests look at. Its project is not to be changed."""
    # One for all workers, as `built`.
    shared = built.folder.parents[1] / "swept"
    shared.mkdir(exist_ok=True)
    with FileLock(shared / "lock"):
        if not (shared / "said.json").exists():
            done, before = _sweep(built.copy(shared / "project"))
            (shared / "said.json").write_text(json.dumps([vars(done), before]))
    said, before = json.loads((shared / "said.json").read_text())
    (queued,) = (line for line in said["out"].splitlines() if line.startswith("sweep: queued 6 "))
    names = queued.split(": ")[2].split(", ")
    experiments = dict(zip(itertools.product(MODELS, DEPTHS), names, strict=True))
    return Swept(Project(shared / "project"), Done(**said), before, experiments)


def _sweep(project: Project) -> tuple[Done, dict[str, str]]:
    """Run it in a dirty work tree, straight after a repro that nobody committed."""
    shutil.rmtree(project.folder / ".dvc/mlflow", ignore_errors=True)
    env = {"CREDITRISK_TRACKING": "off"}
    # Of another length than before: Git takes a file of the same size and time for unchanged.
    project.params({"scorecard": {"pdo": 130}})
    assert project.dvc("repro", **env).ran == ["select", "evaluate"]
    with (project.folder / "README.md").open("a") as file:
        file.write("Not committed.\n")
    (project.folder / "notes.txt").write_text("Nor this.\n")
    source = project.folder / "data/raw/german_credit.csv"
    (project.folder / LOST).write_bytes(source.read_bytes())
    before = _tree(project)
    for name, value in {"lost": f"data.source={LOST}", "wrong": "model=xgbb"}.items():
        project.dvc("exp", "run", "--queue", "-n", name, "-S", value, **env)
    values = [f"model={','.join(MODELS)}", f"algorithms.xgb.max_depth={','.join(map(str, DEPTHS))}"]
    said = project.command("sweep", "-j", "2", *(f"-S{value}" for value in values), **env)
    _drain(project)
    return said, before


def test_six_experiments_succeed_with_two_workers(swept: Swept):
    assert swept.said.code == 0, swept.said.out + swept.said.err
    assert "(6 of 6)" in swept.said.out
    assert len(set(swept.experiments.values())) == 6


def test_each_reran_exactly_what_its_change_touches(swept: Swept):
    base = swept.project.lock()
    for (model, depth), name in swept.experiments.items():
        expected = OF_XGB if depth == 3 else {"select", "evaluate"} if model != "auto" else set()
        log = swept.project.dvc("queue", "logs", name).out
        found = re.findall(r"Running stage '([^']+)'(?:$|:)", log, re.M)
        assert set(found) == expected, (model, depth, log)
        assert f"Reproducing experiment '{name}'" in log
        lock = from_root(yaml.safe_load(swept.show(name, "dvc.lock"))["stages"])
        assert {stage for stage in base if lock[stage] != base[stage]} == expected


def test_their_results_differ_as_they_should(swept: Swept):
    for (model, depth), name in swept.experiments.items():
        params = yaml.safe_load(swept.show(name, "params.yaml"))
        assert (params["model"], params["algorithms"]["xgb"]["max_depth"]) == (model, depth)
        assert params["scorecard"]["pdo"] == 130
        if model != "auto":
            assert swept.metrics(name)["algorithm"] == model
    two, three = (swept.experiments["rf", depth] for depth in DEPTHS)
    xgb, dt = "metrics/train/xgb.json", "metrics/train/dt.json"
    assert swept.metrics(two, xgb)["cv"] != swept.metrics(three, xgb)["cv"]
    assert swept.metrics(two, dt) == swept.metrics(three, dt)
    assert swept.metrics(three, xgb) == swept.metrics(swept.experiments["auto", 3], xgb)


def test_dirty_work_tree_stays_as_it_was(swept: Swept):
    assert _tree(swept.project) == swept.before
    assert "README.md" in swept.before["status"]
    assert "notes.txt" in swept.before["status"]
    assert swept.before["stash"] == ""


def test_workers_take_the_environment_of_the_sweep(swept: Swept):
    assert not (swept.project.folder / ".dvc/mlflow").exists()


def test_table_holds_what_the_metrics_files_hold(swept: Swept):
    rows = {r["experiment"]: r for r in csv.DictReader(_table(swept.project, "--csv").splitlines())}
    assert set(rows) == {"workspace", "main", "lost", "wrong", *swept.experiments.values()}
    assert (rows["main"]["mark"], rows["workspace"]["mark"]) == ("baseline", "workspace")
    for (model, depth), name in swept.experiments.items():
        row, result = rows[name], swept.metrics(name)
        assert row["state"] == "done"
        assert row["model"] == result["algorithm"]
        for metric in ("roc_auc", "brier", "expected_cost"):
            assert float(row[f"cv_{metric}"]) == result["cv"][metric]
        assert float(row["test_roc_auc_not_for_choosing"]) == result["test"]["roc_auc"]
        own = swept.metrics(name, "metrics/train/xgb.json")["cv"]["roc_auc"]
        assert row["changed_cv"] == f"xgb={own}"
        changed = {f"model={model}"} if model != "auto" else set()
        changed |= {"algorithms.xgb.max_depth=3"} if depth == 3 else set()
        assert set(row["changed"].split()) == changed | {"scorecard.pdo=130"}


def test_table_is_sorted_by_cv_and_fits_the_terminal(swept: Swept):
    text = swept.table
    assert max(map(len, text.splitlines()[:12])) <= 120
    rows = text.split("\n\n")[0].splitlines()[1:]
    names = [row.split()[0] for row in rows]
    scores = [swept.metrics(n)["cv"]["roc_auc"] for n in names if n in swept.experiments.values()]
    assert len(scores) == 6
    assert scores == sorted(scores, reverse=True)
    assert set(names[-2:]) == {"lost", "wrong"}
    assert "FAILED" in rows[-1]
    assert "main (baseline)" in text
    assert "judged by its CV metrics" in text
    assert text.splitlines()[0].split()[-1] == "AUC*"
    assert "* Not for choosing" in text


def test_plain_table_of_dvc_can_be_made_narrow(swept: Swept):
    """The README's line."""
    readme = Path("README.md").read_text()
    (line,) = (
        x.strip() for x in readme.splitlines() if x.strip().startswith("dvc exp show --only")
    )
    heads = swept.project.run(*shlex.split(line), "--csv").out.splitlines()[0].split(",")
    metrics = [f"metrics/summary/cv.json:{name}" for name in ("auc", "brier", "cost")]
    assert heads == ["Experiment", "State", *metrics]


def test_markdown_table_has_the_same_rows(swept: Swept):
    lines = [line for line in _table(swept.project, "--md").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert {len(row) for row in cells} == {8}
    name = swept.experiments["rf", 3]
    (row,) = (row for row in cells if row[0] == name)
    result = swept.metrics(name)
    assert row[1] == "rf"
    assert "xgb.max_depth=3" in row[2]
    assert row[4] == f"{result['cv']['roc_auc']:.4f}"
    assert row[7] == f"{result['test']['roc_auc']:.4f}"


def test_table_says_why_an_experiment_failed(swept: Swept):
    (line,) = (li for li in swept.table.splitlines() if li.startswith("wrong failed:"))
    assert line == "wrong failed: params.yaml: model: unknown algorithm 'xgbb'. Did you mean xgb?"
    assert (
        f"error: {line.removeprefix('wrong failed: ')}"
        in swept.project.dvc("queue", "logs", "wrong").out
    )


def test_queued_experiment_without_its_file_says_so_in_the_table(swept: Swept):
    """Queued past our checks, by plain DVC: its own words name a folder that is gone."""
    (line,) = (li for li in swept.table.splitlines() if li.startswith("lost failed:"))
    assert f"params.yaml: data.source: {LOST} is neither in Git nor in DVC" in line
    assert "dvc add" in line
    assert "/tmp/exps" not in line


def _table(project: Project, *options: str, **env: str) -> str:
    done = project.command("experiments", *options, **env)
    assert done.code == 0, done.err
    return done.out


WRONG = {
    "misspelt": (["algorithms.xgb.max_dept=4"], ["algorithms.xgb.max_dept", "max_depth"]),
    "one of a list": (["seed=1,2", "model=lr,xgbb"], ["model", "'xgbb'", "xgb"]),
    "misspelt block": (["algorithms.xgbb.max_depth=4"], ["algorithms.xgbb", "mean xgb?"]),
    "misspelt top level": (["modle=lr"], ["modle", "Did you mean model?"]),
    "misspelt in a block": (["train.fold=3"], ["train.fold", "folds"]),
    "wrong type": (["algorithms.xgb.max_depth=deep"], ["algorithms.xgb.max_depth", "'deep'"]),
    "wrong type of a block": (["train.folds=two"], ["train.folds", "'two'"]),
    "out of range": (["split.test_size=1.5"], ["split.test_size", "less than 1"]),
    "valid, not in the file": (["algorithms.xgb.gamma=1"], ["-S +algorithms.xgb.gamma=1"]),
    "member's block gone": (
        ["~algorithms.svc", "algorithms.vote.members=[rf,svc]"],
        ["algorithms.vote.members", "svc"],
    ),
    "fraction": (["algorithms.xgb.max_depth=2.5"], ["algorithms.xgb.max_depth", "'2.5'"]),
    "no override": (["model"], ["-S: model"]),
    "no such source": (["data.source=data/raw/gone.csv"], ["data.source", "gone.csv"]),
    "no such schema": (["data.schema=gone.yaml"], ["gone.yaml", "not found"]),
    "unknown member": (["algorithms.vote.members=[rf,rff]"], ["algorithms.vote.members", "rf"]),
    "misspelt column": (
        ["decision.amount_column=amont", "decision.loss_given_default=1", "decision.margin=1"],
        ["decision.amount_column", "amount"],
    ),
}


def _check_all(overrides: list[str]) -> int:
    experiments = expand_sweeps(overrides, "params.yaml")
    for experiment in experiments:
        assert check(apply_overrides("params.yaml", experiment), "params.yaml") >= 9
    return len(experiments)


@pytest.mark.parametrize("case", WRONG)
def test_wrong_override_is_told_before_dvc_sees_it(built: Project, case: str, monkeypatch):
    overrides, words = WRONG[case]
    monkeypatch.chdir(built.folder)
    with pytest.raises(InputError) as error:
        _check_all(overrides)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("overrides", "number"),
    [
        (["model=lr,rf,xgb"], 3),
        (["algorithms.xgb.max_depth=2,3,4", "algorithms.xgb.n_estimators=5,10"], 6),
        (["algorithms.lr.encoder=[onehot,woe]", "+algorithms.xgb.gamma=0.1"], 1),
        (["seed=range(1,4)", "algorithms.svc.C=0.5"], 3),
        (["~algorithms.svc"], 1),
        (["creditrisk/algorithms.yaml:algorithms.lr.label=x"], 1),
    ],
)
def test_right_overrides_pass(built: Project, monkeypatch, overrides: list[str], number: int):
    monkeypatch.chdir(built.folder)
    before = Path("params.yaml").read_bytes()
    assert _check_all(overrides) == number
    assert Path("params.yaml").read_bytes() == before


def _fields(script: str) -> dict[str, str]:
    """The fields of the class `Params` of a script, wherever it is in it, with their types."""
    tree = ast.parse(Path(script).read_text(encoding="utf-8"))
    (found,) = (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == "Params")
    fields = [one for one in found.body if isinstance(one, ast.AnnAssign)]
    return {ast.unparse(one.target): ast.unparse(one.annotation) for one in fields}


def test_check_covers_what_each_stage_reads(monkeypatch):
    monkeypatch.chdir(ROOT)
    known = _fields("creditrisk/workflow/check.py")
    read = 0
    for script in (*Path("stages").glob("[!_]*.py"), Path("commands/score.py")):
        for name, kind in _fields(str(script)).items():
            if name in known and name != "algorithms":
                assert kind == known[name], (script, name)
                read += 1
    assert read > len(known)
    assert list(read_yaml("params.yaml")) == list(known) == list(Params.model_fields)


def test_wrong_sweep_queues_nothing(fresh: Project):
    done = fresh.command("sweep", "-S", "algorithms.xgb.max_dept=4", "-S", "model=lr,rf")
    assert done.code == 2
    assert done.out == "sweep: checks 2 experiments, then queues and runs them\n"
    assert done.err.startswith("error: params.yaml: algorithms.xgb.max_dept: unknown parameter. ")
    assert len(done.err.splitlines()) == 1
    assert queue.tasks(fresh.folder) == {}


def test_plain_dvc_ends_with_our_line_at_the_first_stage(fresh: Project):
    done = fresh.run("dvc", "exp", "run", "--temp", "-S", "algorithms.xgb.max_depth=deep")
    assert done.code != 0
    assert "error: params.yaml: algorithms.xgb.max_depth: expected a number, got" in done.err
    assert done.ran == ["train@xgb"]
    assert fresh.run("git", "status", "--porcelain").out == ""


def test_untracked_file_is_refused_until_git_or_dvc_has_it(fresh: Project, monkeypatch):
    monkeypatch.chdir(fresh.folder)
    text = Path("data/schema/german_credit.yaml").read_text()
    Path("data/schema/mine.yaml").write_text(text)
    Path(LOST).write_bytes(Path("data/raw/german_credit.csv").read_bytes())
    done = fresh.command("check", "--queue", "-S", f"data.source={LOST}")
    assert done.code == 2
    assert done.err.startswith(f"error: params.yaml: data.source: {LOST} is neither in Git nor in")
    assert len(done.err.splitlines()) == 1
    # Not queued, it is no mistake.
    assert fresh.command("check", "-S", f"data.source={LOST}").code == 0

    # But the experiment's commit then holds the applicants.
    fresh.dvc("exp", "run", "-n", "taken", "-S", f"data.source={LOST}", "ingest")
    ref = fresh.run("git", "for-each-ref", "--format=%(refname)", "refs/exps/*/*/taken").out.strip()
    assert LOST in fresh.run("git", "ls-tree", "-r", "--name-only", ref).out
    fresh.run("git", "checkout", "params.yaml")

    tree = apply_overrides(
        "params.yaml", [f"data.source={LOST}", "data.schema=data/schema/mine.yaml"]
    )
    fresh.dvc("add", "-q", LOST)
    with pytest.raises(InputError, match=r"data\.schema"):
        check_tracked(tree, "params.yaml")
    fresh.run("git", "add", "data/schema/mine.yaml")
    check_tracked(tree, "params.yaml")


TINY = """\
stages:
  a:
    cmd: sleep ${seconds}; echo ${value} > out.txt
    params: [value]
    outs: [out.txt]
"""


def _late(*_: object) -> None:
    pytest.fail("waited for ever")  # no OSError: what is tested tries again after one


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Project]:
    """A project whose one stage takes as long as it is told; a test that hangs fails."""
    project = Project(tmp_path)
    (tmp_path / "dvc.yaml").write_text(TINY)
    (tmp_path / "params.yaml").write_text("value: 0\nseconds: 0\n")
    for command in (
        ["git", "init", "-q"],
        ["git", "config", "user.name", "test"],
        ["git", "config", "user.email", "test@example.org"],
        ["dvc", "init", "-q"],
    ):
        project.run(*command)
    project.commit("tiny")
    before = signal.signal(signal.SIGALRM, _late)
    signal.alarm(120)
    yield project
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _start(project: Project) -> None:
    """Start a worker, which keeps what it inherits open: no pipe."""
    command = [sys.executable, "-m", "dvc", "queue", "start"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path}
    quiet = subprocess.DEVNULL
    subprocess.run(command, cwd=project.folder, env=env, stdout=quiet, stderr=quiet, check=True)


def test_workers_that_ended_early_are_started_again(tiny: Project, monkeypatch):
    monkeypatch.setattr(queue, "PATIENCE", 1.0)
    tiny.dvc("exp", "run", "--queue", "-S", "value=1,2")
    starts = []

    def start() -> None:
        starts.append(_start(tiny))

    revs = set(queue.tasks(tiny.folder))
    ended = list(queue.follow(tiny.folder, revs, start, pause=0.2))
    assert starts
    assert {task.rev for task in ended if task.status == "Success"} == revs


def test_experiment_whose_worker_was_killed_is_told_as_failed(tiny: Project, monkeypatch):
    monkeypatch.setattr(queue, "PATIENCE", 1.0)
    tiny.dvc("exp", "run", "--queue", "-S", "value=1", "-S", "seconds=30")
    (rev,) = queue.tasks(tiny.folder)
    _start(tiny)
    ended = []
    for task in queue.follow(tiny.folder, {rev}, lambda: None, pause=0.2):
        if task.status == "Running":
            worker = tiny.folder / ".dvc/tmp/exps/celery/dvc-exp-worker-1.pid"
            os.kill(int(worker.read_text()), signal.SIGKILL)
        ended.append(task.status)
    assert ended == ["Running", "Failed"]


def test_experiment_whose_worker_is_too_busy_to_respond_is_waited_for(tiny: Project, monkeypatch):
    monkeypatch.setattr(queue, "PATIENCE", 0.5)
    monkeypatch.setattr(LocalCeleryQueue, "worker_status", lambda self: {})
    tiny.dvc("exp", "run", "--queue", "-S", "value=1", "-S", "seconds=10")
    (rev,) = queue.tasks(tiny.folder)
    _start(tiny)
    ended = [t.status for t in queue.follow(tiny.folder, {rev}, lambda: None, pause=0.2)]
    assert ended == ["Running", "Success"]


def test_make_calls_the_same_scripts():
    def said(*args: str) -> str:
        command = ["make", "-n", "VENV=x", *args]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    repro = said("repro")
    assert repro.index("commands.check") < repro.index("dvc repro")

"""`make tune`: it goes on where it was killed, and changes params.yaml and nothing else."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest
import yaml

from commands import tune as stage
from creditrisk.core.cli import run
from creditrisk.core.errors import InputError
from creditrisk.workflow.tune.outcome import Outcome, changes
from creditrisk.workflow.tune.space import Range, read_space
from creditrisk.workflow.tune.study import _ctrl_c
from creditrisk.workflow.tune.yaml_edit import replace_values
from tests.support.audit import HOOK
from tests.support.project import ROOT, Done, Project

PARAMS = ROOT / "params.yaml"
SPACES = ROOT / "creditrisk/workflow/tune/ranges.yaml"
TRAIN = Path("data/processed/train.parquet")
TRIAL = re.compile(r"tune@\w+: (trial .*)")


@pytest.fixture
def project(built: Project, tmp_path) -> Project:
    """A built pipeline, with a block that is easy to beat in the project's own params.yaml."""
    project = built.copy(tmp_path / "project")
    text = PARAMS.read_text().replace("folds: 5", "folds: 2").replace("repeats: 2", "repeats: 1")
    poor = "max_depth: 1                  # a stump\n    min_samples_leaf: 20"
    text = text.replace("max_depth: 5\n    min_samples_leaf: 20", poor)
    assert "a stump" in text
    (project.folder / "params.yaml").write_text(text)
    project.commit("a stump")
    return project


# Kills itself in the middle of the sixth trial; four combinations are measured before.
KILLED = """
import os, signal
from creditrisk.core.cli import run
from creditrisk.workflow.tune.objective import Bench
from commands.tune import main

real, calls = Bench.scores, []

def scores(bench, candidate):
    calls.append(candidate)
    if len(calls) == 4 + 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(bench, candidate)

Bench.scores = scores
run(main)
"""


def tune(project: Project, algo: str, trials: int, *more: str, **env: str) -> Done:
    return project.command("tune", algo, "--trials", str(trials), *more, **env)


def lines(done: Done) -> list[str]:
    return TRIAL.findall(done.out)


def result(done: Done) -> list[str]:
    return [line for line in done.out.splitlines() if not TRIAL.match(line)][-3:]


def mean(line: str) -> float:
    return float(re.search(r": (0\.\d+), best", line)[1])


def test_result_is_a_change_of_params_yaml_and_nothing_else(project):
    before = (project.folder / "params.yaml").read_text()
    log = project.folder.with_name("audit.log")
    done = tune(
        project, "dt", 12, AUDIT_LOG=str(log), PYTHONPATH=str(HOOK), DVC_STAGE="tune",
        PYTHONDONTWRITEBYTECODE="1",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert len(lines(done)) == 12
    assert project.run("git", "status", "--short").out == " M params.yaml\n"
    after = (project.folder / "params.yaml").read_text()
    changed = project.run("git", "diff", "--numstat").out.split()
    told = dict(re.findall(r"algorithms\.dt\.(\w+): .* -> (.*)", done.out))
    assert changed[:2] == [str(len(told)), str(len(told))]
    assert "# a stump" in after
    assert yaml.safe_load(after)["algorithms"]["dt"] == yaml.safe_load(before)["algorithms"][
        "dt"
    ] | {key: yaml.safe_load(value) for key, value in told.items()}
    # Of the data it has read the training rows, and nothing of the test rows.
    read = {json.loads(x)[2] for x in log.read_text().splitlines() if json.loads(x)[1] == "read"}
    data = {p for p in read if p.startswith(f"{project.folder}/data/") and Path(p).is_file()}
    assert data == {
        str(project.folder / TRAIN),
        str(project.folder / "data/processed/features.json"),
    }
    # train then finds the very score that tune promised.
    best = max(map(mean, lines(done)))
    project.dvc("repro", "train@dt")
    trained = pd.read_csv(project.folder / "plots/train/dt.csv")
    assert len(trained) == 1
    assert trained["mean"][0] == pytest.approx(best, abs=5e-5)
    # And the search goes on from there: what it has written is the best it knows.
    more = tune(project, "dt", 12)
    assert lines(more) == []
    assert f"params.yaml now: {best:.4f}" in more.out
    assert "none is better" in more.out


def test_killed_and_called_again_it_finds_what_it_would_have_found(project):
    at_once = tune(project, "dt", 14, "--dry-run", "--store", ".dvc/tmp/at-once")
    assert at_once.code == 0, at_once.err
    assert len(lines(at_once)) == 14
    # Workers would outlive it for minutes, with its output open.
    killed = project.run(
        "python", "-c", KILLED, "dt", "--trials", "14", "--dry-run", LOKY_MAX_CPU_COUNT="1"
    )
    assert killed.code == -signal.SIGKILL
    assert lines(killed) == lines(at_once)[:5]
    again = tune(project, "dt", 14, "--dry-run")
    assert "continuing after 5 trials" in again.out
    assert lines(again) == lines(at_once)[5:]
    assert result(again) == result(at_once)
    # A larger number adds the rest.
    assert [x.split(":")[0] for x in lines(tune(project, "dt", 15, "--dry-run"))] == [
        "trial 15 of 15"
    ]
    # Without a row, another study begins.
    frame = pd.read_parquet(project.folder / TRAIN)
    frame.iloc[:-1].to_parquet(project.folder / TRAIN, index=False)
    other = tune(project, "dt", 1, "--dry-run")
    assert "continuing" not in other.out
    assert len(lines(other)) == 1


def test_trial_that_cannot_be_fitted_is_told_and_the_others_count(project):
    path = project.folder.with_name("tune.yaml")
    some = {"choices": ["none", "smote"]}
    # lbfgs takes no mixture of penalties.
    ranges = {"encoder": {"choices": ["onehot"]}, "resample": some, "C": {"low": 0.1, "high": 1.0}}
    path.write_text(yaml.safe_dump({"lr": ranges | {"l1_ratio": {"choices": [0.0, 0.5]}}}))
    done = tune(project, "lr", 6, "--dry-run", "--space", str(path))
    assert done.code == 0, done.err
    failed = [line for line in lines(done) if ": failed, " in line]
    assert 0 < len(failed) < 6 == len(lines(done))
    assert all("l1_ratio 0.5" in line for line in failed)
    assert f"6 trials, {len(failed)} of them failed" in done.out
    assert lines(tune(project, "lr", 6, "--dry-run", "--space", str(path))) == []


def test_interrupted_it_ends_with_what_is_there(project):
    command = [sys.executable, "-u", "-m", "commands.tune", "lr", "--trials", "500", "--dry-run"]
    with subprocess.Popen(
        command, cwd=project.folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running, contextlib.ExitStack() as ends:  # fmt: skip
        ends.callback(running.kill)
        while "trial 2 of" not in running.stdout.readline():
            assert running.poll() is None
        busy = tune(project, "lr", 3)
        for worker in psutil.Process(running.pid).children():
            worker.send_signal(signal.SIGINT)  # deaf: it is the search that answers
        with contextlib.closing(sqlite3.connect(project.folder / ".dvc/tmp/tune/lr.db")) as study:
            (begun,) = study.execute("SELECT COUNT(*) FROM trials").fetchone()
        while f"trial {begun + 3} of" not in running.stdout.readline():
            assert running.poll() is None
        os.killpg(running.pid, signal.SIGINT)
        rest = line = running.stdout.readline()
        while line and "interrupted" not in line:
            line = running.stdout.readline()
            rest += line
        os.killpg(running.pid, signal.SIGINT)  # a second one, while it winds up
        more, err = running.communicate(timeout=60)
    rest += more
    assert busy.code == 2
    assert "another search of lr is running" in busy.err
    assert running.returncode == 0, err
    assert "interrupted: these are the results so far" in rest
    assert re.search(r"tune@lr: \d+ trials: ", rest)
    assert "Traceback" not in err


def test_second_ctrl_c_is_not_heard_while_the_search_winds_up():
    before = signal.getsignal(signal.SIGINT)
    try:
        with _ctrl_c() as stopped:
            pass
        assert signal.getsignal(signal.SIGINT) is before
        with _ctrl_c() as stopped:
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert len(stopped) == 1
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("algo", "space", "told"),
    [
        ("xbg", None, "unknown algorithm. Did you mean xgb?"),
        ("vote", None, "Tune its members."),
        ("", None, "missing. Say which"),
        ("dt", {"lr": {}}, "no ranges for this algorithm. Valid: lr."),
        ("dt", {"dt": {"max_dept": {"low": 1, "high": 3}}}, "Did you mean max_depth"),
        ("dt", {"dt": {"max_depth": {"lo": 1, "high": 3}}}, "dt.max_depth.lo: unknown parameter"),
        ("dt", {"dt": {"max_depth": {"low": 3, "high": 3}}}, "low 3 is not below high 3"),
        ("dt", {"dt": {"max_depth": {"low": 0, "high": 3}}}, "dt.max_depth: The 'max_depth' par"),
        ("dt", {"dt": {"max_depth": 3}}, "dt.max_depth: not a range"),
        ("dt", {"dt": {"encoder": {"choices": ["onehott"]}}}, "Did you mean onehot?"),
        ("lr", {"lr": {"C": {"low": 0.0, "high": 1.0, "log": True}}}, "log needs a low above 0"),
        ("lr", {"lr": {"C": {"low": 0.1, "high": 1.0}}}, "lr.encoder: params.yaml searches"),
    ],
)
def test_wrong_input_ends_with_one_line(tmp_path, monkeypatch, capsys, algo, space, told):
    (tmp_path / "params.yaml").write_text(PARAMS.read_text())
    (tmp_path / "data/processed").mkdir(parents=True)
    pd.DataFrame({"bad": [0, 1]}).to_parquet(tmp_path / "data/processed/train.parquet")
    features = {"numeric": [], "nominal": [], "ordinal": {}, "derived": {}}
    (tmp_path / "data/processed/features.json").write_text(json.dumps(features))
    path = SPACES
    if space is not None:
        path = tmp_path / "tune.yaml"
        path.write_text(yaml.safe_dump(space))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tune", algo, "--space", str(path)])
    with pytest.raises(SystemExit) as ended:
        run(stage.main)
    assert ended.value.code == 2
    line = capsys.readouterr().err
    assert told in line
    assert re.fullmatch(r"error: [^\n]+: [^\n]+: [^\n]+\. [^\n]+\n", line)
    assert (tmp_path / "params.yaml").read_text() == PARAMS.read_text()


def test_every_algorithm_of_its_own_has_ranges_for_all_that_params_yaml_searches():
    blocks = yaml.safe_load(PARAMS.read_text())["algorithms"]
    for algo, block in blocks.items():
        if algo == "vote":
            continue
        searched = {k for k, v in block.items() if isinstance(v, list) and len(v) > 1}
        assert searched <= set(read_space(SPACES, algo, 42)), algo


BLOCK = """\
# head
seed: 42                        # a seed
a: {b: ["?", na], c:   2}   # odd   spacing
algorithms:
  dt:
    encoder: [onehot, binary]   # searched
    depth:
      - 1   # one
      - 2
    # about leaf
    leaf: 20

  # after
  lr: {C: [0.1, 0.3], l1: 0}  # flow
tail: 'x'
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("algo", "values", "new"),
    [
        ("dt", {"encoder": "woe"}, {"encoder: [onehot, binary] ": "encoder: woe "}),
        ("dt", {"depth": 7}, {"- 1   # one|      - 2": "7"}),
        ("dt", {"depth": [[8, 4]]}, {"- 1   # one|      - 2": "[[8, 4]]"}),
        ("dt", {"leaf": None, "w": 1e-05}, {"leaf: 20": "leaf: null|    w: 1.0e-05"}),
        ("lr", {"C": 0.25}, {"[0.1, 0.3]": "0.25"}),
        ("lr", {"C": 0.25, "p": "no"}, {"[0.1, 0.3], l1: 0": "0.25, l1: 0, p: 'no'"}),
    ],
)
def test_every_other_byte_of_the_file_stays(algo, values, new, newline):
    text = wanted = BLOCK.replace("\n", newline)
    for old, put in new.items():
        old, put = (part.replace("|", newline) for part in (old, put))
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, put)
    assert replace_values(text, ["algorithms", algo], values) == wanted


def test_value_behind_an_alias_is_left_to_a_person():
    text = "one: &c [0.1, 0.3]\nalgorithms:\n  lr:\n    C: *c\n"
    with pytest.raises(InputError, match="by hand"):
        replace_values(text, ["algorithms", "lr"], {"C": 0.2})


def test_changes_are_the_lines_that_differ():
    space = {"C": Range(low=0.1, high=1.0), "layers": Range(low=1, high=2)}
    block = {"C": [0.1, 0.3], "layers": [[16]], "solver": "lbfgs"}
    best = {"C": 0.2, "layers": [16], "solver": "lbfgs", "resample": "none", "encoder": "onehot"}
    assert changes(best, block, space) == {"C": 0.2}
    assert changes(best | {"layers": [8]}, block, space) == {"C": 0.2, "layers": [[8]]}


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ([0.70, 0.80, 0.75], "none is better"),
        ([0.71, 0.81, 0.76], "more than luck"),
        ([0.60, 0.95, 0.75], "may be luck"),
    ],
)
def test_verdict_goes_by_the_paired_differences(best, said):
    present = [0.70, 0.80, 0.75]
    assert said in Outcome({}, present, {}, best, 5, 0).verdict("roc_auc", 3)


def test_numbers_are_tried_as_they_are_written():
    values = Range(low=0.001, high=10.0, log=True)
    assert values.decode(0.0123456) == 0.0123
    assert Range(low=0.5, high=1.0, step=0.05).decode(0.7000000000000001) == 0.7
    assert Range(low=1, high=9).decode(4) == 4

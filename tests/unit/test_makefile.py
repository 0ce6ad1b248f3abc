"""What a person sets on make's command line is text: neither make nor the shell runs it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Prints each of its arguments on a line of its own.
SHOW = '#!/bin/sh\nfor one in "$@"; do printf \'%s\\n\' "$one"; done\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Makefile, with an environment that looks installed and shows what it is asked for."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (".venv/bin/python", ".venv/bin/dvc", ".venv/bin/gh", ".venv-s3/bin/dvc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(SHOW)
        (tmp_path / name).chmod(0o755)
    for lock in ROOT.glob("requirements*.lock"):
        (tmp_path / lock.name).touch()
    for stamp in (".venv/locked", ".venv/locked-test", ".venv-s3/locked"):
        (tmp_path / stamp).touch()
    return tmp_path


def make(folder: Path, *arguments: str, **environment: str) -> list[str]:
    done = subprocess.run(
        ["make", "-s", *arguments], cwd=folder, env={"PATH": "/usr/bin:/bin"} | environment,
        capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()


ATTACKS = (
    "$(shell touch ran)",
    "`touch ran`",
    "$(touch ran)",
    "'; touch ran; '",
    '"; touch ran; "',
)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("sweep", "SET"), ("sweep", "JOBS"), ("tune", "ALGO"), ("tune", "TRIALS"), ("tune", "ARGS"),
        ("remote", "REMOTE"), ("pull", "REMOTE"), ("check", "ARGS"), ("experiments", "ARGS"),
        ("score", "INPUT"), ("mlflow", "PORT"), ("review", "BASE"), ("review", "INTO"),
        ("review", "PICTURES"), ("comment", "PR"), ("test-fast", "ARGS"), ("logs", "RUNS"),
        ("schema", "DATA"), ("schema", "TARGET"), ("schema", "GOOD"), ("schema", "BAD"),
        ("schema", "EXCLUDE"), ("schema", "OUTPUT"), ("schema", "ARGS"),
        ("image", "ENGINE"), ("image", "BASE"), ("image-push", "REGISTRY"), ("deploy", "PROJECT"),
        ("deploy", "IMAGE"), ("rollback", "REGION"),
    ],
)  # fmt: skip
def test_no_setting_is_run(folder: Path, target: str, name: str, attack: str):
    (folder / "logs").mkdir()
    (folder / "logs/x.log").touch()
    make(folder, target, f"{name}={attack}", "OUTPUT=x")
    make(folder, target, "OUTPUT=x", **{name: attack})
    assert not (folder / "ran").exists()


def test_a_sweep_gets_each_of_its_settings_as_it_is_written(folder: Path):
    lines = make(folder, "sweep", "SET=model=lr,rf seed=1,2 train.scoring=$HOME", "JOBS=3")
    assert lines == [
        "-m", "commands.sweep", "--jobs", "3",
        "-S", "model=lr,rf", "-S", "seed=1,2", "-S", "train.scoring=$HOME",
    ]  # fmt: skip


def test_a_draft_gets_each_of_its_settings_as_one_argument(folder: Path):
    values = {"DATA": "a b.csv", "TARGET": "the $HOME", "GOOD": "Fully Paid,ok", "BAD": "*"}
    lines = make(folder, "schema", *(f"{name}={value}" for name, value in values.items()))
    assert lines == [
        "-m", "commands.schema", "--data", "a b.csv", "--target", "the $HOME",
        "--good", "Fully Paid,ok", "--bad", "*",
    ]  # fmt: skip


def test_a_remote_selects_its_environment_and_is_one_word(folder: Path):
    assert make(folder, "pull", "REMOTE=s3-archive")[-3:] == ["pull", "-r", "s3-archive"]
    assert make(folder, "pull", "REMOTE=a b")[-1] == "a b"


def test_arguments_are_cut_at_blanks_and_nothing_else(folder: Path):
    assert make(folder, "check", "ARGS=-S model=lr --queue *")[2:] == [
        "-S",
        "model=lr",
        "--queue",
        "*",
    ]

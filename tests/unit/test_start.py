"""What a script has imported when it answers: its help, a wrong argument, its first line.

How long an import takes depends on the machine; what is imported does not.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.project import ROOT

SCRIPTS = sorted(
    f"{folder}.{path.stem}"
    for folder in ("commands", "stages")
    for path in (ROOT / folder).glob("*.py")
    if path.stem != "__init__"
)
# What takes long to import, or what such a library needs.
HEAVY = {
    "category_encoders", "dvc", "fastapi", "imblearn", "interpret", "jinja2", "joblib", "lightgbm",
    "matplotlib", "mlflow", "numpy", "optuna", "pandas", "pandera", "plotly", "prometheus_client",
    "pyarrow", "pydantic", "requests", "scipy", "sklearn", "uvicorn", "xgboost", "yaml",
}  # fmt: skip
TRAINS = {
    "stages.train", "commands.repro", "commands.retrain", "commands.sweep", "commands.tune",
}  # fmt: skip
# The whole script takes less than a second with the default data, so it says no first line (mirror
# does, once it has something to upload). Without a project, as here, it ends with an error.
QUICK = {
    "commands.alert", "commands.mirror", "commands.receive", "commands.remotes",
    "commands.simulate_drift",
}  # fmt: skip
ALLOWED = {"dvc", "numpy", "pandas", "pyarrow", "pydantic", "yaml"}
# What a script needs to get as far as its first line.
ARGUMENTS = {
    "commands.deploy": ["--project=p", "--region=r", f"--image=r/i@sha256:{'0' * 64}"],
    "commands.image": ["build"],
    "commands.remotes": ["check"],
    "commands.review": ["--base=HEAD"],
    "commands.schema": ["--data=a.csv", "--target=bad"],
    "commands.score": ["--input=a.csv", "--output=-"],
}

# Runs a script as `python -m` does, and ends it at its first output. At a terminal, where a line
# goes to stderr if stdout is for a program.
WATCH = """
import json, os, runpy, sys

class Watched:
    def write(self, text):
        if text.strip():
            heavy = sorted(set(json.loads(os.environ["HEAVY"])) & sys.modules.keys())
            os.write(1, json.dumps([text, heavy]).encode())
            os._exit(0)
    def flush(self):
        pass
    def isatty(self):
        return True

script = sys.argv[1]
sys.argv[:2] = ["-m"]
sys.stdout = sys.stderr = Watched()
runpy.run_module(script, run_name="__main__", alter_sys=True)
"""


class First(NamedTuple):
    """The first text that a script prints, and which of `HEAVY` it had imported by then."""

    text: str
    heavy: set[str]


def first_output(script: str, folder: Path, *args: str) -> First:
    env = {name: value for name, value in os.environ.items() if not name.startswith("CREDITRISK_")}
    env |= {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off", "HEAVY": json.dumps(sorted(HEAVY))}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, script, *args],
        cwd=folder, env=env, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    text, heavy = json.loads(done.stdout)
    return First(text, set(heavy))


def test_the_lists_name_scripts():
    assert {*TRAINS, *QUICK, *ARGUMENTS} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_help_and_a_wrong_argument_import_no_library(script: str, tmp_path: Path):
    for argument in ("--help", "--no-such-option"):
        first = first_output(script, tmp_path, argument)
        assert first.text.startswith("usage: "), first.text
        assert first.heavy == set(), argument


@pytest.mark.parametrize("script", [one for one in SCRIPTS if one not in TRAINS])
def test_the_first_line_comes_before_the_library(script: str, tmp_path: Path):
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for command in ("init --quiet", "commit --quiet --allow-empty --message=x"):
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *who, *command.split()], cwd=tmp_path, check=True)
    first = first_output(script, tmp_path, *ARGUMENTS.get(script, ()))
    if script in QUICK:
        assert first.text.startswith("error: "), first.text
        assert first.heavy <= ALLOWED
    else:
        name = script.partition(".")[2]
        assert first.text.startswith(f"{name}: "), first.text
        assert first.heavy <= {"pydantic", "yaml"}


# How a script ends: with an exit handler of a library, and an object that Python would take apart.
ENDS = """
import atexit, os, sys
sys.argv[:2] = ["-m"]
from creditrisk.core.environment import start
start()
from creditrisk.core.cli import run
from creditrisk.core.errors import InputError

class Library:
    def __del__(self):
        os.write(1, b"taken apart\\n")

library = Library()
atexit.register(lambda: print("a library's exit handler"))

def main():
    print("done")
    CODE

run(main)
"""


@pytest.mark.parametrize(
    ("end", "code", "error"),
    [
        ("pass", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("raise InputError('a.csv', 'row 1', 'x', 'y.')", 2, "error: a.csv: row 1: x. y.\n"),
    ],
)
def test_a_script_ends_after_all_exit_handlers_and_is_not_taken_apart(
    end: str, code: int, error: str
):
    done = subprocess.run(
        [sys.executable, "-c", ENDS.replace("CODE", end), "x"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "done\na library's exit handler\n")
    assert done.stderr == error


def test_an_error_that_is_none_of_the_user_s_ends_in_python_s_way():
    done = subprocess.run(
        [sys.executable, "-c", ENDS.replace("CODE", "1 / 0"), "x"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert done.stdout.endswith("taken apart\n")

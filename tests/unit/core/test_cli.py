"""The help of every script: how it is run, and defaults that are none are left out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted(
    f"{folder}.{path.stem}"
    for folder in ("commands", "stages")
    for path in (ROOT / folder).glob("*.py")
    if path.stem != "__init__"
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_says_how_the_script_is_run_and_names_real_defaults_only(script: str, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", script, "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m {script} [-h] [--verbose]")
    words = " ".join(done.stdout.split())
    assert "--verbose show the log on the console too" in words
    assert not re.search(r"default: (None|False)", words)


def test_a_default_is_told_and_a_wrong_argument_is_one_of_the_command():
    command = [sys.executable, "-m", "commands.review", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert "(default: review.md)" in " ".join(told.split())
    done = subprocess.run(
        [sys.executable, "-m", "commands.sweep", "--jobs", "0", "-S", "seed=1"],
        cwd=ROOT, env=os.environ | {"CREDITRISK_LOG": "off"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "python -m commands.sweep: error: argument --jobs: at least 1"
    )

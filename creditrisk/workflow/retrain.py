"""Train on a new file as an experiment of DVC, in a folder of its own: nothing here changes."""

import hashlib
import os
import sys
from pathlib import Path

from creditrisk.workflow.dvc import run_dvc
from creditrisk.workflow.programs import show_program


def experiment_name(rows: int, content: bytes) -> str:
    """Name an experiment by what it trains on; a name that is taken gets a number.

    Args:
        rows: number of matured rows.
        content: of the file.
    """
    name = f"retrain-{rows}-{hashlib.sha256(content).hexdigest()[:6]}"
    taken = {*run_dvc("exp", "list", "--name-only").split()}
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def train_on(path: Path, name: str) -> None:
    """Let DVC track a file and run the pipeline on it.

    DVC keeps the file itself, since applicants do not belong in Git; what Git gets is its hash. The
    experiment runs in a temporary folder, so the champion that is in use stays until somebody
    applies it.

    Args:
        path: the file, from the folder of the project.
        name: of the experiment.

    Raises:
        InputError: DVC can't track the file, or a stage fails.
    """
    # The stages start `python`.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    run_dvc("add", "--quiet", str(path))
    command = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--name", name]
    hint = "Correct it, then run this again."
    show_program([*command, "-S", f"data.source={path.as_posix()}"], "dvc exp run", hint)

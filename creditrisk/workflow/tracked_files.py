"""Files that a queued experiment needs: those that Git or DVC tracks."""

import subprocess
from pathlib import Path, PurePath
from typing import Any

from creditrisk.core.errors import InputError


def check_tracked(tree: dict[str, Any], path: str | Path) -> None:
    """Check that a queued experiment's folder will have the files which the parameters name.

    Raises:
        InputError: one is neither in Git nor in DVC.
    """
    for name in ("source", "schema"):
        file = tree["data"][name]
        if not is_tracked(file):
            raise untracked_error(path, f"data.{name}", file)


def untracked_error(path: str | Path, location: str, file: str) -> InputError:
    """Word that a file is missing where a queued experiment runs."""
    problem = (
        f"{file} is neither in Git nor in DVC, and an experiment with --queue or --temp runs in a "
        "folder that holds tracked files only"
    )
    return InputError(
        path, location, problem, f"`dvc add {file}`, or `git add` it where it may lie."
    )


def is_tracked(file: str) -> bool:
    """Tell whether a queued experiment's folder will have a file."""
    if Path(file).is_absolute() or is_stage_output(file):
        return True
    command = ["git", "ls-files", "--", *dvc_paths(file)]
    return bool(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def dvc_paths(file: str) -> list[str]:
    """Name the file, and what `dvc add` leaves of it or of a folder that holds it."""
    folders = list(PurePath(file).parents)[:-1]
    return [file, *(f"{part}.dvc" for part in (file, *folders))]


def is_stage_output(file: str) -> bool:
    """Tell whether a stage that was added to dvc.yaml may make the file."""
    stages = Path("dvc.yaml")
    return stages.exists() and file in stages.read_text(encoding="utf-8")

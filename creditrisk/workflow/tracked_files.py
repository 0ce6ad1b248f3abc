"""Check that Git or DVC tracks the files that a queued experiment needs."""

from pathlib import Path, PurePath
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.git import files_in_git


def check_tracked(tree: dict[str, Any], path: str | Path) -> None:
    """Check that a queued experiment's folder will have the files that the parameters name.

    Args:
        tree: the content of params.yaml.
        path: its name, for errors.

    Raises:
        InputError: a file is neither in Git nor in DVC.
    """
    for name in ("source", "schema"):
        file = tree["data"][name]
        if not is_tracked(file):
            raise untracked_error(path, f"data.{name}", file)


def untracked_error(path: str | Path, location: str, file: str) -> InputError:
    """Make the error for a file that a queued experiment would not find."""
    problem = (
        f"{file} is neither in Git nor in DVC, and an experiment with --queue or --temp runs in a "
        "folder that has tracked files only"
    )
    hint = f"Run `dvc add {file}`, or `git add` it if it may be in Git."
    return InputError(path, location, problem, hint)


def is_tracked(file: str) -> bool:
    """Return whether a queued experiment's folder will have a file.

    Raises:
        InputError: Git fails, so it is not known.
    """
    if Path(file).is_absolute() or is_stage_output(file):
        return True
    return bool(files_in_git(dvc_paths(file)))


def dvc_paths(file: str) -> list[str]:
    """List the file and the .dvc files that `dvc add` would write for it or a parent folder."""
    folders = list(PurePath(file).parents)[:-1]
    return [file, *(f"{part}.dvc" for part in (file, *folders))]


def is_stage_output(file: str) -> bool:
    """Return whether dvc.yaml mentions the file, so that a stage may write it."""
    stages = Path("dvc.yaml")
    return stages.exists() and file in stages.read_text(encoding="utf-8")

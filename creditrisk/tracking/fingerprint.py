"""The fingerprint of a run: hashes that identify it, and tags that describe it to people."""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from creditrisk.core.environment import LIBRARIES, library_version
from creditrisk.core.errors import InputError
from creditrisk.core.git import git

# Results and dvc.lock change while the pipeline runs. That alone does not make a run dirty.
RESULTS = ("dvc.lock", "metrics", "plots", "data/candidates")


def hash_inputs(inputs: Mapping[str, Path]) -> dict[str, str]:
    """Hash the inputs of a stage: the bytes of a file, or names and bytes of a folder's files."""
    return {name: _hash_path(Path(path)) for name, path in inputs.items()}


def _hash_path(path: Path) -> str:
    if path.is_file():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return hash_json([[p.relative_to(path).as_posix(), _hash_path(p)] for p in files])


def hash_json(value: Any) -> str:
    """Hash the JSON text of a value, with sorted keys."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_code(served: Mapping[str, bytes] | None = None) -> str:
    """Hash the source files of this project that are imported, except those of the tracking.

    So a change in how runs are recorded does not make new runs.

    Args:
        served: source files that travel with the champion, by their paths.
    """
    sources = {
        path: hashlib.sha256(content).hexdigest() for path, content in (served or {}).items()
    }
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        ours = name.split(".")[0] in ("creditrisk", "stages", "commands")
        if ours and path and not name.startswith("creditrisk.tracking"):
            sources[name] = _hash_path(Path(path))
    return hash_json(sources)


def run_tags(folder: Path) -> dict[str, str]:
    """Collect tags: Git commit, uncommitted changes, DVC experiment and library versions.

    Args:
        folder: the project's folder.

    Returns:
        Tag to value, without those that are unknown.
    """
    found = {
        "git.commit": _git(folder, "rev-parse", "HEAD"),
        "dvc.exp_name": os.environ.get("DVC_EXP_NAME", ""),
        "dvc.exp_baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
        "version.python": platform.python_version(),
    }
    changed = _git(
        folder, "status", "--porcelain", "--untracked-files=no", "--", ".",
        *(f":!{name}" for name in RESULTS),
    )  # fmt: skip
    if found["git.commit"]:
        found["git.dirty"] = str(bool(changed)).lower()
    for library in LIBRARIES:
        found[f"version.{library}"] = library_version(library) or ""
    return {key: value for key, value in found.items() if value}


def _git(folder: Path, *command: str) -> str:
    try:
        return git(*command, folder=folder).strip()
    except InputError:  # no Git on this machine, or no repository: the run has no tags of it
        return ""


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Collect the numbers of a metrics file under dotted names, such as `cv.roc_auc`."""
    flat: dict[str, float] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[f"{prefix}{key}"] = float(value)
    return flat

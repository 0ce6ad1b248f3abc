"""What a run of the pipeline opened, against what dvc.yaml declares."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOOK = Path(__file__).parent / "audit_hook"


@dataclass
class Opened:
    """Of one stage: paths below the project's folder, and names of parameters."""

    read: set[str] = field(default_factory=set)
    write: set[str] = field(default_factory=set)
    param: set[str] = field(default_factory=set)


def opened(log: Path, project: Path) -> dict[str, Opened]:
    """Read the log that `audit/sitecustomize.py` wrote, by stage."""
    stages: dict[str, Opened] = defaultdict(Opened)
    for line in log.read_text().splitlines():
        stage, kind, what = json.loads(line)
        if not stage:
            continue  # DVC itself
        if kind == "param":
            stages[stage].param.add(what)
        elif (path := Path(what)).is_relative_to(project):
            name = _source(path.relative_to(project)).as_posix()
            # DVC and Git have folders of their own; a folder's listing is no file; and a name that
            # is relative to another folder's handle (as rmtree opens them) is nothing here.
            if not name.startswith((".dvc/", ".git/", "logs/")) and (
                path.is_file() or kind == "write"
            ):
                getattr(stages[stage], kind).add(name)
    return stages


def _source(path: Path) -> Path:
    """The source of a compiled module."""
    if path.parent.name == "__pycache__":
        return path.parent.parent / f"{path.name.split('.')[0]}.py"
    return path


def covered(name: str, declared: list[str]) -> bool:
    """Tell whether a path is declared, itself or by its folder."""
    return any(name == d or name.startswith(d.rstrip("/") + "/") for d in declared)


def declared_params(entry: dict[str, Any]) -> set[str]:
    """Parameters of a stage's entry in dvc.lock; those of the registry with their file."""
    return {
        name if file == "params.yaml" else f"{file}:{name}"
        for file, params in entry.get("params", {}).items()
        for name in params
    }

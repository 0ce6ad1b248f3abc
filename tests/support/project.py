"""A copy of this project in a temporary folder, with real DVC in it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from creditrisk.core.dvc_lock import from_root

ROOT = Path(__file__).parents[2]
RESULTS = ("metrics/", "plots/", "data/candidates/")

# One candidate an algorithm, two folds, once: seconds, not minutes.
SMALL = {
    "train": {"folds": 2, "repeats": 1, "nested": True, "outer_folds": 2, "inner_folds": 2},
    "algorithms": {
        "lr": {"encoder": "onehot", "resample": "none", "C": 0.1},
        "scorecard": {"encoder": "woe", "bins": 3, "C": 0.1},
        "dt": {"encoder": "binary", "resample": "smote", "max_depth": 3},
        "rf": {"encoder": "onehot", "n_estimators": 10},
        "et": {"encoder": "ordinal", "n_estimators": 10},
        "xgb": {"encoder": "onehot", "n_estimators": 10, "max_depth": 2},
        "lgbm": {"encoder": "onehot", "n_estimators": 10, "num_leaves": 4},
        "ebm": {"encoder": "woe", "outer_bags": 1, "interactions": 0, "max_rounds": 20},
        "knn": {"encoder": "woe", "n_neighbors": 31},
        "mlp": {"encoder": "target", "hidden_layer_sizes": [[2]], "solver": "lbfgs", "alpha": 10.0},
        "svc": {"encoder": "ordinal", "C": 1.0},
        "vote": {"members": ["rf", "xgb"]},
    },
}


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def ran(self) -> list[str]:
        """The stages that DVC ran."""
        return re.findall(r"Running stage '([^']+)'", self.out)


@dataclass
class Project:
    folder: Path

    def run(self, *command: str, **env: str) -> Done:
        """Run a program in the project, the tests' own interpreter first on the path.

        Searches run in one process: to start others takes longer than these small fits.
        """
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ
            | {"PATH": path, "DVC_NO_ANALYTICS": "true", "COLUMNS": "200"}
            | {"LOKY_MAX_CPU_COUNT": "1"}
            | env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=3600,  # ends what hangs; a busy machine does not come near
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def dvc(self, *args: str, **env: str) -> Done:
        """Run DVC, which must succeed."""
        done = self.run("dvc", *args, **env)
        assert done.code == 0, done.out[-3000:] + done.err[-3000:]
        return done

    def stage(self, name: str, *args: str, **env: str) -> Done:
        return self.run("python", "-m", f"stages.{name}", *args, **env)

    def command(self, name: str, *args: str, **env: str) -> Done:
        return self.run("python", "-m", f"commands.{name}", *args, **env)

    def params(self, changes: Mapping[str, Any]) -> None:
        """Change params.yaml; a mapping goes into a block, anything else replaces."""
        path = self.folder / "params.yaml"
        tree = yaml.safe_load(path.read_text())
        _merge(tree, changes)
        path.write_text(yaml.safe_dump(tree, sort_keys=False))

    def lock(self) -> dict[str, Any]:
        """The stages of dvc.lock, all paths from the project's folder."""
        return from_root(yaml.safe_load((self.folder / "dvc.lock").read_text())["stages"])

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        done = self.run("git", "commit", "-qm", message)
        assert done.code == 0, done.out + done.err

    def copy(self, folder: Path) -> "Project":
        """Copy everything, DVC's cache included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)


def new_project(folder: Path, changes: Mapping[str, Any] | None = None) -> Project:
    """Copy what Git tracks, as it stands in the work tree, without results; no cache, no remote."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        if name.endswith("dvc.lock") or name.startswith(RESULTS):
            continue
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    project = Project(folder)
    project.run("git", "init", "-q", "-b", "main")
    project.run("git", "config", "user.name", "test")
    project.run("git", "config", "user.email", "test@example.org")
    project.params(changes or {})
    # Those of empty folders ignore themselves, too.
    project.run("git", "add", "-f", *(n for n in names if n.endswith("/.gitignore")))
    project.commit("as it is")
    return project


def _merge(tree: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if key == "algorithms":
            tree[key] |= value
        elif isinstance(value, Mapping) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        else:
            tree[key] = value

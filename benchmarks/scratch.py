"""A copy of this project in a temporary folder, with a cache of its own, for timed runs."""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Took:
    """What a command took.

    Attributes:
        seconds: on the clock.
        cpu: of all its processes.
        out: what it printed.
    """

    seconds: float
    cpu: float
    out: str


@dataclass(frozen=True)
class Scratch:
    """A copy of the project.

    Attributes:
        folder: where it is.
    """

    folder: Path

    def run(self, *command: str, **environment: str) -> Took:
        """Run a command in it, which must succeed.

        Raises:
            RuntimeError: it failed.
        """
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        plain = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            command, cwd=self.folder, env=plain | {"PATH": path} | environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        seconds = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Took(seconds, cpu, done.stdout)

    def python(self, *arguments: str, **environment: str) -> Took:
        """Run a module of it: `python -m ...`."""
        return self.run(sys.executable, "-m", *arguments, **environment)

    def wait(self) -> None:
        """Wait until no process works in it: those of DVC's queue outlive their experiments."""
        psutil.wait_procs([one for one in psutil.process_iter() if self._has(one)])

    def _has(self, process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()).is_relative_to(self.folder)
        except psutil.Error:  # it has ended, or is somebody else's
            return False

    def params(self, changes: Mapping[str, Any]) -> None:
        """Set values of params.yaml, by dotted names; None removes one."""
        path = self.folder / "params.yaml"
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        for place, value in changes.items():
            *blocks, name = place.split(".")
            block = tree
            for part in blocks:
                block = block[part]
            if value is None:
                del block[name]
            else:
                block[name] = value
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")

    def stage_seconds(self) -> dict[str, float]:
        """Read the seconds of each stage from its last log, and delete the logs.

        They count from the start of the stage's script: with its imports, without Python's start.
        """
        seconds = {}
        for path in sorted((self.folder / "logs").glob("*.log")):
            for line in path.read_text(encoding="utf-8").splitlines():
                if found := re.search(r"INFO +(\S+) finished seconds=([\d.]+)", line):
                    seconds[found[1]] = float(found[2])
            path.unlink()
        return seconds


@contextmanager
def checked_out() -> Iterator[Scratch]:
    """Clone the committed project, with its outputs from this project's cache.

    For what reads outputs, and need not make them: it takes seconds.
    """
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
        cache = Scratch(ROOT).python("dvc", "cache", "dir").out.strip()
        place = Path(folder, "project")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
        project = Scratch(place)
        project.python("dvc", "config", "--local", "cache.dir", cache)
        project.python("dvc", "checkout", "--quiet")
        yield project


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Clone the committed project, with an empty cache, and build it once."""
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
        place = Path(folder, "project")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
        project = Scratch(place)
        project.python("dvc", "config", "--local", "cache.dir", str(Path(folder, "cache")))
        project.python("dvc", "repro")
        project.stage_seconds()
        try:
            yield project
        finally:
            project.wait()  # or they write into the folder while it is deleted

"""Where runs are recorded and where they are sent: the repository's own store, the environment."""

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from creditrisk.core.errors import InputError

DEFAULT_EXPERIMENT = "credit-risk"
DEFAULT_TIMEOUT = 20.0  # seconds that sending may add to a stage

# Set before MLflow is imported: it asks no host of its own, prints no address and no advice.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_TRACE_SAMPLING_RATIO": "0",
}


@dataclass(frozen=True)
class StoreLocation:
    """A local store.

    Attributes:
        folder: holds the database, the artifacts and the locks.
    """

    folder: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """The folder of the runs' files."""
        return self.folder / "artifacts"

    @property
    def uri(self) -> str:
        """The store as MLflow spells it; a writer waits a minute for another one."""
        return f"sqlite:///{self.database}?timeout=60"


def find_store(start: Path) -> StoreLocation | None:
    """Find the store of the project that `start` lies in.

    All work trees of a repository share one, and so do the temporary folders in which DVC runs
    queued experiments: those are thrown away.

    Returns:
        None when there is no DVC project above `start`.
    """
    start = start.resolve()
    project = next((p for p in (start, *start.parents) if (p / ".dvc").is_dir()), None)
    if project is None:
        return None
    project = _owner(project) or project
    return StoreLocation(_main_work_tree(project) / ".dvc" / "mlflow")


def is_temporary(start: Path) -> bool:
    """Whether `start` lies in a folder in which DVC runs a queued or temporary experiment."""
    return _owner(start.resolve()) is not None


def _owner(folder: Path) -> Path | None:
    """The project of a temporary experiment, which lies in PROJECT/.dvc/tmp/exps."""
    for above in folder.parents:
        if above.name == "exps" and above.parent.name == "tmp" and above.parents[1].name == ".dvc":
            return above.parents[2]
    return None


def _main_work_tree(project: Path) -> Path:
    """The same project in the repository's main work tree, where it has one."""
    if not any((p / ".git").is_file() for p in (project, *project.parents)):
        return project
    done = subprocess.run(
        ["git", "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode == 0 and len(lines) == 2 and Path(lines[1]).name == ".git":
        main = Path(lines[1]).parent / project.relative_to(Path(lines[0]).resolve())
        if (main / ".dvc").is_dir():
            return main
    return project


def experiment_name() -> str:
    """The experiment that runs are filed under."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or DEFAULT_EXPERIMENT


def remote_uri() -> str | None:
    """The server to send to, if one is named.

    Raises:
        InputError: it is no address. No part of it is told: it may hold a password.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port  # read, so that it is checked
    except ValueError:
        raise _no_address("it can't be read") from None
    if parts.scheme in ("", "file") or (parts.scheme.startswith("http") and not parts.hostname):
        raise _no_address("it names no server")
    return uri


def _no_address(why: str) -> InputError:
    hint = "Correct it, as in http://127.0.0.1:5000."
    return InputError("environment", "MLFLOW_TRACKING_URI", f"no server's address: {why}", hint)


def is_off() -> bool:
    """Whether recording is switched off, for a benchmark or a machine without MLflow."""
    return os.environ.get("CREDITRISK_TRACKING", "on").lower() in ("off", "0", "false", "no")


def bound() -> float:
    """Seconds that sending may take in a stage.

    Raises:
        ValueError: CREDITRISK_MIRROR_TIMEOUT is no number.
    """
    text = os.environ.get("CREDITRISK_MIRROR_TIMEOUT") or str(DEFAULT_TIMEOUT)
    try:
        return max(0.0, float(text))
    except ValueError:
        raise ValueError(f"CREDITRISK_MIRROR_TIMEOUT={text!r} is no number of seconds") from None


def without_secrets(uri: str) -> str:
    """Take user, password and query from an address, so that it can be shown."""
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fingerprint(uri: str) -> str:
    """Tell servers apart in the store, by address without user and password."""
    return hashlib.sha256(without_secrets(uri).rstrip("/").encode()).hexdigest()[:12]

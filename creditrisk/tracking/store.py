"""Where runs are recorded (the local store) and uploaded to (set by environment variables)."""

import hashlib
import math
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from creditrisk.core.errors import InputError

DEFAULT_EXPERIMENT = "credit-risk"
DEFAULT_TIMEOUT = 20.0  # seconds that an upload may add to a stage
MAX_TIMEOUT = 7 * 24 * 3600.0  # seconds; more is a mistake, and some waits can't take infinity

# Set before MLflow is imported: no telemetry, no printed addresses and no advice.
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
    """The location of a local store.

    Attributes:
        folder: the folder with the database, the artifacts and the locks.
    """

    folder: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """The folder with the files of the runs."""
        return self.folder / "artifacts"

    @property
    def kept(self) -> Path:
        """The folder of the runs that wait to be recorded; beside the store, which may be full."""
        return self.folder.with_name(f"{self.folder.name}-kept")

    @property
    def uri(self) -> str:
        """The tracking URI; a process that writes waits up to a minute for another one."""
        return f"sqlite:///{self.database}?timeout=60"


def find_store(start: Path) -> StoreLocation | None:
    """Find the local store of the project that contains `start`.

    All work trees of a repository share one store. The temporary folders in which DVC runs queued
    experiments use it too, because DVC deletes them afterwards.

    Args:
        start: a folder.

    Returns:
        None if `start` is not in a DVC project.
    """
    start = start.resolve()
    project = next((p for p in (start, *start.parents) if (p / ".dvc").is_dir()), None)
    if project is None:
        return None
    project = _owner(project) or project
    return StoreLocation(_main_work_tree(project) / ".dvc" / "mlflow")


def is_temporary(start: Path) -> bool:
    """Return whether `start` is in a folder where DVC runs a queued or temporary experiment."""
    return _owner(start.resolve()) is not None


def _owner(folder: Path) -> Path | None:
    """Get the project of a temporary experiment, which runs in PROJECT/.dvc/tmp/exps."""
    for above in folder.parents:
        if above.name == "exps" and above.parent.name == "tmp" and above.parents[1].name == ".dvc":
            return above.parents[2]
    return None


def _main_work_tree(project: Path) -> Path:
    """Get the same project in the repository's main work tree, if there is one."""
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
    """Get the name of the MLflow experiment for the runs."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or DEFAULT_EXPERIMENT


def remote_uri() -> str | None:
    """Get the address of the tracking server, if there is one.

    Raises:
        InputError: it is not an address. The message does not quote it, as it may have a password.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port  # read, so that it is checked
    except ValueError:
        raise _not_an_address("it can't be parsed") from None
    if parts.scheme in ("", "file") or (parts.scheme.startswith("http") and not parts.hostname):
        raise _not_an_address("it names no server")
    return uri


def _not_an_address(why: str) -> InputError:
    hint = "Correct it, for example http://127.0.0.1:5000."
    return InputError(
        "environment", "MLFLOW_TRACKING_URI", f"not the address of a server: {why}", hint
    )


def is_off() -> bool:
    """Return whether recording is switched off, for a benchmark or a machine without MLflow."""
    return os.environ.get("CREDITRISK_TRACKING", "on").lower() in ("off", "0", "false", "no")


def bound() -> float:
    """Get the seconds that an upload may add to a stage.

    Raises:
        ValueError: CREDITRISK_MIRROR_TIMEOUT is not a number from 0 to a week.
    """
    text = os.environ.get("CREDITRISK_MIRROR_TIMEOUT") or str(DEFAULT_TIMEOUT)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_TIMEOUT:
        raise ValueError(f"CREDITRISK_MIRROR_TIMEOUT={text!r} is not a number of seconds")
    return seconds


def without_secrets(uri: str) -> str:
    """Remove user, password and query from an address, so that it can be printed."""
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fingerprint(uri: str) -> str:
    """Hash the address of a server without user and password, to name its tags in the store."""
    return hashlib.sha256(without_secrets(uri).rstrip("/").encode()).hexdigest()[:12]

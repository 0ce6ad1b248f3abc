"""Check DVC's remotes before DVC would wait for a browser or for a host that is down."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dvc.config import Config, ConfigError

from creditrisk.core.errors import InputError, nearest

# Placeholders in .dvc/config for the team's own values. No real bucket has such a name, because
# names of buckets have no capitals.
PLACEHOLDERS = ("FOLDER_ID", "BUCKET")
# Scheme to the module of its plugin and the environment that contains it.
PLUGINS = {
    "gdrive": ("dvc_gdrive", ".venv-gdrive"),
    "s3": ("dvc_s3", ".venv-s3"),
    "gs": ("dvc_gs", ".venv-gcs"),
}
KEY_FIELDS = ("type", "client_email", "private_key", "token_uri")
TIME_LIMIT = 10.0


@dataclass(frozen=True)
class Remote:
    """A remote as DVC sees it: .dvc/config, .dvc/config.local and the user's own file merged.

    Attributes:
        name: its name.
        url: its address; an absolute path for a folder.
        options: its other options in DVC. Never print them, as they may contain credentials.
    """

    name: str
    url: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def scheme(self) -> str:
        """The protocol; empty for a folder on this machine."""
        return urlsplit(self.url).scheme if "://" in self.url else ""


@dataclass(frozen=True)
class State:
    """The state of a remote.

    Attributes:
        status: `ready`, `not configured` or `unreachable`.
        detail: what was found, or what is missing.
    """

    status: str
    detail: str

    @property
    def ready(self) -> bool:
        """Whether a push may start."""
        return self.status == "ready"


def read_remotes(folder: Path = Path(".dvc")) -> dict[str, Remote]:
    """Read the remotes of a project, in the order of its config.

    Args:
        folder: DVC's folder of the project.

    Raises:
        InputError: the config can't be read.
    """
    try:
        remotes = Config(folder)["remote"]
    except ConfigError as error:
        raise InputError(folder / "config", "file", str(error), "Correct it.") from None
    return {name: Remote(name, str(options["url"]), options) for name, options in remotes.items()}


def pick(remotes: Mapping[str, Remote], name: str) -> Remote:
    """Find a remote by its name.

    Args:
        remotes: name to remote.
        name: the name.

    Raises:
        InputError: there is no such remote; the hint suggests the nearest names.
    """
    if name not in remotes:
        raise InputError(".dvc/config", "remote", f"no remote {name!r}", nearest(name, remotes))
    return remotes[name]


def missing(remote: Remote, env: Mapping[str, str]) -> str | None:
    """Find out what a remote lacks, as far as this is possible without a network.

    Args:
        remote: the remote.
        env: the environment's variables.

    Returns:
        What is missing and how to add it; None if nothing is known to be missing.
    """
    placeholder = next((p for p in PLACEHOLDERS if p in urlsplit(remote.url).netloc), None)
    if placeholder:
        url = remote.url.replace(placeholder, "...")
        return f"{placeholder} must be filled in: `dvc remote modify {remote.name} url {url}`"
    if remote.scheme == "gdrive":
        account = remote.options.get("gdrive_use_service_account")
        return _missing_key(remote, env) if account else _missing_login(remote, env)
    if remote.scheme in ("s3", "gs"):
        path = remote.options.get("credentialpath")
        if path and not Path(path).expanduser().is_file():
            return f"credentialpath: no file {path}"
    return None


def _missing_key(remote: Remote, env: Mapping[str, str]) -> str | None:
    """Find out what is wrong with the key of Drive's service account; never quote the key."""
    option = "gdrive_service_account_json_file_path"
    path = remote.options.get(option)
    text = env.get("GDRIVE_CREDENTIALS_DATA")
    # The environment takes precedence, as in dvc-gdrive.
    if text:
        location = "GDRIVE_CREDENTIALS_DATA"
    elif path:
        location = str(path)
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            return f"the key of the service account, {location}: {reason}"
    else:
        setting = f"`dvc remote modify --local {remote.name} {option} KEY.json`"
        return f"no key of a service account: {setting}, or set GDRIVE_CREDENTIALS_DATA"
    try:
        key = json.loads(text)
    except ValueError:
        return f"{location} is not JSON: use the key file as Google created it"
    absent = [name for name in KEY_FIELDS if not (isinstance(key, dict) and key.get(name))]
    if absent or key["type"] != "service_account":
        lack = f" (no {', '.join(absent)})" if absent else ""
        hint = "use the key file as Google created it"
        return f"{location} is not the key of a service account{lack}: {hint}"
    return None


def _missing_login(remote: Remote, env: Mapping[str, str]) -> str | None:
    """Find out whether Drive's OAuth would open a browser, as it does without a stored token."""
    client = remote.options.get("gdrive_client_id")
    if not (client and remote.options.get("gdrive_client_secret")):
        return (
            "Google blocks DVC's own OAuth client: use a service account, or set your "
            f"gdrive_client_id and gdrive_client_secret (dvc remote modify --local {remote.name})"
        )
    if env.get("GDRIVE_CREDENTIALS_DATA"):
        return None
    stored = remote.options.get("gdrive_user_credentials_file")
    if not stored:
        cache = env.get("XDG_CACHE_HOME") or Path(env.get("HOME", "~")).expanduser() / ".cache"
        if sys.platform == "darwin":
            cache = Path(env.get("HOME", "~")).expanduser() / "Library" / "Caches"
        profile = remote.options.get("profile") or "default"
        stored = Path(cache) / "pydrive2fs" / client / f"{profile}.json"
    if not Path(stored).is_file():
        command = f".venv-gdrive/bin/dvc push -r {remote.name}"
        return f"no login yet: run `{command}` once, in a terminal with a browser"
    return None


def interpreter(scheme: str, root: Path) -> Path | None:
    """Find a Python interpreter that has DVC with the plugin for a scheme.

    Args:
        scheme: the remote's protocol.
        root: the project's folder.

    Returns:
        The interpreter of the plugin's own environment if that is installed, else the running one
        if it has the plugin or needs none; None if no environment has the plugin.
    """
    if scheme not in PLUGINS:
        return Path(sys.executable)
    module, venv = PLUGINS[scheme]
    if (root / venv / "locked").exists():
        return root / venv / "bin" / "python"
    return Path(sys.executable) if find_spec(module) else None


def probe(
    remote: Remote, python: Path, root: Path, env: Mapping[str, str], limit: float = TIME_LIMIT
) -> State:
    """Connect to the remote in another process, which is killed after the time limit.

    Args:
        remote: a remote that lacks nothing, as far as is known.
        python: an interpreter that has its plugin.
        root: the project's folder.
        env: the environment's variables.
        limit: time limit in seconds.
    """
    command = [str(python), "-m", "creditrisk.workflow.remotes.probe", remote.name]
    # No input, no terminal (its own session), a browser command that does nothing, one attempt.
    process = subprocess.Popen(
        command,
        cwd=root,
        env={"AWS_MAX_ATTEMPTS": "1", **env, "BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return State("unreachable", f"no answer within {limit:g} s")
    lines = (out.strip() or err.strip() or "no answer").splitlines()
    return State("ready" if process.returncode == 0 else "unreachable", lines[-1])


def examine(remote: Remote, root: Path, env: Mapping[str, str], offline: bool = False) -> State:
    """Find the state of a remote: what it lacks, and otherwise whether it responds.

    Args:
        remote: the remote.
        root: the project's folder.
        env: the environment's variables.
        offline: whether to skip what needs a network.
    """
    lack = missing(remote, env)
    if lack:
        return State("not configured", lack)
    if offline:
        return State("ready", "nothing known to be missing")
    python = interpreter(remote.scheme, root)
    if python is None:
        venv = PLUGINS[remote.scheme][1]
        return State("unreachable", f"DVC's plugin for it is missing: `make {venv}/locked`")
    return probe(remote, python, root, env)

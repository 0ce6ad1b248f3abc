"""A small DVC project that shares this repository's Makefile, .dvc/config and remotes' scripts."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "Makefile")
DVC_YAML = """\
stages:
  ingest:
    cmd: python make_data.py
    deps: [make_data.py]
    outs: [data/interim/raw.parquet, models]
"""
MAKE_DATA = """\
from pathlib import Path
from random import Random

random = Random(1)
sizes = {f"models/{name}.joblib": 50_000 for name in ("lr", "dt", "knn", "svc", "xgb")}
sizes |= {"data/interim/raw.parquet": 50_000, "models/rf.joblib": 3_000_000, "models/empty": 0}
for name, size in sizes.items():
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(random.randbytes(size))
"""
OBJECTS = 9  # raw.parquet, the seven files of models, and their list


def clean_env(home: Path, **more: str) -> dict[str, str]:
    """Make an environment without this machine's credentials, Git identity and DVC settings."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


def link_environments(folder: Path) -> None:
    """Give a project the environments of this repository; make takes them as installed."""
    for name, place in {
        ".venv": Path(sys.prefix),
        **{name: ROOT / name for name in (".venv-s3", ".venv-gdrive")},
    }.items():
        if place.exists() and not (folder / name).exists():
            (folder / name).symlink_to(place)
    # Old lock files: they ask for no install.
    for lock in folder.glob("requirements*.lock"):
        os.utime(lock, (0, 0))


def make_project(folder: Path, env: dict[str, str]) -> Path:
    """Make the project, with its outputs made and committed by Git."""
    (folder / ".dvc").mkdir(parents=True)
    for name in (*SHARED, *(p.name for p in ROOT.glob("requirements*.lock"))):
        shutil.copy(ROOT / name, folder / name)
    for name in ("creditrisk", "stages", "commands"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
    (folder / "make_data.py").write_text(MAKE_DATA, encoding="utf-8")
    link_environments(folder)
    call(["git", "init", "-q"], folder, env)
    call([sys.executable, "-m", "dvc", "repro", "-q"], folder, env)
    call(["git", "add", "-A"], folder, env)
    call(["git", "commit", "-qm", "Data"], folder, env)
    return folder


def call(
    command: list[str], folder: Path, env: dict[str, str], check: bool = True, limit: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command without a terminal; its standard error is in `stdout` too.

    After `limit` seconds it is ended with all that it started.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=limit)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    done = subprocess.CompletedProcess(command, process.returncode, said)
    assert not check or done.returncode == 0, said
    return done


def make(
    target: str, folder: Path, env: dict[str, str], check: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a target of the Makefile."""
    pairs = [f"{name}={value}" for name, value in variables.items()]
    return call(["make", "-s", target, *pairs], folder, env, check)


def hashes(folder: Path) -> dict[str, str]:
    """Hash every output of the project."""
    files = [p for top in ("data", "models") for p in (folder / top).rglob("*") if p.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def in_sync(folder: Path, env: dict[str, str], remote: str) -> bool:
    """Ask `dvc status -c` whether a remote has all that dvc.lock names."""
    plugin = folder / f".venv-{remote}"
    dvc = str((plugin if plugin.exists() else folder / ".venv") / "bin" / "dvc")
    said = call([dvc, "status", "-c", "-r", remote], folder, env).stdout
    return f"Cache and remote '{remote}' are in sync" in said


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what was printed, without make's own report of a failure."""
    return [line for line in done.stdout.splitlines() if not line.startswith("make")]


def forget(folder: Path) -> None:
    """Delete the outputs and DVC's cache: what comes back came from a remote."""
    for name in ("data/interim", "models", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(folder / name)

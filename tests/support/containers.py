"""Real container programs on this machine: an engine with a store of its own, a registry.

Debian's packages of `TOOLS`, as `.ci/run` installs them. Neither a daemon nor a network of its own
is needed: images are built in a chroot, containers use the network of this machine.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOOLS = ("buildah", "podman", "runc", "docker-registry", "mmdebstrap")
PATIENT = 900  # seconds that a busy machine may take
MEMORY = Path("/dev/shm")
STORE = 4_000_000_000  # bytes that the images of a test need
STORAGE = """
[storage]
driver = "overlay"
graphroot = "{folder}/store"
runroot = "{folder}/run"
"""
CONTAINERS = """
[containers]
netns = "host"
default_ulimits = ["nofile=20000:20000", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""
REGISTRY = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:0"}}
"""


def missing() -> str | None:
    """Say in plain words what keeps containers from running here; None if nothing does."""
    absent = [name for name in TOOLS if not shutil.which(name)]
    if absent:
        return f"{', '.join(absent)} not installed: no image is built here"
    return None if os.geteuid() == 0 else "only root builds images with these programs"


@dataclass(frozen=True)
class Containers:
    """An engine with a store of its own.

    Attributes:
        folder: of the store.
    """

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What tells buildah and podman about the store."""
        return {
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "BUILDAH_ISOLATION": "chroot",
        }

    def run(self, *command: str | Path) -> str:
        """Run a program, which must succeed, and return what it prints."""
        done = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=PATIENT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def import_base(self, archive: Path) -> str:
        """Make an image of a Debian in an archive, and return its name."""
        (self.folder / "Base").write_text(f"FROM scratch\nADD {archive.name} /\n")
        self.run(
            "buildah", "build", "--quiet", "--timestamp=0", "--tag=localhost/base",
            f"--file={self.folder / 'Base'}", archive.parent,
        )  # fmt: skip
        return "localhost/base"

    def forget(self) -> None:
        """Delete all images, as on a machine that has built none yet."""
        self.run("buildah", "rmi", "--all", "--force")


@contextmanager
def containers(folder: Path) -> Iterator[Containers]:
    """Make a store, in memory if there is room, and delete it at the end."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > STORE:
        folder = MEMORY / f"{folder.name}-{os.getpid()}"
    made = Containers(folder)
    folder.mkdir(parents=True)
    (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
    (folder / "containers.conf").write_text(CONTAINERS)
    try:
        yield made
    finally:
        # What is mounted can't be deleted.
        subprocess.run(
            ["podman", "system", "reset", "--force"], env=os.environ | made.environment,
            capture_output=True, timeout=PATIENT,
        )  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)


def debian(archive: Path) -> Path:
    """Write an archive of a small Debian with Python, in place of the image that is not at hand."""
    without = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "locale", "doc")]
    done = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", *without,
         "--include=python3,python3-venv,ca-certificates,libgomp1", "bookworm", archive],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return archive


@dataclass(frozen=True)
class Registry:
    """A registry on this machine.

    Attributes:
        host: its name and port.
        folder: where it keeps what is pushed.
    """

    host: str
    folder: Path

    def blobs(self) -> dict[str, int]:
        """Return the bytes of each blob that was pushed, by its digest."""
        found = self.folder.glob("docker/registry/v2/blobs/sha256/*/*/data")
        return {f"sha256:{path.parent.name}": path.stat().st_size for path in found}


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """Start a registry on a free port."""
    folder.mkdir(parents=True)
    config = folder / "config.yaml"
    config.write_text(REGISTRY.format(folder=folder))
    process = subprocess.Popen(
        ["docker-registry", "serve", config], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines: list[str] = []
    try:
        for line in process.stderr or []:
            lines.append(line)
            if found := re.search(r"listening on (127\.0\.0\.1:\d+)", line):
                break
        else:
            raise AssertionError("".join(lines))
        threading.Thread(target=lambda: lines.extend(process.stderr or []), daemon=True).start()
        yield Registry(found[1], folder)
    finally:
        process.kill()
        process.wait()

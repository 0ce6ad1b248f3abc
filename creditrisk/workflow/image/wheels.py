"""The packages of the image, downloaded before the build, so that the build needs no network.

So an index of the house, a proxy and their passwords stay on this machine: pip reads its own
settings here, and nothing of them comes near the image.
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

from creditrisk.workflow.programs import run_program

LOCK = Path("requirements-image.lock")
FOLDER = Path("build/image/wheels")
# Of the base image: Cloud Run runs images of this platform only. The lock file is resolved for it
# (IMAGE_PLATFORM in the Makefile): pip would take a condition on the platform for this machine's.
PYTHON = "3.11"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def download() -> None:
    """Download the wheels of the lock file, unless they are all there, with the hashes in it.

    Raises:
        InputError: pip can't get one.
    """
    if _complete():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    platforms = [f"--platform={name}" for name in PLATFORMS]
    run_program(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp",
         f"--python-version={PYTHON}", *platforms, f"--dest={FOLDER}", f"--requirement={LOCK}"],
        f"download the packages of {LOCK}",
        "Check the network, the space on the disk and pip's settings, then run make image again.",
    )  # fmt: skip


def _complete() -> bool:
    lock = LOCK.read_text(encoding="utf-8")
    packages = len(re.findall(r"^[\w.-]+==", lock, re.MULTILINE))
    files = [path for path in FOLDER.glob("*") if path.is_file()] if FOLDER.is_dir() else []
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    known = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock))
    return FOLDER.is_dir() and len(files) == packages and hashes <= known

"""The files of a build: those of the Git commit, the champion, and the packages; no other.

They are laid out in a folder of their own, so that neither what .gitignore names, such as a key,
nor an edit during the build gets into an image whose tag is the commit.
"""

import hashlib
import os
import shutil
import zipfile
from pathlib import Path

from creditrisk.core.errors import InputError
from creditrisk.core.git import git
from creditrisk.workflow.image import wheels
from creditrisk.workflow.image.contents import DESCRIPTION, DVC_LOCK, MODEL, SOURCES, Contents

FOLDER = Path("build/image/context")


def lay_out(content: Contents) -> Path:
    """Copy the files of a build.

    Args:
        content: what the image must have in it.

    Returns:
        The folder.

    Raises:
        InputError: the champion or dvc.lock has changed since `content` was made.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    if content.changed:
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *SOURCES)
        for name in sorted(filter(None, set(listed.split("\0")))):
            if Path(name).is_file():
                _copy(Path(name))
    else:
        _extract(content.revision)
    for path in (MODEL, DESCRIPTION):
        _copy(path)
    for path, wanted in ((MODEL, content.model), (DVC_LOCK, content.lock)):
        if hashlib.sha256((FOLDER / path).read_bytes()).hexdigest() != wanted:
            problem = "has changed while the image was being built"
            raise InputError(path, "file", problem, "Run make image again.")
    for path in FOLDER.rglob("*"):
        os.utime(path, (0, 0))  # an engine may take another time for another file
    target = FOLDER / wheels.FOLDER
    target.mkdir(parents=True)
    for wheel in wheels.FOLDER.iterdir():
        os.link(wheel, target / wheel.name)  # 200 MB, which nobody writes to
    return FOLDER


def _extract(revision: str) -> None:
    archive = FOLDER.with_suffix(".zip").absolute()
    git("archive", f"--output={archive}", revision, "--", *SOURCES)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(FOLDER)
    archive.unlink()


def _copy(path: Path) -> None:
    # What a link of DVC's leads to, not the link.
    (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, FOLDER / path)

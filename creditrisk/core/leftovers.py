"""Outputs of what no longer exists, in folders that a stage reads as a whole.

DVC hashes such a folder with all its files, so a leftover would get into dvc.lock, and it would be
read as if it still counted.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path


def remove_leftovers(folder: Path, names: Iterable[str]) -> list[str]:
    """Delete the files and folders that are called after none of the names.

    Hidden files are left alone, since DVC keeps its `.gitignore` there.

    Args:
        folder: has outputs called NAME or NAME.SUFFIX only; it may be absent.
        names: of what still exists.

    Returns:
        What was deleted: the names of what no longer exists, sorted.
    """
    known = set(names)
    gone = set()
    for path in sorted(folder.glob("[!.]*")):
        name = path.name.partition(".")[0]  # no name has a dot
        if name in known:
            continue
        gone.add(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return sorted(gone)

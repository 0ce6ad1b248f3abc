"""dvc.lock: the hashes of what the pipeline read and wrote, in Git. DVC writes it, we only read."""

import posixpath
from pathlib import Path
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.regular import read_regular
from creditrisk.core.yaml_text import parse_yaml

RESTORE = (
    "Run `git checkout dvc.lock` (if Git does not have it yet, `rm dvc.lock`), then `dvc repro`."
)


def read_lock(path: str | Path) -> dict[str, Any]:
    """Read the stages of a dvc.lock.

    DVC empties the file before it writes it. A run that is killed in that moment leaves no bytes,
    and then every DVC command fails with a message that does not say how to go on.

    Args:
        path: dvc.lock.

    Returns:
        Name of each stage to its entry, as `from_root` gives it.

    Raises:
        InputError: the file is missing, empty, cut off, or not what DVC writes; the hint is the
            command that mends it.
    """
    try:
        content = read_regular(path)
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except OSError as error:
        hint = "Check the path and its permissions."
        raise InputError(path, "file", f"can't be read: {error.strerror}", hint) from None
    if not content.strip(b" \n\0"):
        problem = "is empty: a run was killed, or the disk was full, while DVC wrote it"
        raise InputError(path, "file", problem, RESTORE)
    try:
        tree = parse_yaml(content, path)
    except InputError:  # what is wrong with it is told below, with what mends it
        tree = None
    stages = tree.get("stages") if isinstance(tree, dict) else None
    if not isinstance(stages, dict) or not all(isinstance(s, dict) for s in stages.values()):
        problem = "not what DVC writes: it was cut off, or has marks of a merge conflict"
        raise InputError(path, "file", problem, RESTORE)
    return from_root(stages)


def from_root(stages: dict[str, Any]) -> dict[str, Any]:
    """Write all paths of the stages from the root of the project.

    DVC records the paths of a stage from its working directory, which is not in dvc.lock: that of
    `train@ALGO` is `creditrisk/algorithms/ALGO` (see dvc.yaml).

    Args:
        stages: name to entry, as in the file; of any version of the pipeline.
    """
    return {name: _entry_from_root(name, entry) for name, entry in stages.items()}


def _entry_from_root(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    folder = posixpath.join("creditrisk/algorithms", name.partition("@")[2])

    def rooted(path: str) -> str:
        inside = not path.startswith("../")
        return path if inside else posixpath.normpath(posixpath.join(folder, path))

    entry = dict(entry)
    for kind in ("deps", "outs"):
        if kind in entry:
            entry[kind] = [
                item | {"path": rooted(item["path"])} if "path" in item else item
                for item in entry[kind] or []
            ]
    if "params" in entry:
        entry["params"] = {rooted(file): found for file, found in (entry["params"] or {}).items()}
    return entry


def recorded_hashes(path: str | Path) -> dict[str, str]:
    """Read the MD5 hash of each output; that of a folder ends in `.dir`.

    Args:
        path: dvc.lock.

    Raises:
        InputError: as for `read_lock`.
    """
    outs = [out for stage in read_lock(path).values() for out in stage.get("outs") or []]
    return {out["path"]: out["md5"] for out in outs if "path" in out and "md5" in out}

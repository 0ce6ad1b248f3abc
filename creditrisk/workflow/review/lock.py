"""What two dvc.lock files and `dvc status` say: which stages changed, which results lag behind."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from creditrisk.core.dvc_lock import from_root
from creditrisk.core.errors import InputError
from creditrisk.core.yaml_text import parse_yaml
from creditrisk.workflow.dvc import run_dvc

# States of files whose data are not on this machine. They do not show that a result is stale.
_ABSENT = {"deleted", "not in cache"}


def hash_of(lock: dict[str, Any], output: str) -> str | None:
    """Get an output's hash from the stages of a dvc.lock."""
    outs = (out for stage in lock.values() for out in stage.get("outs", []))
    return next((out.get("md5") for out in outs if out["path"] == output), None)


Listing = Callable[[str], list[dict[str, str]] | None]


def stale_stages(
    status: dict[str, list[Any]], lock: dict[str, Any], listing: Listing
) -> dict[str, list[str]]:
    """Find the stages whose inputs or outputs differ from dvc.lock.

    Data that are not on this machine do not count, because metrics and plots are in Git without
    them. DVC reports a folder as modified if a part of it is missing, so folders are compared with
    dvc.lock.

    Args:
        status: parsed output of `dvc status --json`.
        lock: stage to its entry in dvc.lock.
        listing: returns the files of an output folder by its hash, each as `md5` and `relpath`, or
            None if they are not known on this machine.

    Returns:
        Stage to what differs.
    """
    found = {}
    for stage, entries in status.items():
        names = []
        for entry in entries:
            if isinstance(entry, str):
                names.append(entry.removeprefix("changed "))
                continue
            for kind, parts in entry.items():
                for path, state in parts.items():
                    if isinstance(state, dict):
                        names += [name for name, s in state.items() if s not in _ABSENT]
                    elif state in _ABSENT:
                        continue
                    elif kind != "changed deps" or not _is_current(path, lock, stage, listing):
                        names.append(path)
        if names:
            found[stage] = names
    return found


def _is_current(path: str, lock: dict[str, Any], stage: str, listing: Listing) -> bool:
    """Return whether the folder that a stage read has the parts that other stages wrote last.

    Both are taken from dvc.lock. If the hashes of a part are not on this machine, the folder counts
    as current. A file, or a folder that no stage writes, does not.
    """
    read = _path_hashes(lock.get(stage, {}).get("deps")).get(path) or ""
    written = {
        out: md5
        for entry in lock.values()
        for out, md5 in _path_hashes(entry.get("outs")).items()
        if out.startswith(f"{path}/")
    }
    if not written or not read.endswith(".dir"):
        return False
    files = []
    for out, md5 in written.items():
        name = out.removeprefix(f"{path}/")
        if not md5.endswith(".dir"):
            files.append({"md5": md5, "relpath": name})
            continue
        content = listing(md5)
        if content is None:
            return True
        files += [file | {"relpath": f"{name}/{file['relpath']}"} for file in content]
    # The same hash that DVC computes for a folder.
    text = json.dumps(sorted(files, key=lambda file: file["relpath"]), sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir" == read


def cache_folder() -> Path:
    """Ask DVC for the folder of its cache on this machine."""
    return Path(run_dvc("cache", "dir").strip())


def in_cache(cache: Path, md5: str) -> Path:
    """Return where DVC's cache has a file or a list of files, if it does."""
    return cache / "files" / "md5" / md5[:2] / md5[2:]


def cached_listing(md5: str) -> list[dict[str, str]] | None:
    """Read the files of a folder from DVC's cache."""
    path = in_cache(cache_folder(), md5)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def changed_stages(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """List the stages whose entries in two dvc.lock files differ.

    Args:
        old: stage to its entry, in the base.
        new: stage to its entry, in the work tree.

    Returns:
        One dict per stage, in the order of dvc.lock: `stage`, `why` ("changed", "new" or "gone"),
        `reads` (its parameters, code and data that differ), `writes` (its outputs that differ),
        `outs` (its number of outputs).
    """
    rows = []
    for stage in dict.fromkeys([*new, *old]):
        a, b = old.get(stage), new.get(stage)
        if a == b:
            continue
        why = "new" if a is None else "gone" if b is None else "changed"
        a, b = a or {}, b or {}
        params = [
            name
            for file in dict.fromkeys([*a.get("params", {}), *b.get("params", {})])
            for name in _differing(a.get("params", {}).get(file), b.get("params", {}).get(file))
        ]
        reads = params + _differing(_path_hashes(a.get("deps")), _path_hashes(b.get("deps")))
        if why == "changed" and a.get("cmd") != b.get("cmd"):
            reads.insert(0, "command")
        outs = _path_hashes(b.get("outs")) or _path_hashes(a.get("outs"))
        writes = _differing(_path_hashes(a.get("outs")), _path_hashes(b.get("outs")))
        rows.append(
            {"stage": stage, "why": why, "reads": reads, "writes": writes, "outs": len(outs)}
        )
    return rows


def _differing(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    old, new = old or {}, new or {}
    return [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]


def _path_hashes(entries: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {entry["path"]: entry.get("md5") for entry in entries or []}


def stages_of(name: str, text: str) -> dict[str, Any]:
    """Read the stages of a dvc.lock.

    Args:
        name: the file, for errors.
        text: its content.

    Raises:
        InputError: it is not what DVC writes.
    """
    hint = "Resolve the merge conflicts, then run `dvc repro`."
    try:
        tree = parse_yaml(text, name) or {}
    except InputError:
        tree = None
    stages = tree.get("stages", {}) if isinstance(tree, dict) else None
    if not isinstance(stages, dict):
        raise InputError(name, "file", "not a valid dvc.lock", hint)
    return from_root(stages)

"""Compare all outputs, and their copies in DVC's cache, with the hashes in dvc.lock.

DVC trusts a file of the cache that is read-only, and an output whose time and size it knows. So
`dvc status` says "up to date" over a file that somebody replaced. Here every byte is read again.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from creditrisk.core.git import git
from creditrisk.core.params import read_yaml

DIR = ".dir"  # DVC's suffix of the hash of a folder, which is that of its list of files


@dataclass(frozen=True)
class Finding:
    """A file that is not what dvc.lock says.

    Attributes:
        path: the output, or the object of the cache.
        problem: what differs.
    """

    path: str
    problem: str


def added_hashes() -> dict[str, str]:
    """Read the MD5 hash of each file that `dvc add` tracks, such as the applicants' file.

    Its `.dvc` file is in Git, or is about to be.

    Raises:
        InputError: a `.dvc` file is not what DVC writes.
    """
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.dvc")
    found: dict[str, str] = {}
    for name in filter(None, dict.fromkeys(listed.split("\0"))):
        file = Path(name)
        if file.is_file():
            tree = read_yaml(file)
            folder = file.parent / str(tree.get("wdir") or "")
            for out in tree.get("outs") or []:
                found[(folder / out["path"]).as_posix()] = out["md5"]
    return found


def verify(
    hashes: dict[str, str], cache: Path, progress: Callable[[str], None] = lambda line: None
) -> tuple[int, list[Finding]]:
    """Hash the outputs and their objects in the cache.

    An output or an object that is missing is no finding: DVC fetches or makes it again, and then
    it has the recorded hash.

    Args:
        hashes: output to MD5, from `recorded_hashes` and `added_hashes`.
        cache: DVC's cache, with the folder `files/md5`.
        progress: called with a line for each output.

    Returns:
        Number of files that were hashed, and those that differ.
    """
    count, findings = 0, []
    for path, recorded in hashes.items():
        progress(f"verify: {path}")
        for name, problem in _differences(Path(path), recorded, cache):
            count += 1
            findings += [Finding(name, problem)] if problem else []
    return count, findings


def _differences(path: Path, recorded: str, cache: Path) -> Iterator[tuple[str, str]]:
    """Yield each file that was hashed and what is wrong with it, if anything."""
    expected = path.is_dir() if recorded.endswith(DIR) else path.is_file()
    if os.path.lexists(path) and not expected:
        yield str(path), "not a file or folder as dvc.lock records it"
    if not recorded.endswith(DIR):
        yield from _compare(str(path), path, recorded)
        yield from _compare(str(stored(cache, recorded)), stored(cache, recorded), recorded)
        return
    inside = sorted(path.rglob("*")) if path.is_dir() else []
    for odd in inside:  # a link to a folder is not entered below, and DVC may follow it
        if (odd.is_symlink() and odd.is_dir()) or not (odd.is_file() or odd.is_dir()):
            yield str(odd), "not a file: a link to a folder, a pipe or a device"
    files = [file for file in inside if file.is_file()]
    if files:
        listed = {file.relative_to(path).as_posix(): md5(file) for file in files}
        same = f"{_listing_hash(listed)}{DIR}" == recorded
        names = ", ".join(_changed(listed, recorded, cache)[:5])
        problem = f"not the folder that dvc.lock records: {names or 'its files differ'}"
        yield str(path), "" if same else problem
    listing = stored(cache, recorded)
    if not listing.is_file():
        return
    if md5(listing) != recorded.removesuffix(DIR):
        yield str(listing), f"changed in the cache; it belongs to {path}"
        return
    yield str(listing), ""
    for entry in json.loads(listing.read_bytes()):
        member = stored(cache, entry["md5"])
        for name, problem in _compare(str(member), member, entry["md5"]):
            yield name, problem and f"{problem}; it belongs to {path}/{entry['relpath']}"


def _compare(name: str, file: Path, recorded: str) -> Iterator[tuple[str, str]]:
    if file.is_file():
        yield name, "" if md5(file) == recorded else f"its hash is not {recorded}"


def _changed(listed: dict[str, str], recorded: str, cache: Path) -> list[str]:
    """Name the files of a folder that differ from its list, if the cache has an unchanged list."""
    listing = stored(cache, recorded)
    if not listing.is_file() or md5(listing) != recorded.removesuffix(DIR):
        return []
    before = {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_bytes())}
    return sorted(n for n in listed.keys() | before.keys() if listed.get(n) != before.get(n))


def _listing_hash(listed: dict[str, str]) -> str:
    """Hash a folder as DVC does: the MD5 of the JSON list of its files, sorted by path."""
    entries = [{"md5": found, "relpath": name} for name, found in sorted(listed.items())]
    text = json.dumps(entries, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def stored(cache: Path, recorded: str) -> Path:
    """The object of a hash in DVC's cache."""
    return cache / "files" / "md5" / recorded[:2] / recorded[2:]


def md5(file: Path) -> str:
    """Hash a file as DVC does."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

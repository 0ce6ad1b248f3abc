"""Compare the results in the work tree with the committed ones: the same, or say where not.

`.ci/run` makes the results again and then runs this. Results are all files of metrics/, plots/ and
data/candidates/ that Git does not ignore, and the lock files. Texts and counts must be equal. What
is fitted may differ in the last digits on another processor, where the numerical libraries take
other paths, and so may the hash of a fitted file.
"""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from recorded import (
    CARD,
    LOCK,
    MONITOR_LOCK,
    Files,
    fitted_hashes_differ,
    kept_in_git,
    lock_against_files,
    lock_differences,
    model_hash_problems,
    model_hashes,
)
from values import TOLERANCE, csv_differences, json_differences, markdown_differences, numbers_in

from creditrisk.core.escape import printable

RESULTS = (LOCK, MONITOR_LOCK, "metrics", "plots", "data/candidates")
FITTED = (
    "metrics/train/", "metrics/select.json", "metrics/evaluate.json", "metrics/summary/",
    "metrics/monitor.json",
    "plots/", "data/",
)  # fmt: skip
# The numbers that the model card shows.
TABLES = (
    "metrics/", "plots/fairness.csv", "plots/importance.csv", "plots/leaderboard.csv",
    "plots/scorecard.csv",
)  # fmt: skip
LINES_PER_FILE, LINES = 5, 60


def git(*args: str) -> bytes:
    """Run Git; if it fails, its own message is on stderr already."""
    done = subprocess.run(["git", *args], stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"git {args[0]} failed")
    return done.stdout


def committed() -> dict[str, bytes]:
    """Read the results in the last commit."""
    listed = git("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *RESULTS)
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return {name: git("show", f"HEAD:./{name}") for name in names}


def made() -> dict[str, bytes]:
    """Read the results in the work tree, also those that are not in Git yet; none is a link."""
    listed = git("ls-files", "-c", "-o", "--exclude-standard", "-z", "--", *RESULTS)
    names = sorted({os.fsdecode(name) for name in listed.split(b"\0") if name})
    return {
        name: f"link to {os.readlink(name)}".encode() if Path(name).is_symlink()
        else Path(name).read_bytes()
        for name in names if os.path.lexists(name)
    }  # fmt: skip


def differences(name: str, old: Files, new: Files) -> Iterator[str]:
    """Compare one result with its committed version."""
    a, b = old[name], new[name]
    tolerance = TOLERANCE if name.startswith(FITTED) else 0.0
    # The second lock file has the hash of the first one, which may differ on another processor.
    if a == b or name == MONITOR_LOCK:
        return
    if name == LOCK:
        yield from lock_differences(a, b)
    elif name.endswith(".json"):
        yield from json_differences(a, b, tolerance)
    elif name.endswith(".csv"):
        yield from csv_differences(a, b, tolerance)
    elif name == CARD:
        hashes = model_hashes(old).get("", ""), model_hashes(new).get("", "")
        tables = (n for n in new if n.startswith(TABLES))
        results = {number for n in tables for number in numbers_in(n, new[n])}
        yield from markdown_differences(a, b, hashes, results, tolerance)
    else:
        yield "its bytes are others"


def compare(old: Files, new: Files, kept: Sequence[re.Pattern[str]] = ()) -> Iterator[str]:
    """Yield what differs, and what does not fit together on one side; a line each.

    Args:
        old: the committed results.
        new: those in the work tree.
        kept: the outputs that must be in Git.
    """
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"{name}: committed, but the pipeline does not write it"
        elif name not in old:
            yield f"{name}: not committed"
        else:
            yield from _lines(f"{name}: ", differences(name, old, new))
    if LOCK in old:
        yield from _lines(f"committed {LOCK}: ", lock_against_files(old[LOCK], old, kept))
    yield from _lines("committed ", model_hash_problems(old))
    yield from _lines("", model_hash_problems(new, Path("models")))


def _lines(start: str, problems: Iterator[str]) -> list[str]:
    """Word the first problems; what can't be read is one as well."""
    found = []
    try:
        found += [f"{start}{problem}" for problem in problems]
    except (ValueError, LookupError, TypeError, AttributeError, csv.Error) as error:
        found.append(f"{start}not what the pipeline writes: {error}")
    more = len(found) - LINES_PER_FILE
    return found[:LINES_PER_FILE] + ([f"{start}{more} more"] if more > 0 else [])


def main() -> None:
    """Exit 1 where a committed result is not reproduced."""
    old, new = committed(), made()
    pipeline = Path("dvc.yaml")
    kept = kept_in_git(pipeline.read_bytes()) if pipeline.exists() else []
    found = list(compare(old, new, kept))
    for line in found[:LINES]:
        print(printable(line))
    if len(found) > LINES:
        print(f"{len(found) - LINES} more lines")
    if not found:
        print(f"{len(old)} files of results as committed")
        if LOCK in old and (count := fitted_hashes_differ(old[LOCK], new[LOCK])):
            print(f"{count} fitted files have other hashes than committed, as on another processor")
    sys.exit(1 if found or not old else 0)


if __name__ == "__main__":
    main()

"""Takes arrived files into the ledger: each row once, whenever a run is killed."""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.files import PART
from creditrisk.core.logs import say
from creditrisk.monitor.arrival import Arrival, day_of
from creditrisk.monitor.batches import Batch, Facts, known_batches, write_batch

STREAM = "stream"  # the form of a batch of messages
LOCK = ".lock"
_MOMENT = 1.0  # seconds without a word to wait for another receiver
_SHOWN = 5


@dataclass
class Receipt:
    """What a run has done.

    Attributes:
        received: the batches that are new in the ledger.
        duplicates: the files whose content is in the ledger under another name: `name`, `same_as`.
        problem: an error to end with, once all that is sound has been received.
    """

    received: list[Facts] = field(default_factory=list)
    duplicates: list[dict[str, str]] = field(default_factory=list)
    problem: InputError | None = None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of the ledger: one receiver at a time; others wait.

    What killed receivers were writing is deleted.

    Args:
        folder: of the ledger; the lock lies beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(folder.parent / LOCK, flags, 0o666)
    try:
        _wait_for(handle)
        _delete_left_over(folder)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int) -> None:
    end = time.monotonic() + _MOMENT
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                break
            time.sleep(0.05)
    say("receive: another receiver is at work; waiting for it")
    fcntl.flock(handle, fcntl.LOCK_EX)


def _delete_left_over(folder: Path) -> None:
    """Delete unfinished batches: nobody but the holder of the ledger's lock writes any."""
    for part in folder.glob(f".*{PART}"):
        with suppress(OSError):
            handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
            finally:
                os.close(handle)


def next_number(batches: Sequence[Batch]) -> int:
    """Return the number of the next batch."""
    return max((batch.facts.number for batch in batches), default=0) + 1


def receive_files(incoming: Path, folder: Path, read: Callable[[Path], Arrival]) -> Receipt:
    """Take what is new in a folder into the ledger; hold its lock, see `alone`.

    Names that begin with a point or end in `.part` are passed over, and so is what is no regular
    file: a link, a pipe or a device is never opened.

    Args:
        incoming: where files arrive; its subfolders are not looked into.
        folder: of the ledger.
        read: reads a file.

    Raises:
        InputError: a batch can't be written; nothing of it counts.
    """
    receipt, batches = Receipt(), known_batches(folder)
    known = [batch.facts for batch in batches if batch.facts.form != STREAM]
    hashes = {facts.name: facts.sha256 for facts in known}
    # A batch without rows can't be counted twice: each empty or broken file is told of.
    names = {facts.sha256: facts.name for facts in known if facts.rows}
    number, changed = next_number(batches), list[Path]()
    for path in _files(incoming):
        name = _name(path)
        try:
            before = _fingerprint(path)
            if before is None:
                _passed_over([name], "no regular file")
                continue
            if name in hashes:
                if hashes[name] != before.sha256:
                    changed.append(path)
                continue
            if before.sha256 in names:
                receipt.duplicates.append({"name": name, "same_as": names[before.sha256]})
                say(f"receive: {name}: the content of {names[before.sha256]}, not counted again")
                continue
            arrival = read(path)
            if _fingerprint(path) != before:
                _passed_over([name], "it changed while it was read, and is taken next time")
                continue
        except FileNotFoundError:
            _passed_over([name], "it has gone")
            continue
        except OSError as error:
            reason = error.strerror or type(error).__name__
            receipt.problem = InputError(path, "file", f"can't be read: {reason}", "Check it.")
            continue
        facts = _facts(number, name, before, arrival, path)
        write_batch(folder, facts, arrival.rows)
        say_received(facts)
        receipt.received.append(facts)
        hashes[name] = facts.sha256
        if facts.rows:
            names[facts.sha256] = name
        number += 1
    if changed:
        more = f", and so did {len(changed) - 1} more" if len(changed) > 1 else ""
        problem = f"changed after it was read{more}; nothing of it was counted again"
        hint = "Give it another name if its rows are new, also if it is a corrected file."
        receipt.problem = InputError(changed[0], "file", problem, hint)
    return receipt


def say_received(facts: Facts) -> None:
    """Print a line about a new batch."""
    if facts.kind == "broken":
        say(f"receive: {facts.name}: BROKEN: {facts.problem}", warning=True)
        say("receive: give a corrected file another name")
        return
    rejected = f", {facts.rejected:,} of them unreadable" if facts.rejected else ""
    say(f"receive: {facts.name}: {facts.rows:,} rows of {facts.kind} ({facts.form}){rejected}")
    for finding in facts.findings:
        say(f"receive: {facts.name}: {finding}", warning=True)


def summary(batches: Sequence[Batch], duplicates: list[dict[str, str]]) -> dict[str, Any]:
    """Count what is in the ledger: the content of metrics/receive.json.

    Args:
        batches: all of them.
        duplicates: the files whose content is there under another name.
    """
    facts = [batch.facts for batch in batches]
    return {
        "batches": len(facts),
        "rows": sum(one.rows for one in facts),
        "rejected_rows": sum(one.rejected for one in facts),
        "outcomes": sum(one.rows for one in facts if one.kind == "outcomes"),
        "broken": [
            {"name": one.name, "problem": one.problem} for one in facts if one.kind == "broken"
        ],
        "duplicates": sorted(duplicates, key=lambda one: one["name"]),
        "last": {"name": facts[-1].name, "day": facts[-1].day} if facts else None,
    }


@dataclass(frozen=True)
class _Fingerprint:
    """A file's hash, and what else changes with it; its age in seconds since 1970."""

    sha256: str
    inode: int
    size: int
    modified: int


def _fingerprint(path: Path) -> _Fingerprint | None:
    """Hash a file without waiting for anything; None if it is no regular file.

    Raises:
        OSError: it is not there, or can't be read.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return None  # to open a device could do something already
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return None
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _Fingerprint(digest, found.st_ino, found.st_size, found.st_mtime_ns)


def _facts(number: int, name: str, file: _Fingerprint, arrival: Arrival, path: Path) -> Facts:
    return Facts(
        number=number,
        name=name,
        sha256=file.sha256,
        kind=arrival.kind,
        form=arrival.form,
        day=day_of(path, file.modified / 1e9),
        rows=len(arrival.rows),
        rejected=arrival.rejected,
        header=arrival.header,
        problem=arrival.problem,
        findings=arrival.findings,
    )


def _files(incoming: Path) -> list[Path]:
    """List the files that are looked at, sorted; name what is passed over."""
    with os.scandir(incoming) as entries:
        found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    shown = [entry for entry in found if not entry.name.startswith(".")]
    folders = [entry for entry in shown if entry.is_dir(follow_symlinks=False)]
    files = [entry for entry in shown if entry not in folders]
    unfinished = [entry for entry in files if entry.name.endswith(PART)]
    _passed_over([f"{_name(Path(entry))}/" for entry in folders], "a folder")
    _passed_over([_name(Path(entry)) for entry in unfinished], "still being written")
    return [Path(entry) for entry in files if entry not in unfinished]


def _passed_over(names: Sequence[str], why: str) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        say(f"receive: passed over {', '.join(names[:_SHOWN])}{more}: {why}")


def _name(path: Path) -> str:
    """The name of a file as text that can be shown, also if its bytes are no UTF-8."""
    text = os.fsencode(path.name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

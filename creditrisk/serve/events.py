"""Scored rows, kept for monitoring: JSON lines in a folder, a line per applicant.

A file grows under a name that ends in `.part`, which nobody reads, and is renamed when it is done.
The rows of a request are appended whole or not at all, also if the disk is full or the process is
killed.
"""

import fcntl
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.score.scorer import Judged, Texts
from creditrisk.serve.settings import EVENTS

PART = ".part"
MOST_ROWS = 10_000
MOST_SECONDS = 60.0


class Events:
    """Appends scored rows to a file in a folder.

    Args:
        folder: is made if it does not exist.
        model: hash of the model, which stands in each line.

    Raises:
        InputError: the folder can't be written.
    """

    def __init__(self, folder: Path, model: str):
        self.folder, self.model = folder, model
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._path, self._rows, self._since = folder, 0, 0.0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._finish_others()
            self._open()
        except OSError as error:
            problem = f"can't be written: {error.strerror}"
            hint = f"{EVENTS} must name a folder that the service may write."
            raise InputError(folder, "folder", problem, hint) from None

    def _open(self) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        name = f"scored-{stamp}-{os.getpid()}-{os.urandom(4).hex()}.jsonl{PART}"
        self._path = self.folder / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._rows, self._since = 0, time.monotonic()

    def append(self, request_id: str, texts: Texts, judged: Judged) -> None:
        """Keep the rows of a request.

        Args:
            request_id: of the request.
            texts: the cells under the names of the source.
            judged: what the champion said of them.

        Raises:
            OSError: they could not be written, and nothing of them was kept.
        """
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        cells = {name: _plain(values) for name, values in texts.items()}
        lines = []
        for row in range(len(judged.pd)):
            readable = bool(judged.readable[row])
            line: dict[str, Any] = {
                "time": now, "request_id": request_id, "of": len(judged.pd),
                "model_sha256": self.model,
                "row": {name: values[row] for name, values in cells.items()},
                "pd": float(judged.pd[row]) if readable else None,
                "score": int(judged.points[row]) if readable else None,
                "decision": judged.decision(row),
            }  # fmt: skip
            lines.append(json.dumps(line) + "\n")
        content = "".join(lines).encode()
        with self._lock:
            if self._handle is None:
                self._open()
            assert self._handle is not None
            before = os.fstat(self._handle).st_size
            try:
                written = os.write(self._handle, content)
                if written < len(content):
                    raise OSError("the disk is full")
            except OSError:
                os.ftruncate(self._handle, before)
                raise
            self._rows += len(lines)
            if self._rows >= MOST_ROWS:
                self._finish()

    def rotate(self, at_once: bool = False) -> None:
        """Give the file its final name, if it is old enough and has rows."""
        with self._lock:
            old = at_once or time.monotonic() - self._since >= MOST_SECONDS
            if self._handle is not None and old:
                self._finish()

    def _finish(self) -> None:
        """Rename the file; one without rows is deleted. The next row opens another one."""
        assert self._handle is not None
        if self._rows:
            os.fsync(self._handle)
            os.rename(self._path, self._path.with_suffix(""))
        else:
            os.unlink(self._path)
        os.close(self._handle)
        self._handle = None

    def _finish_others(self) -> None:
        """Rename what a killed process has left: the lock of a living one is not to be had."""
        for path in sorted(self.folder.glob(f"scored-*.jsonl{PART}")):
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            else:
                whole = _whole_requests(path.read_bytes())
                os.ftruncate(handle, whole)
                if whole:
                    os.rename(path, path.with_suffix(""))
                else:
                    os.unlink(path)
            finally:
                os.close(handle)


def _plain(values: Any) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]


def _whole_requests(content: bytes) -> int:
    """Return how many bytes hold whole requests: a kill may have cut the last one."""
    lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    if not lines:
        return 0
    last = json.loads(lines[-1])
    own = [line for line in lines if json.loads(line)["request_id"] == last["request_id"]]
    if len(own) < last["of"]:
        lines = lines[: -len(own)]
    return sum(map(len, lines))

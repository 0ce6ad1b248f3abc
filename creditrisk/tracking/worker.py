"""The program of the recording process, which reports to the stage through a pipe."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from creditrisk.tracking import kept_runs, local_runs, server, store_check
from creditrisk.tracking.deadline import deadline
from creditrisk.tracking.local_runs import is_recorded, open_store, pending_or_none
from creditrisk.tracking.store import StoreLocation

if TYPE_CHECKING:
    from mlflow import MlflowClient

Emit = Callable[..., None]


def serve(
    location: StoreLocation,
    ahead: bool,
    environment: dict[str, str],
    pipe: Connection,
    others: Connection | None,
) -> None:
    """Import MLflow, wait for the stage's order, record the kept runs and upload the pending ones.

    Args:
        location: the local store.
        ahead: whether to import MLflow before the order.
        environment: variables that MLflow reads.
        pipe: orders come from it, reports go into it.
        others: the stage's end of it, which a copy of the stage's process must close: else it would
            not see that the stage has ended.
    """
    if others is not None:
        others.close()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ |= environment
    # Discard MLflow's own output.
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)

    def emit(about: str, **report: Any) -> None:
        pipe.send({"about": about} | report)

    records = Records(location, emit)
    if ahead:
        records.prepare()
    # Without an order, the stage has failed and there is nothing to record.
    with contextlib.suppress(EOFError):
        order = pipe.recv()
        # The stage ends this process when it is late. If the stage is killed, nobody else would.
        with deadline(order["limit"]):
            _execute(location, order, records, emit)
    # Exit without waiting for MLflow's threads, which may still wait for a socket.
    os._exit(0)


def _execute(
    location: StoreLocation, order: dict[str, Any], records: "Records", emit: Emit
) -> None:
    error = None
    if order["key"]:
        error = records.record(order["key"])
        emit("recorded", error=error)
    if error is None:  # else the store need not be asked again
        records.record_all(order["most_tries"])
    if order["uri"] and records.is_usable:
        _upload(location, order["uri"], order["seconds"], emit)
    elif order["uri"]:
        emit("sent", failed=0, error=None)


class Records:
    """Moves kept runs into the local store.

    Args:
        location: the local store.
        emit: reports to the stage.

    Attributes:
        is_usable: False once the store was put aside after MLflow had opened it. MLflow would go on
            using the moved file, so the new store is for the next process.
    """

    def __init__(self, location: StoreLocation, emit: Emit):
        self.location, self.emit = location, emit
        self.is_usable = True
        self.is_prepared = False
        self.problem: Exception | None = None

    def prepare(self) -> None:
        """Import what the recording needs, and open the store; an error is kept for `record`."""
        self.is_prepared = True
        local_runs.hush()
        try:
            import matplotlib.figure  # noqa: F401

            from creditrisk.tracking import writer  # noqa: F401
            from creditrisk.tracking.autolog import enable

            enable(self.location.uri)
            self._open().search_experiments(max_results=1)
        except Exception as error:
            self.problem = error

    def _open(self) -> "MlflowClient":
        return open_store(self.location, lambda line: self.emit("message", line=line))

    def record_all(self, most_tries: int | None) -> None:
        """Record all kept runs, each once; a run that fails does not hold up the others.

        Args:
            most_tries: leave out the runs that were tried this often.
        """
        tried: set[str] = set()
        while self.is_usable:
            left = [e.key for e in kept_runs.waiting(self.location, most_tries)]
            key = next((key for key in left if key not in tried), None)
            if key is None:
                return
            tried.add(key)
            if error := self.record(key):
                self.emit("kept", error=error)

    def record(self, key: str) -> str | None:
        """Record a kept run and delete its file; return the error, if there is one.

        A process that is killed before the file is deleted costs nothing: the next one finds the
        run in the store by its key.
        """
        if not self.is_prepared:
            self.prepare()
        try:
            self._record(key)
        except Exception as error:
            self._put_aside_if_broken()
            return " ".join(str(error).split())[:300] or type(error).__name__
        return None

    def _record(self, key: str) -> None:
        if self.problem:
            raise self.problem
        from creditrisk.tracking.writer import recording_lock, write

        client = self._open()
        with recording_lock(self.location):
            # There is no file if another process has just recorded the run.
            for entry in [e for e in kept_runs.waiting(self.location) if e.key == key]:
                path = kept_runs.count_try(entry)
                with kept_runs.unpacked(path) as run_data:
                    write(self.location, client, run_data)
                # MLflow may still have a database open that somebody has deleted since.
                if not is_recorded(self.location, run_data.key):
                    raise RuntimeError("the local store was replaced meanwhile")
                path.unlink()

    def _put_aside_if_broken(self) -> None:
        try:
            with local_runs.store_lock(self.location):
                moved = store_check.put_aside_if_broken(self.location, thorough=True)
        except OSError:  # locked, full or not accessible: then nothing is moved
            return
        if moved:
            self.is_usable = False
            self.emit("message", line=f"tracking: {moved}")


def _upload(location: StoreLocation, uri: str, seconds: float, emit: Emit) -> None:
    started = time.monotonic()

    def log(report: Any) -> None:
        error = str(server.explain(report.error, uri)) if report.error else None
        emit("sent", failed=report.failed, error=error)

    try:
        server.ping(uri, 0.3 * seconds)
        import mlflow

        from creditrisk.tracking import mirror

        mlflow.set_tracking_uri(uri)
        remaining = max(0.5, seconds - (time.monotonic() - started) - 1)
        log(mirror.send(location, uri, remaining, log))
    except Exception as error:
        emit("sent", failed=pending_or_none(location, uri), error=str(server.explain(error, uri)))

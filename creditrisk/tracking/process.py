"""The recording process: it runs next to a stage, records its run and uploads pending runs.

It starts with the stage and imports MLflow while the stage works, because this import takes
seconds; it is a copy of the stage's process, which has imported half of that already. If MLflow
fails, hangs or crashes, this does not affect the stage, and the run stays on disk (`kept_runs.py`).
"""

import contextlib
import multiprocessing
import sys
import time
from typing import Any

from creditrisk.tracking import kept_runs, server, store, worker
from creditrisk.tracking.local_runs import pending_or_none
from creditrisk.tracking.run_data import RunData
from creditrisk.tracking.store import StoreLocation

RECORD_SECONDS = 180.0  # longer than the 120 s that it may wait for a lock of the store


class Recorder:
    """A recording process that has been started.

    Args:
        location: the local store.
        ahead: whether to import MLflow at once. If there is nothing to record, False: then MLflow
            is imported only after the server has answered.
    """

    def __init__(self, location: StoreLocation, ahead: bool):
        self.location = location
        # See `core.workers`: a copy is safe where libraries have no threads, as on Linux.
        context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self.pipe, theirs = context.Pipe()
        ours = self.pipe if sys.platform == "linux" else None
        self.process = context.Process(
            target=worker.serve,
            args=(location, ahead, server.environment(), theirs, ours),
            daemon=True,
        )
        self.process.start()
        theirs.close()

    def finish(
        self,
        run_data: RunData | None,
        uri: str | None,
        seconds: float,
        most_tries: int | None = kept_runs.TRIES,
    ) -> list[str]:
        """Let the process record the kept runs and upload the pending ones, and wait for both.

        Args:
            run_data: the stage's run, which is kept on disk; None if it is already recorded.
            uri: the tracking server; None if there is none.
            seconds: time limit of the upload and of the runs that earlier stages kept.
            most_tries: leave out runs of earlier stages that were tried this often.

        Returns:
            Messages about what failed, one line each.
        """
        first_seconds = RECORD_SECONDS if run_data else seconds
        order = {
            "key": run_data.key if run_data else None,
            "most_tries": most_tries,
            "uri": uri,
            "seconds": seconds,
            "limit": first_seconds + seconds + 5,
        }
        try:
            with contextlib.suppress(ConnectionError):  # it has died, which is reported below
                self.pipe.send(order)
            reports, late = self._listen(first_seconds, seconds)
            if late:
                # A run that is half recorded or half uploaded now is completed the next time.
                self.process.kill()
            self.process.join()
            code = self.process.exitcode
        finally:
            self.process.kill()  # nothing to do, unless the stage is interrupted
        lines = [report["line"] for report in reports if report["about"] == "message"]
        recorded, sent, kept = (_last(reports, name) for name in ("recorded", "sent", "kept"))
        own = run_data.key if run_data else ""
        if any(entry.key == own for entry in kept_runs.waiting(self.location)):
            end = f"took more than {RECORD_SECONDS:g} s" if late else f"ended with exit code {code}"
            reason = recorded.get("error") or f"the recording process {end}"
            stage = run_data.stage if run_data else ""
            lines.append(f"tracking: {stage} is not recorded yet: {reason}{self._kept()}")
        elif kept or (late and kept_runs.waiting(self.location, most_tries)):
            reason = kept.get("error") or f"no time was left of {seconds:g} s"
            lines.append(
                f"tracking: runs of earlier stages are not recorded: {reason}{self._kept()}"
            )
        if uri and (recorded or not run_data) and (late or code or not sent or sent["failed"]):
            lines.append(self._pending_message(sent, uri, seconds))
        return lines

    def _kept(self) -> str:
        """Say where runs wait, and what records them."""
        count = len({entry.key for entry in kept_runs.waiting(self.location)})
        stage = "the next stage or " * bool(kept_runs.waiting(self.location, kept_runs.TRIES))
        return (
            f" ({count} run{'s' * (count != 1)} kept in {self.location.kept}: recorded by {stage}"
            "`python -m commands.mirror`)"
        )

    def _listen(
        self, first_seconds: float, upload_seconds: float
    ) -> tuple[list[dict[str, Any]], bool]:
        """Read the process's reports until it ends or is late.

        Args:
            first_seconds: time limit until the run is recorded, or of the upload if there is no
                run to record.
            upload_seconds: time limit of the upload, counted from the recording.

        Returns:
            The reports, and whether the process was late.
        """
        reports: list[dict[str, Any]] = []
        end = time.monotonic() + first_seconds
        while self.pipe.poll(max(0.0, end - time.monotonic())):
            try:
                reports.append(self.pipe.recv())
            except (EOFError, ConnectionError):  # the latter if it died before it read the order
                return reports, False
            if reports[-1]["about"] == "recorded":
                end = time.monotonic() + upload_seconds
        return reports, True

    def _pending_message(self, sent: dict[str, Any], uri: str, seconds: float) -> str:
        pending = sent.get("failed")
        if pending is None:
            pending = pending_or_none(self.location, uri)
        count = "runs" if pending is None else f"{pending} run{'s' * (pending != 1)}"
        if sent.get("error"):
            return f"tracking: {sent['error']} ({count} pending)"
        return (
            f"tracking: the upload to {store.without_secrets(uri)} did not finish within"
            f" {seconds:g} s ({count} pending): upload the rest with `python -m commands.mirror`"
        )


def _last(reports: list[dict[str, Any]], about: str) -> dict[str, Any]:
    """Get the last report of a kind; an empty one if there is none."""
    return next((report for report in reversed(reports) if report["about"] == about), {})

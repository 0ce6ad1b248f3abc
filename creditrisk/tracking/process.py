"""The recording process: it runs next to a stage, records its run and uploads pending runs.

It starts with the stage and imports MLflow while the stage works, because this import takes
seconds. If MLflow fails, hangs or crashes, this does not affect the stage.
"""

import json
import os
import pickle
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, cast

from creditrisk.tracking import server, store
from creditrisk.tracking.local_runs import SENT, count_pending
from creditrisk.tracking.run_data import RunData
from creditrisk.tracking.store import StoreLocation

WORKER_CODE = "from creditrisk.tracking.worker import main; main()"
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
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER_CODE, str(location.folder), str(int(ahead))],
            env=os.environ | server.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        # Popen types its pipes as optional; both were asked for.
        self.orders = cast(IO[bytes], self.process.stdin)
        self.reports = cast(IO[bytes], self.process.stdout)

    def finish(self, run_data: RunData | None, uri: str | None, seconds: float) -> list[str]:
        """Let the process record a run and upload the pending ones, and wait for both.

        Args:
            run_data: the stage's run; None if it is already recorded.
            uri: the tracking server; None if there is none.
            seconds: time limit of the upload.

        Returns:
            Messages about what failed, one line each.
        """
        with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
            order: dict[str, Any] = {"uri": uri, "seconds": seconds, "entry": None}
            if run_data is not None:
                file = Path(folder, "entry.pickle")
                with open(file, "wb") as out:
                    pickle.dump(run_data, out)
                order["entry"] = str(file)
            try:
                self.orders.write(json.dumps(order).encode() + b"\n")
                self.orders.close()
            except BrokenPipeError:
                pass  # the process has died; this is reported below
            recorded, sent, late = self._listen(RECORD_SECONDS if run_data else seconds, seconds)
        if late:
            # A run that is half uploaded now is completed by the next upload.
            self.process.kill()
        code = self.process.wait()
        lines = []
        if run_data and (recorded is None or recorded["error"]):
            end = f"took more than {RECORD_SECONDS:g} s" if late else f"ended with exit code {code}"
            reason = recorded["error"] if recorded else f"the recording process {end}"
            lines.append(f"tracking: {run_data.stage} is not recorded: {reason}")
        if uri and (recorded or not run_data) and (late or code or sent is None or sent["failed"]):
            lines.append(self._pending_message(sent or {}, uri, seconds))
        return lines

    def _listen(
        self, first_seconds: float, upload_seconds: float
    ) -> tuple[dict | None, dict | None, bool]:
        """Read the process's reports until it ends or is late.

        Args:
            first_seconds: time limit until the run is recorded, or of the upload if there is no
                run to record.
            upload_seconds: time limit of the upload, counted from the recording.

        Returns:
            The report on the recording, the last report on the upload, and whether it was late.
        """
        reports: dict[str, dict | None] = {"recorded": None, "sent": None}
        buffer, end = b"", time.monotonic() + first_seconds
        while True:
            ready, _, _ = select.select([self.reports], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return reports["recorded"], reports["sent"], True
            chunk = os.read(self.reports.fileno(), 65536)
            if not chunk:
                return reports["recorded"], reports["sent"], False
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                report = json.loads(line)
                if report["about"] == "recorded":
                    end = time.monotonic() + upload_seconds
                reports[report["about"]] = report

    def _pending_message(self, sent: dict[str, Any], uri: str, seconds: float) -> str:
        pending = sent.get("failed", count_pending(self.location, SENT + store.fingerprint(uri)))
        count = f"{pending} run{'s' * (pending != 1)} pending"
        if sent.get("error"):
            return f"tracking: {sent['error']} ({count})"
        return (
            f"tracking: the upload to {store.without_secrets(uri)} did not finish within"
            f" {seconds:g} s ({count}): upload the rest with `python -m commands.mirror`"
        )

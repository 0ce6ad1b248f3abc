"""The process beside a stage that records its run and sends what is pending.

It starts with the stage and loads MLflow while the stage works: MLflow's import takes seconds, and
whatever it does, hangs in or dies of, happens outside of the stage.
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
from typing import Any

from creditrisk.tracking import server, store
from creditrisk.tracking.local_runs import SENT, count_pending
from creditrisk.tracking.run_data import RunData
from creditrisk.tracking.store import StoreLocation

CHILD = "from creditrisk.tracking.worker import main; main()"
RECORD = 180.0  # seconds; a lock of the store is waited for 120 s


class Recorder:
    """The process, from its start.

    Args:
        store: where it records.
        ahead: load MLflow now; where there is nothing to record, only when the server answers.
    """

    def __init__(self, location: StoreLocation, ahead: bool):
        self.location = location
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(location.folder), str(int(ahead))],
            env=os.environ | server.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def finish(self, run_data: RunData | None, uri: str | None, seconds: float) -> list[str]:
        """Have the entry recorded, then what is pending sent, and wait for both.

        Args:
            entry: the stage's run, unless it is recorded already.
            uri: the server, if there is one.
            seconds: that sending may take.

        Returns:
            What to tell about it, a line each; none when all is well.
        """
        with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
            order: dict[str, Any] = {"uri": uri, "seconds": seconds, "entry": None}
            if run_data is not None:
                file = Path(folder, "entry.pickle")
                with open(file, "wb") as out:
                    pickle.dump(run_data, out)
                order["entry"] = str(file)
            try:
                self.process.stdin.write(json.dumps(order).encode() + b"\n")
                self.process.stdin.close()
            except BrokenPipeError:
                pass  # it died in between; that is told below
            recorded, sent, late = self._listen(RECORD if run_data else seconds, seconds)
        if late:
            # A run that is cut here is half on the server, and is completed the next time.
            self.process.kill()
        code = self.process.wait()
        lines = []
        if run_data and (recorded is None or recorded["error"]):
            why = (
                f"the recording process took over {RECORD:g} s" if late else f"it ended with {code}"
            )
            reason = recorded["error"] if recorded else why
            lines.append(f"tracking: {run_data.stage} is not recorded: {reason}")
        if uri and (recorded or not run_data) and (late or code or sent is None or sent["failed"]):
            lines.append(self._unsent(sent or {}, uri, seconds))
        return lines

    def _listen(self, first: float, then: float) -> tuple[dict | None, dict | None, bool]:
        """Read its reports: on the recording, the last on the sending, and whether it was late."""
        told: dict[str, dict | None] = {"recorded": None, "sent": None}
        rest, end = b"", time.monotonic() + first
        pipe = self.process.stdout
        while True:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return told["recorded"], told["sent"], True
            some = os.read(pipe.fileno(), 65536)
            if not some:
                return told["recorded"], told["sent"], False
            *lines, rest = (rest + some).split(b"\n")
            for line in lines:
                report = json.loads(line)
                if report["about"] == "recorded":
                    end = time.monotonic() + then
                told[report["about"]] = report

    def _unsent(self, sent: dict[str, Any], uri: str, seconds: float) -> str:
        left = sent.get("failed", count_pending(self.location, SENT + store.fingerprint(uri)))
        count = f"{left} run{'s' * (left != 1)} pending"
        if sent.get("error"):
            return f"tracking: {sent['error']} ({count})"
        return (
            f"tracking: {store.without_secrets(uri)} did not take everything within {seconds:g} s"
            f" ({count}): send the rest with `python -m commands.mirror`"
        )

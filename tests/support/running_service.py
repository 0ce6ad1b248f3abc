"""The real service as a process on a free port."""

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.project import ROOT

PATIENT = 120  # seconds that a busy machine may take


@dataclass
class Running:
    """A service that answers.

    Attributes:
        process: its process.
        port: where it listens, on loopback.
        lines: what it has printed so far.
    """

    process: subprocess.Popen
    port: int
    lines: list[str] = field(default_factory=list)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENT)

    def post(self, path: str, tree: Any) -> tuple[int, Any]:
        connection = self.connect()
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(tree), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def get(self, path: str) -> tuple[int, bytes]:
        connection = self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    @property
    def resident(self) -> int:
        """Resident memory in megabytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) // 1024


def command(folder: Path, *args: str) -> list[str]:
    return [sys.executable, "-m", "commands.serve", "--folder", str(folder), *args]


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Running]:
    """Start a service and end it by SIGTERM, after which it must have gone well."""
    process = subprocess.Popen(
        command(folder, "--port", "0"), cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                break
        else:
            raise AssertionError("".join(lines))
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()
        yield Running(process, int(found[1]), lines)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENT) == 0, "".join(lines)
        reader.join(PATIENT)
    finally:
        process.kill()
        process.wait()

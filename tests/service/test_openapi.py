"""Requests made from the service's own description: it is true, and no body is a 5xx."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.champions import project
from tests.support.running_service import running

CONFIG = Path(__file__).with_name("schemathesis.toml")
CASES = 2000


@pytest.mark.slow
def test_two_thousand_requests_from_the_description_find_no_violation(tmp_path: Path):
    with running(project(tmp_path / "p", "lr")) as service:
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run",
                f"http://127.0.0.1:{service.port}/openapi.json", "--max-examples", "60",
                "--seed", "1", "--no-color", "--continue-on-failure",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=1200,
        )  # fmt: skip
        text = done.stdout + done.stderr
        assert done.returncode == 0, text[-6000:]
        assert int(re.search(r"(\d+) generated", text)[1]) >= CASES
        printed = "".join(service.lines)
        assert '"status": 5' not in printed
        assert "Traceback" not in printed

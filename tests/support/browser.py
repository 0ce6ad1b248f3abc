"""Open a page in headless Chromium with every other host refused, and tell what happened."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


def needs_chromium(test: Callable) -> Callable:
    """Mark a test that opens a page."""
    reason = "no Chromium here: apt-get install chromium to open the pages"
    return pytest.mark.browser(pytest.mark.skipif(CHROMIUM is None, reason=reason)(test))


@dataclass
class Opened:
    dom: str
    console: list[str]

    @property
    def charts(self) -> int:
        """Places for a chart that hold a drawing."""
        return sum("main-svg" in part for part in self.dom.split('class="plotly-graph-div')[1:])


def open_page(page: Path, profile: Path, width: int = 1200) -> Opened:
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}",
            f"--window-size={width},900", "--virtual-time-budget=15000", "--dump-dom",
            page.resolve().as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return Opened(done.stdout, [x for x in done.stderr.splitlines() if "CONSOLE" in x])

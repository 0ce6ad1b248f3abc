"""A folder in which monitoring has run, for the tests of `make alert`."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from creditrisk.workflow.alert import delivery, settings, webhook
from creditrisk.workflow.alert.delivery import Deliveries, deliver
from creditrisk.workflow.alert.states import read_alarms
from tests.support import fake_gh_issues
from tests.support.hook_server import Hook
from tests.support.project import ROOT


def alarm(id: str = "aaa", **facts: Any) -> dict[str, Any]:
    return {
        "id": id, "kind": "drift", "place": "amount", "severity": "soft",
        "message": "amount has moved: PSI 0.31", "proposal": "Look at it.",
        "since": {"batch": "2026-07-01.csv", "day": "2026-07-01", "window": 7},
    } | facts  # fmt: skip


@dataclass
class Place:
    """A folder in which monitoring has run, and the environment of `make alert` there."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def alerts(self) -> Path:
        return self.folder / "data/monitor/alerts.jsonl"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics/monitor.json"

    @property
    def delivered(self) -> Path:
        return self.folder / "data/monitor/delivered.json"

    def monitored(self, *on: dict[str, Any], past: tuple[dict[str, Any], ...] = ()) -> None:
        """Do what `make monitor` does: a line for each new alarm, and those that are on."""
        self.alerts.parent.mkdir(parents=True, exist_ok=True)
        self.metrics.parent.mkdir(exist_ok=True)
        lines = self.alerts.read_text().splitlines() if self.alerts.exists() else []
        known = {json.loads(one)["id"] for one in lines}
        lines += [json.dumps(one) for one in (*past, *on) if one["id"] not in known]
        self.alerts.write_text("".join(f"{one}\n" for one in lines))
        series = {"amount": {"psi": 0.31}, 'a"\\b\nc': {"psi": 0.5}, "new": {"psi": None}}
        figures = {"batches": 7, "rows": 1400, "series": series, "alarms": list(on)}
        self.metrics.write_text(json.dumps(figures))

    def alert(self, *args: str, shell: str = "") -> subprocess.CompletedProcess:
        """Run the command, with a redirection of the shell if there is one."""
        command = [sys.executable, "-m", "commands.alert", *args]
        if shell:
            command = ["bash", "-c", f"exec {shlex.join(command)} {shell}"]
        env = {k: v for k, v in os.environ.items() if not k.startswith("CREDITRISK_")}
        env |= {"PYTHONPATH": str(ROOT), **self.env}
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True)

    def deliver(self, *channels: Any) -> list[delivery.Outcome]:
        alarms = read_alarms(self.alerts, self.metrics)
        deliveries = Deliveries(self.delivered)
        return [deliver(channel, deliveries, alarms) for channel in channels]

    def with_gh(self, *issues: dict[str, Any]) -> Path:
        store = fake_gh_issues.install(self.folder / "bin", list(issues))
        self.env |= {"PATH": f"{store.parent}:{os.environ['PATH']}", settings.GITHUB: "1"}
        return store


def quick(hook: Hook, **options: Any) -> webhook.Webhook:
    return webhook.Webhook(hook.address, pause=0.01, **options)


def issues(store: Path) -> list[dict[str, Any]]:
    return json.loads(store.read_text())["issues"]


def calls(store: Path) -> list[str]:
    return [" ".join(one[:2]) for one in json.loads(store.read_text())["calls"]]


def change(store: Path, **facts: Any) -> None:
    store.write_text(json.dumps(json.loads(store.read_text()) | facts))

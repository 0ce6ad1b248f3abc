"""Monitoring as its users meet it: the second DVC pipeline, and a year of daily batches."""

import json
import os
import sys
from contextlib import suppress
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commands import monitor, receive
from tests.support.browser import needs_chromium, open_page
from tests.support.dvc_project import link_environments
from tests.support.project import Project
from tests.support.watching import watched_project, window

MONITOR = "monitor/dvc.yaml"


def drop(folder: Path, name: str, rows: pd.DataFrame) -> None:
    (folder / "data/incoming").mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / f"data/incoming/{name}.csv", index=False)


def metrics(folder: Path) -> dict:
    found: dict = json.loads((folder / "metrics/monitor.json").read_text())
    return found


def test_dvc_takes_in_what_is_new_and_leaves_the_training_alone(fresh: Project):
    folder = fresh.folder
    fresh.dvc("repro", MONITOR)
    assert metrics(folder)["batches"] == 0
    drop(folder, "2026-03-02", window(250, 1))
    drop(folder, "2026-03-03", window(250, 2))
    done = fresh.dvc("repro", MONITOR)
    assert done.ran == [f"{MONITOR}:receive", f"{MONITOR}:monitor"]
    assert metrics(folder)["rows"] == 500
    assert fresh.dvc("repro", MONITOR).ran == []
    assert "up to date" in fresh.dvc("status").out
    drop(folder, "2026-03-04", window(250, 3).assign(verw="10"))
    done = fresh.dvc("repro", MONITOR)
    assert "counted now: 1;" in done.out
    # The champion is read, and is no dependency: nothing of the training is even looked at.
    assert not [stage for stage in done.ran if not stage.startswith(MONITOR)]
    done = fresh.command("monitor", "--now", "2026-03-04")
    assert done.code == 3
    assert "purpose has moved" in done.err
    link_environments(folder)
    done = fresh.run("make", "-s", "monitor", ARGS="")
    assert done.code == 2  # make's own code of a failed recipe
    assert "alarm" in done.err
    assert "Error 3" in done.err
    # A file that was changed is an error, and keeps nobody from what is new.
    with (folder / "data/incoming/2026-03-02.csv").open("a") as file:
        file.write("x\n")
    drop(folder, "2026-03-05", window(250, 4))
    done = fresh.run("make", "-s", "monitor", ARGS="")
    assert "2026-03-02.csv: file: changed after it was read" in done.err
    assert "Error 2" in done.err
    assert metrics(folder)["batches"] == 4
    os.mkfifo(folder / "data/incoming/pipe")
    done = fresh.run("make", "-s", "monitor", ARGS="")
    assert "a pipe or a device is in it" in done.err


def at_work(year: int) -> list[date]:
    """The working days of a year."""
    days = [date(year, 1, 1) + timedelta(days=i) for i in range(365)]
    return [day for day in days if day.weekday() < 5]


def applicants(day: date, rng: np.random.Generator) -> pd.DataFrame:
    """The applicants of a day; from July on they ask for half as much again."""
    rows = window(int(rng.integers(35, 46)), day.toordinal())
    # No row that the champion was trained on: another length of employment.
    rows["laufzeit"] = (rows["laufzeit"].astype(int) + rng.choice([0, 1], len(rows))).clip(4, 72)
    rows.insert(0, "row_id", [f"{day:%Y%m%d}-{i}" for i in range(len(rows))])
    if day.month >= 7:
        rows["hoehe"] = (rows["hoehe"].astype(float) * 1.6).astype(int)
    return rows


def look(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    """Run what `make monitor` runs, but for DVC."""
    for command, args in ((receive, []), (monitor, ["--now", day.isoformat()])):
        monkeypatch.setattr(sys, "argv", [command.__name__, *args])
        with suppress(SystemExit):  # of an alarm
            command.main()


@pytest.mark.slow
@needs_chromium
def test_a_year_with_a_drift_in_month_seven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = watched_project(tmp_path / "p")
    monkeypatch.chdir(folder)
    rng = np.random.default_rng(7)
    days = at_work(2025)
    alarm_days: dict[str, date] = {}
    for day, next_day in pairwise([*days, date(2026, 1, 1)]):
        drop(folder, f"applicants-{day}", applicants(day, rng))
        # The operator looks at the end of each month, and daily while the drift begins.
        if day.month != next_day.month or day.month == 7:
            look(monkeypatch, day)
            for one in metrics(folder)["alarms"]:
                alarm_days.setdefault(f"{one['kind']} {one['place']}", day)
    assert metrics(folder)["batches"] == len(days)
    # One window of 200 rows is a week: the drift is known within two.
    found = alarm_days["drift amount"]
    assert date(2025, 7, 1) < found <= date(2025, 7, 14)
    lines = Path("data/monitor/alerts.jsonl").read_text().splitlines()
    alerts = [json.loads(line) for line in lines]
    (alert,) = [one for one in alerts if (one["kind"], one["place"]) == ("drift", "amount")]
    assert alert["since"]["day"] <= found.isoformat()
    before = [day for day in alarm_days.values() if day < date(2025, 7, 1)]
    assert len(before) <= 1, alarm_days
    for width in (1200, 420):
        page = open_page(folder / "plots/monitor.html", tmp_path / f"profile-{width}", width)
        assert page.console == []
        assert page.charts >= 7
        assert "amount has moved" in page.dom

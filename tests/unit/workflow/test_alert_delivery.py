"""What `make alert` tells: no alarm is lost, and a kill repeats one with the same key."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from creditrisk.core.errors import InputError
from creditrisk.workflow.alert import github, settings
from creditrisk.workflow.alert.delivery import Deliveries, one_run
from creditrisk.workflow.alert.states import read_alarms
from tests.support.alerts import Place, alarm, change, issues, quick
from tests.support.hook_server import receiving
from tests.support.project import ROOT


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_line_that_a_kill_cut_off_is_ignored(place: Place):
    place.monitored(alarm())
    whole = place.alerts.read_bytes()
    for cut in (b'{"id": "bbb", "ki', json.dumps(alarm("bbb")).encode(), b'{"id": "bbb\n', b"\xc3"):
        place.alerts.write_bytes(whole + cut)
        alarms = read_alarms(place.alerts, place.metrics)
        assert (list(alarms.known), alarms.problems) == (["aaa"], [])


@pytest.mark.parametrize(
    "broken", ['{"id": "bb', '{"id": "bbb"}', '["bbb"]', json.dumps(alarm("b\nb"))]
)
def test_a_broken_line_is_named_and_the_others_are_told(place: Place, broken: str):
    place.monitored(alarm(), alarm("ccc"))
    first, last = place.alerts.read_text().splitlines()
    place.alerts.write_text(f"{first}\n{broken}\n{last}\n")
    done = place.alert()
    assert len(done.stdout.splitlines()) == 2
    assert done.returncode == 2
    assert done.stderr.startswith("error: data/monitor/alerts.jsonl: line 2: ")


def test_a_missing_metrics_file_is_not_the_end_of_an_alarm(place: Place):
    """DVC removes its outputs before it runs a stage."""
    place.monitored(alarm())
    with receiving() as hook:
        assert place.deliver(quick(hook))[0].told == 1
        place.monitored(alarm(), alarm("bbb"))
        place.metrics.unlink()
        place.deliver(quick(hook))
    assert hook.keys == ["aaa", "bbb"]
    place.env[settings.TEXTFILE] = "a.prom"
    done = place.alert()
    assert done.returncode == 2
    assert "metrics/monitor.json: file: not found" in done.stderr
    assert not (place.folder / "a.prom").exists()


def test_an_alarm_without_a_line_is_told_all_the_same(place: Place):
    place.monitored(alarm())
    place.alerts.unlink()
    with receiving() as hook:
        place.deliver(quick(hook))
    assert hook.keys == ["aaa"]


def test_a_new_channel_hears_of_what_is_on_and_not_of_the_past(place: Place):
    place.monitored(alarm("new"), past=(alarm("old"),))
    with receiving(500, 500, 500, 500, 500) as hook:
        (outcome,) = place.deliver(quick(hook))
        assert (outcome.told, outcome.waiting) == (0, 1)
        # What ended before it could be told is told, since the channel was there.
        place.monitored()
        place.deliver(quick(hook))
    assert [(body["id"], body["status"]) for body in hook.taken] == [
        ("new", "open"), ("new", "ended"),
    ]  # fmt: skip


def test_an_alarm_that_is_on_again_has_a_new_key(place: Place):
    with receiving() as hook:
        for on in ([alarm()], [], [alarm()], [alarm(message="more")]):
            place.monitored(*on)
            place.deliver(quick(hook))
    assert hook.keys == ["aaa", "aaa-1", "aaa-2"]


def test_the_end_is_told_even_if_the_lines_are_gone(place: Place):
    with receiving() as hook:
        place.monitored(alarm())
        place.deliver(quick(hook))
        place.alerts.unlink()
        place.monitored()
        place.deliver(quick(hook))
    assert [body["status"] for body in hook.taken] == ["open", "ended"]


def test_a_broken_file_of_deliveries_is_named(place: Place):
    place.monitored(alarm())
    place.delivered.write_text('{"log": {"aaa"')
    done = place.alert()
    assert done.returncode == 2
    assert done.stderr.startswith("error: data/monitor/delivered.json: file: can't be read:")


def test_no_end_is_told_of_an_alarm_whose_beginning_was_refused(place: Place):
    place.monitored()
    with receiving(400) as hook:
        place.deliver(quick(hook))
        place.monitored(past=(alarm(),))
        (outcome,) = place.deliver(quick(hook))
        assert (outcome.told, outcome.waiting) == (0, 2)
        assert hook.keys == ["aaa"]
        place.deliver(quick(hook))
    assert hook.keys == ["aaa", "aaa", "aaa-1"]


class Crash(BaseException):
    """The end of a process at a bad moment."""


def test_a_crash_between_telling_and_recording_repeats_the_key(place: Place, monkeypatch):
    place.monitored(alarm())
    with receiving() as hook:
        with monkeypatch.context() as patch:
            patch.setattr(Deliveries, "note", lambda *_: (_ for _ in ()).throw(Crash))
            with pytest.raises(Crash):
                place.deliver(quick(hook))
        for _ in range(2):
            place.deliver(quick(hook))
    assert hook.keys == ["aaa", "aaa"]


@pytest.mark.parametrize("after", ["label create", "issue create", "issue close"])
def test_a_run_killed_after_a_call_of_github_makes_no_second_issue(place: Place, after: str):
    store = place.with_gh()
    steps = ([alarm()], [])
    for on in steps:
        place.monitored(*on)
        change(store, kill_after=after)
        killed = place.alert()
        assert killed.returncode in (0, -signal.SIGKILL)
        change(store, kill_after=None)
        assert place.alert().returncode == 0
    assert [(one["state"], one["comments"]) for one in issues(store)] == [
        ("closed", [github.ENDED])
    ]
    assert json.loads(place.delivered.read_text())["github"]["aaa"]["status"] == "ended"


def test_runs_at_the_same_time_tell_an_alarm_once(place: Place):
    place.monitored(alarm())
    with receiving(1.0) as hook:
        place.env[settings.WEBHOOK] = hook.address
        command = [sys.executable, "-m", "commands.alert"]
        env = os.environ | {"PYTHONPATH": str(ROOT), **place.env}
        running = [
            subprocess.Popen(command, cwd=place.folder, env=env, stdout=subprocess.DEVNULL)
            for _ in range(3)
        ]
        assert [process.wait() for process in running] == [0, 0, 0]
    assert hook.keys == ["aaa"]


def test_a_run_that_does_not_end_is_named(place: Place):
    place.monitored()
    lock = place.delivered.with_name(".delivered.json.lock")
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = pytest.raises(InputError, match="another `make alert` has been running")
        with said, one_run(place.delivered, patience=0.2):
            pass


@pytest.mark.slow
def test_kills_at_any_moment_lose_no_alarm(place: Place):
    store = place.with_gh()
    all_of_them = [alarm(f"id{i}") for i in range(6)]
    place.monitored(*all_of_them)
    with receiving() as hook:
        place.env[settings.WEBHOOK] = hook.address
        command = [sys.executable, "-m", "commands.alert"]
        env = os.environ | {"PYTHONPATH": str(ROOT), **place.env}
        for number in range(25):
            with open(place.folder / "log", "a") as log:
                process = subprocess.Popen(command, cwd=place.folder, env=env, stdout=log)
                try:
                    process.wait(timeout=0.3 + 0.08 * number)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        assert place.alert().returncode == 0
    assert sorted(set(hook.keys)) == [one["id"] for one in all_of_them]
    markers = [one["body"].splitlines()[0] for one in issues(store)]
    assert len(markers) == len(set(markers)) == 6
    lines = (place.folder / "log").read_text().splitlines()
    logged = {json.loads(one)["alarm"]["id"] for one in lines}
    assert logged == {one["id"] for one in all_of_them}

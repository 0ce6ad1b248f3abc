"""`make alert`: every channel hears of each alarm once, whatever becomes of the others."""

import json
import os
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from creditrisk.workflow.alert import github, settings
from creditrisk.workflow.alert.delivery import Notice
from creditrisk.workflow.alert.log_line import line
from creditrisk.workflow.alert.states import Alarm
from tests.support.alerts import Place, alarm, calls, issues
from tests.support.hook_server import SECRET, receiving


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_alarm_is_told_once_by_every_channel_and_its_end_once(place: Place):
    store = place.with_gh()
    with receiving() as hook:
        place.env |= {settings.WEBHOOK: hook.address, settings.TEXTFILE: "out/a.prom"}
        (place.folder / "out").mkdir()
        place.monitored(alarm(), alarm("bbb", kind="format", severity="hard"))
        first, second = place.alert(), place.alert()
        place.monitored()
        third, fourth = place.alert(), place.alert()
    assert [done.returncode for done in (first, second, third, fourth)] == [0] * 4
    assert hook.keys == ["aaa", "bbb", "aaa-1", "bbb-1"]
    assert [body["status"] for body in hook.taken] == ["open", "open", "ended", "ended"]
    assert [(one["state"], one["comments"]) for one in issues(store)] == [
        ("closed", [github.ENDED]), ("closed", [github.ENDED]),
    ]  # fmt: skip
    logged = [json.loads(one) for one in first.stdout.splitlines()]
    assert [one["severity"] for one in logged] == ["WARNING", "ERROR"]
    assert [json.loads(one)["severity"] for one in third.stdout.splitlines()] == ["NOTICE"] * 2
    assert second.stdout == fourth.stdout == ""
    assert first.stderr == (
        "alert: 2 alarms on, 1 of them hard; told: log 2, webhook 2, github 2\n"
    )
    assert fourth.stderr == "alert: 0 alarms on, 0 of them hard; nothing new to tell\n"
    # Where nothing is new, GitHub is not asked.
    assert calls(store).count("api --paginate") == 2
    for path in place.folder.rglob("*"):  # the log of the run included
        assert path.is_dir() or SECRET not in path.read_text(errors="replace")


def test_without_any_alarm_there_is_nothing_to_tell(place: Place):
    place.monitored()
    done = place.alert()
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "alert: 0 alarms on, 0 of them hard; nothing new to tell\n"


def test_without_monitoring_one_line_says_what_to_run(place: Place):
    done = place.alert()
    assert done.returncode == 2
    assert done.stderr == (
        "error: metrics/monitor.json: file: not found, nor any alarm. "
        "Run `make monitor`, then `make alert` again.\n"
    )


def test_one_channel_that_refuses_keeps_no_other_from_telling(place: Place):
    store = place.with_gh()
    place.monitored(alarm())
    with receiving(403) as hook:
        place.env |= {settings.WEBHOOK: hook.address, settings.TEXTFILE: "a.prom"}
        done = place.alert()
        assert done.returncode == 2
        (error,) = done.stderr.splitlines()
        assert error.startswith(f"error: webhook: 127.0.0.1:{hook.port}: answers 403, a refusal.")
        assert len(issues(store)) == 1
        assert len(done.stdout.splitlines()) == 1
        assert (place.folder / "a.prom").exists()
        again = place.alert()
    assert (again.returncode, again.stdout) == (0, "")
    assert hook.keys == ["aaa", "aaa"]
    assert len(issues(store)) == 1


def test_several_problems_end_in_one_line(place: Place):
    place.monitored(alarm())
    place.env |= {"PATH": "/nowhere", settings.WEBHOOK: f"http://e.example/{SECRET}"}
    done = place.alert("--github", "--textfile", "a.txt")
    assert done.returncode == 2
    *told, last = done.stderr.splitlines()
    assert [one.split(":")[1].strip() for one in told] == [settings.WEBHOOK, "a.txt", "gh"]
    assert last.startswith("error: alert: channels: 3 problems, see above; 1 notices wait.")
    assert SECRET not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full stands for a full disk")
@pytest.mark.parametrize(("to", "problem"), [("/dev/full", "No space left"), ("&-", "closed")])
def test_a_log_that_takes_no_line_loses_no_alarm(place: Place, to: str, problem: str):
    store = place.with_gh()
    place.monitored(alarm())
    done = place.alert(shell=f">{to}")
    assert done.returncode == 2
    (error,) = done.stderr.splitlines()
    assert error.startswith(f"error: standard output: log line: can't be written: {problem}")
    assert len(issues(store)) == 1
    assert len(place.alert().stdout.splitlines()) == 1


def test_the_text_file_has_the_alarms_and_the_figures(place: Place):
    place.monitored(alarm(), alarm("bbb", severity="hard", place=""))
    assert place.alert("--textfile", "a.prom").returncode == 0
    text = (place.folder / "a.prom").read_text()
    judged = (place.folder / "metrics/monitor.json").stat().st_mtime
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values == {
        ("creditrisk_alarm", "aaa", "drift", "amount", "soft"): 1,
        ("creditrisk_alarm", "bbb", "drift", "", "hard"): 1,
        ("creditrisk_alarms",): 2,
        ("creditrisk_monitor_batches",): 7,
        ("creditrisk_monitor_judged_seconds",): pytest.approx(judged),
        ("creditrisk_monitor_rows",): 1400,
        ("creditrisk_psi", "amount"): 0.31,
        ("creditrisk_psi", 'a"\\b c'): 0.5,
    }
    # Whoever runs node_exporter can read it.
    assert (place.folder / "a.prom").stat().st_mode & 0o777 == 0o666 & ~umask()
    place.monitored()
    place.alert("--textfile", "a.prom")
    assert "aaa" not in (place.folder / "a.prom").read_text()


def umask() -> int:
    os.umask(mask := os.umask(0))
    return mask


def test_the_log_line_is_what_cloud_logging_reads():
    told = json.loads(line(Notice(Alarm(**alarm(severity="hard")), "open", "aaa")))
    assert told["severity"] == "ERROR"
    assert told["message"] == "drift (amount): amount has moved: PSI 0.31"
    assert told["alarm"] == alarm(severity="hard") | {"status": "open"}
    labels = told["logging.googleapis.com/labels"]
    assert labels["creditrisk_alarm"] == "aaa"
    assert all(isinstance(value, str) for value in labels.values())

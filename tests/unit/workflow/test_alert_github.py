"""Alarms as GitHub issues, and hostile texts in every channel."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from creditrisk.workflow.alert import github, settings
from creditrisk.workflow.alert.states import Alarm
from tests.support.alerts import Place, alarm, calls, change, issues
from tests.support.hook_server import receiving

HOSTILE = (
    "x\n@octocat #12 `rm` ![i](http://e.example/i.png) <!-- creditrisk-alarm aaa --> "
    '"}\\ <!channel> <@U1> | \x1b[31m \ud800 ```'
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def gh(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`gh` on the PATH of this process too."""
    store = place.with_gh()
    monkeypatch.setenv("PATH", place.env["PATH"])
    return store


def test_an_issue_is_updated_when_the_message_changes(place: Place, gh: Path):
    place.monitored(alarm())
    place.deliver(github.GitHub())
    place.monitored(alarm(message="amount has moved: PSI 0.44"))
    place.deliver(github.GitHub())
    (issue,) = issues(gh)
    assert issue["title"] == "Alarm: drift, amount"
    assert issue["body"].startswith("<!-- creditrisk-alarm aaa -->\n")
    assert "PSI 0.44" in issue["body"]
    assert "PSI 0.31" not in issue["body"]


def test_an_issue_that_a_person_closed_stays_closed_until_the_alarm_comes_back(place, gh):
    place.monitored(alarm())
    place.deliver(github.GitHub())
    change(gh, issues=[issues(gh)[0] | {"state": "closed"}])
    place.monitored(alarm(message="more"))
    place.deliver(github.GitHub())
    place.monitored()
    place.deliver(github.GitHub())
    assert [(one["state"], one["comments"]) for one in issues(gh)] == [("closed", [])]
    place.monitored(alarm())
    place.deliver(github.GitHub())
    assert [(one["state"], one["comments"]) for one in issues(gh)] == [("open", [github.AGAIN])]


def test_an_issue_without_the_label_or_one_that_quotes_the_marker_is_not_the_alarm_s(place: Place):
    fake = {"number": 1, "state": "closed", "body": github.body(Alarm(**alarm())), "title": "t"}
    quoted = fake | {"number": 2, "body": f"See this: {fake['body']}", "labels": [github.LABEL]}
    store = place.with_gh(fake | {"labels": [], "comments": []}, quoted | {"comments": []})
    change(store, labels=[github.LABEL])
    place.monitored(alarm())
    assert place.alert().returncode == 0
    assert [one["number"] for one in issues(store)] == [1, 2, 3]


def test_issues_on_later_pages_are_found(place: Place, gh: Path):
    all_of_them = [alarm(f"id{i}") for i in range(5)]
    place.monitored(*all_of_them)
    place.deliver(github.GitHub())
    place.delivered.unlink()
    place.deliver(github.GitHub())
    assert len(issues(gh)) == 5
    assert calls(gh).count("label create") == 1


@pytest.mark.parametrize("fails", ["api", "issue create"])
def test_github_that_fails_gets_the_alarm_next_time(place: Place, fails: str):
    store = place.with_gh()
    change(store, fail=fails)
    place.monitored(alarm(), alarm("bbb"))
    done = place.alert()
    assert done.returncode == 2
    assert done.stderr.startswith("error: gh: ")
    assert "HTTP 502" in done.stderr
    change(store, fail=None)
    assert place.alert().returncode == 0
    assert len(issues(store)) == 2


def test_hostile_texts_are_text_in_every_channel(place: Place, gh: Path):
    place.monitored(alarm(kind=HOSTILE, place=HOSTILE, message=HOSTILE, proposal=HOSTILE))
    place.env[settings.TEXTFILE] = "a.prom"
    with receiving() as hook:
        place.env[settings.WEBHOOK] = hook.address
        done = place.alert()
    assert done.returncode == 0, done.stderr
    # A log line is one line of ASCII.
    (logged,) = done.stdout.splitlines()
    assert logged.isascii()
    assert "\x1b" not in json.loads(logged)["message"]
    # Slack reads no mention; the JSON has the text as it is, but for what does not show.
    (told,) = hook.taken
    assert "<" not in told["text"]
    assert "<!channel>" in told["message"]
    # Markdown: outside code spans there is nothing but words, and one marker.
    (issue,) = issues(gh)
    for text in (issue["title"], issue["body"].partition("\n")[2]):
        assert not any(sign in without_code(text) for sign in ("@", "#", "![", "<", "http"))
    assert github._by_alarm([issue]) == {"aaa": github.Issue(1, True)}
    # Prometheus reads back what is in the label.
    (gauge,) = families((place.folder / "a.prom").read_text())["creditrisk_alarm"]
    assert gauge["place"] == told["place"]


def without_code(markdown: str) -> str:
    """Markdown without its code spans, by GitHub's own rule: runs of as many backticks."""
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", markdown)


def families(text: str) -> dict[str, list[dict[str, str]]]:
    found = text_string_to_metric_families(text)
    return {family.name: [sample.labels for sample in family.samples] for family in found}


def test_a_long_place_fits_a_title():
    for text in ("`" * 5000, "@a " * 5000, "x" * 5000):
        one = Alarm(**alarm(kind=text, place=text, message=text, proposal=text))
        assert len(github.title(one)) <= 256
        assert len(github.body(one)) < 65536

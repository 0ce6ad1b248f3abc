"""Alarms as GitHub issues: one per alarm, updated while it goes on, closed when it has ended.

GitHub itself knows which alarms have an issue: a comment of HTML at the start of its text holds the
id. So no run makes a second one, whenever an earlier one was killed. Only issues with the label are
looked at, because strangers can open issues, but can't label them.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.escape import markdown, markdown_table
from creditrisk.workflow.alert.delivery import Notice
from creditrisk.workflow.alert.states import Alarm
from creditrisk.workflow.programs import run_program

LABEL = "credit-risk-alarm"
# Not `gh issue list --label`: with a label it asks the search, which learns of an issue later.
LIST = "repos/{owner}/{repo}/issues?labels=" + LABEL + "&state=all&per_page=100"
ENDED = "This alarm has ended: the latest window does not raise it any more."
PAGE = "The page `plots/monitor.html` shows what has moved."
AGAIN = "This alarm is on again."
HINT = "Log in with `gh auth login`, or set GH_TOKEN and GH_REPO. Then run `make alert` again."
LONGEST = 4000  # characters of a message; GitHub takes 65,536 in all
LONGEST_PLACE = 80  # in a title, which has at most 256
LIMIT = 120.0  # seconds for one call of gh
_MARKER = re.compile(r"<!-- creditrisk-alarm ([\w-]+) -->", re.ASCII)


@dataclass
class Issue:
    """An issue of an alarm: its number, and whether it is open."""

    number: int
    is_open: bool


class GitHub:
    """The issues of the repository in which this is run, by GitHub's CLI."""

    name = "github"
    follows_changes = True

    def __init__(self) -> None:
        self._issues: dict[str, Issue] = {}

    def prepare(self) -> None:
        """Look up which alarms have an issue.

        Raises:
            InputError: gh is missing, or GitHub does not answer it.
        """
        pages = _pages(_gh("the list of issues", "api", "--paginate", LIST))
        self._issues = _by_alarm([issue for page in pages for issue in page])

    def tell(self, notice: Notice) -> None:
        """Open, update, or close the issue of an alarm.

        Raises:
            InputError: gh is missing or fails.
        """
        issue = self._issues.get(notice.alarm.id)
        if notice.status == "open" and issue is None:
            self._create(notice.alarm)
        elif notice.status == "open" and issue is not None:
            self._update(notice, issue)
        elif issue is not None and issue.is_open:
            # One that a person has closed needs no word.
            _gh("issue close", "issue", "close", str(issue.number), f"--comment={ENDED}")
            issue.is_open = False

    def _create(self, alarm: Alarm) -> None:
        if not self._issues:  # so there may be no label
            about = "--description=An alarm of the monitoring, kept up to date by make alert"
            _gh("label create", "label", "create", LABEL, "--force", "--color=B60205", about)
        words = [f"--label={LABEL}", *_words(alarm)]
        said = _gh("issue create", "issue", "create", *words)
        number = re.search(r"/issues/(\d+)\s*$", said)
        if number is None:
            raise InputError("gh", "issue create", "tells no address of an issue", HINT)
        self._issues[alarm.id] = Issue(int(number[1]), is_open=True)

    def _update(self, notice: Notice, issue: Issue) -> None:
        number, alarm = str(issue.number), notice.alarm
        # One that a person has closed while the alarm went on stays closed.
        if notice.again and not issue.is_open:
            _gh("issue reopen", "issue", "reopen", number, f"--comment={AGAIN}")
            issue.is_open = True
        _gh("issue edit", "issue", "edit", number, *_words(alarm))


def _words(alarm: Alarm) -> list[str]:
    # No pipe: of one that a kill has closed, gh would make an issue without a text, which nobody
    # finds again.
    return [f"--title={title(alarm)}", f"--body={body(alarm)}"]


def title(alarm: Alarm) -> str:
    """The title of an alarm's issue, in Markdown."""
    place = markdown(_cut(alarm.place.replace("`", "'"), LONGEST_PLACE))
    kind = markdown(_cut(alarm.kind.replace("`", "'"), LONGEST_PLACE))
    return f"Alarm: {kind}, {place}" if place else f"Alarm: {kind}"


def body(alarm: Alarm) -> str:
    """The text of an alarm's issue, in Markdown, with the marker by which it is found again."""
    since = alarm.since
    facts = {
        "kind": alarm.kind,
        "place": alarm.place,
        "severity": alarm.severity,
        "since batch": since.batch,
        "day": since.day,
        "window": since.window,
        "id": alarm.id,
    }
    rows = [
        {"": name, "this alarm": markdown(_cut(str(value), LONGEST))}
        for name, value in facts.items()
        if value not in (None, "")
    ]
    parts = [
        f"<!-- creditrisk-alarm {alarm.id} -->",
        markdown(_cut(alarm.message, LONGEST)),
        markdown_table(rows),
    ]
    if alarm.proposal:
        parts.append(f"Proposal: {markdown(_cut(alarm.proposal, LONGEST))}")
    parts.append(f"{PAGE} This issue is closed when the alarm ends.")
    return "\n\n".join(parts) + "\n"


def _by_alarm(issues: list[dict[str, Any]]) -> dict[str, Issue]:
    found: dict[str, Issue] = {}
    for issue in sorted(issues, key=lambda one: int(one["number"])):
        marker = _MARKER.match(issue.get("body") or "")
        if marker and "pull_request" not in issue:
            found.setdefault(marker[1], Issue(int(issue["number"]), issue["state"] == "open"))
    return found


def _pages(text: str) -> list[list[dict[str, Any]]]:
    """The pages that gh prints one after the other, or, if it is new, as one."""
    decoder, pages, at = json.JSONDecoder(), [], 0
    text = text.strip()
    try:
        while at < len(text):
            page, at = decoder.raw_decode(text, at)
            pages.append(page)
            at += len(text[at:]) - len(text[at:].lstrip())
    except ValueError:
        raise InputError("gh", "the list of issues", "not JSON", HINT) from None
    return pages


def _gh(where: str, *words: str) -> str:
    return run_program(["gh", *words], where, HINT, limit=LIMIT)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."

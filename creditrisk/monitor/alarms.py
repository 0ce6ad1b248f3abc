"""Alarms: what is out of the ordinary, over time; one alarm, with one id, as long as it goes on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.files import atomic_write, read_json, write_json
from creditrisk.core.regular import read_regular
from creditrisk.monitor.judge import Occurrence

JUDGED = "judged.json"
ORDER = ("severity", "kind", "place", "id")  # hard ones first
HARD = ("format", "rejected", "silence")  # the flow is broken; others are for a person to judge
PROPOSALS = {
    "format": "Ask who sends the file; a corrected one needs another name. PDs of such rows mean "
    "nothing.",
    "rejected": "Look at the rows that can't be read, and ask who sends them.",
    "silence": "Look whether the flow has stopped, and ask who sends the data.",
    "volume": "Ask why there are so many or so few applicants.",
    "missing": "Look whether the cells are empty or hold what can't be read, and ask why.",
    "unseen": "Ask what the level means. The champion has never seen it; train again once it can.",
    "drift": "Ask what has changed. Once outcomes are known: `make retrain` proposes a champion.",
    "score": "Look at the variables that have moved. Once outcomes are known: `make retrain`.",
    "approval": "Look at the variables that have moved, and at the cut-off.",
    "referral": "Look at the cells that are missing, and at levels that training did not have.",
    "auc": "`make retrain` proposes a new champion from the outcomes; a person reviews it.",
    "calibration": "`make retrain` proposes a new champion from the outcomes; a person reviews it.",
}


@dataclass(frozen=True)
class Seen:
    """An occurrence, and when it was seen.

    Attributes:
        what: the occurrence.
        axis: what `step` counts: `windows`, `days`, or `outcomes` for groups of outcomes; `silence`
            has one step only.
        step: number of the window, day or group.
        batch: the batch by which it was seen.
        day: of that batch or window (ISO), None if unknown.
        number: of that batch.
    """

    what: Occurrence
    axis: str
    step: int
    batch: str
    day: str | None
    number: int


@dataclass(frozen=True)
class Alarm:
    """An alarm that is on, or was.

    Attributes:
        told: what is written of it: `id`, `kind`, `place`, `severity`, `message`, `since`,
            `proposal`; see docs/monitoring.md.
        is_on: whether it goes on.
        last: number of the last batch by which it was seen.
    """

    told: dict[str, Any]
    is_on: bool
    last: int


def alarms_of(seen: Iterable[Seen], now: Mapping[str, int], quiet: int) -> list[Alarm]:
    """Put together what was seen: one alarm as long as it goes on.

    An alarm goes on while it is seen at least once in `quiet` steps.

    Args:
        seen: everything that was seen, in order.
        now: axis to the number of its last complete step.
        quiet: steps without it, after which an alarm has ended.
    """
    ended: list[list[Seen]] = []
    going: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        key = (one.what.kind, one.what.place)
        episode = going.setdefault(key, [])
        if episode and one.step - episode[-1].step > quiet:
            ended.append(episode)
            episode = going[key] = []
        episode.append(one)
    alarms = [_alarm(episode, is_on=False) for episode in ended]
    for episode in going.values():
        last = episode[-1]
        alarms.append(_alarm(episode, is_on=last.step > now[last.axis] - quiet))
    return sorted(alarms, key=lambda alarm: [alarm.told[key] for key in ORDER])


def _alarm(episode: list[Seen], is_on: bool) -> Alarm:
    first, last = episode[0], episode[-1]
    kind, place = first.what.kind, first.what.place
    text = "\0".join((kind, place, first.batch, first.axis))
    told = {
        "id": hashlib.sha256(text.encode()).hexdigest()[:12],
        "kind": kind,
        "place": place,
        "severity": "hard" if kind in HARD else "soft",
        "message": last.what.message,
        "since": {
            "batch": first.batch,
            "day": first.day,
            "window": first.step if first.axis == "windows" else None,
        },
        "proposal": PROPOSALS[kind],
    }
    return Alarm(told, is_on, max(one.number for one in episode))


def record(alarms: Iterable[Alarm], path: Path, before: int) -> int:
    """Add a line for each alarm that has none yet to the file of alerts; return how many.

    Of the alarms that have ended, only those count that were seen in new batches: after a pause,
    many batches come at once. A new champion judges all old batches anew, which is no news. The
    file is replaced as a whole: after a kill it is the old one or the new one.

    Args:
        alarms: on, or ended.
        path: the file of alerts.
        before: number of the last batch that an earlier run has judged.
    """
    lines = _lines(path)
    known = {line.get("id") for line in lines}
    news = [alarm.told for alarm in alarms if alarm.is_on or alarm.last > before]
    new = [told for told in news if told["id"] not in known]
    if new:
        with atomic_write(path) as file:
            for line in [*lines, *new]:
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return len(new)


def last_judged(folder: Path) -> int:
    """Number of the last batch whose alarms an earlier run has recorded; 0 without any.

    Args:
        folder: of the file of alerts.
    """
    path = folder / JUDGED
    return int(read_json(path, ["number"])["number"]) if path.exists() else 0


def mark_judged(folder: Path, number: int) -> None:
    """Keep the number of the last batch; only after its alarms are recorded."""
    write_json({"number": number}, folder / JUDGED)


def _lines(path: Path) -> list[dict[str, Any]]:
    """Read the alarms that are recorded.

    Raises:
        InputError: a line is none of them, or the file can't be read.
    """
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        hint = "Check the file and its permissions."
        raise InputError(path, "file", f"can't be read: {error.strerror}", hint) from None
    found = []
    for number, line in enumerate(content.split(b"\n"), start=1):  # no other sign ends a line
        try:
            tree = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            tree = None
        if not isinstance(tree, dict):
            hint = "Delete the line; an alarm that is on is recorded again."
            raise InputError(path, f"line {number}", "no alarm", hint)
        if tree:
            found.append(tree)
    return found

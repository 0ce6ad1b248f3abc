"""The alarms that monitoring has raised: which are on, and which have ended."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from creditrisk.core.errors import InputError
from creditrisk.core.escape import printable
from creditrisk.core.files import read_json
from creditrisk.core.regular import read_regular

Severity = Literal["hard", "soft"]
AGAIN = "Run `make monitor`, then `make alert` again."


class Since(BaseModel):
    """When an alarm began: the batch, its day (ISO), the number of the window."""

    model_config = ConfigDict(frozen=True)

    batch: str | None = None
    day: str | None = None
    window: int | None = None


class Alarm(BaseModel):
    """An alarm, as monitoring writes it.

    Attributes:
        id: the same as long as the alarm goes on; a header and a comment of HTML take it.
        kind: what has happened, such as `drift`.
        place: the column or group where; empty if it is nowhere in particular.
        severity: `hard` if the flow is broken, else `soft`.
        message: a sentence for people.
        since: when it began.
        proposal: what to do; it is never done by itself.
    """

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    kind: str
    place: str = ""
    severity: Severity
    message: str
    since: Since = Since()
    proposal: str | None = None


@dataclass(frozen=True)
class Alarms:
    """What there is to tell.

    Attributes:
        known: all alarms ever raised, by id, in the order in which they began.
        on: the ids of those that are on; None if that is not known, since `metrics/monitor.json`
            can't be read.
        figures: `metrics/monitor.json`; empty if it can't be read.
        problems: what could not be read.
    """

    known: dict[str, Alarm]
    on: set[str] | None
    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[InputError] = field(default_factory=list)

    @property
    def current(self) -> list[Alarm]:
        """The alarms that are on."""
        return [alarm for alarm in self.known.values() if alarm.id in (self.on or ())]


def read_alarms(alerts: Path, metrics: Path) -> Alarms:
    """Read the alarms from what monitoring has written.

    A file, or a line, that can't be read keeps nobody from hearing of the rest.

    Args:
        alerts: one line per alarm, appended; without one that a kill cut off.
        metrics: with the alarms that are on.

    Raises:
        InputError: neither file is there.
    """
    if not alerts.exists() and not metrics.exists():
        raise InputError(metrics, "file", "not found, nor any alarm", AGAIN)
    problems: list[InputError] = []
    known = _read_lines(alerts, problems)
    if not metrics.exists():
        # DVC removes its outputs before a stage runs, and a kill then leaves none. That is no news
        # of an alarm's end.
        problems.append(InputError(metrics, "file", "not found", AGAIN))
        return Alarms(known, None, {}, problems)
    try:
        figures = _shown(read_json(metrics, needs=["alarms"]))
        current = [_alarm(tree) for tree in figures["alarms"]]
    except (InputError, ValueError, TypeError) as error:
        problems.append(_problem(metrics, "alarms", error, AGAIN))
        return Alarms(known, None, {}, problems)
    known |= {alarm.id: alarm for alarm in current}
    return Alarms(known, {alarm.id for alarm in current}, figures, problems)


def _read_lines(path: Path, problems: list[InputError]) -> dict[str, Alarm]:
    try:
        lines = read_regular(path).split(b"\n")
    except FileNotFoundError:
        return {}  # no alarm yet
    except OSError as error:
        problems.append(_problem(path, "file", error, "Check the file and its permissions."))
        return {}
    known: dict[str, Alarm] = {}
    # What stands behind the last line break was cut off, and monitoring will write it again.
    for number, line in enumerate(lines[:-1], 1):
        hint = "Correct the line, or delete it."
        try:
            tree = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            if number < len(lines) - 1:
                problems.append(_problem(path, f"line {number}", error, hint))
            continue
        try:
            alarm = _alarm(_shown(tree)) if tree is not None else None
        except ValidationError as error:
            problems.append(_problem(path, f"line {number}", error, hint))
        else:
            known |= {alarm.id: alarm} if alarm else {}
    return known


def _alarm(tree: Any) -> Alarm:
    return Alarm.model_validate(tree)


def _problem(path: Path, where: str, error: Exception, hint: str) -> InputError:
    if isinstance(error, InputError):
        return error
    if isinstance(error, ValidationError):
        found = error.errors()[0]
        place = ".".join(map(str, found["loc"])) or "top level"
        return InputError(path, where, f"no alarm: {place}: {found['msg']}", hint)
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return InputError(path, where, f"can't be read: {reason}", hint)


def _shown(tree: Any) -> Any:
    """Make each text one line of characters that show: names of columns may be anything."""
    if isinstance(tree, dict):
        return {printable(str(name)): _shown(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_shown(value) for value in tree]
    return printable(tree) if isinstance(tree, str) else tree

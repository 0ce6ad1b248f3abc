"""What each channel was told: each alarm once, again after a failure, never lost.

An alarm is recorded as told after it was told. A kill between the two makes it be told again, with
the same key, so that whoever receives it can see that it is no news.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, TypeAdapter

from creditrisk.core.errors import InputError
from creditrisk.core.files import write_json
from creditrisk.core.regular import read_regular
from creditrisk.workflow.alert.states import Alarm, Alarms

Status = Literal["open", "ended"]
PATIENCE = 600.0  # seconds to wait for another run to end


class Told(BaseModel):
    """What a channel was told last of an alarm, and how many times it was told of it."""

    model_config = ConfigDict(frozen=True)

    status: Status
    times: int
    alarm: Alarm


@dataclass(frozen=True)
class Notice:
    """Something to tell.

    Attributes:
        alarm: of which alarm.
        status: whether it is on or has ended.
        key: the same whenever this notice is repeated. The first notice of an alarm has its id.
        again: whether the alarm is on again after its end was told.
    """

    alarm: Alarm
    status: Status
    key: str
    again: bool = False


class Channel(Protocol):
    """A way to tell people.

    Attributes:
        name: in messages and in the file of deliveries.
        follows_changes: whether it wants to know of a changed message.
    """

    name: str
    follows_changes: bool

    def prepare(self) -> None:
        """Make ready, if there is something to tell.

        Raises:
            InputError: nothing can be told now.
        """

    def tell(self, notice: Notice) -> None:
        """Tell, and return once it is certain to be told.

        Raises:
            InputError: it could not be told.
        """


_RECORD = TypeAdapter(dict[str, dict[str, Told]])


@contextmanager
def one_run(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Wait until no other run tells anybody, so that two runs do not tell the same twice.

    Raises:
        InputError: another run does not end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    try:
        with FileLock(lock, timeout=patience):
            yield
    except Timeout:
        problem = f"another `make alert` has been running for more than {patience:g} seconds"
        raise InputError(lock, "lock", problem, "Let it end, or stop it.") from None


class Deliveries:
    """The file of what was told, by channel and id.

    Args:
        path: of the file, which need not exist.

    Raises:
        InputError: it can't be read.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self.record = _RECORD.validate_python(json.loads(read_regular(path)))
        except FileNotFoundError:
            self.record = {}
        except (ValueError, OSError, RecursionError) as error:
            problem = f"can't be read: {str(error).splitlines()[0]}"
            hint = "Move it away: each alarm that is on is then told once more, with the same id."
            raise InputError(path, "file", problem, hint) from None

    def start(self, channel: Channel, alarms: Alarms) -> bool:
        """Begin with a channel: one that is new is not told of what ended before its time.

        Returns:
            Whether the channel can be told: it can't if it is new and nobody knows what is on.
        """
        if channel.name in self.record:
            return True
        if alarms.on is None:
            return False
        past = [alarm for alarm in alarms.known.values() if alarm.id not in alarms.on]
        told = {alarm.id: Told(status="ended", times=0, alarm=alarm) for alarm in past}
        self.record[channel.name] = told
        self._write()
        return True

    def notices(self, channel: Channel, alarms: Alarms) -> list[Notice]:
        """List what a channel has not been told, in the order in which it happened."""
        told = self.record[channel.name]
        alarms_by_id = {id: one.alarm for id, one in told.items()} | alarms.known
        found = []
        for id, alarm in alarms_by_id.items():
            before = told.get(id)
            times = before.times if before else 0
            if self._opens(before, alarm, alarms.on, channel.follows_changes):
                again = before is not None and before.status == "ended"
                found.append(Notice(alarm, "open", _key(id, times), again))
                times += 1
            was_on = before is None or before.status == "open"
            if alarms.on is not None and id not in alarms.on and was_on:
                # The latest words: those that were told, since the line is from the beginning.
                words = before.alarm if before else alarm
                found.append(Notice(words, "ended", _key(id, times)))
        return found

    @staticmethod
    def _opens(before: Told | None, alarm: Alarm, on: set[str] | None, changes: bool) -> bool:
        if before is None:
            return True
        if on is None or alarm.id not in on:
            return False
        return before.status == "ended" or (changes and before.alarm != alarm)

    def note(self, channel: Channel, notice: Notice) -> None:
        """Record that a channel was told."""
        told = self.record[channel.name]
        before = told.get(notice.alarm.id)
        times = before.times + 1 if before else 1
        told[notice.alarm.id] = Told(status=notice.status, times=times, alarm=notice.alarm)
        self._write()

    def _write(self) -> None:
        write_json(_RECORD.dump_python(self.record), self.path)


def _key(id: str, times: int) -> str:
    return f"{id}-{times}" if times else id


@dataclass
class Outcome:
    """How it went with a channel: how many notices it took, how many it did not, and why."""

    told: int = 0
    waiting: int = 0
    problem: InputError | None = None


def deliver(channel: Channel, deliveries: Deliveries, alarms: Alarms) -> Outcome:
    """Tell a channel what it has not been told; what fails stays for the next run."""
    outcome = Outcome()
    if not deliveries.start(channel, alarms):
        outcome.waiting = len(alarms.known)
        return outcome
    notices = deliveries.notices(channel, alarms)
    if not notices:
        return outcome
    try:
        channel.prepare()
    except InputError as error:
        return Outcome(0, len(notices), error)
    failed: set[str] = set()
    for notice in notices:
        # No end is told of an alarm whose beginning was not.
        if notice.alarm.id in failed:
            outcome.waiting += 1
            continue
        try:
            channel.tell(notice)
        except InputError as error:
            failed.add(notice.alarm.id)
            outcome.waiting += 1
            outcome.problem = outcome.problem or error
        else:
            deliveries.note(channel, notice)
            outcome.told += 1
    return outcome

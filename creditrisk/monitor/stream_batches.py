"""Messages of a stream as a batch of the ledger, and how far the ledger has come with a stream."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from creditrisk.monitor.batches import Facts, known_batches, read_rows
from creditrisk.monitor.messages import Messages
from creditrisk.monitor.receive import STREAM, next_number
from creditrisk.monitor.rows import Gathered, ledger_rows
from creditrisk.prepare.cells import Notation
from creditrisk.schema import Schema

_CREATED, _MESSAGE_ID = "stream_created", "message_id"


@dataclass
class Position:
    """How far the ledger has come with a stream.

    Attributes:
        number: of the next batch in the ledger.
        last: the number of the last message that was read; 0 for none.
        created: when the stream was made (ISO).
        ids: the `Nats-Msg-Id` of all messages that were counted.
    """

    number: int
    last: int = 0
    created: str | None = None
    ids: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Message:
    """A message of a stream: its number, when it was sent, its `Nats-Msg-Id` if it has one."""

    sequence: int
    time: datetime
    id: str | None
    data: bytes


def position_of(folder: Path, stream: str) -> Position:
    """Find in the ledger how far a stream was read."""
    batches = known_batches(folder)
    position = Position(next_number(batches))
    for batch in batches:
        match = re.fullmatch(r"nats-(.+)-(\d+)-(\d+)", batch.facts.name, re.ASCII)
        if batch.facts.form != STREAM or match is None or match[1] != stream:
            continue
        position.last = max(position.last, int(match[3]))
        rows = read_rows(batch, [_MESSAGE_ID, _CREATED])
        position.ids.update(rows[_MESSAGE_ID].dropna())
        position.created = next(iter(rows[_CREATED]), position.created)
    return position


def message_batch(
    stream: str,
    messages: list[Message],
    position: Position,
    reader: Messages,
    schema: Schema,
    notation: Notation,
) -> tuple[Facts, pd.DataFrame]:
    """Turn messages into a batch of the ledger.

    Args:
        stream: its name.
        messages: in their order, at least one.
        position: before them; their ids are added.
        reader: of messages.
        schema: of the applicants.
        notation: how values are written.

    Returns:
        The facts and the rows, without those whose id was counted before.
    """
    rows = Gathered(schema.columns, (_MESSAGE_ID, "id", "day", "outcome"))
    digest = hashlib.sha256()
    header: list[str] = []
    with_outcomes = False
    for message in messages:
        digest.update(b"%d %d\n%b" % (message.sequence, len(message.data), message.data))
        if message.id is not None:
            if message.id in position.ids:
                continue
            position.ids.add(message.id)
        known = {_MESSAGE_ID: message.id, "day": message.time.astimezone(UTC).date().isoformat()}
        try:
            found = reader.read(message.data)
        except ValueError as error:
            rows.reject(f"message {message.sequence}: {error}", id=message.id, **known)
            continue
        header = header or found.names
        with_outcomes |= found.outcome is not None
        identity = message.id if found.row_id is None else found.row_id
        rows.add(found.cells, id=identity, outcome=found.outcome, **known)
    facts = rows.facts
    frame = ledger_rows(
        rows.cells, rows.malformed, schema, notation, facts["id"], facts["day"],
        facts["outcome"] if with_outcomes else None,
        **{_MESSAGE_ID: pd.Series(facts[_MESSAGE_ID], dtype="str"),
           _CREATED: pd.Series([position.created] * len(rows), dtype="str")},
    )  # fmt: skip
    first, last = messages[0].sequence, messages[-1].sequence
    return Facts(
        number=position.number, name=f"nats-{stream}-{first}-{last}", sha256=digest.hexdigest(),
        kind="applicants", form=STREAM, day=None, rows=len(rows),
        rejected=sum(problem is not None for problem in rows.malformed), header=header,
        findings=_gaps(messages, position.last),
    ), frame  # fmt: skip


def _gaps(messages: list[Message], last: int) -> list[str]:
    """Say which messages were gone before they could be read."""
    lost = ranges = 0
    first = 0
    for message in messages:
        if last and message.sequence > last + 1:
            first, lost, ranges = first or last + 1, lost + message.sequence - last - 1, ranges + 1
        last = message.sequence
    if not lost:
        return []
    where = f"from message {first} on" if ranges == 1 else f"in {ranges} places from {first} on"
    return [f"{lost:,} messages {where} were deleted from the stream before they were read"]

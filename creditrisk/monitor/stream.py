"""Takes the messages of a NATS JetStream into the ledger, which itself is the offset.

A batch is called `nats-STREAM-FIRST-LAST`, by the numbers of its first and last message. The next
run goes on behind the last one; nothing is kept on the server.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from creditrisk.core.errors import InputError
from creditrisk.core.logs import say
from creditrisk.monitor.batches import write_batch
from creditrisk.monitor.messages import Messages
from creditrisk.monitor.receive import Receipt, say_received
from creditrisk.monitor.stream_batches import Message, Position, message_batch, position_of
from creditrisk.prepare.cells import Notation
from creditrisk.schema import Schema

MOST = 10_000  # messages of a batch
_MOST_BYTES = 2**26
_FETCH = 200
_PATIENCE = 10.0  # seconds for an answer of the server
_NAME = re.compile(r"[^\s.*>/\\]+")
_HINT = "Give nats://HOST:PORT/STREAM, or tls:// for a server with a certificate."


@dataclass(frozen=True)
class Source:
    """A stream on a server.

    Attributes:
        server: its address, without a password.
        stream: the name of the stream.
        login: the options of the client that are secret.
    """

    server: str
    stream: str
    login: dict[str, str] = field(repr=False)

    @property
    def place(self) -> str:
        """Where it is, for a message."""
        return f"{self.server}/{self.stream}"


Keep = Callable[[list[Message]], None]


def parse_source(text: str, environment: Mapping[str, str]) -> Source:
    """Read the address of a stream.

    Args:
        text: nats://HOST:PORT/STREAM or tls://...; `USER:PASSWORD@` or `TOKEN@` may stand before
            the host.
        environment: has `NATS_USER` and `NATS_PASSWORD`, or `NATS_TOKEN`, if the address has none.

    Raises:
        InputError: it is no such address; the message quotes nothing of it.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 4222
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("nats", "tls"):
        raise InputError("--from", "address", "no address of a NATS server", _HINT)
    stream = unquote(parts.path.removeprefix("/"))
    if not _NAME.fullmatch(stream):
        raise InputError("--from", "address", "no name of a stream behind the server", _HINT)
    names = {"user": "NATS_USER", "password": "NATS_PASSWORD", "token": "NATS_TOKEN"}
    login = {key: environment[name] for key, name in names.items() if environment.get(name)}
    if parts.username is not None:
        user = unquote(parts.username)
        password = parts.password
        login = {"user": user, "password": unquote(password)} if password else {"token": user}
    shown = f"[{host}]" if ":" in host else host
    return Source(f"{parts.scheme}://{shown}:{port}", stream, login)


def receive_stream(
    source: Source, folder: Path, schema: Schema, decimal: str, notation: Notation
) -> Receipt:
    """Take all messages that are there into the ledger; hold its lock, see `receive.alone`.

    A message counts once by its header `Nats-Msg-Id`; one that is no applicant is a malformed row.

    Args:
        source: where they are.
        folder: of the ledger.
        schema: of the applicants.
        decimal: the decimal sign of texts.
        notation: how values are written.

    Returns:
        The batches that are new in the ledger. If the server can't be reached, or the stream is not
        the one that was read before, `problem` says so.
    """
    receipt = Receipt()
    try:
        position = position_of(folder, source.stream)
        reader = Messages(schema, decimal)

        def keep(messages: list[Message]) -> None:
            facts, rows = message_batch(source.stream, messages, position, reader, schema, notation)
            write_batch(folder, facts, rows)
            receipt.received.append(facts)
            say_received(facts)
            if again := len(messages) - len(rows):
                say(f"receive: {facts.name}: {again:,} messages were sent again, not counted")
            position.number, position.last = position.number + 1, messages[-1].sequence

        _run(source, position, keep)
    except InputError as error:
        receipt.problem = error
    return receipt


def _run(source: Source, position: Position, keep: Keep) -> None:
    try:
        import nats.errors
        import nats.js.errors
    except ImportError:
        hint = "Install it: python -m pip install nats-py"
        raise InputError("--from", "nats-py", "not installed", hint) from None
    try:
        asyncio.run(_receive(source, position, keep))
    except nats.js.errors.NotFoundError:
        raise InputError(source.place, "stream", "there is none of this name", _HINT) from None
    except (nats.errors.Error, TimeoutError, OSError) as error:
        raise _refused(source, error) from None


async def _receive(source: Source, position: Position, keep: Keep) -> None:
    import nats

    async def quiet(_: Exception) -> None:
        """What goes wrong comes back from the calls themselves."""

    client = await nats.connect(
        source.server,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # also of the first connection
        reconnect_time_wait=0.2,
        connect_timeout=int(_PATIENCE),
        error_cb=quiet,
        **source.login,
    )
    try:
        stream = client.jetstream(timeout=_PATIENCE)
        info = await stream.stream_info(source.stream)
        _check(source, position, info)
        while position.last < info.state.last_seq:
            messages = await _some(stream, source, position.last + 1)
            if not messages:
                break
            keep(messages)
    finally:
        with suppress(Exception):
            await asyncio.wait_for(client.close(), _PATIENCE)


def _check(source: Source, position: Position, info: Any) -> None:
    """Refuse a stream that is not the one in the ledger, or that forgets what is read.

    Raises:
        InputError: it is.
    """
    place = source.place
    if info.config.retention not in (None, "limits"):
        problem = f"its retention is {info.config.retention}: what was read is deleted"
        hint = "Make a stream with the retention `limits`."
        raise InputError(place, "stream", problem, hint)
    created = info.created.astimezone(UTC).isoformat() if info.created else ""
    known = position.created
    if info.state.last_seq < position.last or (known is not None and known != created):
        problem = f"is not the stream that was read up to message {position.last:,}: it was "
        problem += "deleted and made again, or another server has one of this name"
        hint = "Make it under a new name, since the ledger knows messages by name and number."
        raise InputError(place, "stream", problem, hint)
    if position.last == 0 and info.state.first_seq > 1 and info.state.messages:
        say(
            f"receive: the stream begins at message {info.state.first_seq:,}; earlier ones are gone"
        )
    position.created = created


async def _some(stream: Any, source: Source, first: int) -> list[Message]:
    """Read messages from a number on: all that are there, up to MOST of them.

    The consumer keeps nothing and is forgotten by the server a few seconds after it was used.

    Raises:
        InputError: the server has messages, but gives none.
    """
    from nats.errors import TimeoutError as NoMore
    from nats.js import api

    config = api.ConsumerConfig(
        deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=first,
        ack_policy=api.AckPolicy.NONE,
        inactive_threshold=3 * _PATIENCE,
        mem_storage=True,
    )
    subscription = await stream.pull_subscribe("", stream=source.stream, config=config)
    found: list[Message] = []
    size = 0
    try:
        wanted = min((await subscription.consumer_info()).num_pending, MOST)
        while len(found) < wanted and size < _MOST_BYTES:
            try:
                answers = await subscription.fetch(min(_FETCH, wanted - len(found)), _PATIENCE)
            except NoMore:
                break  # deleted in the meantime
            for answer in answers:
                facts = answer.metadata
                if facts.sequence.consumer != len(found) + 1:  # one was dropped on the way here
                    return found
                identity = (answer.headers or {}).get("Nats-Msg-Id")
                found.append(Message(facts.sequence.stream, facts.timestamp, identity, answer.data))
                size += len(answer.data)
        if wanted and not found and (await subscription.consumer_info()).num_pending:
            problem = "the server has messages, and gives none"
            raise InputError(source.place, "stream", problem, "Run this again later.")
    finally:
        with suppress(Exception):
            await subscription.unsubscribe()
    return found


def _refused(source: Source, error: BaseException) -> InputError:
    """Say what went wrong with a server, without its own words, which may hold a password."""
    name = type(error).__name__
    problem = f"can't be reached, or has stopped ({name})"
    hint = "What was read until now is in the ledger; run this again when the server is there."
    if name in ("NoRespondersError", "ServiceUnavailableError"):
        problem, hint = "it has no JetStream", "Start it with JetStream (nats-server -js)."
    elif "authorization" in f"{name} {error}".lower():
        problem, hint = "the login is refused", "Set NATS_USER and NATS_PASSWORD, or NATS_TOKEN."
    return InputError(source.place, "server", problem, hint)

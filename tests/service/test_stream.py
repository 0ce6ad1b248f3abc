"""Messages of a real NATS server: each applicant once, through kills and a stopped server."""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from creditrisk.core.errors import InputError
from creditrisk.monitor.batches import Batch, known_batches, read_rows
from creditrisk.monitor.stream import parse_source
from tests.support.mlflow_server import free_port
from tests.support.project import ROOT
from tests.support.small_data import SMALL_TREE, small_clean

SERVER = shutil.which("nats-server")
RIGHT, WRONG = "s3cr3t-word", "wr0ng-word"  # passwords
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(SERVER is None, reason="there is no nats-server here (apt has one)"),
]
APPLICANTS = small_clean(1000, seed=5).drop(columns="Out come").to_dict("records")


class Nats:
    """A server with JetStream, which finds its messages again when it is started again."""

    def __init__(self, folder: Path, *options: str):
        self.folder, self.options, self.port = folder, options, free_port()
        self.address = f"nats://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [str(SERVER), "-js", "-sd", str(self.folder / "store"), "-a", "127.0.0.1"]
        with open(self.folder / "nats.log", "ab") as log:
            self.process = subprocess.Popen(
                [*command, "-p", str(self.port), *self.options], stdout=log, stderr=log
            )
        for _ in range(200):
            if (self.folder / "nats.log").read_text().count("Server is ready"):
                return
            time.sleep(0.05)
        raise RuntimeError("nats-server does not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        (self.folder / "nats.log").write_text("")

    def do(self, work: Callable[[Any], Awaitable[Any]], **login: str) -> Any:
        """Do something with the streams of the server."""
        import nats

        async def main() -> Any:
            client = await nats.connect(self.address, **login)
            try:
                return await work(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(main())

    def make(self, name: str = "S", **options: Any) -> None:
        # So short that the server itself takes a second message of the same id.
        options = {"duplicate_window": 0.1} | options
        self.do(lambda stream: stream.add_stream(name=name, subjects=[name], **options))

    def send(self, messages: list[tuple[str | None, Any]], name: str = "S") -> None:
        async def work(stream: Any) -> None:
            for identity, tree in messages:
                content = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
                headers = {"Nats-Msg-Id": identity} if identity else None
                await stream.publish(name, content, headers=headers)

        self.do(work)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nats]:
    found = Nats(tmp_path)
    yield found
    found.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which the command runs."""
    folder = tmp_path / "p"
    (folder / "metrics").mkdir(parents=True)
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["data"]["schema"] = "schema.yaml"
    (folder / "params.yaml").write_text(yaml.safe_dump(tree))
    (folder / "schema.yaml").write_text(yaml.safe_dump(SMALL_TREE))
    return folder


def start(folder: Path, source: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "commands.receive", "--from", source], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"} | environment,
    )  # fmt: skip


def receive(folder: Path, source: str, **environment: str) -> tuple[int, str, str]:
    process = start(folder, source, **environment)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def ledger(folder: Path) -> list[Batch]:
    return known_batches(folder / "data/monitor/batches")


def rows(folder: Path) -> pd.DataFrame:
    return pd.concat([read_rows(batch) for batch in ledger(folder)], ignore_index=True)


def test_a_thousand_rows_sent_more_than_once_through_kills_and_a_stopped_server(server, folder):
    chance = random.Random(19)
    sent = [(f"id-{i}", row) for i, row in enumerate(APPLICANTS)]
    messages = list(sent)
    for _ in range(143):  # again, at any time after the first one
        which = chance.randrange(1000)
        first = next(i for i, (name, _) in enumerate(messages) if name == f"id-{which}")
        messages.insert(chance.randrange(first + 1, len(messages) + 1), sent[which])
    assert (len(messages), len({identity for identity, _ in messages})) == (1143, 1000)
    server.make()
    parts = [messages[1143 * i // 12 : 1143 * (i + 1) // 12] for i in range(12)]
    kills = 0
    for number, part in enumerate(parts):
        server.send(part[: len(part) // 2])
        before = len(ledger(folder))
        process = start(folder, f"{server.address}/S")
        server.send(part[len(part) // 2 :])
        end = time.monotonic() + chance.choice([0.2, 0.9, 20])
        while process.poll() is None and time.monotonic() < end and len(ledger(folder)) == before:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.003))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        if number == 6:
            server.stop()
            code, _, said = receive(folder, f"{server.address}/S")
            assert code == 2
            assert said.count("\n") == 1
            assert "can't be reached" in said
            server.start()
    assert kills > 4  # the others had ended: the ledger is about the last thing they write
    # What a server takes a second time, it has: it is the ledger that counts each row once.
    assert server.do(lambda stream: stream.stream_info("S")).state.messages > 1100
    assert receive(folder, f"{server.address}/S")[0] == 0
    found = rows(folder)
    assert sorted(found["message_id"]) == sorted(identity for identity, _ in sent)
    assert found["malformed"].isna().all()
    incomes = dict(zip(found["id"], found["cell.Income"].astype(float), strict=True))
    assert incomes == {f"id-{i}": row["Income"] for i, row in enumerate(APPLICANTS)}
    assert json.loads((folder / "metrics/receive.json").read_text())["rows"] == 1000
    assert len(ledger(folder)) > 1
    assert not list((folder / "data/monitor/batches").glob(".*.part"))


def test_what_a_message_may_be(server, folder):
    server.make()
    one = {k: v for k, v in APPLICANTS[0].items() if k != "Region"}
    server.send(
        [
            (None, one | {"Out come": "default", "row_id": 17}),
            (None, {"income": 10.5, "age": 30}),  # the names of the schema
            (None, b"no JSON"),
            (None, [1]),
            (None, {"Wage": 1}),
            (None, {"Income": 1, "income ": 2}),
            (None, {}),
            ("x", b'{"Income": 1e2}'),
        ]
    )
    code, out, err = receive(folder, f"{server.address}/S")
    assert (code, err) == (0, "")
    assert "nats-S-1-8: 8 rows of applicants (stream), 5 of them unreadable" in out
    found = rows(folder)
    assert found["malformed"].notna().tolist() == [False, False, *[True] * 5, False]
    assert found["id"].fillna("").tolist() == ["17", *[""] * 6, "x"]
    assert found["bad"].fillna(9).tolist() == [1, *[9] * 7]
    assert found["cell.Income"].fillna("").tolist()[:2] == [str(one["Income"]), "10.5"]
    assert found["cell.Income"].iloc[-1] == "1e2"
    assert found["cell.Region"].isna().all()
    assert len(set(found["day"])) == 1
    facts = ledger(folder)[0].facts
    assert (facts.kind, facts.form, facts.day, facts.rejected) == ("applicants", "stream", None, 5)
    before = (folder / "metrics/receive.json").read_bytes()
    assert "new batches: 0," in receive(folder, f"{server.address}/S")[1]
    assert (folder / "metrics/receive.json").read_bytes() == before


def test_gaps_are_told_and_a_stream_made_again_is_an_error(server, folder):
    server.make()
    server.send([(None, row) for row in APPLICANTS[:10]])
    source = f"{server.address}/S"
    assert receive(folder, source)[0] == 0
    server.send([(None, row) for row in APPLICANTS[10:20]])

    async def delete(stream: Any) -> None:
        for number in (11, 12, 15, 20):
            await stream.delete_msg("S", number)

    server.do(delete)
    assert receive(folder, source)[0] == 0
    facts = ledger(folder)[-1].facts
    assert (facts.name, facts.rows) == ("nats-S-13-19", 6)
    assert facts.findings == [
        "3 messages in 2 places from 11 on were deleted from the stream before they were read"
    ]
    assert receive(folder, source)[0] == 0  # message 20 was the last one, and has gone
    assert len(ledger(folder)) == 2

    server.do(lambda stream: stream.delete_stream("S"))
    code, _, said = receive(folder, source)
    assert (code, said.count("\n")) == (2, 1)
    assert "there is none of this name" in said
    server.make()
    server.send([(None, row) for row in APPLICANTS[:30]])
    code, _, said = receive(folder, source)
    assert (code, said.count("\n")) == (2, 1)
    assert "is not the stream that was read up to message 19" in said
    assert len(ledger(folder)) == 2


def test_a_stream_that_forgets_what_is_read_is_refused(server, folder):
    server.make(retention="workqueue")
    server.send([(None, APPLICANTS[0])])
    code, _, said = receive(folder, f"{server.address}/S")
    assert (code, said.count("\n")) == (2, 1)
    assert "retention is workqueue" in said
    assert server.do(lambda stream: stream.stream_info("S")).state.messages == 1


def test_a_password_is_used_and_never_shown(tmp_path, folder):
    server = Nats(tmp_path, "--user", "me", "--pass", RIGHT)
    try:
        host = f"127.0.0.1:{server.port}/S"
        login = {"user": "me", "password": RIGHT}
        server.do(lambda stream: stream.add_stream(name="S", subjects=["S"]), **login)
        log = {"CREDITRISK_LOG": ""}
        assert receive(folder, f"nats://me:{RIGHT}@{host}", **log)[0] == 0
        environment = {"NATS_USER": "me", "NATS_PASSWORD": RIGHT}
        assert receive(folder, f"nats://{host}", **environment, **log)[0] == 0
        code, out, err = receive(folder, f"nats://me:{WRONG}@{host}", **log)
        assert (code, err.count("\n")) == (2, 1)
        assert "the login is refused" in err
        texts = [p.read_text(errors="replace") for p in (folder / "logs").iterdir()]
        texts += [out, err, (folder / "metrics/receive.json").read_text()]
        assert len(texts) == 6
        assert not [text for text in texts if RIGHT in text or WRONG in text]
    finally:
        server.stop()


@pytest.mark.parametrize(
    "address",
    [f"nats://me:{RIGHT}@/S", f"http://me:{RIGHT}@h/S", f"nats://me:{RIGHT}@h:x/S", f"nats://me:{RIGHT}@h",
     f"nats://me:{RIGHT}@h/a.b", RIGHT],
)  # fmt: skip
def test_what_is_no_address_is_an_error_that_quotes_none_of_it(address: str):
    with pytest.raises(InputError) as caught:
        parse_source(address, {})
    assert RIGHT not in str(caught.value)


def test_an_address_and_the_environment():
    assert parse_source("nats://h/S", {}).server == "nats://h:4222"
    assert parse_source("tls://[::1]:1/S", {}).server == "tls://[::1]:1"
    assert parse_source("nats://t%2F1@h/S", {}).login == {"token": "t/1"}
    assert parse_source("nats://h/S", {"NATS_TOKEN": "t"}).login == {"token": "t"}
    assert RIGHT not in repr(parse_source(f"nats://me:{RIGHT}@h/S", {}))

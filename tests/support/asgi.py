"""Ask an ASGI application in this process, without a server: for tests of many requests."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.ingest.params import DataParams
from creditrisk.score.api import ChampionModel
from creditrisk.score.load_champion import Champion
from creditrisk.serve.app import Service, build_app
from creditrisk.serve.settings import Keys
from tests.support.champions import PARAMS, described, model, raw_lines


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def tree(self) -> Any:
        return json.loads(self.body)


class Client:
    """Sends requests to an application."""

    def __init__(self, app: Any):
        self.app = app

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json",
        pieces: int = 1, **headers: str,
    ) -> Answer:  # fmt: skip
        """Send a request; in several pieces, it has no Content-Length."""
        path, _, query = path.partition("?")
        sent = {"content-type": kind} if body or method == "POST" else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if pieces == 1:
            sent.setdefault("content-length", str(len(body)))
        size = max(1, -(-len(body) // pieces))
        parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "scheme": "http", "server": ("test", 80), "client": ("test", 1), "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in sent.items()],
        }  # fmt: skip
        messages = [
            {"type": "http.request", "body": part, "more_body": i < len(parts) - 1}
            for i, part in enumerate(parts)
        ]
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        asyncio.run(self.app(scope, receive, send))
        start = said[0]
        return Answer(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message.get("body", b"") for message in said[1:]),
        )

    def post(self, path: str, tree: Any, **headers: str) -> Answer:
        """Send JSON."""
        return self.ask("POST", path, json.dumps(tree).encode(), **headers)


def champion_model(kind: str, **changed: Any) -> ChampionModel:
    """A champion of the default data, as `load_champion` gives it."""
    data = DataParams(source="x", schema_="y", **changed)
    champion = Champion(model(kind), described(kind))
    return ChampionModel(champion, data, PARAMS["prepare"]["null_words"])


def service(kind: str = "lr", keys: Keys | None = None, **others: Any) -> Service:
    """A service with a champion of the default data, self-checked."""
    changed = others.pop("data", {})
    found = Service(champion_model(kind, **changed), keys or Keys(), **others)
    found.self_check()
    return found


def client(kind: str = "lr", **others: Any) -> Client:
    """A client of such a service."""
    return Client(build_app(service(kind, **others)))


def applicants(count: int = 1000, spoiled: bool = True) -> list[dict[str, Any]]:
    """Applicants under the names of the source: rows of the file, some cells empty or strange."""
    header, lines = raw_lines()
    names, rng = header.split(","), np.random.default_rng(7)
    rows = []
    for line in lines[:count]:
        row: dict[str, Any] = dict(zip(names, line.split(","), strict=True))
        del row["kredit"]
        for name in rng.choice(list(row), rng.integers(0, 3) * spoiled, replace=False):
            row[name] = rng.choice(["", "?", "nonsense", "-5"])
        rows.append(row)
    return rows


def csv_of(rows: list[dict[str, Any]]) -> bytes:
    """The same applicants as a CSV."""
    return pd.DataFrame(rows).to_csv(index=False).encode()

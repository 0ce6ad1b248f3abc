"""Around each request: its size, its key, its headers, its log line, its time."""

import json
import logging
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from creditrisk.serve.errors import RequestError, error_response
from creditrisk.serve.form import STYLE_HASH
from creditrisk.serve.settings import Keys
from creditrisk.serve.telemetry import Telemetry

MOST_BYTES = 1_000_000
OPEN = ("/health/live", "/health/ready", "/ping")  # these tell nothing, and probes have no key
_log = logging.getLogger("creditrisk.serve")

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        f"default-src 'none'; style-src '{STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
]


class Guard:
    """ASGI middleware.

    Args:
        app: what answers.
        keys: the keys of the clients.
        telemetry: counts the requests.
        model: hash of the model, for the log.
        known: the paths that exist; any other one is logged and counted as `other`, since it may
            hold what it should not.
        draining: whether the service is about to stop.
    """

    def __init__(
        self, app: ASGIApp, keys: Keys, telemetry: Telemetry, model: str, known: set[str],
        draining: Callable[[], bool],
    ):  # fmt: skip
        self.app, self.keys, self.telemetry = app, keys, telemetry
        self.model, self.known, self.draining = model, known, draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500
        identity = uuid.uuid4().hex
        scope.setdefault("state", {})
        scope["state"]["request_id"] = identity
        path = scope["path"] if scope["path"] in self.known else "other"

        begun, head = False, scope["method"] == "HEAD"
        if head:  # answered as GET, without the body
            scope["method"] = "GET"

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                begun, status = True, message["status"]
                headers = [*message["headers"], *_HEADERS, (b"x-request-id", identity.encode())]
                if self.draining() or status == 413:
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            body = await self._admit(scope, receive)
            sent = False

            async def replay() -> Message:
                nonlocal sent
                if sent:
                    return await receive()
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}

            await self.app(scope, replay, answer)
        except RequestError as error:
            await error_response(error)(scope, receive, answer)
        except _Gone:
            status = 499
        except Exception as error:  # a bug
            # Its text may quote an applicant: the log has the kind and the place alone.
            log_line(request_id=identity, error=type(error).__name__, place=_place(error))
            if begun:
                raise ConnectionAbortedError from None
            hint = "Tell whoever runs it the id of the request, in the header X-Request-Id."
            await error_response(RequestError(500, "service", "a bug", hint))(
                scope, receive, answer
            )
        finally:
            seconds = time.perf_counter() - start
            self.telemetry.requests.labels(path, str(status)).inc()
            self.telemetry.seconds.labels(path).observe(seconds)
            log_line(
                request_id=identity,
                method=scope["method"] if scope["method"].isalpha() else "other",
                path=path,
                status=status,
                model=self.model[:12],
                rows=scope["state"].get("rows", 0),
                ms=round(1000 * seconds, 2),
            )

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """Check the key and the size, and read the body, which is never larger than that.

        Raises:
            RequestError: 401 or 413.
            _Gone: the client has gone.
        """
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        allowed = self.keys.allow(headers.get(b"authorization"), headers.get(b"x-api-key"))
        if scope["path"] not in OPEN and not allowed:
            hint = "Send `Authorization: Bearer KEY`, or in a browser the key as the password."
            ask = {"WWW-Authenticate": 'Basic realm="credit risk", charset="UTF-8"'}
            raise RequestError(401, "header Authorization", "no valid key", hint, ask)
        what = f"more than {MOST_BYTES:,} bytes"
        large = RequestError(413, "body", what, "Send fewer applicants at once.")
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            raise large
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > MOST_BYTES:
                raise large
            if not message.get("more_body", False):
                return b"".join(parts)


def _place(error: Exception) -> str:
    trace = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(trace.filename).name}:{trace.lineno}"


class _Gone(Exception):
    """The client has gone before its request was whole."""


def log_line(**fields: object) -> None:
    """Write a line of JSON on standard output: what happened, and no cell of an applicant."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    try:
        sys.stdout.write(json.dumps({"time": stamp, **fields}) + "\n")
        sys.stdout.flush()
    except OSError:  # whoever reads the log has gone; requests are answered all the same
        _log.warning("the log line of a request could not be written")

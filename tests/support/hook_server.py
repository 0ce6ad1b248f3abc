"""A receiver of a webhook on this machine, which answers as a test tells it to."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "T0000-the-secret-of-the-address"


@dataclass
class Hook:
    """A receiver.

    Attributes:
        port: where it listens.
        plan: its next answers: a code, a code with headers, or seconds (a float) of silence; when
            they have run out, 200.
        requests: the body and the key of each request, whatever the answer.
        taken: the bodies of those that were answered with 200.
    """

    port: int = 0
    plan: list[Any] = field(default_factory=list)
    requests: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/{SECRET}?token={SECRET}"

    @property
    def keys(self) -> list[str]:
        return [key for _, key in self.requests]


@contextmanager
def receiving(*plan: Any) -> Iterator[Hook]:
    hook = Hook(plan=list(plan))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert SECRET in self.path
            hook.requests.append((body, self.headers["Idempotency-Key"]))
            answer = hook.plan.pop(0) if hook.plan else 200
            if isinstance(answer, float):
                time.sleep(answer)
                answer = 200
            code, headers = answer if isinstance(answer, tuple) else (answer, {})
            if code == 200:
                hook.taken.append(body)
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # who asked has gone
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()

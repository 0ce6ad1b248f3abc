"""A real `mlflow server` on loopback, and servers that misbehave."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CLEAN = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}

PATIENT = "120"  # seconds for sending: a loaded machine takes half a minute to import MLflow


def clean_environment() -> dict[str, str]:
    """Without pytest's own variable, by which MLflow turns checks of its own tests on."""
    return {n: v for n, v in os.environ.items() if n != "PYTEST_CURRENT_TEST"} | CLEAN


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """An `mlflow server` over a folder: killed and started again, it goes on where it was."""

    def __init__(self, folder: Path, *options: str, **env: str):
        self.folder, self.options, self.env = folder, options, env
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> "Server":
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "mlflow", "server",
                    "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
                    "--backend-store-uri", f"sqlite:///{self.folder}/server.db?timeout=60",
                    "--artifacts-destination", str(self.folder / "files"), *self.options,
                ],
                cwd=self.folder,
                env=clean_environment() | self.env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=2):
                    return self
            except (urllib.error.URLError, OSError):
                ended = self.process.poll() is not None
                if ended or time.monotonic() > end:
                    self.kill()
                    raise RuntimeError((self.folder / "server.log").read_text()[-3000:]) from None
                time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL to the server and all its workers."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def serving(folder: Path, *options: str, **env: str) -> Iterator[Server]:
    server = Server(folder, *options, **env)
    try:
        yield server.start()
    finally:
        server.kill()


ACCOUNT = {
    "MLFLOW_TRACKING_USERNAME": "admin",
    "MLFLOW_TRACKING_PASSWORD": secrets.token_urlsafe(16),
}


@contextlib.contextmanager
def asking_for_a_password(folder: Path) -> Iterator[Server]:
    """A server that lets only `ACCOUNT` in."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\n"
        f"admin_username = {ACCOUNT['MLFLOW_TRACKING_USERNAME']}\n"
        f"admin_password = {ACCOUNT['MLFLOW_TRACKING_PASSWORD']}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    with serving(
        folder, "--app-name", "basic-auth",
        MLFLOW_AUTH_CONFIG_PATH=str(folder / "auth.ini"), MLFLOW_FLASK_SERVER_SECRET_KEY="x",
    ) as server:  # fmt: skip
        yield server


@contextlib.contextmanager
def mute() -> Iterator[str]:
    """A socket that accepts and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def answering(code: int, version: str = "3.0.0", body: bytes = b"no") -> Iterator[str]:
    """A server that tells a version, and answers every other call with this code."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            told = self.path == "/version" and code == 200
            self.send_response(200 if told else code)
            self.end_headers()
            self.wfile.write(version.encode() if told else body)

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def dripping(where: str) -> Iterator[str]:
    """A server that sends a byte at a time and never ends: no single read waits long.

    Args:
        where: `head` or `body` of every answer; or `calls`, which spares those of a ping.
    """
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if where == "calls" and self.path in ("/version", PINGED):
                told = b"3.0.0" if self.path == "/version" else b"{}"
                self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + told)
                return
            self.wfile.write(b"HTTP/1.0 200 OK\r\n" + b"\r\n" * (where != "head"))
            with contextlib.suppress(ConnectionError):
                while not ended.wait(0.2):
                    self.wfile.write(b"x")
            self.close_connection = True

        do_POST = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


PINGED = "/api/2.0/mlflow/experiments/search"
Rule = Callable[[str, bytes], tuple[int, dict[str, str]] | None]


class Proxy:
    """In front of a server; `rule`, which may be changed, answers calls in its stead.

    It is given path and body, and returns code and JSON, None for what goes through, or raises
    ConnectionError to cut the connection.
    """

    def __init__(self, port: int):
        self.uri = f"http://127.0.0.1:{port}"
        self.rule: Rule = lambda path, body: None


@contextlib.contextmanager
def proxied(server: Server) -> Iterator[Proxy]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                answer = proxy.rule(self.path, body)
            except ConnectionError:
                self.close_connection = True
                return
            code, told = (answer[0], json.dumps(answer[1]).encode()) if answer else self._ask(body)
            self.send_response(code)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def _ask(self, body: bytes) -> tuple[int, bytes]:
            kept = {n: v for n, v in self.headers.items() if n in ("Content-Type",)}
            call = urllib.request.Request(
                f"{server.uri}{self.path}", data=body or None, headers=kept, method=self.command
            )
            try:
                with urllib.request.urlopen(call, timeout=60) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        def log_message(self, *args):
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = Proxy(listener.server_port)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        listener.shutdown()
        listener.server_close()

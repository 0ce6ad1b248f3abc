"""Calls of the tracking server without MLflow, limited in time and in size whatever it sends."""

import configparser
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST_ANSWER = 64 * 1024  # bytes that are read of an answer


@dataclass(frozen=True)
class Answer:
    """What a server answered: the status, and at most LARGEST_ANSWER bytes of the body."""

    code: int
    body: bytes


def ask(method: str, url: str, seconds: float, **options: Any) -> Answer:
    """Make a call with the credentials and certificates that MLflow would use.

    Args:
        method: GET or POST.
        url: the address.
        seconds: time limit of the whole call.
        options: options for `requests.request`.

    Raises:
        TimeoutError: there is no whole answer in time.
        requests.exceptions.RequestException: the call failed.
        urllib3.exceptions.HTTPError: the answer broke off.
    """
    return _within(seconds, lambda: _call(method, url, seconds, options))


def _call(method: str, url: str, seconds: float, options: dict[str, Any]) -> Answer:
    import requests

    options = options | _options() | {"timeout": seconds, "stream": True}
    # The limit is one of bytes as they come, so nothing is unpacked.
    options["headers"] = {"Accept-Encoding": "identity"}
    with requests.request(method, url, **options) as answer:
        return Answer(answer.status_code, answer.raw.read(LARGEST_ANSWER, decode_content=False))


def _within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Make a call, and stop waiting for it after a time, whatever the server sends meanwhile.

    The time limits of requests are for a single read, and there is none for the look-up of a name.

    Raises:
        TimeoutError: there is no whole answer yet.
    """
    box: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            box.put(call())
        except Exception as error:
            box.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        found = box.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    return found


def _options() -> dict[str, Any]:
    """Get the options for requests (TLS, credentials) from the variables that MLflow reads."""
    options: dict[str, Any] = {"allow_redirects": False}
    stored = configparser.ConfigParser(interpolation=None)
    stored.read(Path.home() / ".mlflow" / "credentials")
    user, password = (
        os.environ.get(f"MLFLOW_TRACKING_{name}".upper(), "")
        or stored.get("mlflow", f"mlflow_tracking_{name}", fallback="")
        for name in ("username", "password")
    )
    if user:
        options["auth"] = (user, password)
    elif token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        options["auth"] = _bearer(token)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        options["verify"] = False
    elif path := os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"):
        options["verify"] = path
    if path := os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH"):
        options["cert"] = path
    return options


def _bearer(token: str) -> Callable[[Any], Any]:
    # A function, because requests would overwrite a plain header with an entry of .netrc.
    def sign(request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return sign

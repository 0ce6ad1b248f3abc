"""Alarms to a webhook: a chat's, a pager's, or one of the team's own.

Its address is a secret, since whoever has it can write there. Only its host is ever shown.
"""

import ipaddress
import json
import logging
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from creditrisk.core.errors import InputError
from creditrisk.workflow.alert.delivery import Notice
from creditrisk.workflow.alert.settings import WEBHOOK

TRIES = 5
LONGEST_WAIT = 60.0  # seconds; what a server asks for beyond that is left to the next run
TIMEOUTS = (10.0, 20.0)  # seconds, to connect and for each read
CAN_PASS = (408, 425, 429)  # with all from 500 on: the answers after which one tries again


class Webhook:
    """A webhook that takes JSON.

    Args:
        address: https, or http on this machine.
        pause: seconds before the second try; the pauses double.
        timeouts: seconds, to connect and for each read.

    Raises:
        InputError: the address is none.
    """

    name = "webhook"
    follows_changes = False

    def __init__(self, address: str, pause: float = 1.0, timeouts: tuple[float, float] = TIMEOUTS):
        self.address, self.pause, self.timeouts = address.strip(), pause, timeouts
        self.host, on_this_machine = _host(self.address)
        self.tries = TRIES
        self.session = requests.Session()
        # A proxy can't reach this machine's own services.
        self.session.trust_env = not on_this_machine
        _keep_quiet()

    def prepare(self) -> None:
        """Nothing: each notice is a request of its own."""

    def tell(self, notice: Notice) -> None:
        """Post a notice until it is taken.

        Raises:
            InputError: it is refused, or nobody takes it.
        """
        body = json.dumps(content(notice)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": notice.key}
        problem = ""
        for number in range(self.tries):
            problem, wait = self._post(body, headers)
            if not problem:
                return
            if wait is None:
                raise self._failed(problem)
            if wait > LONGEST_WAIT:
                problem += f" and asks to wait for {wait:.0f} seconds"
                break
            if number < self.tries - 1:
                time.sleep(max(wait, self.pause * 2**number))
        # The others get a try each, in case that this notice is what the receiver can't stand.
        self.tries = 1
        raise self._failed(problem)

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[str, float | None]:
        """Post once.

        Returns:
            What is wrong, empty if nothing is; and for how many seconds to wait before the next
            try, None if there is no use in one.
        """
        try:
            # Streamed, so that nothing of an answer is read but its head.
            with self.session.post(
                self.address, data=body, headers=headers, timeout=self.timeouts,
                allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                return _verdict(answer)
        except requests.exceptions.SSLError:
            return "has a certificate that is not trusted", None
        except requests.Timeout:
            return "does not answer in time", 0.0
        except requests.ConnectionError:
            return "can't be reached", 0.0
        # The texts of these errors hold the address.
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            return f"can't be asked ({type(error).__name__})", None

    def _failed(self, problem: str) -> InputError:
        hint = f"Check {WEBHOOK} and the receiver. The next `make alert` tells it again."
        return InputError("webhook", self.host, problem, hint)


def content(notice: Notice) -> dict[str, Any]:
    """The JSON of a notice; `text` is what Slack and its likes show."""
    alarm = notice.alarm
    place = f" ({alarm.place})" if alarm.place else ""
    word = "Ended" if notice.status == "ended" else f"Alarm, {alarm.severity}"
    lines = [f"{word}: {alarm.kind}{place}: {alarm.message}"]
    if alarm.proposal and notice.status == "open":
        lines.append(alarm.proposal)
    return {
        "id": alarm.id,
        "kind": alarm.kind,
        "place": alarm.place,
        "severity": alarm.severity,
        "message": alarm.message,
        "since": alarm.since.model_dump(),
        "proposal": alarm.proposal,
        "status": notice.status,
        "text": "\n".join(map(slack, lines)),
    }


def slack(text: str) -> str:
    """Write text for Slack: no link, no mention (`<!channel>`, `<@U123>`)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _verdict(answer: requests.Response) -> tuple[str, float | None]:
    code = answer.status_code
    if 200 <= code < 300:
        return "", None
    if code in CAN_PASS or code >= 500:
        return f"answers {code}", _retry_after(answer.headers.get("Retry-After", ""))
    if 300 <= code < 400:
        return f"answers {code}: it has moved, and alarms are not sent after it", None
    return f"answers {code}, a refusal", None


def _retry_after(value: str) -> float:
    """Seconds to wait, from a header that is a number or a date; 0 if it is neither."""
    try:
        return max(0.0, float(value)) if value.strip().isdigit() else _until(value)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _until(value: str) -> float:
    then = parsedate_to_datetime(value)
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())


def _host(address: str) -> tuple[str, bool]:
    """The host of an address, and whether it is this machine."""
    hint = f"Set {WEBHOOK} to an address that starts with https://."
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(WEBHOOK, "value", "is no address", hint) from None
    if not host or parts.scheme not in ("http", "https"):
        raise InputError(WEBHOOK, "value", "is no address of https", hint)
    if not address.isascii() or not address.isprintable() or " " in address:
        raise InputError(WEBHOOK, "value", "has characters that no address has", hint)
    local = _is_local(host)
    if parts.scheme == "http" and not local:
        # Anybody on the way could read the alarms, and the address itself.
        raise InputError(WEBHOOK, "value", "is http, which only this machine may be", hint)
    return (f"{host}:{port}" if port else host), local


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _keep_quiet() -> None:
    """Keep urllib3 from printing a warning with the address in it."""
    log = logging.getLogger("urllib3")
    log.addHandler(logging.NullHandler())
    log.propagate = False

"""Check the tracking server before importing MLflow; never print credentials."""

import json
import os
import re
from dataclasses import dataclass

from creditrisk.core.escape import printable
from creditrisk.tracking.calls import ask
from creditrisk.tracking.store import QUIET, without_secrets

CALL_TIMEOUT = 10  # seconds without data from the server
# By default MLflow repeats a call whose answer was lost, which may create a run twice. Instead we
# repeat the whole upload of a run, which first checks what is on the server.
ONE_TRY = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(CALL_TIMEOUT),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "30",
}
ADVICE = {
    401: "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or a fresh"
    " MLFLOW_TRACKING_TOKEN",
    403: "this account may not write there: ask for permission, or set other credentials",
    404: "no MLflow server at this address: correct MLFLOW_TRACKING_URI",
    413: "raise the size limit for requests on the server, or on the proxy in front of it",
}
LATER = "runs stay pending; upload them later with `python -m commands.mirror`"


@dataclass
class RemoteError(Exception):
    """The server can't accept runs now.

    Attributes:
        problem: what is wrong.
        hint: what to do about it.
    """

    problem: str
    hint: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.hint}"


def environment() -> dict[str, str]:
    """Get the variables to set before importing MLflow: no retries, and no output."""
    return QUIET | ONE_TRY


def ping(uri: str, seconds: float) -> None:
    """Request a server's version and, with the credentials, one of its experiments.

    This works without MLflow, whose import takes seconds, so a server that is down costs little.

    Args:
        uri: the tracking server. Only HTTP addresses are checked.
        seconds: time limit of each answer; a sleeping container needs some seconds to start.

    Raises:
        RemoteError: the server can't accept runs now.
    """
    if not uri.startswith(("http://", "https://")):
        return
    import requests
    import urllib3

    shown = without_secrets(uri)
    base = uri.rstrip("/")
    try:
        version = ask("GET", f"{base}/version", seconds)
        search = f"{base}/api/2.0/mlflow/experiments/search"
        answer = ask("POST", search, seconds, json={"max_results": 1})
    except requests.exceptions.SSLError as error:
        problem = f"{shown} has a certificate that is not trusted ({_one_line(error)})"
        raise RemoteError(problem, "name its CA file in MLFLOW_TRACKING_SERVER_CERT_PATH") from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
        raise RemoteError(f"{shown} does not answer", LATER) from None
    except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError):
        raise RemoteError(f"{shown} can't be reached", LATER) from None
    except requests.exceptions.RequestException as error:
        raise RemoteError(f"{shown}: {_one_line(error)}", "correct MLFLOW_TRACKING_URI") from None
    if answer.code in (401, 403) and os.environ.get("MLFLOW_TRACKING_AUTH"):
        return  # an MLflow plugin signs the calls, so only MLflow can make them
    if answer.code != 200:
        hint = ADVICE.get(answer.code, LATER)
        raise RemoteError(f"{shown} answers {answer.code}", hint)
    try:
        json.loads(answer.body)
    except (ValueError, RecursionError):
        raise RemoteError(f"{shown} is not an MLflow server", ADVICE[404]) from None
    told = version.body.decode("utf-8", "replace") if version.code == 200 else ""
    _check_version(shown, told)


def _check_version(shown: str, text: str) -> None:
    """Compare the major versions; a server that does not report its version is accepted."""
    from importlib.metadata import version

    found = re.match(r"(\d+)\.\d+", text.strip())
    major = version("mlflow").split(".")[0]
    if found and found[1] != major:
        problem = f"{shown} runs MLflow {printable(text.strip()[:20])}, ours is {version('mlflow')}"
        raise RemoteError(problem, f"runs stay pending; use a server of major version {major}")


def status(error: Exception) -> int | None:
    """Find the HTTP status with which a server refused a call.

    Returns:
        None if there was no such answer: the connection was lost, or the error is on this side.
    """
    answer = getattr(error, "response", None)  # of requests, which MLflow uses for artifacts
    if answer is not None:
        return answer.status_code
    body = getattr(error, "json", None)
    # If the answer is not MLflow's own, or has a status for which MLflow would retry, only the
    # text of the error has the status.
    found = re.search(r"(?:failed with error code|too many) (\d{3})\b", str(error))
    if found and body is None:
        return int(found[1])
    if not hasattr(error, "get_http_status_code"):
        return None
    # MLflow also uses this code for everything that has no code, such as a lost connection.
    unknown = getattr(error, "error_code", "") == "INTERNAL_ERROR" and (body or {}).get(
        "error_code"
    ) != ("INTERNAL_ERROR")
    return None if unknown else error.get_http_status_code()


def refuses_one(error: Exception, uri: str) -> bool:
    """Return whether the server refused this run only, and accepts others.

    Raises:
        RemoteError: the error has no HTTP status, and the server does not answer a ping.
    """
    code = status(error)
    if code is None:
        ping(uri, CALL_TIMEOUT)
        return True
    # Wrong credentials and an overloaded server concern all runs.
    return 400 <= code < 500 and code not in (401, 408, 429)


def explain(error: Exception, uri: str, run: str = "") -> RemoteError:
    """Describe an error that MLflow raised during an upload, and what to do about it.

    Args:
        error: the error.
        uri: the tracking server.
        run: stage of the run, if the error concerns this run only.
    """
    if isinstance(error, RemoteError):
        return error
    code, hint = status(error), LATER
    if code == 404 and hasattr(error, "json"):  # the answer is MLflow's own, so there is a server
        hint = "it is gone from the server, perhaps because somebody deleted it: upload it again"
    elif code in ADVICE:
        hint = ADVICE[code]
    elif run:
        hint = (
            "this run stays pending, the others are uploaded; solve the problem on the server,"
            " then run `python -m commands.mirror`"
        )
    return RemoteError(": ".join(filter(None, [without_secrets(uri), run, _one_line(error)])), hint)


def _one_line(error: Exception) -> str:
    """Shorten an error to one printable line, without anything that may be a secret."""
    text = " ".join(printable(str(error)).split())
    text = re.sub(r"://[^/@\s]+@", "://", text)
    for name in ("TOKEN", "PASSWORD"):
        secret = os.environ.get(f"MLFLOW_TRACKING_{name}")
        if secret:
            text = text.replace(secret, "***")
    return text[:200] or type(error).__name__

"""The server at the other end: asked before MLflow is, and spoken of without its secrets."""

import configparser
import os
import re
from dataclasses import dataclass
from pathlib import Path

from creditrisk.tracking.store import QUIET, without_secrets

CALL_TIMEOUT = 10  # seconds without a byte
# MLflow repeats a call whose answer was lost, and a run that was made would be made twice: what is
# repeated is the whole replay, which looks first.
ONE_TRY = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(CALL_TIMEOUT),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "30",
}
ADVICE = {
    401: "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or a fresh"
    " MLFLOW_TRACKING_TOKEN",
    403: "this account may not write there: ask for the right, or set other credentials",
    404: "no MLflow server under this address: correct MLFLOW_TRACKING_URI",
    413: "raise the size that the server, or the proxy before it, takes in one request",
}
LATER = "runs stay pending; send them with `python -m commands.mirror`"


@dataclass
class RemoteError(Exception):
    """The server can't take runs now.

    Attributes:
        what: what is wrong.
        mend: what to do about it.
    """

    problem: str
    hint: str

    def __str__(self) -> str:
        return f"{self.what}: {self.hint}"


def environment() -> dict[str, str]:
    """What MLflow needs to know before its import, to speak to a server and keep quiet."""
    return QUIET | ONE_TRY


def ping(uri: str, seconds: float) -> None:
    """Ask a server for its version and, with the credentials, for one experiment.

    Without MLflow, whose import takes seconds: a server that is down costs a moment.

    Args:
        uri: the server.
        seconds: to wait for each answer; a container that sleeps needs some to wake.

    Raises:
        RemoteError: it can't take runs now.
    """
    if not uri.startswith(("http://", "https://")):
        return
    import requests

    shown = without_secrets(uri)
    base, options = uri.rstrip("/"), _options() | {"timeout": seconds}
    try:
        version = requests.get(f"{base}/version", **options)
        answer = requests.post(
            f"{base}/api/2.0/mlflow/experiments/search", json={"max_results": 1}, **options
        )
    except requests.exceptions.SSLError as error:
        problem = f"{shown} has a certificate that is not trusted ({_short(error)})"
        raise RemoteError(problem, "name its CA file in MLFLOW_TRACKING_SERVER_CERT_PATH") from None
    except requests.exceptions.Timeout:
        raise RemoteError(f"{shown} does not answer", LATER) from None
    except requests.exceptions.ConnectionError:
        raise RemoteError(f"{shown} can't be reached", LATER) from None
    except requests.exceptions.RequestException as error:
        raise RemoteError(f"{shown}: {_short(error)}", "correct MLFLOW_TRACKING_URI") from None
    if answer.status_code in (401, 403) and os.environ.get("MLFLOW_TRACKING_AUTH"):
        return  # a plugin of MLflow's signs the calls, and only MLflow knows how
    if answer.status_code != 200:
        code = answer.status_code
        raise RemoteError(f"{shown} answers {code}", ADVICE.get(code, LATER))
    try:
        answer.json()
    except ValueError:
        raise RemoteError(f"{shown} is no MLflow server", ADVICE[404]) from None
    _check_version(shown, version.text if version.status_code == 200 else "")


def _check_version(shown: str, text: str) -> None:
    """Compare major versions; a server that does not tell is given the benefit of the doubt."""
    from importlib.metadata import version

    theirs = re.match(r"(\d+)\.\d+", text.strip())
    ours = version("mlflow").split(".")[0]
    if theirs and theirs[1] != ours:
        problem = f"{shown} is MLflow {text.strip()[:20]}, ours is {version('mlflow')}"
        raise RemoteError(problem, f"runs stay pending; use a server of major version {ours}")


def _options() -> dict[str, object]:
    """Timeout, trust and credentials by the variables that MLflow itself reads."""
    options: dict[str, object] = {"allow_redirects": False}
    filed = configparser.ConfigParser(interpolation=None)
    filed.read(Path.home() / ".mlflow" / "credentials")
    user, password = (
        os.environ.get(f"MLFLOW_TRACKING_{name}".upper())
        or filed.get("mlflow", f"mlflow_tracking_{name}", fallback="")
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


def _bearer(token: str):
    # As a function: requests would put a .netrc entry in the place of a plain header.
    def sign(request):
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return sign


def status(error: Exception) -> int | None:
    """Find the HTTP status by which a server refused a call.

    Returns:
        None where there was no such answer: a lost connection, or a mistake on this side.
    """
    answer = getattr(error, "response", None)  # of requests, by which files go
    if answer is not None:
        return answer.status_code
    said = getattr(error, "json", None)
    # An answer that is none of MLflow's stands in the words alone, and so does one that MLflow
    # would have repeated, had it been let.
    told = re.search(r"(?:failed with error code|too many) (\d{3})\b", str(error))
    if told and said is None:
        return int(told[1])
    if not hasattr(error, "get_http_status_code"):
        return None
    # MLflow says this of all that it has no word for, lost connections among it.
    unknown = error.error_code == "INTERNAL_ERROR" and (said or {}).get("error_code") != (
        "INTERNAL_ERROR"
    )
    return None if unknown else error.get_http_status_code()


def refuses_one(error: Exception, uri: str) -> bool:
    """Tell whether a server that takes other runs refused this one.

    Raises:
        RemoteError: without a status the server is asked, and it is gone.
    """
    code = status(error)
    if code is None:
        ping(uri, CALL_TIMEOUT)
        return True
    # Credentials, and a server that has too much to do, are no matter of one run.
    return 400 <= code < 500 and code not in (401, 408, 429)


def explain(error: Exception, uri: str, run: str = "") -> RemoteError:
    """Word what MLflow raised in the middle of sending.

    Args:
        run: the stage whose run it was, if it was only that.
    """
    if isinstance(error, RemoteError):
        return error
    code, hint = status(error), LATER
    if code == 404 and hasattr(error, "json"):  # MLflow's own word: there is a server
        hint = "it is gone from the server, as when it was deleted there in between: send it again"
    elif code in ADVICE:
        hint = ADVICE[code]
    elif run:
        hint = (
            "this run stays pending, others go on; mend it there, then `python -m commands.mirror`"
        )
    return RemoteError(": ".join(filter(None, [without_secrets(uri), run, _short(error)])), hint)


def _short(error: Exception) -> str:
    """Cut an error to one line without what may be a secret."""
    text = " ".join(str(error).split())
    text = re.sub(r"://[^/@\s]+@", "://", text)
    for name in ("TOKEN", "PASSWORD"):
        secret = os.environ.get(f"MLFLOW_TRACKING_{name}")
        if secret:
            text = text.replace(secret, "***")
    return text[:200] or type(error).__name__

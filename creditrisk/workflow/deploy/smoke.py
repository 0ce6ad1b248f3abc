"""The smoke test: is the new revision ready, and does it give a known PD?"""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from typing import Any

from creditrisk.champion.self_check import TOLERANCE
from creditrisk.core.errors import InputError
from creditrisk.workflow.image.sample import Sample
from creditrisk.workflow.programs import run_program

# A token and a key that the service wants, from the environment; no argument, which others see.
TOKEN, KEY = "ID_TOKEN", "CREDITRISK_API_KEY"
PATIENCE = 120  # seconds until it must be ready
# No connection, another status than 200, no HTTP, no JSON.
FAILURES = (OSError, http.client.HTTPException, ValueError)
PAUSE = 2  # seconds between two questions
NOT_TOUCHED = "No traffic was moved to it. Correct it, then run make deploy again."


def smoke_test(address: str, headers: dict[str, str], sample: Sample) -> None:
    """Ask a revision whether it is ready, and for the PD of one applicant.

    Args:
        address: of the revision.
        headers: that it wants, see `credentials`.
        sample: applicants with the PDs that this machine gives.

    Raises:
        InputError: it is not ready, has another model, or gives another PD.
    """
    _until_ready(address, headers)
    body = {"applicants": sample.applicants[:1]}
    try:
        answer = _ask(f"{address}/v1/score", headers, body)
    except FAILURES as error:
        raise InputError(address, "/v1/score", _words(error), NOT_TOUCHED) from None
    try:
        pd, served = answer["results"][0]["pd"], answer["model"]["sha256"]
        away = abs(pd - sample.pds[0])
    except (KeyError, IndexError, TypeError):
        raise InputError(address, "/v1/score", "answers without a PD", NOT_TOUCHED) from None
    if served != sample.model:
        problem = f"has the model {served}, on this machine it is {sample.model}"
        raise InputError(address, "/v1/score", problem, NOT_TOUCHED)
    # Not the same bits: the cloud's processor may be another one.
    if not away <= TOLERANCE:
        problem = f"a PD of {pd!r}, on this machine it is {sample.pds[0]!r}"
        raise InputError(address, "/v1/score", problem, NOT_TOUCHED)


def credentials() -> dict[str, str]:
    """Return the headers that a service behind IAM, with or without keys, wants.

    Raises:
        InputError: nobody is logged in.
    """
    hint = f"Log in with `gcloud auth login`, or set {TOKEN} to an identity token."
    token = os.environ.get(TOKEN) or run_program(
        ["gcloud", "auth", "print-identity-token"], "auth print-identity-token", hint
    )
    # Cloud Run reads this one if it is there, and leaves Authorization to the service's keys.
    headers = {"X-Serverless-Authorization": f"Bearer {token.strip()}"}
    headers["Content-Type"] = "application/json"
    if key := os.environ.get(KEY):
        headers["X-API-Key"] = key
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable():
            problem = "is not one line of plain characters"
            raise InputError(KEY if name == "X-API-Key" else TOKEN, "value", problem, "Give one.")
    return headers


def _until_ready(address: str, headers: dict[str, str]) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            _ask(f"{address}/health/ready", headers)
            return
        except FAILURES as error:
            # A new address may be unknown for some seconds (404), but it knows who may ask.
            final = isinstance(error, ValueError) or getattr(error, "code", 0) in (401, 403)
            if final or time.monotonic() > end:
                raise InputError(address, "/health/ready", _words(error), NOT_TOUCHED) from None
        time.sleep(PAUSE)


def _ask(address: str, headers: dict[str, str], tree: Any = None) -> Any:
    body = None if tree is None else json.dumps(tree).encode()
    with urllib.request.urlopen(
        urllib.request.Request(address, body, headers), timeout=30
    ) as answer:
        return json.loads(answer.read())


def _words(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"answers {error.code}"
    if isinstance(error, ValueError):
        return "answers something that is no JSON, such as the page of a login"
    return f"can't be reached: {getattr(error, 'reason', error)}"

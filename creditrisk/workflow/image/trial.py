"""Try the image as a cautious host runs it."""

import http.client
import json
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.logs import say
from creditrisk.workflow.image.contents import DVC_LOCK, MODEL, Contents
from creditrisk.workflow.image.sample import Sample

# No right, nothing to write to, little memory, a user that nobody knows.
LIMITS = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=512m",
          "--user=23456:0")  # fmt: skip
REFUSAL = f"not the file that {DVC_LOCK} records"
START, STOP = 120, 10  # seconds; Cloud Run waits ten after SIGTERM
PATIENCE = 30  # seconds for an answer
ASK_AGAIN = "Correct it, then run make image and make image-test again."


@dataclass
class Container:
    """A service that runs in a container.

    Attributes:
        command: the program that runs it.
        name: of the container.
        process: that program, attached to the container.
        port: on this machine.
    """

    command: str
    name: str
    process: subprocess.Popen[str]
    port: int

    def ask(self, path: str, tree: Any = None) -> Any:
        """Ask for a path; with a tree, post it as JSON.

        Raises:
            InputError: there is no answer, or another one than it must be.
        """
        body = None if tree is None else json.dumps(tree).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise InputError("image", path, f"no good answer: {error}", ASK_AGAIN) from None


def trial(runner: str, content: Contents, sample: Sample) -> None:
    """Run the image under limits, compare its PDs, end it, and give it a wrong model.

    Args:
        runner: the program that runs images.
        content: what the image must have in it.
        sample: raw applicants with the PDs that this machine gives.

    Raises:
        InputError: something is not as it must be.
    """
    with _container(runner, content.image) as container:
        say("image-test: starts read-only, without capabilities, with 512 MB, as user 23456")
        _same_model(container, content)
        _same_pds(container, sample)
        say(f"image-test: {len(sample.pds)} applicants get the PDs of this machine, bit for bit")
        seconds = _stop(container)
        say(f"image-test: ends on SIGTERM after {seconds:.1f} s with exit code 0")
    _refuses_another_model(runner, content.image)
    say("image-test: refuses a model that dvc.lock does not record")


def _run(runner: str) -> list[str]:
    # podman's own addition to read-only: folders in memory that can be written.
    strict = ["--read-only-tmpfs=false"] if runner == "podman" else []
    return [runner, "run", "--rm", *LIMITS, *strict]


@contextmanager
def _container(runner: str, image: str) -> Iterator[Container]:
    port, name = _free_port(), f"credit-risk-test-{uuid.uuid4().hex[:12]}"
    published = [f"--publish=127.0.0.1:{port}:{port}", f"--env=PORT={port}"]
    command = [*_run(runner), f"--name={name}", *published, image]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace",
    ) as process:  # fmt: skip
        watchdog = threading.Timer(START, process.kill)
        watchdog.start()
        try:
            said = _until_it_serves(process, runner)
            watchdog.cancel()
            rest = threading.Thread(target=lambda: said.extend(process.stdout or []), daemon=True)
            rest.start()
            yield Container(runner, name, process, port)
        finally:
            watchdog.cancel()
            with suppress(OSError):
                subprocess.run([runner, "rm", "--force", name], capture_output=True)
            process.kill()


def _until_it_serves(process: subprocess.Popen[str], runner: str) -> list[str]:
    """Read what the service prints until it has opened its port."""
    said: list[str] = []
    for line in process.stdout or []:
        said.append(line.strip())
        if " on http://" in line:
            return said
    problem = f"ended before it served: {said[-1] if said else 'without a word'}"
    raise InputError(runner, "run", problem, ASK_AGAIN)


def _same_model(container: Container, content: Contents) -> None:
    about = container.ask("/v1/model")
    for where, told, wanted in (
        ("model", about["hashes"]["model"], content.model),
        ("revision", about["revision"], content.revision),
    ):
        if told != wanted:
            problem = f"the image has {told}, here it is {wanted}"
            raise InputError(content.image, where, problem, "Run make image again.")


def _same_pds(container: Container, sample: Sample) -> None:
    """Compare PDs, of applicants alone and together."""
    alone = [_pds(container, [applicant])[0] for applicant in sample.applicants]
    together = _pds(container, sample.applicants)
    for own, other, wanted in zip(alone, together, sample.pds, strict=True):
        if not own == other == wanted:
            problem = f"a PD is {own!r} alone, {other!r} in a batch, and {wanted!r} on this machine"
            raise InputError("image", "PD", problem, ASK_AGAIN)


def _pds(container: Container, applicants: list[dict[str, str | None]]) -> list[float]:
    results = container.ask("/v1/score", {"applicants": applicants})["results"]
    return [result["pd"] for result in results]


def _stop(container: Container) -> float:
    """End the service as its host does, and return how many seconds it took."""
    start = time.monotonic()
    # Whether it fails is seen below.
    stop = [container.command, "kill", "--signal=TERM", container.name]
    subprocess.run(stop, capture_output=True)
    try:
        code = container.process.wait(STOP)
    except subprocess.TimeoutExpired:
        problem = f"still runs {STOP} s after SIGTERM"
        raise InputError("image", "SIGTERM", problem, ASK_AGAIN) from None
    if code:
        raise InputError("image", "SIGTERM", f"ended with exit code {code}, not 0", ASK_AGAIN)
    return time.monotonic() - start


def _refuses_another_model(runner: str, image: str) -> None:
    with tempfile.NamedTemporaryFile(suffix=".joblib") as other:
        other.write(b"not the champion")
        other.flush()
        Path(other.name).chmod(0o444)
        name = f"credit-risk-test-{uuid.uuid4().hex[:12]}"
        volume = f"--volume={other.name}:/app/{MODEL.as_posix()}:ro"
        try:
            done = subprocess.run(
                [*_run(runner), f"--name={name}", volume, image], stdin=subprocess.DEVNULL,
                capture_output=True, encoding="utf-8", errors="replace", timeout=START,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            problem = "not refused: the service starts"
            raise InputError("image", "model", problem, ASK_AGAIN) from None
        finally:
            subprocess.run([runner, "rm", "--force", name], capture_output=True)
    line = done.stderr.strip().rpartition("\n")[2]
    if done.returncode != 2 or f"{MODEL.as_posix()}: file: {REFUSAL}" not in line:
        problem = f"not refused: exit code {done.returncode}, {line or 'without a word'}"
        raise InputError("image", "model", problem, ASK_AGAIN)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])

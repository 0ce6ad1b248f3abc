"""Run the programs of others: container engines, gcloud."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from creditrisk.core.errors import InputError

LONGEST = 300  # characters of a message


def found(name: str) -> bool:
    """Whether a program is on the PATH."""
    return shutil.which(name) is not None


def run_program(
    command: Sequence[str | Path],
    where: str,
    hint: str,
    given: str | None = None,
    limit: float | None = None,
) -> str:
    """Run a program and return what it prints on standard output.

    Args:
        command: the program and its arguments.
        where: what it is asked to do, for the error line.
        hint: how to fix what may be wrong, for the error line.
        given: text for its standard input.
        limit: seconds after which it is stopped; None for no limit.

    Raises:
        InputError: the program is missing, does not end, or fails; then with its line that begins
            with "error", or its last one.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command, input=given if given is not None else "", capture_output=True,
            encoding="utf-8", errors="replace", timeout=limit,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        problem = f"does not end within {limit:g} seconds"
        raise InputError(name, where, problem, hint) from None
    except FileNotFoundError:
        hint = f"Install {name}, or put it on the PATH. {hint}"
        raise InputError(name, "program", "not found on the PATH", hint) from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        # pip begins a traceback so.
        told = [one for one in lines if one.lower().startswith("error") and "Exception:" not in one]
        problem = (told or lines[-1:] or [f"exit code {done.returncode}, no message"])[0]
        if len(problem) > LONGEST:  # the cause stands at the end
            problem = f"{problem[:60]} ... {problem[60 - LONGEST :]}"
        raise InputError(name, where, problem, hint)
    return done.stdout


def show_program(command: Sequence[str | Path], where: str, hint: str) -> None:
    """Run a program that takes long; what it prints goes to the terminal as it comes.

    Raises:
        InputError: the program fails; its own words stand above.
    """
    done = subprocess.run(command, stdin=subprocess.DEVNULL)
    if done.returncode:
        problem = f"failed with exit code {done.returncode}; its own words stand above"
        raise InputError(Path(command[0]).name, where, problem, hint)

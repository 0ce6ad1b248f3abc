"""Run DVC's own commands."""

import subprocess
import sys
from tempfile import TemporaryFile

from creditrisk.core.errors import InputError


def run_dvc(*args: str) -> str:
    """Run DVC and return what it prints.

    Args:
        *args: the arguments of `dvc`.

    Raises:
        InputError: DVC failed; with its first error line.
    """
    # Files instead of pipes: the workers that DVC starts for its queue inherit them, and a pipe
    # would be read until the workers end.
    with TemporaryFile("w+b") as out, TemporaryFile("w+b") as err:
        command = [sys.executable, "-m", "dvc", *args]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        out.seek(0)
        err.seek(0)
        answer, errors = (file.read().decode("utf-8", "replace") for file in (out, err))
    if done.returncode:
        lines = [line for line in errors.splitlines() if line.startswith("ERROR: ")]
        # Without a line of DVC's own, Python's is the last one of a traceback.
        last = (errors.strip().splitlines() or ["no error message"])[-1]
        problem = (lines or [last])[0].removeprefix("ERROR: ")
        raise InputError(
            "DVC", f"dvc {' '.join(args[:2])}", problem, "Correct it, then run this again."
        )
    return answer

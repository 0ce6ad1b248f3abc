"""DVC's own commands, for what it answers."""

import subprocess
import sys
from tempfile import TemporaryFile

from creditrisk.core.errors import InputError


def run_dvc(*args: str) -> str:
    """Run DVC and return what it prints.

    Raises:
        InputError: it fails; its first line that says why.
    """
    # Files, no pipes: the workers of a queue keep them open, and a pipe is read until they end.
    with TemporaryFile("w+", encoding="utf-8") as out, TemporaryFile("w+", encoding="utf-8") as err:
        command = [sys.executable, "-m", "dvc", *args]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        out.seek(0)
        err.seek(0)
        answer, said = out.read(), err.read()
    if done.returncode:
        lines = [line for line in said.splitlines() if line.startswith("ERROR: ")]
        problem = (lines or [said.strip() or "no word"])[0].removeprefix("ERROR: ")
        raise InputError(
            "DVC", f"dvc {' '.join(args[:2])}", problem, "Mend it, then run this again."
        )
    return answer

"""The Python environment: whether the packages are installed, and in which versions."""

import atexit
import gc
import os
import signal
import sys
from importlib.util import find_spec

# A model file depends on these: another version may read it differently, or give other PDs.
LIBRARIES = (
    "scikit-learn", "imbalanced-learn", "category_encoders", "xgboost", "lightgbm",
    "interpret-core", "pandas", "numpy",
)  # fmt: skip
# Libraries that are distributed under several names; the first installed one counts.
DISTRIBUTIONS = {"xgboost": ("xgboost-cpu", "xgboost")}

# What numerical libraries read when they are imported.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
INTERRUPTED = 130  # exit code after Ctrl-C, as shells have it


def start() -> None:
    """Make a script end with one line if it can't start.

    The scripts call it before their other imports. Until `core.cli.run` takes over, Ctrl-C would
    print a traceback, and so would a missing package.
    """
    if sys.argv[0] == "-m":  # else this is an import, of a test or of a library's user
        signal.signal(signal.SIGINT, _interrupted)
        _tune()
        atexit.register(_leave)  # the first one, which Python calls after all others
    require_packages()


def _tune() -> None:
    """Set what must be set before the numerical libraries are imported.

    They would start a thread on each core, although they are told to use one (`core.cli.run`): a
    process with threads cannot be copied safely (`core.workers`). And the objects of the libraries
    stay: to look for garbage among them so often takes a sixth of the time of the imports.
    """
    os.environ |= ONE_THREAD
    gc.set_threshold(50_000, 20, 20)


_ended: list[int] = []


def ended(code: int) -> None:
    """Say that the script has ended, and with which exit code."""
    _ended[:] = [code]


def _leave() -> None:
    """End the process without taking the libraries apart, which takes as long as some imports.

    A script that ended in another way than by `core.cli.run` goes Python's way.
    """
    if _ended:
        try:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:  # it is where a shell has closed it
                    stream.flush()
        except OSError:  # Python will tell it
            return
        os._exit(_ended[0])


def _interrupted(number: int, frame: object) -> None:
    # Not by an exception: an import that is cut in half may swallow it.
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def require_packages() -> None:
    """Exit with code 2 and one line if this Python lacks the locked packages."""
    if find_spec("pandas") is None:
        print(
            f"error: {sys.executable}: packages: those of requirements.lock are not installed. "
            "Run `source .venv/bin/activate` first, or `make repro`.",
            file=sys.stderr,
        )
        sys.exit(2)


def requirement(library: str) -> str | None:
    """Pin a library to its installed version, as `xgboost-cpu==3.2.0`; None if it is missing."""
    # Not above: it takes longer than all else that a script needs for its help.
    from importlib.metadata import PackageNotFoundError, version

    for name in DISTRIBUTIONS.get(library, (library,)):
        try:
            return f"{name}=={version(name)}"
        except PackageNotFoundError:
            continue
    return None


def library_version(library: str) -> str | None:
    """Get the version of an installed library; None if it is missing."""
    found = requirement(library)
    return None if found is None else found.partition("==")[2]

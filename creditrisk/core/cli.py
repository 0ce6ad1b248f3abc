"""The entry point of every stage and command: its arguments, its log and its one error line."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from threadpoolctl import threadpool_limits

from creditrisk.core.environment import INTERRUPTED, ONE_THREAD, ended
from creditrisk.core.errors import InputError
from creditrisk.core.logs import logged_run

VERBOSE = "--verbose"
_IMPORTS = "<frozen importlib._bootstrap>"  # Python's own code for them, as a frame names it


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; an error of the user's input or of the disk becomes one line.

    Exit code 2 for these, 130 after Ctrl-C, 143 after SIGTERM.

    Numerical libraries get one thread, those that are imported already and those that `main`
    imports: on a few thousand rows, more threads wait more than they work, and a search has its own
    processes.
    """
    try:
        _run(main)
    except SystemExit as end:
        if isinstance(end.code, int):
            ended(end.code)
        raise
    ended(0)


def _run(main: Callable[[], None]) -> None:
    try:
        with (
            _stoppable(),
            threadpool_limits(1),
            _environment(ONE_THREAD),
            logged_run(_name(), VERBOSE in sys.argv),
        ):
            main()
            sys.stdout.flush()
    except InputError as error:
        _end(f"error: {error}", 2)
    except BrokenPipeError:
        # Whoever reads our output has gone. Without this, Python would fail again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place, reason = error.filename or _name(), error.strerror or str(error)
        hint = "Check the disk, the path and its permissions, then run this again."
        _end(f"error: {InputError(place, 'file', reason, hint)}", 2)
    except KeyboardInterrupt:
        _end(f"{_name()}: interrupted", INTERRUPTED)


def _end(line: str, code: int) -> NoReturn:
    with suppress(OSError):
        print(line, file=sys.stderr)
    sys.exit(code)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables, and take them back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the run as an error does: files in the making are deleted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, _stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    if _is_importing(frame):
        # Not by an exception: an import that is cut in half may swallow it, or call it another one.
        if number == signal.SIGINT:
            os.write(2, f"{_name()}: interrupted\n".encode())
        os._exit(128 + number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTS:
            return True
        frame = frame.f_back
    return False


def _name() -> str:
    """The stage as DVC names it; otherwise the script's own name, `score`."""
    return os.environ.get("DVC_STAGE") or Path(sys.argv[0]).stem


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the default of each option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        # A missing value and a switch that is off are no defaults that a person wants to read.
        if action.default is None or action.default is False:
            return action.help
        return super()._get_help_string(action)


def _command() -> str | None:
    """How this script is run, for its help: `python -m commands.score`; None if in another way."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    is_ours = spec is not None and spec.name.startswith(("commands.", "stages."))
    return f"python -m {spec.name}" if is_ours and spec is not None else None


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Make a parser with the option that every script has."""
    parser = argparse.ArgumentParser(
        prog=_command(),
        description=doc,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument(VERBOSE, action="store_true", help="show the log on the console too")
    return parser


def arguments(doc: str | None, **defaults: str) -> argparse.ArgumentParser:
    """Make a stage's parser: `--params` and an option for each path, as dvc.yaml has them."""
    parser = make_parser(doc)
    for name, default in {"params": "params.yaml", **defaults}.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, default=default, help="path")
    return parser

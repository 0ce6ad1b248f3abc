"""Logs: one file per run of a stage or command in `logs/`, a line per event.

The console shows a few lines only. The file has what one needs afterwards: what was read
and written, how many rows, how long, how much memory, each warning, and an error with its
traceback. No cell of an applicant and no secret goes into a log: exceptions that may quote data are
logged without their text, and values of environment variables that hold secrets are blanked out.

`CREDITRISK_LOG=json` writes JSON lines instead of text; `CREDITRISK_LOG=off` writes no file.
"""

import json
import logging
import os
import re
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.escape import printable

FOLDER = Path("logs")
VARIABLE = "CREDITRISK_LOG"
KEPT_FILES = 200  # older files are deleted, once nothing was written to them for some time
KEPT_SECONDS = 24 * 3600.0
MAX_BYTES = 2_000_000  # per file; one older part of it is kept
FIELDS = ("stage", "rows", "seconds", "peak_memory_mb")
_SECRET_NAMES = ("TOKEN", "PASS", "PWD", "SECRET", "KEY", "CREDENTIALS", "AUTH", "CONNECTION")
_log = logging.getLogger("creditrisk")
# Without any handler, Python would print errors on stderr once more.
_log.addHandler(logging.NullHandler())


class _File(RotatingFileHandler):
    """A log file. One that can't be written costs a line on the console, never the run."""

    broken = False

    def __init__(self, path: Path):
        super().__init__(
            path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless an earlier one failed."""
        if not self.broken:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once why the log ends here."""
        self.broken = True
        print(f"logs: {FOLDER} can't be written: {sys.exc_info()[1]}", file=sys.stderr)

    def close(self) -> None:
        """Close the file; what a full disk did not take is lost."""
        try:
            super().close()
        except OSError as error:
            if not self.broken:
                print(f"logs: {FOLDER} can't be written: {error}", file=sys.stderr)


class _Text(logging.Formatter):
    """A line for people: time, level, stage, message, then `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        stage = fields.pop("stage", "")
        values = "".join(f" {name}={value}" for name, value in fields.items())
        line = f"{_time(record)} {record.levelname:<7} {stage} {_message(record)}{values}"
        trace = without_secrets(getattr(record, "trace", ""))
        return f"{line}\n{trace.rstrip()}" if trace else line


class _Json(logging.Formatter):
    """A line for machines."""

    def format(self, record: logging.LogRecord) -> str:
        found = {
            "time": _time(record),
            "level": record.levelname,
            **_fields(record),
            "message": _message(record),
        }
        if trace := getattr(record, "trace", ""):
            found["traceback"] = without_secrets(trace)
        return json.dumps(found)


def _message(record: logging.LogRecord) -> str:
    # One line per event, whatever is in a path or an argument.
    return without_secrets(" ".join(record.getMessage().split()))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}


def without_secrets(text: str) -> str:
    """Blank out users, passwords and queries in addresses, and the values of secret variables."""
    text = re.sub(r"://\S*@", "://***@", text)
    text = re.sub(r"(://[^\s?]+)\?\S+", r"\1?***", text)
    for name, value in os.environ.items():
        if len(value) > 5 and any(part in name.upper() for part in _SECRET_NAMES):
            text = text.replace(value, "***")
    return text


def say(text: str, warning: bool = False) -> None:
    """Print lines for the person at the terminal, and log them.

    Args:
        text: the lines; what does not show in them becomes blanks.
        warning: whether it goes to stderr, and into the log as a warning.
    """
    for line in text.split("\n"):
        print(printable(line), file=sys.stderr if warning else sys.stdout, flush=True)
    _log.log(logging.WARNING if warning else logging.INFO, "%s", text)


def say_aside(text: str) -> None:
    """Print a line on stderr, if a person sees it, and log it.

    For scripts whose stdout is a file or the input of another program, and whose stderr has nothing
    but what is wrong.
    """
    if sys.stderr is not None and sys.stderr.isatty():
        print(printable(text), file=sys.stderr, flush=True)
    _log.info("%s", text)


def current_file() -> Path | None:
    """The log of this process, if it has one."""
    for handler in _log.handlers:
        if isinstance(handler, RotatingFileHandler):
            return Path(handler.baseFilename)
    return None


@contextmanager
def logged_run(name: str, verbose: bool = False) -> Iterator[None]:
    """Log what happens inside as one run.

    Args:
        name: the stage as DVC names it, or the command.
        verbose: show the log on the console too.
    """
    handlers = _handlers(name, verbose)
    for handler in handlers:
        handler.setFormatter(_Json() if os.environ.get(VARIABLE) == "json" else _Text())
        handler.addFilter(_stage_filter(name))
        _log.addHandler(handler)
    before, shown = (_log.level, _log.propagate), warnings.showwarning
    _log.setLevel(logging.INFO)
    _log.propagate = False
    warnings.showwarning = _also_logged(shown)
    started = time.monotonic()
    _log.info("started: %s", " ".join(sys.argv[1:]) or "no arguments")
    try:
        yield
    except BaseException as error:
        _log_end(error, started)
        raise
    else:
        _log.info("finished", extra=_cost(started))
    finally:
        warnings.showwarning = shown
        _log.level, _log.propagate = before
        for handler in handlers:
            _log.removeHandler(handler)
            handler.close()


def _stage_filter(name: str) -> Callable[[logging.LogRecord], bool]:
    def add(record: logging.LogRecord) -> bool:
        record.stage = name
        return True

    return add


def _handlers(name: str, verbose: bool) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    if os.environ.get(VARIABLE) != "off":
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
        safe = re.sub(r"[^\w.@-]+", "_", name)
        try:
            FOLDER.mkdir(exist_ok=True)
            _forget_old_files()
            path = FOLDER / f"{moment}Z-{safe}-{os.getpid()}.log"
            handlers.append(_File(path))
        except OSError as error:
            print(f"logs: {FOLDER} can't be written: {error.strerror}", file=sys.stderr)
    if verbose:
        handlers.append(logging.StreamHandler(sys.stderr))
    return handlers


def _forget_old_files() -> None:
    # Only files that carry our own name: a time, then the stage.
    ours = sorted(FOLDER.glob("[0-9]*T[0-9]*.[0-9]*Z-*-*.log*"))
    limit = time.time() - KEPT_SECONDS  # a run that goes on still needs its log
    for path in ours[: -KEPT_FILES + 1]:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < limit:
                path.unlink()


def _also_logged(shown: Any) -> Any:
    """Show a warning as before, and log its class and place; its text may quote data."""

    def show(message: Any, category: Any, filename: str, lineno: int, *rest: Any) -> None:
        place = f"{Path(filename).parent.name}/{Path(filename).name}:{lineno}"
        _log.warning("%s at %s", category.__name__, place)
        shown(message, category, filename, lineno, *rest)

    return show


def _log_end(error: BaseException, started: float) -> None:
    cost = _cost(started)
    if isinstance(error, SystemExit) and error.code in (None, 0):
        _log.info("finished", extra=cost)
    elif isinstance(error, InputError):
        _log.error("error: %s", error.for_log, extra=cost | {"trace": _stack(error)})
    elif isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        reason = error.strerror or type(error).__name__
        extra: dict[str, Any] = cost | {"trace": _stack(error)}
        _log.error("error: %s: %s", error.filename or "", reason, extra=extra)
    elif isinstance(error, SystemExit | KeyboardInterrupt | BrokenPipeError):
        _log.error("ended by %s %s", type(error).__name__, getattr(error, "code", ""), extra=cost)
    else:
        # The text of a library's error may quote a cell; the console shows it.
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        _log.critical("bug: %s", name, extra=cost | {"trace": _stack(error)})


def _stack(error: BaseException) -> str:
    """Where an error came from, without the texts of exceptions."""
    lines = traceback.format_list(traceback.extract_tb(error.__traceback__))
    cause = error.__cause__ or error.__context__
    if cause is not None:
        lines.append(f"caused by {type(cause).__qualname__}\n")
        lines += traceback.format_list(traceback.extract_tb(cause.__traceback__))
    return "".join(lines)


def _cost(started: float) -> dict[str, float]:
    # Linux counts in kibibytes, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {"seconds": round(time.monotonic() - started, 3), "peak_memory_mb": round(peak)}

"""The entry point of every stage and command: its arguments, its log and its one error line."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from threadpoolctl import threadpool_limits

from creditrisk.core.errors import InputError
from creditrisk.core.logs import logged_run

VERBOSE = "--verbose"


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; an InputError becomes one line on stderr and exit code 2.

    Numerical libraries get one thread: on a few thousand rows, more threads wait more than they
    work, and a search has its own processes.
    """
    try:
        with threadpool_limits(1), logged_run(_name(), VERBOSE in sys.argv):
            main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _name() -> str:
    """The stage as DVC names it; otherwise the script's own name, `score`."""
    return os.environ.get("DVC_STAGE") or Path(sys.argv[0]).stem


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Make a parser with the option that every script has."""
    parser = argparse.ArgumentParser(
        description=doc,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
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

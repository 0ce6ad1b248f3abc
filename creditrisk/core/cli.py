"""The edge of every stage and command: its arguments and its one error line."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from threadpoolctl import threadpool_limits

from creditrisk.core.errors import InputError


def run(main: Callable[[], None]) -> None:
    """Run a stage's `main`; an InputError becomes one line on stderr and exit code 2.

    Numerical libraries get one thread: on a few thousand rows more threads wait more than they
    work, and a search has its processes.
    """
    try:
        with threadpool_limits(1):
            main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def arguments(doc: str | None, **defaults: str) -> argparse.ArgumentParser:
    """Make a stage's parser: `--params` and an option for each path, the contract's by default."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for name, default in {"params": "params.yaml", **defaults}.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, default=default, help="path")
    return parser

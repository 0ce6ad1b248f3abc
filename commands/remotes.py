"""remotes: check DVC's remotes, for `make remote-check`, `pull`, `push` and `backup`."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say

if TYPE_CHECKING:
    from creditrisk.workflow.remotes.check import Remote, State


def check(remotes: "list[Remote]", offline: bool) -> bool:
    """Print one line per remote; return False if a configured one can't be reached."""
    from creditrisk.workflow.remotes.check import examine

    root = Path.cwd()
    with ThreadPoolExecutor(len(remotes)) as pool:
        states = list(pool.map(lambda r: examine(r, root, os.environ, offline), remotes))
    for remote, state in zip(remotes, states, strict=True):
        report(remote, state)
    return all(state.status != "unreachable" for state in states)


def backup(remotes: "list[Remote]") -> bool:
    """Push to every configured remote with `make push`; return False if a push failed."""
    from creditrisk.workflow.remotes.check import State, examine

    all_pushed = True
    for remote in remotes:
        state = examine(remote, Path.cwd(), os.environ, offline=True)
        if state.ready:
            command = ["make", "--no-print-directory", "push", f"REMOTE={remote.name}"]
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            lines = [s for s in done.stdout.splitlines() if s.strip() and not s.startswith("make")]
            state = State("failed" if done.returncode else "pushed", lines[-1] if lines else "")
            all_pushed = all_pushed and not done.returncode
        report(remote, state)
    return all_pushed


def report(remote: "Remote", state: "State") -> None:
    """Print the line of a remote."""
    say(f"{remote.name:8} {state.status}: {state.detail}")


def main() -> None:
    """Run `check [--offline] [NAME]`, which prints one line per remote, or `backup`."""
    parser = make_parser(__doc__)
    parser.add_argument("do", choices=["check", "backup"])
    parser.add_argument("name", nargs="?", help="check only this remote, which must be ready")
    parser.add_argument("--offline", action="store_true", help="skip what needs a network")
    args = parser.parse_intermixed_args()

    from creditrisk.workflow.remotes.check import examine, pick, read_remotes

    remotes = read_remotes()
    if not remotes:
        raise InputError(
            ".dvc/config", "remote", "no remote is configured", "Add one with `dvc remote add`."
        )
    if args.do == "backup":
        sys.exit(not backup(list(remotes.values())))
    if not args.name:
        sys.exit(not check(list(remotes.values()), args.offline))
    remote = pick(remotes, args.name)
    state = examine(remote, Path.cwd(), os.environ, args.offline)
    if not state.ready:
        location = f"remote {remote.name}"
        hint = "See docs/remotes.md."
        raise InputError(".dvc/config", location, f"{state.status}: {state.detail}", hint)


if __name__ == "__main__":
    run(main)

"""Measure how soon stages and commands answer: their help, and their first line.

    python -m benchmarks.start --output start.md

In a scratch clone with the outputs that DVC has in its cache. Each script runs `--times` times, in
turn with the yardstick, `import pandas` (A B A B): whatever reads rows imports it. It runs at a
terminal, as people run it, and is stopped at its first line. The table has medians of seconds on
the clock and of processor seconds until then, each with its ratio to the yardstick. What trains, or
needs a server, an engine for images or a cloud, is measured by its help only.
"""

import os
import pty
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.scratch import ROOT, Scratch, checked_out
from creditrisk.core.cli import make_parser, run
from creditrisk.core.files import write_text

HELP_GOAL, LINE_GOAL = 0.3, 1.0  # seconds at most
YARDSTICK = ("-c", "import pandas; print()")
APPLICANTS = "data/raw/german_credit.csv"
# Arguments of those that train nothing; `{turn}` makes the name of an output new.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "stages.ingest": (),
    "stages.prepare": (),
    "stages.eda": (),
    "stages.featurize": (),
    "stages.select": (),
    "stages.evaluate": (),
    "commands.alert": (),
    "commands.check": (),
    "commands.experiments": (),
    "commands.monitor": (),
    "commands.receive": (),
    "commands.remotes": ("check",),
    "commands.retrain": ("--dry-run",),
    "commands.review": ("--base", "HEAD"),
    "commands.schema": ("--data", APPLICANTS, "--target", "kredit", "--output", "draft.yaml",
                        "--force"),
    "commands.score": ("--input", APPLICANTS, "--output", "scored.csv"),
    "commands.serve": ("--port", "0"),
    "commands.simulate_drift": ("--output", "drawn-{turn}"),
    "commands.verify": (),
}  # fmt: skip


class Answer(NamedTuple):
    """What a process took until it had printed its first line."""

    seconds: float
    cpu: float
    line: str


def scripts() -> list[str]:
    """Name all stages and commands."""
    files = [p for folder in ("stages", "commands") for p in (ROOT / folder).glob("[!_]*.py")]
    return sorted((f"{p.parent.name}.{p.stem}" for p in files), reverse=True)


def first_line(project: Scratch, *command: str) -> Answer:
    """Run Python until it has printed a line, at a terminal; then stop it.

    Raises:
        RuntimeError: the line is an error, or there is none.
    """
    with _terminal() as (reader, writer):
        started = time.perf_counter()
        process = psutil.Popen(
            [sys.executable, *command],
            cwd=project.folder, env=os.environ | {"CREDITRISK_TRACKING": "off"},
            stdin=subprocess.DEVNULL, stdout=writer, stderr=writer,
        )  # fmt: skip
        line = os.read(reader, 10_000).decode(errors="replace")
        seconds = time.perf_counter() - started
        used = process.cpu_times()
        process.send_signal(signal.SIGKILL)
        process.wait()
    line = line.strip().splitlines()[0] if line.strip() else ""
    if line.startswith(("error", "Traceback")):
        raise RuntimeError(f"{' '.join(command)}: {line}")
    return Answer(seconds, used.user + used.system, line)


@contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    """Yield both ends of a terminal: one to read what is printed, one to print on."""
    reader, writer = pty.openpty()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def compare(project: Scratch, times: int, *command: str) -> tuple[Answer, Answer]:
    """Run the yardstick and a script in turn, and return the medians of both."""
    found: tuple[list[Answer], list[Answer]] = ([], [])
    for turn in range(times):
        of_turn = [part.format(turn=f"{time.time_ns()}-{turn}") for part in command]
        for side, one in zip(found, (YARDSTICK, ("-m", *of_turn)), strict=True):
            side.append(first_line(project, *one))
    pandas, ours = (
        Answer(
            statistics.median(one.seconds for one in side),
            statistics.median(one.cpu for one in side),
            side[-1].line,
        )
        for side in found
    )
    return pandas, ours


def rows(project: Scratch, times: int) -> Iterator[str]:
    """Measure all scripts; yield the lines of a Markdown table."""
    head = "help: s", "CPU s", "/ pandas", "first line: s", "CPU s", "/ pandas", "it says"
    yield f"| script | {' | '.join(head)} |"
    yield f"|---|{'---|' * len(head)}"
    slow = []
    for script in scripts():
        pandas, ours = compare(project, times, script, "--help")
        cells = _cells(pandas, ours)
        slow += [f"`{script} --help`"] * (ours.seconds > HELP_GOAL)
        if script in ARGUMENTS:
            pandas, ours = compare(project, times, script, *ARGUMENTS[script])
            cells += [*_cells(pandas, ours), ours.line.replace("|", "\\|")[:60]]
            slow += [f"`{script}`"] * (ours.seconds > LINE_GOAL)
        else:
            cells += [""] * 4
        yield f"| {script} | {' | '.join(cells)} |"
    yield ""
    yield (
        f"Goals: help within {HELP_GOAL} s, the first line within {LINE_GOAL} s. Over them: "
        f"{', '.join(slow) or 'none'}."
    )


def _cells(pandas: Answer, ours: Answer) -> list[str]:
    return [f"{ours.seconds:.2f}", f"{ours.cpu:.2f}", f"{ours.cpu / pandas.cpu:.2f}"]


def main() -> None:
    """Run the benchmark, print the table and write it to `--output`."""
    parser = make_parser(__doc__)
    parser.add_argument("--output", type=Path, help="a Markdown file")
    parser.add_argument("--times", type=int, default=5, help="runs of each side")
    args = parser.parse_args()
    lines = []
    with checked_out() as project:
        # Something for receive, monitor, alert and retrain.
        project.python("commands.simulate_drift", "--batches", "3", "--with-outcomes")
        for command in ("receive", "monitor"):
            project.python(f"commands.{command}")
        for line in rows(project, args.times):
            lines.append(line)
            print(line, flush=True)
    if args.output:
        write_text("\n".join([*lines, ""]), args.output)


if __name__ == "__main__":
    run(main)

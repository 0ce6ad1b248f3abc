"""Scores the parts of a folder, in the processes of this machine or on a cluster."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from creditrisk.core.errors import InputError
from creditrisk.core.workers import SCHEDULER, Pending, Workers, workers
from creditrisk.score.counts import Counts
from creditrisk.score.parts.folders import clean, find_parts, sign_in
from creditrisk.score.parts.job import Done, Setup, score_part


class Scoring(NamedTuple):
    """What became of a folder.

    Attributes:
        parts: number of parts.
        kept: number of those whose output was there already.
        counts: what was counted in those that are scored.
        failed: the names of the others, and why.
    """

    parts: int
    kept: int
    counts: Counts
    failed: dict[str, InputError]


def score_folder(
    source: Path, target: Path, setup: Setup, progress: Callable[[int, int, int], None]
) -> Scoring:
    """Score each part of a folder into a file of the same name in another folder.

    A part that can't be read does not stop the others.

    Args:
        source: the folder of the parts.
        target: the folder of the outputs.
        setup: how parts are scored.
        progress: called with the numbers of parts so far, of all parts, and of rows so far.

    Raises:
        InputError: a folder is not as it should be, or the workers were lost.
    """
    names = find_parts(source, target)
    found: dict[str, Done] = {}
    rows = 0
    try:
        with closing(_each(source, target, names, setup)) as results:
            for name, done in results:
                found[name] = done
                rows += done.counts.rows if done.counts else 0
                progress(len(found), len(names), rows)
    finally:
        clean(target, names)  # of processes that were killed, with this command or before its end
    counts = Counts(setup.description.schema_contract)
    failed = {}
    for name in names:
        if (error := found[name].error) is not None:
            failed[name] = error
        elif (tally := found[name].counts) is not None:
            counts.add_tally(tally)
    return Scoring(len(names), sum(done.kept for done in found.values()), counts, failed)


def _each(
    source: Path, target: Path, names: list[str], setup: Setup
) -> Generator[tuple[str, Done], None, None]:
    """Score the parts, the largest first: so none of them is left for the end."""
    ordered = sorted(names, key=lambda name: -(source / name).stat().st_size)
    if os.environ.get(SCHEDULER):
        # A worker is in another folder.
        source, target = Path(os.path.abspath(source)), Path(os.path.abspath(target))
        with sign_in(target) as setup.sign, workers(setup) as pool:
            yield from _results(pool, source, target, ordered, at_once=True)
    else:
        setup.prepare()
        with workers(setup) as pool:
            yield from _results(pool, source, target, ordered, at_once=pool.count > 1)


def _results(
    pool: Workers, source: Path, target: Path, names: list[str], at_once: bool
) -> Iterator[tuple[str, Done]]:
    """Yield results in the order of the names.

    Args:
        pool: where parts are scored.
        source: the folder of the parts.
        target: the folder of the outputs.
        names: of the parts.
        at_once: whether to hand all parts over before the first result: not where handing over is
            to score.
    """
    handed: Iterator[tuple[str, Pending]] = (
        (name, pool.submit(score_part, source / name, target / name)) for name in names
    )
    for name, pending in list(handed) if at_once else handed:
        yield name, pending.result()

"""How many of the decisions change: the test applicants whom the two champions decide otherwise."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.evaluate.swap import COMPARED, OTHER_OUTCOMES, swap_tables
from creditrisk.metrics.costs import ACCEPT, REFER, REJECT
from creditrisk.workflow.review.lock import hash_of, in_cache

DECISIONS = "data/processed/decisions.parquet"
COLUMNS = ["row_id", "bad", "decision"]
_WERE = {ACCEPT: "accepted", REJECT: "refused", REFER: "referred"}
# The changes of a decision, those that can cost most first.
_MOVES = [
    (REJECT, ACCEPT), (REFER, ACCEPT), (ACCEPT, REJECT), (ACCEPT, REFER), (REFER, REJECT),
    (REJECT, REFER),
]  # fmt: skip


@dataclass(frozen=True)
class Swap:
    """The decisions about the test applicants that both revisions have.

    Attributes:
        cells: (decision in the base, decision here) to (applicants, bad ones among them); None if
            the decisions can't be compared.
        problem: why they can't be, in Markdown.
        rows: test applicants of both revisions, here, and in the base.
    """

    cells: dict[tuple[str, str], tuple[int, int]] | None
    problem: str = ""
    rows: tuple[int, int, int] = (0, 0, 0)

    @property
    def changed(self) -> int:
        """How many applicants are decided otherwise."""
        cells = self.cells or {}
        return sum(rows for (old, new), (rows, _) in cells.items() if old != new)

    def accepted(self, side: int) -> tuple[int, int]:
        """Count the accepted and the bad among them, in the base (0) or here (1)."""
        cells = (self.cells or {}).items()
        counts = [count for pair, count in cells if pair[side] == ACCEPT]
        return sum(rows for rows, _ in counts), sum(bad for _, bad in counts)

    def moves(self) -> list[tuple[str, str, int, int]]:
        """List what changed: decision in the base, here, applicants, bad ones among them."""
        cells = self.cells or {}
        return [(old, new, *cells[old, new]) for old, new in _MOVES if cells.get((old, new))]


NOT_COMPARED = Swap(None, "they were not compared")


def swap(old: pd.DataFrame, new: pd.DataFrame) -> Swap:
    """Compare the decisions of two champions about the same applicants.

    Args:
        old: those of the base: `row_id`, `bad`, `decision`.
        new: those of the work tree, with the same columns.

    Returns:
        No cells if the outcomes of a row differ: then a row's number means another applicant.
    """
    rows = (len(set(old["row_id"]) & set(new["row_id"])), len(new), len(old))
    table, states = swap_tables(new[COLUMNS], {"base": old[COLUMNS]})
    if states["base"] == OTHER_OUTCOMES:
        return Swap(None, "a row has another outcome, so its number means another applicant", rows)
    if states["base"] != COMPARED:
        return Swap(None, "the two revisions have no test applicant in common", rows)
    cells = {
        (str(line["old"]), str(line["new"])): (int(line["rows"]), int(line["bad"]))
        for line in table.to_dict("records")
    }
    return Swap({pair: count for pair, count in cells.items() if count[0]}, rows=rows)


def swap_of_both(
    old_lock: dict[str, Any], new_lock: dict[str, Any], cache: Callable[[], Path]
) -> Swap:
    """Read the decisions of both revisions and compare them. Nothing is fetched.

    Args:
        old_lock: stage to its entry in dvc.lock, in the base.
        new_lock: the same in the work tree.
        cache: finds the folder of DVC's cache; asked only if a file is to be looked for.
    """
    hashes = hash_of(old_lock, DECISIONS), hash_of(new_lock, DECISIONS)
    if not all(hashes):
        where = "base" if hashes[0] is None else "work tree"
        return Swap(None, f"the {where} has no `{DECISIONS}`")
    frames = []
    for where, md5 in zip(("base", "work tree"), hashes, strict=True):
        frame = _read(str(md5), cache)
        if frame is None:
            problem = f"those of the {where} are not on this machine"
            fetch = "dvc pull" if where == "work tree" else "dvc fetch --all-commits"
            return Swap(None, f"{problem}: run `{fetch} {DECISIONS}`, then this again")
        frames.append(frame)
    return swap(*frames)


def _read(md5: str, cache: Callable[[], Path]) -> pd.DataFrame | None:
    """Read the decisions with this hash from the folder or from DVC's cache.

    The bytes are compared with the hash: what is shown must be what dvc.lock records.
    """
    for path in (Path(DECISIONS), in_cache(cache(), md5)):
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == md5:
            return pd.read_parquet(io.BytesIO(content), columns=COLUMNS)
    return None


def in_words(found: Swap) -> str:
    """Say in one line of Markdown how many decisions change, and how it turned out."""
    if found.cells is None:
        return f"Which decisions change is not known: {found.problem}."
    rows, n_here, n_base = found.rows
    who = f"{rows:,} test applicants"
    if rows < max(n_here, n_base):
        who += f" that both revisions have ({n_base:,} in the base, {n_here:,} here)"
    parts = [
        f"{count:,} {_WERE[old]} before {_is(count)} {_WERE[new]} now ({bad:,} of them went bad)"
        for old, new, count, bad in found.moves()
    ]
    told = f"{found.changed:,} of {who} ({found.changed / rows:.1%}) are decided otherwise"
    told = f"{told}: {', '.join(parts)}." if parts else f"None of {who} is decided otherwise."
    (n_old, bad_old), (n_new, bad_new) = found.accepted(0), found.accepted(1)
    before, now = f"{bad_old:,} of {n_old:,} went bad before", f"{bad_new:,} of {n_new:,} now"
    return f"{told} Of the accepted {before}, {now}."


def _is(count: int) -> str:
    return "is" if count == 1 else "are"

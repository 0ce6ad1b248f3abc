"""What DVC knows: metrics, parameters and stages of the base and of the work tree."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from creditrisk.core.errors import InputError
from creditrisk.workflow.dvc import run_dvc
from creditrisk.workflow.review.revision import Base

LOCK, EVALUATE, SELECT = "dvc.lock", "metrics/evaluate.json", "metrics/select.json"
INGEST, PREPARE = "metrics/ingest.json", "metrics/prepare.json"
# What differs only because the data of the stages are not on this machine.
_ABSENT = {"deleted", "not in cache"}


@dataclass(frozen=True)
class Changes:
    """All that differs, as DVC tells it.

    Attributes:
        metrics: file to metric to `old`, `new` and, of numbers, `diff`; the unchanged too.
        metrics_table, params_table: what `dvc metrics diff --md` and `dvc params diff --md` print,
            without the blanks that align it; empty where nothing differs.
        old_lock, new_lock: stage to its entry in dvc.lock.
        stale: stage to what of it does not fit dvc.lock.
        ci: metric to its test interval in the base, `[low, high]`.
        folds: scores of the champion's folds in the base and here (`select.fold_account`), None
            where they were not noted.
    """

    metrics: dict[str, dict[str, dict[str, Any]]]
    metrics_table: str
    params_table: str
    old_lock: dict[str, Any]
    new_lock: dict[str, Any]
    stale: dict[str, list[str]]
    ci: dict[str, list[float]]
    folds: tuple[dict[str, Any] | None, dict[str, Any] | None]

    def value(self, path: str, name: str) -> tuple[Any, Any]:
        """Get a metric in the base and here; None where there is none."""
        pair = self.metrics.get(path, {}).get(name, {})
        return pair.get("old"), pair.get("new")

    def known(self, path: str) -> bool:
        """Tell whether the base has this metrics file."""
        return any(pair.get("old") is not None for pair in self.metrics.get(path, {}).values())

    def hashes(self, output: str) -> tuple[str | None, str | None]:
        """Get an output's hash in the base and here."""
        return hash_of(self.old_lock, output), hash_of(self.new_lock, output)


def collect(base: Base) -> Changes:
    """Ask DVC what differs between `base` and the work tree.

    Raises:
        InputError: the work tree has no results, or DVC can't read them.
    """
    for path in (LOCK, INGEST, PREPARE, SELECT, EVALUATE):
        if not Path(path).is_file():
            raise InputError(path, "file", "not found", "Run `dvc repro` to make it.")
    new_lock = _stages(LOCK, Path(LOCK).read_text(encoding="utf-8"))
    old_lock = _stages(f"{base.short}:{LOCK}", base.text(LOCK) or "")
    questions = (
        ("metrics", "diff", base.short, "--all", "--json"),
        ("metrics", "diff", base.short, "--md"),
        ("params", "diff", base.short, "--md"),
        ("status", "--json"),
    )
    # Each is a second of starting DVC.
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda question: run_dvc(*question), questions))
    metrics = json.loads(answers[0])
    before, here = base.json(SELECT), Path(SELECT).read_text(encoding="utf-8")
    return Changes(
        metrics=metrics,
        metrics_table=_narrow(answers[1]),
        params_table=_narrow(answers[2]),
        old_lock=old_lock,
        new_lock=new_lock,
        stale=stale_stages(json.loads(answers[3]), new_lock, _listing),
        ci=base.json(EVALUATE).get("test", {}).get("ci", {}),
        folds=(before.get("cv_folds"), json.loads(here).get("cv_folds")),
    )


def hash_of(lock: dict[str, Any], output: str) -> str | None:
    """Get an output's hash from the stages of a dvc.lock."""
    outs = (out for stage in lock.values() for out in stage.get("outs", []))
    return next((out.get("md5") for out in outs if out["path"] == output), None)


Listing = Callable[[str], list[dict[str, str]] | None]


def stale_stages(
    status: dict[str, list[Any]], lock: dict[str, Any], listing: Listing
) -> dict[str, list[str]]:
    """Find what does not fit dvc.lock in the answer of `dvc status --json`.

    Data that are not on this machine say nothing: metrics and plots are in Git without them. A
    folder of which a part is not here is told as modified, so dvc.lock is asked about folders.

    Args:
        status: the answer.
        lock: stage to its entry in dvc.lock.
        listing: gives the files of an output folder by its hash, each as `md5` and `relpath`, or
            None where they are not known here.
    """
    found = {}
    for stage, entries in status.items():
        names = []
        for entry in entries:
            if isinstance(entry, str):
                names.append(entry.removeprefix("changed "))
                continue
            for kind, parts in entry.items():
                for path, state in parts.items():
                    if isinstance(state, dict):
                        names += [name for name, s in state.items() if s not in _ABSENT]
                    elif state in _ABSENT:
                        continue
                    elif kind != "changed deps" or not _fits(path, lock, stage, listing):
                        names.append(path)
        if names:
            found[stage] = names
    return found


def _fits(path: str, lock: dict[str, Any], stage: str, listing: Listing) -> bool:
    """Tell whether a stage has read the parts of a folder that dvc.lock records for their makers.

    Those that are here are held against dvc.lock with the stages that make them. Files whose hashes
    are not here say nothing. What is no folder, or no stage makes, does not fit.
    """
    read = _listed(lock.get(stage, {}).get("deps")).get(path) or ""
    made = {
        out: md5
        for entry in lock.values()
        for out, md5 in _listed(entry.get("outs")).items()
        if out.startswith(f"{path}/")
    }
    if not made or not read.endswith(".dir"):
        return False
    files = []
    for out, md5 in made.items():
        name = out.removeprefix(f"{path}/")
        if not md5.endswith(".dir"):
            files.append({"md5": md5, "relpath": name})
            continue
        inner = listing(md5)
        if inner is None:
            return True
        files += [file | {"relpath": f"{name}/{file['relpath']}"} for file in inner]
    # As DVC hashes a folder.
    text = json.dumps(sorted(files, key=lambda file: file["relpath"]), sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir" == read


def _listing(md5: str) -> list[dict[str, str]] | None:
    """Read the files of a folder from DVC's cache."""
    path = Path(run_dvc("cache", "dir").strip(), "files", "md5", md5[:2], md5[2:])
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def changed_stages(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Tell the stages that two dvc.lock files record differently.

    Returns:
        `stage`, `why` ("changed", "new" or "gone"), `reads` (the parameters, code and data of it
        that differ), `writes` (its outputs that differ), `outs` (how many it has); in the order of
        the lock.
    """
    rows = []
    for stage in dict.fromkeys([*new, *old]):
        a, b = old.get(stage), new.get(stage)
        if a == b:
            continue
        why = "new" if a is None else "gone" if b is None else "changed"
        a, b = a or {}, b or {}
        params = [
            name
            for file in dict.fromkeys([*a.get("params", {}), *b.get("params", {})])
            for name in _differing(a.get("params", {}).get(file), b.get("params", {}).get(file))
        ]
        reads = params + _differing(_listed(a.get("deps")), _listed(b.get("deps")))
        if why == "changed" and a.get("cmd") != b.get("cmd"):
            reads.insert(0, "command")
        outs = _listed(b.get("outs")) or _listed(a.get("outs"))
        writes = _differing(_listed(a.get("outs")), _listed(b.get("outs")))
        rows.append(
            {"stage": stage, "why": why, "reads": reads, "writes": writes, "outs": len(outs)}
        )
    return rows


def _narrow(table: str) -> str:
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    if len(rows) < 3:  # a head and nothing under it
        return ""
    rows = [["---" if set(cell) == {"-"} else cell for cell in row] for row in rows]
    return "\n".join(" | ".join(row).strip() for row in rows)


def _differing(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    old, new = old or {}, new or {}
    return [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]


def _listed(entries: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {entry["path"]: entry.get("md5") for entry in entries or []}


def _stages(name: str, text: str) -> dict[str, Any]:
    try:
        return (yaml.load(text, yaml.CSafeLoader) or {}).get("stages", {})
    except (yaml.YAMLError, AttributeError):
        hint = "Resolve a merge's conflicts, then run `dvc repro`."
        raise InputError(name, "file", "not a lock file of DVC", hint) from None

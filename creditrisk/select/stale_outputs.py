"""Outputs of removed algorithms. Stages that read a whole folder would read them as well."""

import re
import shlex
from collections.abc import Iterable, Mapping
from glob import escape, glob
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.git import files_in_git, in_repository

_PLACEHOLDER = re.compile(r"\$\{(?:item\.)?(\w+)\}")
MAX_COMMAND_CHARS = 360  # longer error lines are cut, and a command must not be cut in half


def train_outputs(pipeline: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """List the outputs of the train stages in dvc.yaml, such as `models/${key}.joblib`.

    Args:
        pipeline: the content of dvc.yaml.

    Returns:
        The outputs in folders that some stage depends on as a whole, and the other outputs.
    """
    stages = pipeline["stages"]
    bodies = [stage.get("do", stage) for stage in stages.values()]
    read = tuple(f"{path}/" for body in bodies for path in body.get("deps", []))
    train = stages["train"]["do"]
    entries = [entry for kind in ("outs", "metrics") for entry in train.get(kind, [])]
    paths = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
    return [p for p in paths if p.startswith(read)], [p for p in paths if not p.startswith(read)]


def find_stale_outputs(
    patterns: Iterable[str], entries: Mapping[str, Mapping[str, Any]], more: Iterable[str] = ()
) -> list[str]:
    """Find outputs of algorithms that no longer exist.

    Args:
        patterns: paths with `${key}`, the name of an algorithm, and `${item.FIELD}`, a field of its
            registry entry.
        entries: name to registry entry, of the algorithms that exist.
        more: patterns that may also match files that are no outputs. They are searched only for the
            names of algorithms that were found with `patterns`.

    Returns:
        Paths.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        found |= _orphaned(pattern, entries)
    gone = set(found.values()) - set(entries)
    for pattern in more:
        found |= {p: name for p, name in _orphaned(pattern, entries).items() if name in gone}
    return list(found)


def refuse_stale(
    file: str, patterns: Iterable[str], entries: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse to run while there are stale outputs in a folder that a stage reads as a whole.

    DVC hashes such a folder with all its files, so files that nobody else has would get into
    dvc.lock.

    Args:
        file: names the algorithms that there are.
        patterns: as for `find_stale_outputs`.
        entries: the algorithms that there are.

    Raises:
        InputError: there are some, with the command that removes them.
    """
    refuse_stale_outputs(file, find_stale_outputs(patterns, entries))


def refuse_stale_outputs(file: str, found: list[str]) -> None:
    """Stop if there are stale outputs.

    Args:
        file: the file that lists the algorithms, for the error line.
        found: paths of the stale outputs.

    Raises:
        InputError: there are stale outputs; the hint is the command that removes them.
    """
    if not found:
        return
    some = found
    while len(command := _command(some)) > MAX_COMMAND_CHARS and len(some) > 1:
        some = some[:-1]
    more = len(found) - len(some)
    location = found[0] if len(found) == 1 else f"{found[0]} and {len(found) - 1} more"
    problem = "output of a removed algorithm; its hash would get into dvc.lock"
    again = " # then run again" if more else ""
    raise InputError(file, location, problem, f"Run: {command}{again}")


def _orphaned(pattern: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Map each path that matches the pattern and belongs to no algorithm to the name in it."""
    expected = {_fill(pattern, {**entry, "key": name}) for name, entry in entries.items()}
    parts = _PLACEHOLDER.split(pattern)
    texts, fields = parts[::2], parts[1::2]
    expression = "".join(
        re.escape(text) + (f"(?P<{field}>[^/.]+)" if field else "")  # no name has a dot
        for text, field in zip(texts, [*fields, ""], strict=True)
    )
    paths = sorted(set(glob("*".join(escape(text) for text in texts))) - expected)
    matches = {path: re.fullmatch(expression, path) for path in paths}
    return {path: match["key"] for path, match in matches.items() if match}


def _fill(pattern: str, values: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), pattern)


def _command(paths: list[str]) -> str:
    """Return the command that removes the paths, from Git too if they are tracked."""
    listed = files_in_git(paths) if in_repository() else []
    tracked = [path for path in paths if any(f"{name}/".startswith(f"{path}/") for name in listed)]
    untracked = [path for path in paths if path not in tracked]
    commands = [("rm -rf", untracked), ("git rm -rqf", tracked)]
    return " && ".join(f"{command} {shlex.join(some)}" for command, some in commands if some)

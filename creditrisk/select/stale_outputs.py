"""What a dropped algorithm left behind: stages that read whole folders would read it as well."""

import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from glob import escape, glob
from typing import Any

from creditrisk.core.errors import InputError

_PLACE = re.compile(r"\$\{(?:item\.)?(\w+)\}")
MAX_COMMAND_CHARS = 360  # characters: an error line is cut behind that, and half a command is none


def train_outputs(pipeline: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """List what the train stages of dvc.yaml write, as `models/${key}.joblib`.

    Args:
        pipeline: the content of dvc.yaml.

    Returns:
        The outputs within folders that some stage depends on as a whole, and the others.
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
    """Find what lies where an algorithm writes and is of none that there is.

    Args:
        patterns: paths with `${key}`, an algorithm's name, and `${item.FIELD}`, of its entry.
        entries: the algorithms that there are.
        more: patterns of places where other files may lie: an algorithm that left nothing in
            `patterns` is not looked for there.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        found |= _orphaned(pattern, entries)
    gone = set(found.values()) - set(entries)
    for pattern in more:
        found |= {p: name for p, name in _orphaned(pattern, entries).items() if name in gone}
    return list(found)


def refuse_stale_outputs(file: str, found: list[str]) -> None:
    """Refuse to go on while there are leftovers.

    Args:
        file: what says which algorithms there are.
        found: the leftovers; none is all right.

    Raises:
        InputError: there are some, with the command that removes them.
    """
    if not found:
        return
    some = found
    while len(command := _command(some)) > MAX_COMMAND_CHARS and len(some) > 1:
        some = some[:-1]
    more = len(found) - len(some)
    location = found[0] if len(found) == 1 else f"{found[0]} and {len(found) - 1} more"
    problem = "left by an algorithm that is gone, and dvc.lock would have its hash"
    raise InputError(file, location, problem, f"Run: {command}" + (" # and again" if more else ""))


def _orphaned(pattern: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Find the paths of a pattern that belong to no algorithm, each with the name that it has."""
    belong = {
        _PLACE.sub(lambda place, values=entry | {"key": name}: str(values[place[1]]), pattern)
        for name, entry in entries.items()
    }
    parts = _PLACE.split(pattern)
    texts, places = parts[::2], parts[1::2]
    names = "".join(
        re.escape(text) + (f"(?P<{place}>[^/]+)" if place else "")
        for text, place in zip(texts, [*places, ""], strict=True)
    )
    paths = sorted(set(glob("*".join(escape(text) for text in texts))) - belong)
    return {path: re.fullmatch(names, path)["key"] for path in paths}


def _command(paths: list[str]) -> str:
    """Word the removal; a file of Git goes out of Git with it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *paths], capture_output=True, text=True, check=False
    ).stdout.split("\0")
    tracked = [path for path in paths if any(f"{name}/".startswith(f"{path}/") for name in listed)]
    plain = [path for path in paths if path not in tracked]
    commands = [("rm -rf", plain), ("git rm -rqf", tracked)]
    return " && ".join(f"{words} {shlex.join(some)}" for words, some in commands if some)

"""Read the lock files that `make lock` writes."""

import re

_PINNED = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


def pinned(text: str) -> list[tuple[str, str]]:
    """List name and version of each package in a lock file, also of those for other platforms."""
    found = (_PINNED.match(line) for line in text.splitlines())
    return [(match[1].lower(), match[2]) for match in found if match]

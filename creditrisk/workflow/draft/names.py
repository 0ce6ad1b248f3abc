"""Names of the columns in the pipeline, made from the names in the file."""

import re
from collections.abc import Iterable, Sequence

from creditrisk.core.columns import RESERVED_IN_SOURCE, name_fault
from creditrisk.core.text import caseless, fold, hidden_character, normalise

LONGEST = 60  # characters of a name that we make
LONGEST_SOURCE = 400  # characters; YAML takes no key of more than 1,024 on one line
_ODD = re.compile(r"[\W_]+")


def our_names(sources: Sequence[str], keys: Iterable[str] = ()) -> list[str]:
    """Make the names: small letters, digits and `_`, each one different and none reserved.

    Args:
        sources: names in the file.
        keys: those of ids and groups, for which more names are reserved.
    """
    used: set[str] = set()
    names = []
    for position, source in enumerate(sources, start=1):
        name = _ODD.sub("_", caseless(normalise(source))).strip("_")[:LONGEST].strip("_")
        if not name or name.isdigit():
            name = f"column_{name or position}"
        base, number = name, 2
        if name_fault(name, is_id=source in keys) or hidden_character(name):
            base = name = f"column_{name}"[:LONGEST]
        while fold(name) in used:
            name, number = f"{base}_{number}", number + 1
        used.add(fold(name))
        names.append(name)
    return names


def source_fault(source: str, all_sources: Sequence[str]) -> str:
    """Say why a column of the file can't be named in a schema; empty if it can."""
    if not fold(source):
        return "it has no name"
    if fold(source) in RESERVED_IN_SOURCE:
        return "its name is reserved; rename it in the file to use it"
    if len(source) > LONGEST_SOURCE:
        return f"its name has more than {LONGEST_SOURCE} characters"
    if sum(fold(other) == fold(source) for other in all_sources) > 1:
        return "several columns have this name"
    return ""


def written_name(source: str) -> str:
    """Write a name of the file for the schema: the reader ignores what this leaves out."""
    return " ".join(normalise(source).split())

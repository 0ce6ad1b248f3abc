"""What a person must mend, worded once, where it is known."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError


class InputError(Exception):
    """The input or the parameters are wrong: exit code 2 and one line on stderr.

    Args:
        file: the file to mend.
        where: the place in it: a line, a column, a dotted parameter.
        what: what is wrong, without a full stop.
        mend: what to do about it.
    """

    def __init__(self, file: str | Path, location: str, problem: str, hint: str):
        # What is told may quote the input: no control sequence and no megabyte gets to a terminal.
        problem, hint = (_cut(printable(part), 400) for part in (problem.rstrip("."), hint))
        text = f"{printable(str(file))}: {printable(location)}: {problem}. {hint}"
        super().__init__(" ".join(text.split()))


def printable(text: str) -> str:
    """Put a blank in the place of each character that does not show."""
    return "".join(c if c.isprintable() else " " for c in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def nearest(name: str, valid: Iterable[str]) -> str:
    """Word a hint at the valid names closest to `name`, or at all of them when none is close."""
    valid = [str(v) for v in valid]
    folded = {v.casefold(): v for v in valid}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(folded[c] for c in close)}?"
    return f"Valid: {', '.join(valid)}."


def shorten(text: str, width: int = 60) -> str:
    """Make a cell printable within an error line: one line, at most `width` characters."""
    return repr(_cut(printable(text), width))


def from_validation(
    file: str | Path, error: ValidationError, fields: Iterable[str], within: str = ""
) -> InputError:
    """Turn the first finding of a pydantic error into the one line of the contract.

    Args:
        file: the file that was read.
        error: pydantic's findings.
        fields: the names valid where an unknown one was found, for the hint.
        within: the place in the file of what was validated, where it is not all of it.
    """
    # An unknown key explains a missing one (it is its misspelling), so it is told first.
    found = min(error.errors(), key=lambda f: f["type"] != "extra_forbidden")
    location = ".".join(filter(None, [within, *map(str, found["loc"])])) or "top level"
    if found["type"] == "extra_forbidden":
        name = str(found["loc"][-1])
        return InputError(file, location, "unknown parameter", nearest(name, fields))
    if found["type"] == "missing":
        return InputError(file, location, "missing", "Add it.")
    problem = found["msg"].removeprefix("Value error, ")
    given = found["input"]
    if not isinstance(given, dict | list):
        problem += f", got {shorten(str(given))}"
    return InputError(file, location, problem, "Correct the value.")

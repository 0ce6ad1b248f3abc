"""Errors in the user's input: raised where they are found, with a hint how to fix them."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from creditrisk.core.escape import printable


class InputError(Exception):
    """The input or the parameters are wrong: exit code 2 and one line on stderr.

    Args:
        file: the file with the error.
        location: the line, column or dotted parameter in that file.
        problem: what is wrong, without a full stop.
        hint: how to fix it.
        quotes_data: whether the problem or the hint may quote a cell of the applicants' file; the
            log then leaves both out.
    """

    def __init__(
        self, file: str | Path, location: str, problem: str, hint: str, quotes_data: bool = False
    ):
        # Messages may quote user input, so strip control characters and limit the length.
        problem, hint = (_cut(printable(part), 400) for part in (problem.rstrip("."), hint))
        text = f"{_cut(printable(str(file)), 200)}: {printable(location)}: {problem}. {hint}"
        super().__init__(" ".join(text.split()))
        place = " ".join(f"{printable(str(file))}: {printable(location)}".split())
        self.for_log = f"{place}: (not logged: it may quote data)" if quotes_data else str(self)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def nearest(name: str, valid: Iterable[str]) -> str:
    """Suggest the valid names closest to `name`, or list all of them if none is close."""
    valid = [str(v) for v in valid]
    folded = {v.casefold(): v for v in valid}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(folded[c] for c in close)}?"
    return f"Valid: {', '.join(valid)}."


def shorten(text: str, width: int = 60) -> str:
    """Quote a cell for an error line: printable characters only, cut to `width` characters."""
    return repr(_cut(printable(text), width))


def from_validation(
    file: str | Path, error: ValidationError, fields: Iterable[str], within: str = ""
) -> InputError:
    """Turn the first finding of a pydantic error into an `InputError`.

    Args:
        file: the file that was read.
        error: pydantic's findings.
        fields: the valid names at the level where an unknown name was found, for the hint.
        within: dotted location of the validated block; empty if the whole file was validated.
    """
    # Report unknown keys first: they are often the misspelling of a missing one.
    found = min(error.errors(), key=lambda f: f["type"] != "extra_forbidden")
    # pydantic marks an error in a name of a mapping by one more part, "[key]".
    parts = [within, *(str(part) for part in found["loc"] if part != "[key]")]
    location = ".".join(filter(None, parts)) or "top level"
    if found["type"] == "extra_forbidden":
        name = str(found["loc"][-1])
        return InputError(file, location, "unknown parameter", nearest(name, fields))
    if found["type"] == "missing":
        return InputError(file, location, "missing", "Add it.")
    problem = found["msg"].removeprefix("Value error, ")
    value = found["input"]
    if not isinstance(value, dict | list):
        problem += f", got {shorten(str(value))}"
    return InputError(file, location, problem, "Correct the value.")

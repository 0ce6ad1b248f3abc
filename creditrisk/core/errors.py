"""Errors in the user's input: raised where they are found, with a hint how to fix them."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.core.escape import printable

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from creditrisk.core.allowed import Place

_OWN = ("value_error", "assertion_error")  # what pydantic calls the errors of our validators
_NO_BLOCK = ("model_type", "dict_type")  # where pydantic speaks of dictionaries and instances


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

    def __reduce__(self) -> tuple[Any, ...]:
        # By its text: a worker's error comes as a pickle, and the class takes other arguments.
        return _same_error, (type(self), str(self), self.for_log)


def _same_error(kind: type[InputError], text: str, for_log: str) -> InputError:
    error = kind.__new__(kind, text)
    error.for_log = for_log
    return error


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
    file: str | Path,
    error: "ValidationError",
    valid: "type[BaseModel] | Iterable[str]",
    within: str = "",
    places: Mapping[str, str] | None = None,
) -> InputError:
    """Turn the first finding of a pydantic error into an `InputError`.

    Where a parameter has several types, pydantic has a finding for each. They become one line:
    the value, and all that is allowed. What a validator of ours says comes through alone.

    Args:
        file: the file that was read.
        error: pydantic's findings.
        valid: the model that was validated; of a model without unions, the names that are valid
            where an unknown one was found are enough. Of a model that is not strict, the scalars
            of the file are taken to be texts.
        within: dotted location of the validated block; empty if the whole file was validated.
        places: dotted location in the file, for each field of the model that is elsewhere.
    """
    from creditrisk.core.allowed import names_at  # not above: every script imports this module

    # Report unknown keys first: they are often the misspelling of a missing one.
    findings = error.errors()
    found = min(findings, key=lambda f: f["type"] != "extra_forbidden")
    place = _place(valid, found["loc"])
    start, *rest = [str(part) for part in place.path] or [""]
    location = ".".join(filter(None, [within, (places or {}).get(start, start), *rest]))
    location = location or "top level"
    if found["type"] == "extra_forbidden":
        names = names_at(valid, found["loc"]) if isinstance(valid, type) else valid
        return InputError(
            file, location, "unknown parameter", nearest(str(found["loc"][-1]), names)
        )
    if found["type"] == "missing":
        return InputError(file, location, "missing", "Add it.")
    as_text = isinstance(valid, type) and not valid.model_config.get("strict")
    problem = _problem(findings, found, place, as_text)
    return InputError(file, location, problem, "Correct the value.")


def _place(valid: "type[BaseModel] | Iterable[str]", location: tuple[int | str, ...]) -> "Place":
    from creditrisk.core.allowed import Place, find_place

    if isinstance(valid, type):
        return find_place(valid, location)
    return Place(tuple(part for part in location if part != "[key]"), None, len(location))


def _problem(
    findings: "list[ErrorDetails]", found: "ErrorDetails", place: "Place", as_text: bool
) -> str:
    """Say what is wrong with the value of a parameter."""
    from creditrisk.core.allowed import BLOCK, allowed, is_union, written

    start = found["loc"][: place.depth]
    same = [one for one in findings if one["loc"][: place.depth] == start]
    # The findings of a union's branches are one part longer than the place of the union; those of
    # the parts of a list in a branch are longer still, and have only that part as their value.
    whole = [one for one in same if len(one["loc"]) <= place.depth + 1]
    own = [one for one in same if one["type"] in _OWN]
    if not own and whole and (is_union(place.kind) or found["type"] in _NO_BLOCK):
        words = allowed(place.kind, as_text) or [BLOCK] * (found["type"] in _NO_BLOCK)
        if words:
            verb = "are" if len(words) > 1 else "is"
            value = _cut(written(whole[0]["input"], as_text), 60)
            return f"{value} is not allowed; allowed {verb} {', '.join(words)}"
    found = (own or [found])[0]
    problem = found["msg"].removeprefix("Value error, ")
    if not isinstance(found["input"], dict | list):
        problem += f", got {shorten(str(found['input']))}"
    return problem

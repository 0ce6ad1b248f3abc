"""JSON as it is written: no name twice, no number that is none, no half of a character."""

import json
import math
from typing import Any

from creditrisk.core.errors import shorten
from creditrisk.score.applicants import LONGEST
from creditrisk.serve.errors import RequestError


class Number(str):
    """A number, as it is written: neither rounded nor of limited length."""


class _NoNumber(str):
    """`NaN`, `Infinity` or `-Infinity`, which JSON does not have."""


class _Pairs(list[tuple[str, Any]]):
    """The names and values of an object, so that a repeated name is seen."""


def parse(body: bytes) -> Any:
    """Parse the body of a request.

    Returns:
        Objects as dicts, numbers as `Number`.

    Raises:
        RequestError: 422, with the place of what is wrong.
    """
    try:
        tree = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_Pairs,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_NoNumber,
        )
        return _checked(tree, None)
    except UnicodeDecodeError as error:
        hint = "Send UTF-8."
        raise RequestError(422, "body", f"not UTF-8 at byte {error.start}", hint) from None
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg} at character {error.pos}"
        raise RequestError(422, "body", what, "Send one JSON object.") from None
    except RecursionError:
        raise RequestError(422, "body", "nested too deeply", "Send one JSON object.") from None


# The names and positions that lead to a value, the last one first: most are never written out.
_Path = tuple["_Path", str] | None


def _written(path: _Path) -> str:
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(part)
    return "".join(reversed(parts)).removeprefix(".") or "body"


def _refused(path: _Path, what: str, hint: str) -> RequestError:
    return RequestError(422, _written(path), what, hint)


def _checked(value: Any, path: _Path) -> Any:
    if isinstance(value, _Pairs):
        found: dict[str, Any] = {}
        for name, inner in value:
            if _is_half(name):
                raise _refused(path, "a name is not Unicode", "Mend the name.")
            if len(name) > LONGEST:
                what = f"a name of more than {LONGEST:,} characters"
                raise _refused((path, f".{name[:60]}"), what, "No column has one.")
            place = (path, f".{name}")
            if name in found:
                raise _refused(place, "the name stands twice", "Remove one of them.")
            found[name] = _checked(inner, place)
        return found
    if isinstance(value, list):
        return [_checked(inner, (path, f"[{i}]")) for i, inner in enumerate(value)]
    if isinstance(value, _NoNumber):
        raise _refused(path, f"{value} is no number", "Send null instead.")
    if isinstance(value, Number):
        # As with 1e400; a text of digits without an exponent may be of any length.
        if math.isinf(float(value)):
            what = f"{shorten(value)} is too large"
            raise _refused(path, what, "Send a number of double precision.")
    elif isinstance(value, str) and _is_half(value):
        raise _refused(path, "not Unicode", "Half of a character is no text.")
    return value


def _is_half(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)

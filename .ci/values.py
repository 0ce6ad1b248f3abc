"""Compare two versions of a result: texts and counts exactly, fitted numbers with a tolerance."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from creditrisk.core.errors import shorten

TOLERANCE = 1e-6  # docs/architecture.md, Law 4
SHA256 = re.compile(r"[0-9a-f]{64}")
# Another processor makes other model files. recorded.py compares these hashes with the files.
MODEL_HASHES = ("model_sha256", "champion_sha256", "description_sha256")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
# A number with decimals in a text, such as 0.837, -1,234.5 or 34.0%, that is no part of a version.
_SHOWN = re.compile(r"(?<![\w.])([+-]?\d[\d,]*\.\d+)(?!\.?\d)")
_PATCH_LEVEL = re.compile(r"\b(python \d+\.\d+)\.\d+")


def close(a: float, b: float, tolerance: float) -> bool:
    """Return whether two numbers are equal up to the tolerance; below 1 it is absolute."""
    if a == b:
        return True
    # The distance to an infinite number is infinite, and so would be the tolerance.
    finite = math.isfinite(a) and math.isfinite(b)
    return finite and abs(a - b) <= tolerance * max(1.0, abs(a))


def leaves(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    """Yield each value inside a JSON value with its place; an empty list or object is a value.

    A place is a tuple of keys and positions: a key may have a point in it.
    """
    if not isinstance(value, dict | list) or not value:
        yield path, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        yield from leaves(part, (*path, key))


def read_json(content: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is not JSON, or an object has a key twice, of which only one would count.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    return json.loads(content, object_pairs_hook=unique)


def json_differences(old: bytes, new: bytes, tolerance: float) -> Iterator[str]:
    """Compare two JSON files, number by number."""
    before, after = dict(leaves(read_json(old))), dict(leaves(read_json(new)))
    yield from (f"{_shown(where)} came" for where in after if where not in before)
    yield from (f"{_shown(where)} went" for where in before if where not in after)
    for where in (name for name in before if name in after):
        a, b = before[where], after[where]
        if where and where[-1] in MODEL_HASHES and all(map(_is_sha256, (a, b))):
            continue
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
        counts = isinstance(a, int) and isinstance(b, int)
        limit = 0.0 if counts else tolerance
        if not (close(a, b, limit) if numbers else type(a) is type(b) and a == b):
            yield f"{_shown(where)} was {shorten(str(a))}, is {shorten(str(b))}"


def _shown(where: tuple) -> str:
    return ".".join(map(str, where))


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and bool(SHA256.fullmatch(value))


def csv_differences(old: bytes, new: bytes, tolerance: float) -> Iterator[str]:
    """Compare two CSV files, cell by cell."""
    before, after = (
        list(csv.reader(io.StringIO(part.decode(), newline=""), strict=True)) for part in (old, new)
    )
    if len(before) != len(after):
        yield f"had {len(before)} lines, has {len(after)}"
    heads = after[0] if after else []
    for line, (a, b) in enumerate(zip(before, after, strict=False), start=1):
        if len(a) != len(b):
            yield f"line {line} had {len(a)} cells, has {len(b)}"
        for place, (x, y) in enumerate(zip(a, b, strict=False)):
            if not _same_cell(x, y, tolerance):
                name = heads[place] if place < len(heads) else place + 1
                yield f"line {line}, {shorten(str(name))} was {shorten(x)}, is {shorten(y)}"


def _same_cell(a: str, b: str, tolerance: float) -> bool:
    if a == b:
        return True
    if _INTEGER.fullmatch(a) and _INTEGER.fullmatch(b):
        return False  # a count, or a code of the data
    numbers = _NUMBER.fullmatch(a) and _NUMBER.fullmatch(b)
    return bool(numbers) and close(float(a), float(b), tolerance)


def numbers_in(name: str, content: bytes) -> set[float]:
    """Collect the numbers of a JSON or CSV file."""
    if name.endswith(".json"):
        values = (value for _, value in leaves(read_json(content)))
        return {float(v) for v in values if type(v) in (int, float)}
    cells = (cell for row in csv.reader(io.StringIO(content.decode(), newline="")) for cell in row)
    return {float(cell) for cell in cells if _NUMBER.fullmatch(cell)}


def markdown_differences(
    old: bytes, new: bytes, hashes: tuple[str, str], results: set[float], tolerance: float
) -> Iterator[str]:
    """Compare two Markdown files, line by line.

    A number that is shown with decimals was rounded. Its last digit may differ only if a number of
    the results is where rounding goes one way or the other, so nobody can move a digit at will. The
    patch level of Python is that of the machine; all other versions are locked.

    Args:
        old: the committed file.
        new: the file in the work tree.
        hashes: the hash of the model in each, which may differ.
        results: the numbers of the results.
        tolerance: that of the results.
    """
    before, after = (
        _PATCH_LEVEL.sub(r"\1", part.decode().replace(digest or "\0", "(hash)")).splitlines(True)
        for part, digest in zip((old, new), hashes, strict=True)
    )
    if len(before) != len(after):
        yield f"had {len(before)} lines, has {len(after)}"
    for line, (a, b) in enumerate(zip(before, after, strict=False), start=1):
        if a == b:
            continue
        x, y = _SHOWN.split(a), _SHOWN.split(b)
        texts = x[::2] == y[::2]
        shown = zip(x[1::2], y[1::2], x[2::2], strict=False)
        if not texts or not all(_same_shown(*pair, results, tolerance) for pair in shown):
            place = next(
                (i for i, pair in enumerate(zip(a, b, strict=False)) if len(set(pair)) > 1), 0
            )
            start = max(0, place - 30)
            yield f"line {line} was {shorten(a[start:].strip())}, is {shorten(b[start:].strip())}"


def _same_shown(a: str, b: str, rest: str, results: set[float], tolerance: float) -> bool:
    if a == b:
        return True
    decimals = [len(text.partition(".")[2]) for text in (a, b)]
    x, y = (float(text.replace(",", "")) for text in (a, b))
    if decimals[0] != decimals[1] or abs(x - y) > 1.5 * 10.0 ** -decimals[0]:
        return False
    scale = 0.01 if rest.startswith("%") else 1.0
    return any(close(value, (x + y) / 2 * scale, tolerance) for value in results)

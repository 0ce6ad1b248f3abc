"""Read the results of both revisions: those of the base from Git, those here from the folder."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.escape import from_csv_cell
from creditrisk.core.files import read_csv, read_json
from creditrisk.core.git import git
from creditrisk.workflow.review.revision import Base

METRICS = "metrics"
# Characters of a name or a value: none of them must fill the page.
_LONGEST = 200
# What repeats numbers of the other files, for `dvc metrics diff`.
_REPEATS = ("metrics/summary",)

Files = dict[str, dict[str, dict[str, Any]]]


def metrics_of_both(base: Base) -> Files:
    """Compare all metrics files, as `dvc metrics diff --all` would.

    Args:
        base: the base revision.

    Returns:
        File to dotted name to `old`, `new` and, for numbers, `diff`; unchanged ones too. Lists are
        left out.

    Raises:
        InputError: a file is not a JSON object.
    """
    listed = git("ls-tree", "-r", "-z", "--name-only", base.commit, "--", METRICS).split("\0")
    before = [name for name in listed if name.endswith(".json") and not _repeats(name)]
    here = sorted(path.as_posix() for path in Path(METRICS).rglob("*.json"))
    old = dict(zip(before, map(flat, base.jsons(before)), strict=True))
    new = {name: flat(read_json(name)) for name in here if not _repeats(name)}
    return {
        file: _pairs(old.get(file, {}), new.get(file, {})) for file in dict.fromkeys([*new, *old])
    }


def _repeats(name: str) -> bool:
    return name.startswith(_REPEATS)


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Name each number and text of a JSON object by its keys, with points between them.

    Args:
        tree: the object; lists and nulls in it are left out.
        prefix: what the names begin with.
    """
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, int | float | str):
            found[f"{prefix}{key}"] = value
    return found


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    pairs = {}
    for name in dict.fromkeys([*new, *old]):
        a, b = old.get(name), new.get(name)
        pairs[name] = {"old": a, "new": b}
        if a is not None and b is not None and _is_number(a) and _is_number(b):
            pairs[name]["diff"] = b - a
    return pairs


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def table_of_both(base: Base, path: str) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Read a CSV file of both revisions.

    Args:
        base: the base revision.
        path: the file, such as `plots/roc.csv`.

    Returns:
        The frames of the base and of the work tree; None where there is no such file, or in the
        base one that is not CSV.
    """
    here = read_csv(path) if Path(path).is_file() else None
    return _table(base.text(path)), here


def _table(text: str | None) -> pd.DataFrame | None:
    try:
        frame = pd.read_csv(io.StringIO(text or ""))
    except ValueError:  # also if there is nothing in it
        return None
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{name: frame[name].map(from_csv_cell) for name in texts})


def cut(text: str) -> str:
    """Cut a name or a value that would fill the page."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."

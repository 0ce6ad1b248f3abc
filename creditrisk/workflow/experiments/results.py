"""Read the results of commits and experiments: their metrics files are in Git."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from creditrisk.core.git import contents

EVALUATE, TRAIN = "metrics/evaluate.json", "metrics/train"
WORKSPACE = "workspace"  # DVC's name of the work tree


def read_results(
    algorithms: Mapping[str, Iterable[str]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Read what evaluate and each training wrote, in the work tree and in commits.

    Args:
        algorithms: revision (a commit, or `workspace`) to the algorithms that it trains.

    Returns:
        Revision to file to content; a file that is missing, or no JSON object, is left out.
    """
    asked = [
        (revision, path)
        for revision, names in algorithms.items()
        for path in (EVALUATE, *(f"{TRAIN}/{name}.json" for name in names))
    ]
    committed = [(revision, path) for revision, path in asked if revision != WORKSPACE]
    texts = contents([f"{revision}:./{path}" for revision, path in committed])
    found = dict(zip(committed, texts, strict=True))
    found |= {(WORKSPACE, path): _here(path) for revision, path in asked if revision == WORKSPACE}
    results: dict[str, dict[str, dict[str, Any]]] = {revision: {} for revision in algorithms}
    for (revision, path), text in found.items():
        content = _object(text)
        if content is not None:
            results[revision][path] = content
    return results


def _here(path: str) -> str | None:
    file = Path(path)
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None


def _object(text: str | None) -> dict[str, Any] | None:
    try:
        content = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None

"""Model files. Loading one runs code, so check its hash first (docs/architecture.md, Law 7)."""

import copyreg
import hashlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.tree._tree import Tree

from creditrisk.core.errors import InputError
from creditrisk.core.files import atomic_write


def _reduce_tree(tree: Tree) -> tuple:
    """Pickle a tree with zeros in the padding between the fields of its nodes.

    In a loaded tree the padding holds whatever was in memory before. Without this, an ensemble that
    saves loaded members would be written to different bytes each time.
    """
    kind, arguments, state = tree.__reduce__()
    nodes = np.zeros(state["nodes"].shape, state["nodes"].dtype)
    for name in nodes.dtype.names:
        nodes[name] = state["nodes"][name]
    return kind, arguments, state | {"nodes": nodes}


copyreg.pickle(Tree, _reduce_tree)


def save_model(model: Any, path: Path) -> None:
    """Write a model file."""
    with atomic_write(path) as file:
        joblib.dump(model, file)


def sha256(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Raises:
        InputError: the file is missing.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None


def check_model(path: Path, recorded: str) -> None:
    """Compare a model file with its recorded SHA-256.

    Raises:
        InputError: the hash differs, or the file is missing.
    """
    if sha256(path) != recorded:
        problem = "its hash is not the recorded one, so it is not loaded"
        raise InputError(path, "file", problem, "Run `dvc repro` to make it again.")


def load_model(path: Path, recorded: str) -> Any:
    """Load a model file if its hash is the recorded one.

    Raises:
        InputError: the hash differs or the file is missing; no code of the file was run.
    """
    check_model(path, recorded)
    return joblib.load(path)

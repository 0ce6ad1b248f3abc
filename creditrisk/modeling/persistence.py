"""Model files. Loading one runs code, so it is checked against its recorded hash first."""

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
    """Pickle a tree with zeros between the fields of its nodes.

    A tree that was loaded holds there what was in memory before: it would be saved to other bytes
    each time (an ensemble saves members that it loaded).
    """
    kind, arguments, state = tree.__reduce__()
    nodes = np.zeros(state["nodes"].shape, state["nodes"].dtype)
    for name in nodes.dtype.names:
        nodes[name] = state["nodes"][name]
    return kind, arguments, state | {"nodes": nodes}


copyreg.pickle(Tree, _reduce_tree)


def save_model(model: Any, path: Path) -> None:
    """Write a model file."""
    with atomic_write(path) as part:
        joblib.dump(model, part)


def sha256(path: Path) -> str:
    """Hash a file.

    Raises:
        InputError: it is missing.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None


def check_model(path: Path, recorded: str) -> None:
    """Compare a model file with its recorded SHA-256.

    Raises:
        InputError: it is another file.
    """
    if sha256(path) != recorded:
        problem = "not the model that was recorded, so it is not loaded"
        raise InputError(path, "file", problem, "Run `dvc repro` to make it anew.")


def load_model(path: Path, recorded: str) -> Any:
    """Load a model file that is the recorded one.

    Raises:
        InputError: it is another file; nothing of it is run.
    """
    check_model(path, recorded)
    return joblib.load(path)

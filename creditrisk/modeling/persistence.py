"""Model files. Loading one runs code, so check its hash first (docs/architecture.md, Law 7)."""

import copyreg
import hashlib
import io
import sys
from pathlib import Path
from typing import Any, ClassVar

import joblib
import numpy as np
import pandas as pd
from joblib.numpy_pickle import NumpyPickler
from pandas.arrays import ArrowStringArray
from sklearn.tree._tree import Tree

from creditrisk.core.files import read_verified


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


def _reduce_text_type(dtype: pd.StringDtype) -> tuple:
    return pd.StringDtype, ("python", dtype.na_value)


def _reduce_texts(texts: ArrowStringArray) -> tuple:
    return pd.array, (list(texts), pd.StringDtype("python", texts.dtype.na_value))


class _Pickler(NumpyPickler):
    """joblib's pickler, for which equal strings are one string.

    Which of them are one object in memory depends on what ran before in the process.

    Texts that pandas keeps in Arrow's memory (the levels that an encoder knows) are written as
    texts of Python: the service, which reads the file, has no Arrow.
    """

    dispatch_table: ClassVar[dict] = copyreg.dispatch_table | {
        pd.StringDtype: _reduce_text_type,
        ArrowStringArray: _reduce_texts,
    }

    def save(self, obj: Any) -> Any:
        if type(obj) is str:
            obj = sys.intern(obj)
        return super().save(obj)


def dump_model(model: Any) -> bytes:
    """Turn a model into the bytes of a model file, the same for the same model."""
    buffer = io.BytesIO()
    _Pickler(buffer).dump(model)
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    """Compute the SHA-256 of bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def load_model(path: Path, trusted: str) -> Any:
    """Load a model file, if its bytes have the trusted hash.

    Args:
        path: the model file.
        trusted: its SHA-256, from a file that is in Git.

    Raises:
        InputError: the hash differs or the file is missing; no code of the file was run.
    """
    return joblib.load(io.BytesIO(read_verified(path, trusted)))

"""A candidate's folder: what select and the ensembles read of it."""

from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.files import read_frame, read_json, write_frame, write_json
from creditrisk.modeling.persistence import load_model, save_model, sha256
from creditrisk.train.trained_model import TrainedModel

MODEL, OOF, NESTED, SUMMARY = "model.joblib", "oof.parquet", "nested.parquet", "summary.json"


def save_candidate(candidate: TrainedModel, summary: dict[str, Any], folder: Path) -> None:
    """Write a candidate's folder; the account carries the hash of the model file."""
    folder.mkdir(parents=True, exist_ok=True)
    save_model(candidate.model, folder / MODEL)
    write_frame(candidate.oof, folder / OOF)
    write_frame(candidate.nested, folder / NESTED)
    write_json(summary | {"model_sha256": sha256(folder / MODEL)}, folder / SUMMARY)


def read_summary(folder: Path) -> dict[str, Any]:
    """Read a candidate's account."""
    return read_json(folder / SUMMARY)


def load_candidate(folder: Path) -> TrainedModel:
    """Read a candidate back, its model after a check of the file's hash.

    Raises:
        InputError: the model file is not the one that train wrote: it is not loaded.
    """
    summary = read_summary(folder)
    return TrainedModel(
        model=load_model(folder / MODEL, summary["model_sha256"]),
        oof=read_frame(folder / OOF),
        nested=read_frame(folder / NESTED),
        trials=pd.DataFrame(index=range(summary["candidates"])),
        best_params=summary["best_params"],
        calibration=summary["calibration"],
        unconverged=summary["unconverged_folds"],
    )

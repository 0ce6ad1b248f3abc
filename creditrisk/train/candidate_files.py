"""The files of a trained model in data/candidates/, which select and the ensembles read."""

from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.files import read_frame, read_json, write_frame, write_json
from creditrisk.modeling.persistence import load_model, save_model, sha256
from creditrisk.train.trained_model import TrainedModel

MODEL, OOF, NESTED, SUMMARY = "model.joblib", "oof.parquet", "nested.parquet", "summary.json"


def save_candidate(trained: TrainedModel, summary: dict[str, Any], folder: Path) -> None:
    """Write the folder of a trained model.

    Args:
        trained: the trained model.
        summary: its metrics, from `summarise`; the hash of the model file is added.
        folder: data/candidates/FAMILY/ALGO.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_model(trained.model, folder / MODEL)
    write_frame(trained.oof, folder / OOF)
    write_frame(trained.nested, folder / NESTED)
    write_json(summary | {"model_sha256": sha256(folder / MODEL)}, folder / SUMMARY)


def read_summary(folder: Path) -> dict[str, Any]:
    """Read the summary of a trained model."""
    return read_json(folder / SUMMARY)


def load_candidate(folder: Path) -> TrainedModel:
    """Read a trained model; the hash of the model file is checked before it is loaded.

    Raises:
        InputError: the model file is not the one that train wrote, so it is not loaded.
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

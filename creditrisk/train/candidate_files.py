"""The files of a trained model in data/candidates/, which select and the ensembles read."""

from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.core.files import read_frame, read_json, write_bytes, write_frame, write_json
from creditrisk.modeling.persistence import load_model, sha256
from creditrisk.train.trained_model import TrainedModel

MODEL, OOF, NESTED, SUMMARY = "model.joblib", "oof.parquet", "nested.parquet", "summary.json"


def save_candidate(
    trained: TrainedModel, model_file: bytes, summary: dict[str, Any], folder: Path
) -> None:
    """Write the folder of a trained model, and beside it the file that Git has.

    Args:
        trained: the trained model.
        model_file: the model as bytes, from `dump_model`.
        summary: its metrics and how it was made, from `summarise`.
        folder: data/candidates/FAMILY/ALGO.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(model_file, folder / MODEL)
    write_frame(trained.oof, folder / OOF)
    write_frame(trained.nested, folder / NESTED)
    write_json(summary, folder / SUMMARY)
    write_json({"model_sha256": sha256(model_file)}, _trusted_file(folder))


def _trusted_file(folder: Path) -> Path:
    """The file in Git with the hash of the model: data/candidates/FAMILY/ALGO.json.

    It has the same hash as metrics/train/ALGO.json, which an ensemble can't depend on: its own
    metrics are in that folder.
    """
    return folder.with_name(f"{folder.name}.json")


def read_summary(folder: Path) -> dict[str, Any]:
    """Read the summary of a trained model."""
    return read_json(folder / SUMMARY)


def trusted_sha256(path: Path) -> str:
    """Read the hash of a model from the JSON file of its training.

    Args:
        path: metrics/train/ALGO.json or data/candidates/FAMILY/ALGO.json, which are in Git.

    Raises:
        InputError: the file is missing, or an older version wrote it.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("model_sha256"), str):
        problem = "missing, so the model can't be checked"
        raise InputError(path, "model_sha256", problem, "Run `dvc repro` to make it again.")
    return content["model_sha256"]


def load_candidate(folder: Path) -> TrainedModel:
    """Read a trained model; the model file is compared with the hash in Git before it is loaded.

    Raises:
        InputError: the model file is not the one that train wrote, so it is not loaded.
    """
    summary = read_summary(folder)
    return TrainedModel(
        model=load_model(folder / MODEL, trusted_sha256(_trusted_file(folder))),
        oof=read_frame(folder / OOF),
        nested=read_frame(folder / NESTED),
        trials=pd.DataFrame(index=range(summary["candidates"])),
        best_params=summary["best_params"],
        calibration=summary["calibration"],
        unconverged=summary["unconverged_folds"],
        rows=summary["rows"],
    )

"""Load the champion, after checking that its files are the recorded ones."""

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import BaseEstimator

from creditrisk.champion.contributions import Explainer
from creditrisk.champion.description import ChampionDescription, parse_description
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.predict import Predictor
from creditrisk.core.dvc_lock import recorded_hashes
from creditrisk.core.environment import library_version
from creditrisk.core.errors import InputError
from creditrisk.core.regular import read_regular
from creditrisk.schema import Schema

HERE = Path()
HOW_TO_REMAKE = "Run `dvc repro` to make it again, or `dvc checkout` to restore the recorded one."


@dataclass(frozen=True)
class Champion:
    """A model and its description.

    Attributes:
        model: the content of models/champion.joblib.
        description: the content of models/champion.json.
    """

    model: BaseEstimator
    description: ChampionDescription

    @property
    def schema(self) -> Schema:
        """The schema that the model was trained with."""
        return self.description.schema_contract

    @property
    def scale(self) -> ScorecardParams:
        """The scale of the points, as recorded with the champion, not today's params.yaml."""
        return self.description.scorecard

    @property
    def columns(self) -> list[str]:
        """The features, in the model's order."""
        return self.description.columns

    @cached_property
    def predictor(self) -> Predictor:
        """Gives the PDs."""
        return Predictor(self.model)

    @cached_property
    def baseline(self) -> dict[str, np.ndarray]:
        """The baseline applicant, as columns of one value."""
        numeric = {*self.description.features["numeric"]}
        return {
            name: np.array([value], dtype="float64" if name in numeric else object)
            for name, value in self.description.baseline.items()
        }

    @cached_property
    def explainer(self) -> Explainer:
        """Compares applicants with the baseline applicant."""
        return Explainer(self.predictor, self.baseline)


def load_champion(model: Path, description: Path, lock: Path, folder: Path = HERE) -> Champion:
    """Load the champion, if both of its files are those that DVC recorded.

    A model file is code (docs/architecture.md, Law 7), so it is unpickled only after all checks.

    Args:
        model: models/champion.joblib.
        description: models/champion.json.
        lock: dvc.lock.
        folder: the project, from which these paths start.

    Raises:
        InputError: a file is missing, not recorded, or different from the recorded one; the
            description was written by an older version; or the installed version of a library is
            not the one that the model was made with.
    """
    hashes = recorded_hashes(folder / lock)
    described = parse_description(_read_checked(description, hashes, lock, folder), description)
    pickled = _read_checked(model, hashes, lock, folder)
    if hashlib.sha256(pickled).hexdigest() != described.model_sha256:
        problem = f"not the model that {description} describes, so it is not loaded"
        raise InputError(model, "file", problem, HOW_TO_REMAKE)
    check_libraries(described, model, "Install requirements.lock.")
    # Unpickle the bytes that were checked; do not read the file again.
    return Champion(unpickle(pickled), described)


def check_libraries(described: ChampionDescription, model: Path, hint: str) -> None:
    """Check that the installed libraries have the versions that the model was made with.

    Raises:
        InputError: one has not; `model` and `hint` are for its line.
    """
    for library, wanted in described.created_by.items():
        if library != "python" and (found := library_version(library) or "none") != wanted:
            problem = f"made with {library} {wanted}, installed is {found}, so it is not loaded"
            raise InputError(model, library, problem, hint)


def unpickle(pickled: bytes) -> BaseEstimator:
    """Turn the content of a model file into the model; this runs code, so check it first."""
    return joblib.load(io.BytesIO(pickled))


def _read_checked(path: Path, hashes: dict[str, str], lock: Path, folder: Path) -> bytes:
    try:
        content = read_regular(folder / path, limit=None)
    except FileNotFoundError:
        hint = "Run `dvc repro` to make it, or `dvc pull` to fetch it."
        raise InputError(path, "file", "not found", hint) from None
    except OSError as error:
        problem, hint = f"can't be read: {error.strerror}", "Check the file and its permissions."
        raise InputError(path, "file", problem, hint) from None
    if path.as_posix() not in hashes:
        problem = f"not recorded in {lock}, so it is not loaded"
        raise InputError(path, "file", problem, "Run `dvc repro`.")
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != hashes[path.as_posix()]:
        problem = f"not the file that {lock} records, so it is not loaded"
        raise InputError(path, "file", problem, HOW_TO_REMAKE)
    return content

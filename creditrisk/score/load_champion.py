"""The champion as it was recorded: checked before a byte of it is run."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import joblib
from sklearn.base import BaseEstimator

from creditrisk.champion.description import ChampionDescription, parse_description
from creditrisk.champion.points import ScorecardParams
from creditrisk.core.environment import library_version
from creditrisk.core.errors import InputError
from creditrisk.core.params import read_yaml
from creditrisk.schema import Schema

HOW_TO_REMAKE = "Run `dvc repro` to make it anew, or `dvc checkout` to get back the recorded one."


@dataclass(frozen=True)
class Champion:
    """A model and its description.

    Attributes:
        model: the content of models/champion.joblib.
        description: that of models/champion.json.
    """

    model: BaseEstimator
    description: ChampionDescription

    @property
    def schema(self) -> Schema:
        """The column contract that the model was trained under."""
        return self.description.schema_contract

    @property
    def scale(self) -> ScorecardParams:
        """The scale of its points, as recorded with the champion, not today's params.yaml."""
        return self.description.scorecard

    @property
    def columns(self) -> list[str]:
        """The features, in the model's order."""
        return self.description.columns


def load_champion(model: Path, description: Path, lock: Path) -> Champion:
    """Load the champion, if both its files are those that DVC recorded.

    Args:
        model, description: models/champion.joblib and models/champion.json.
        lock: dvc.lock.

    Raises:
        InputError: a file is missing, not recorded, or another one than was recorded; the
            description is of an older form; or a library is of another version than the model was
            made with. The model is not unpickled then.
    """
    hashes = recorded(lock)
    words = _checked(description, hashes, lock)
    described = parse_description(words, description)
    pickled = _checked(model, hashes, lock)
    if hashlib.sha256(pickled).hexdigest() != described.model_sha256:
        problem = f"not the model that {description} describes, so it is not loaded"
        raise InputError(model, "file", problem, HOW_TO_REMAKE)
    for library, wanted in described.created_by.items():
        if library != "python" and (found := library_version(library) or "none") != wanted:
            problem = f"made with {library} {wanted}, here is {found}, so it is not loaded"
            raise InputError(model, library, problem, "Install requirements.lock.")
    # The very bytes that were checked.
    return Champion(joblib.load(io.BytesIO(pickled)), described)


def recorded(lock: Path) -> dict[str, str]:
    """Read the MD5 of each output from dvc.lock.

    Raises:
        InputError: it is missing or not what DVC writes.
    """
    try:
        stages = read_yaml(lock)["stages"].values()
        return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}
    except (KeyError, TypeError, AttributeError):
        raise InputError(lock, "stages", "not a dvc.lock", "Run `dvc repro`.") from None


def _checked(path: Path, hashes: dict[str, str], lock: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        hint = "Run `dvc repro` to make it, or `dvc pull` to fetch it."
        raise InputError(path, "file", "not found", hint) from None
    except OSError as error:
        raise InputError(path, "file", f"can't be read: {error.strerror}", "Mend that.") from None
    if path.as_posix() not in hashes:
        problem = f"{lock} records no such file, so it is not loaded"
        raise InputError(path, "file", problem, "Run `dvc repro`.")
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != hashes[path.as_posix()]:
        raise InputError(
            path, "file", f"not the file that {lock} records: not loaded", HOW_TO_REMAKE
        )
    return content

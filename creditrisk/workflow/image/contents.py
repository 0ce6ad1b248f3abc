"""What is in the image, and what its labels say about it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from creditrisk.core.git import git

NAME = "credit-risk"
MODEL, DESCRIPTION = Path("models/champion.joblib"), Path("models/champion.json")
DVC_LOCK, PARAMS = Path("dvc.lock"), Path("params.yaml")
# All that the build takes from Git, as .containerignore lets it through.
SOURCES = ("Containerfile", ".containerignore", "requirements-image.lock", "creditrisk", "commands",
           "dvc.lock", "params.yaml")  # fmt: skip


@dataclass(frozen=True)
class Contents:
    """The identity of what is in the image.

    Attributes:
        revision: the Git commit; with `-dirty` if a file of the image is not as committed.
        model: SHA-256 of the model file.
        lock: SHA-256 of dvc.lock, which has the hashes of the model, the data and all between.
        changed: the files of the image that are not as committed.
    """

    revision: str
    model: str
    lock: str
    changed: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """The name of the image in the engine's store."""
        return f"{NAME}:{self.revision}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels; those of the Open Container Initiative by their own names."""
        return {
            "org.opencontainers.image.title": NAME,
            "org.opencontainers.image.revision": self.revision,
            "creditrisk.model.sha256": self.model,
            "creditrisk.dvc-lock.sha256": self.lock,
        }


def contents() -> Contents:
    """Describe what an image would have in it now.

    Raises:
        InputError: the champion is missing, or not the recorded one, or its libraries differ from
            those that are installed; or there is no Git commit.
    """
    from creditrisk.score.load_champion import load_champion  # not above: others need the names

    champion = load_champion(MODEL, DESCRIPTION, DVC_LOCK)
    commit = git("rev-parse", "--verify", "HEAD").strip()
    status = git("status", "--porcelain", "--untracked-files=all", "--no-renames", "--", *SOURCES)
    changed = tuple(line[3:] for line in status.splitlines())
    return Contents(
        revision=f"{commit}-dirty" if changed else commit,
        changed=changed,
        model=champion.description.model_sha256,
        lock=hashlib.sha256(DVC_LOCK.read_bytes()).hexdigest(),
    )

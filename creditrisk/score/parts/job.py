"""Scores one part; runs in another process, perhaps on another machine."""

import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any, NamedTuple

import creditrisk
from creditrisk.champion.description import ChampionDescription
from creditrisk.core.environment import library_version
from creditrisk.core.errors import InputError
from creditrisk.core.files import atomic_write
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.source import open_source
from creditrisk.prepare.cells import Notation
from creditrisk.score.counts import Tally
from creditrisk.score.load_champion import Champion, unpickle
from creditrisk.score.output import output_form
from creditrisk.score.parts.receipts import Receipt, read_receipt, sha256_of, write_receipt
from creditrisk.score.scorer import Scorer
from creditrisk.score.what_if import WhatIf
from creditrisk.score.write import write

# Parameters that say where a file is, not how it is read.
PLACES = {"source", "schema_", "rejected"}
SAME_FOLDERS = (
    "A cluster needs the folders of --input and --output under the same paths on all its machines, "
    "such as an NFS mount."
)


class Options(NamedTuple):
    """How parts are read and scored.

    Attributes:
        data: how they are written.
        null_words: words that mean a missing value.
        reasons: maximum number of reasons per row.
        what_if: maximum number of alternatives per row; 0 for none.
        batch: maximum of rows per batch.
    """

    data: DataParams
    null_words: list[str]
    reasons: int
    what_if: int
    batch: int

    def scorer(self, champion: Champion) -> Scorer:
        """Make what scores the rows."""
        notation = Notation.of(self.data.decimal, self.data.thousands, self.null_words)
        return Scorer(champion, notation, self.reasons)


class Setup:
    """What all parts share.

    A process that is a copy of this one has the scorer, with all its tables. To other processes the
    bytes of the model are sent, which were compared with the recorded hash here, before they were
    unpickled anywhere (docs/architecture.md, Law 7).

    Args:
        scorer: of the champion.
        model: the content of models/champion.joblib.
        options: how parts are read and scored.

    Attributes:
        made_by: digest of all that the bytes of an output depend on, but for the part itself.
        sign: a file in the folder of the outputs; a worker that can't see it has another folder
            under that path. None on this machine.
    """

    def __init__(self, scorer: Scorer, model: bytes, options: Options):
        self.model, self.options = model, options
        self.description = scorer.champion.description
        self.made_by = _digest(self.description, options)
        self.sign: Path | None = None
        self._scorer: Scorer | None = scorer
        self._what_if: WhatIf | None = None

    @property
    def scorer(self) -> Scorer:
        """What scores the rows."""
        if self._scorer is None:
            champion = Champion(unpickle(self.model), self.description)
            self._scorer = self.options.scorer(champion)
        return self._scorer

    @property
    def what_if(self) -> WhatIf | None:
        """What finds alternatives; None if nobody asks for them."""
        if self._what_if is None and self.options.what_if:
            self._what_if = WhatIf(self.scorer)
        return self._what_if

    def prepare(self) -> None:
        """Make what each process would have to make for itself otherwise."""
        champion = self.scorer.champion
        _ = champion.explainer if self.options.reasons else champion.predictor

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_scorer": None, "_what_if": None}


class Done(NamedTuple):
    """What became of a part.

    Attributes:
        counts: what was counted in it; None if it could not be scored.
        kept: whether its output was there already.
        error: why it could not be scored.
    """

    counts: Tally | None = None
    kept: bool = False
    error: InputError | None = None


def score_part(setup: Setup, part: Path, output: Path) -> Done:
    """Score a part, unless its output is there already.

    The output gets its name when it is complete, then its receipt is written: whenever this is
    stopped, the output is the whole one, the former one or none, and without a receipt that fits
    to its bytes it is made again.

    Args:
        setup: what all parts share.
        part: the file.
        output: the file to write.

    Raises:
        InputError: this worker can't see the part or the folder of the outputs.
    """
    if setup.sign is not None:
        _look_for(setup.sign.parent, setup.sign)
        _look_for(part, part)
    try:
        with open_source(part, "It was there when the command began.") as file:
            before, digest = _version(file.fileno()), sha256_of(file)
        found = read_receipt(output)
        if found and (found.input, found.made_by) == (digest, setup.made_by) and _is(output, found):
            return Done(found.counts, kept=True)
        counts = _score(setup, part, output, before)
        with open(output, "rb") as file:
            own = sha256_of(file)
        receipt = Receipt(input=digest, made_by=setup.made_by, output=own, counts=counts)
        write_receipt(receipt, output)
        return Done(counts)
    except InputError as error:
        return Done(error=error)


def _score(setup: Setup, part: Path, output: Path, before: tuple[int, ...]) -> Tally:
    options, scorer = setup.options, setup.scorer
    batches = read_batches(part, options.data, scorer.champion.schema, options.batch)
    form = output_form(output, None)
    with atomic_write(output) as file:
        counts = write(batches, scorer, file, form, False, setup.what_if, options.what_if)
        if _version(part) != before:
            problem = "it was changed while it was scored"
            raise InputError(part, "file", problem, "Run this again when it is whole.")
    return counts.tally


def _look_for(named: Path, path: Path) -> None:
    if not path.exists():
        problem = f"the worker on {platform.node()} can't see it"
        raise InputError(named, "file", problem, SAME_FOLDERS)


def _is(output: Path, receipt: Receipt) -> bool:
    """Whether an output is there, and has the bytes that its receipt says."""
    try:
        with open(output, "rb") as file:
            return sha256_of(file) == receipt.output
    except OSError:
        return False


def _version(file: Path | int) -> tuple[int, ...]:
    """What tells that a file was written again."""
    found = os.stat(file)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _digest(description: ChampionDescription, options: Options) -> str:
    """Hash what an output depends on, but for its part: champion, parameters, code, writer."""
    named = {
        "champion": description.model_dump_json(by_alias=True),  # it has the hash of the model
        "data": options.data.model_dump(exclude=PLACES),
        "options": options[1:],
        "pyarrow": library_version("pyarrow"),  # the other libraries are those of the champion
        "code": _code(),
    }
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def _code() -> str:
    """Hash this package: another version may write other words."""
    root = Path(creditrisk.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()

"""Some raw applicants, and what the champion on this machine says of them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from creditrisk.core.errors import InputError
from creditrisk.core.params import Strict, read_params
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.score.load_champion import load_champion
from creditrisk.workflow.image.contents import DESCRIPTION, DVC_LOCK, MODEL, PARAMS

ROWS = 20


class Params(Strict):
    """The parameters that are read from params.yaml."""

    data: DataParams


@dataclass(frozen=True)
class Sample:
    """Raw applicants with their PDs.

    Attributes:
        applicants: cells under the names of the source, None where empty.
        pds: one for each, by `python -m commands.score`.
        model: SHA-256 of the champion that gives them.
    """

    applicants: list[dict[str, str | None]]
    pds: list[float]
    model: str


def sample() -> Sample:
    """Take the first rows of `data.source` that the champion can score, and score them.

    Raises:
        InputError: there is no such row, or it can't be scored.
    """
    data = read_params(PARAMS, Params).data
    if not Path(data.source).exists():
        problem = f"{data.source} not found"
        hint = "Some raw applicants are needed, to compare their PDs."
        raise InputError(PARAMS, "data.source", problem, hint)
    champion = load_champion(MODEL, DESCRIPTION, DVC_LOCK)
    schema = champion.schema
    raw = next(iter(read_batches(data.source, data, schema, ROWS)), None)
    if raw is None:
        raise InputError(data.source, "rows", "none", "Add applicants, or name another file.")
    raw = raw[raw["malformed"].isna()]
    texts = raw[[name for name in schema.columns if name in raw]].astype(object)
    rows = [
        {name: None if cell != cell or cell is None else str(cell) for name, cell in row.items()}
        for row in texts.to_dict("records")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "commands.score", "--input=-", "--output=-", "--format=jsonl",
         "--reasons=0", "--max-missing-share=1"],
        input="".join(json.dumps(row) + "\n" for row in rows), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise InputError(
            data.source, "score", done.stderr.strip().rpartition("\n")[2], "Correct the file."
        )
    scored = [json.loads(line)["pd"] for line in done.stdout.splitlines()]
    kept = [(row, pd) for row, pd in zip(rows, scored, strict=True) if pd is not None]
    if not kept:
        raise InputError(data.source, "rows", "none can be scored", "Name the applicants' file.")
    model = champion.description.model_sha256
    return Sample([row for row, _ in kept], [pd for _, pd in kept], model)

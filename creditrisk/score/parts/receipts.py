"""A receipt beside each scored part: which bytes it was made of, by what, and which it has.

An output is the file that scoring its part alone would write, so nothing can be noted in it. The
receipts are in a folder whose name begins with a dot: whoever reads the outputs as one table
(Spark, Arrow, pandas, DuckDB) leaves it out. They say nothing that is not compared with the files,
so none can be wrong: a part without one that fits is scored again.
"""

import hashlib
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from creditrisk.core.files import write_text
from creditrisk.core.params import Strict
from creditrisk.core.regular import read_regular
from creditrisk.score.counts import Tally

FOLDER = ".receipts"  # in the folder of the outputs
SUFFIX = ".json"


class Receipt(Strict):
    """What is known of a scored part.

    Attributes:
        input: SHA-256 of the part.
        made_by: digest of all else that its output depends on, see `job.Setup`.
        output: SHA-256 of the output.
        counts: what was counted in the part.
    """

    input: str
    made_by: str
    output: str
    counts: Tally


def receipt_of(output: Path) -> Path:
    """Return where the receipt of an output is."""
    return output.parent / FOLDER / f"{output.name}{SUFFIX}"


def read_receipt(output: Path) -> Receipt | None:
    """Read the receipt of an output; None if there is none that can be read."""
    try:
        return Receipt.model_validate_json(read_regular(receipt_of(output)))
    except (OSError, ValidationError):
        return None


def write_receipt(receipt: Receipt, output: Path) -> None:
    """Write the receipt of an output that is in place."""
    write_text(receipt.model_dump_json(indent=2) + "\n", receipt_of(output))


def sha256_of(file: BinaryIO) -> str:
    """Hash a file from its first byte to its last."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

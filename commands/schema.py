"""schema: draft a schema file from an applicants' file (`make schema DATA=new.csv TARGET=bad`).

Every column gets a kind and a line that says what the guess is based on; a person then edits the
draft. Nothing else changes, unless --use is given: then params.yaml names the file and the draft.
"""

import argparse
import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.core.cli import arguments, run
from creditrisk.core.errors import InputError
from creditrisk.core.files import write_text
from creditrisk.core.logs import say

if TYPE_CHECKING:
    import pandas as pd

    from creditrisk.ingest.params import DataParams
    from creditrisk.prepare.params import PrepareParams
    from creditrisk.workflow.draft.draft import Draft

MAX_ROWS = 200_000  # that the guesses are based on
SECONDS = 3.0  # between two lines of progress


def main() -> None:
    """Draft the schema, write it and say what a person should look at."""
    args = _parser().parse_args()
    data_file, output = str(args.data or ""), args.output
    if not data_file or not args.target:
        hint = "Name both: make schema DATA=new.csv TARGET=column."
        raise InputError("make schema", "DATA and TARGET", "missing", hint)
    say(f"schema: reading {data_file}")

    from creditrisk.core.params import Strict, read_params, read_yaml
    from creditrisk.prepare.params import PrepareParams
    from creditrisk.workflow.draft.summary import default_output, summarise
    from creditrisk.workflow.draft.use import use_in_params
    from creditrisk.workflow.draft.write import check_draft, draft_text

    class Params(Strict):
        """What schema reads of params.yaml."""

        prepare: PrepareParams

    output = output or default_output(data_file)
    _refuse_overwriting(output, args.force)
    prepare = read_params(args.params, Params).prepare
    draft = _draft(args, data_file, output, prepare)
    text = draft_text(draft, output.stem)
    schema = check_draft(text, str(output))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(text, output)
    if args.use:
        use_in_params(args.params, draft.data, read_yaml(args.params)["data"])
    for line in summarise(draft, schema, str(output), str(args.params), args.use):
        say(f"schema: {line}")


def _parser() -> argparse.ArgumentParser:
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, help="the applicants' file")
    parser.add_argument("--target", help="its column with the outcome")
    parser.add_argument(
        "--output", type=_path_or_none, help="the draft; default: data/schema/NAME.yaml"
    )
    for name, what in (
        ("good", "of those who paid back"),
        ("bad", "of those who defaulted"),
        ("exclude", "of outcomes that are not known yet"),
    ):
        parser.add_argument(
            f"--{name}", type=_values, default=(), metavar="A,B", help=f"the target's values {what}"
        )
    parser.add_argument("--sheet", type=_text_or_none, help="of a workbook; default: the first one")
    parser.add_argument("--use", action="store_true", help="set the block data of params.yaml too")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    return parser


def _draft(
    args: argparse.Namespace, data_file: str, output: Path, prepare: "PrepareParams"
) -> "Draft":
    from creditrisk.ingest.params import DataParams
    from creditrisk.workflow.draft.draft import make_draft
    from creditrisk.workflow.draft.sniff import sniff
    from creditrisk.workflow.draft.target import Given

    written = sniff(data_file, args.target)
    how = written._asdict() if written else {}
    data = DataParams(source=data_file, schema_=str(output), sheet=args.sheet, **how)
    frame = _read(data_file, data, is_text=written is not None)
    return make_draft(
        frame.head(MAX_ROWS),
        data,
        args.target,
        Given(args.good, args.bad, args.exclude),
        prepare.null_words,
        prepare.max_missing_share,
        is_whole=len(frame) <= MAX_ROWS,
        progress=_Progress(),
    )


def _read(data_file: str, data: "DataParams", is_text: bool) -> "pd.DataFrame":
    """Read one row more than is looked at.

    Of a text, the header is read as a row: its names may be empty, repeated or reserved, which is
    no reason not to draft the rest.
    """
    from creditrisk.ingest.table import read_columns
    from creditrisk.workflow.draft.draft import OWN_COLUMNS

    if not is_text or data.header == "none":
        frame = read_columns(data_file, data, MAX_ROWS + 1)
        return frame[frame["malformed"].isna()].iloc[:, OWN_COLUMNS:]
    headless = data.model_copy(update={"header": "none"})
    frame = read_columns(data_file, headless, MAX_ROWS + 2)
    names, rows = frame.iloc[0, OWN_COLUMNS:].fillna(""), frame.iloc[1:]
    if rows.empty:
        hint = "Give at least one applicant."
        raise InputError(data_file, "file", "a header and no data lines", hint)
    return rows[rows["malformed"].isna()].iloc[:, OWN_COLUMNS:].set_axis(list(names), axis=1)


class _Progress:
    """Says how far it is, if it takes long."""

    def __init__(self) -> None:
        self.said = time.monotonic()

    def __call__(self, done: int, of: int) -> None:
        if time.monotonic() - self.said > SECONDS and done < of:
            self.said = time.monotonic()
            say(f"schema: {done} of {of} columns")


def _refuse_overwriting(output: Path, force: bool) -> None:
    if output.exists() and not force:
        hint = "Name another with --output (make schema: OUTPUT=), or add --force (ARGS=--force)."
        raise InputError(output, "file", "exists already", hint)


def _values(text: str) -> tuple[str, ...]:
    """Cut a list at its commas; a value with a comma may be put in double quotes."""
    cells = next(csv.reader([text], skipinitialspace=True), [])
    return tuple(cell.strip() for cell in cells if cell.strip())


def _text_or_none(text: str) -> str | None:
    return text or None


def _path_or_none(text: str) -> Path | None:
    return Path(text) if text else None


if __name__ == "__main__":
    run(main)

"""Read refused applicants, whose outcomes nobody knows, as the service would read them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from creditrisk.core.columns import ORIGINAL
from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.prepare.cells import Notation
from creditrisk.score.counts import UNREADABLE, Counts
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import Judged, Scorer

BATCH_ROWS = 32_768
NAMED = 20  # reasons why rows can't be read that are named; the other rows are counted
LONGEST_PROBLEM = 200  # characters
POINTER = ".dvc"  # suffix of the file that DVC writes beside one that it tracks


@dataclass(frozen=True)
class Refused:
    """Refused applicants as the champion sees them.

    Attributes:
        frame: the features, and `original.NAME` where the applicant stated something else, as in
            train.parquet; a line per row that could be read, shape (n, d).
        pd: PDs, shape (n,).
        decisions: what the champion would decide, texts of `DECISIONS`, shape (n,).
        rows: number of rows in the file.
        problems: why rows could not be read, the first `NAMED` reasons, to the numbers (from 1) of
            the rows.
        unread_cells: variable to the number of its cells that hold a text which is no value.
        ignored: columns of the file that the schema does not name; they are not read. The outcome,
            if the file has it, is one of them.
    """

    frame: pd.DataFrame
    pd: np.ndarray
    decisions: np.ndarray
    rows: int
    problems: dict[str, list[int]]
    unread_cells: dict[str, int]
    ignored: list[str]


def find_refused(place: str | Path, params: str | Path = "params.yaml") -> Path | None:
    """Find the file of refused applicants.

    Args:
        place: `data.rejected`: a file, or a folder with one data file or none. In a folder, names
            that start with a dot are no data, nor are the pointers of DVC.
        params: the file of parameters, for an error.

    Returns:
        The file; None if the folder is empty.

    Raises:
        InputError: there is no such file or folder, it is a pipe or a device, the folder has
            several files, or DVC tracks a file in it that was not fetched.
    """
    path = Path(place)
    if path.is_dir():
        names = [one.name for one in path.iterdir() if not one.name.startswith(".")]
        tracked = {name.removesuffix(POINTER) for name in names if name.endswith(POINTER)}
        files = sorted(name for name in names if not name.endswith(POINTER))
        if absent := sorted(tracked - set(files)):
            problem = f"{path} has {absent[0]}{POINTER}, but not the file"
            raise InputError(params, "data.rejected", problem, "Run `dvc pull` to fetch it.")
        if len(files) > 1:
            problem = f"{path} has {len(files)} files: {', '.join(files[:5])}"
            hint = "Leave one there, or name it in data.rejected."
            raise InputError(params, "data.rejected", problem, hint)
        if not files:
            return None
        path /= files[0]
    if not path.exists():
        hint = "Correct the path, fetch the file with `dvc pull`, or name an empty folder."
        raise InputError(params, "data.rejected", f"no file or folder {path}", hint)
    if not path.is_file():
        problem = f"{path} is a folder, a pipe or a device"
        raise InputError(params, "data.rejected", problem, "Give a file.")
    return path


def read_refused(path: Path, champion: Champion, data: DataParams, notation: Notation) -> Refused:
    """Read and judge refused applicants.

    Args:
        path: the file, in any form that `data.source` may have; an outcome is not needed, and one
            that is there is not read.
        champion: the model and its description.
        data: how the file is written.
        notation: how numbers and missing values are written.

    Raises:
        InputError: the file can't be read; it lacks a column of the schema; it has no row, or none
            that can be read, or far too many that can't; nearly all cells of a column are no
            values; or it takes too much memory.
    """
    scorer = Scorer(champion, notation)
    counts = Counts(champion.schema)
    batches = read_batches(path, data, champion.schema, BATCH_ROWS, any_suffix=True)
    frames: list[pd.DataFrame] = []
    pds: list[np.ndarray] = []
    decisions: list[np.ndarray] = []
    problems: dict[str, list[int]] = {}
    unread_cells = dict.fromkeys(champion.schema.inputs, 0)
    malformed = size = 0
    for raw in batches:
        start = counts.rows
        scored = scorer.score(raw)
        counts.add(scored)
        judged = scored.judged
        for place in np.flatnonzero(scored.rows["problem"].notna()):
            reason = str(scored.rows["problem"].iloc[place])[:LONGEST_PROBLEM]
            if reason in problems or len(problems) < NAMED:
                problems.setdefault(reason, []).append(start + int(place) + 1)
        for name, (rows, causes) in judged.missing.items():
            wrong = np.isin(causes.astype(str), UNREADABLE) & judged.readable[rows]
            unread_cells[name] += int(wrong.sum())
        frames.append(_frame(judged, champion))
        pds.append(judged.pd[judged.readable])
        decisions.append(judged.decisions[judged.readable])
        malformed += int(raw["malformed"].notna().sum())
        size += int(frames[-1].memory_usage(index=False, deep=True).sum())
        _check_bounds(path, malformed, counts.rows, size)
    if not counts.rows:
        hint = "Give the refused applicants, or take the file away."
        raise InputError(path, "file", "no row of an applicant", hint)
    counts.check(str(path), None, "Correct the column, or leave its cells empty.")
    used = set(batches.columns.values())
    return Refused(
        frame=pd.concat(frames, ignore_index=True),
        pd=np.concatenate(pds),
        decisions=np.concatenate(decisions),
        rows=counts.rows,
        problems=problems,
        unread_cells=unread_cells,
        ignored=list(
            dict.fromkeys(name.strip() for i, name in enumerate(batches.header) if i not in used)
        ),
    )


def _frame(judged: Judged, champion: Champion) -> pd.DataFrame:
    """Return the rows that could be read, with the columns of train.parquet."""
    adjustments = champion.description.adjustments
    adjusted = {*adjustments["caps"], *adjustments["merges"]}
    columns = dict(judged.cells.model_input)
    columns |= {
        ORIGINAL + name: values
        for name, values in judged.cells.original.items()
        if name in adjusted
    }
    return pd.DataFrame(
        {
            name: values[judged.readable]
            if values.dtype.kind == "f"
            else pd.array(values[judged.readable], dtype="str")
            for name, values in columns.items()
        }
    )


def _check_bounds(path: Path, malformed: int, rows: int, size: int) -> None:
    """Stop where reading on would only take time or fill the memory, as training does."""
    if malformed >= limits.MAX_MALFORMED_ROWS and 2 * malformed > rows:
        problem = f"{malformed:,} of the first {rows:,} rows do not fit the header"
        hint = "Check the file, and data.delimiter in params.yaml."
        raise InputError(path, "file", problem, hint)
    limit = max(limits.TABLE_BYTES, limits.MAX_EXPANSION * path.stat().st_size)
    if size > limit:
        problem = f"its text takes more than {limit / 2**20:,.0f} MiB"
        hint = "If the file is sound, unpack it, or write it as CSV."
        raise InputError(path, "file", problem, hint)

"""The rows of a sheet: of an Excel workbook or an OpenDocument spreadsheet.

Nothing in the file is executed, neither formulas nor macros: the values that it stores are read.
"""

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from creditrisk.core.errors import InputError, nearest
from creditrisk.ingest import limits

_PROGRAM = Path(__file__).with_name("workbook_rows.py")
_MIB = 2**20
_AS_TEXT = "Save the sheet as CSV or Parquet."
_PROBLEMS = {
    "password": ("protected by a password", "Save it without one."),
    "damaged": ("a workbook that is damaged, cut off or of a kind that is not read", _AS_TEXT),
}


class SheetRow(NamedTuple):
    """A row of a sheet that is not blank.

    Attributes:
        number: its row in the sheet, from 1.
        cells: texts (empty for an empty cell), numbers, truth values, and [kind, text] for a
            `date`, a `datetime` (by ISO 8601) or a `time`. None for a row with too many characters.
    """

    number: int
    cells: list[Any] | None


def sheet_rows(file: BinaryIO, name: str, sheet: str | None) -> Iterator[SheetRow]:
    """Read the rows of a sheet in a process whose memory has a bound.

    Args:
        file: the workbook, a file on the disk.
        name: of the workbook, for an error.
        sheet: its name; None for the first one that is shown.

    Yields:
        The rows that are not blank; all of them have as many cells as the widest one.

    Raises:
        InputError: there is no such sheet; or the workbook is damaged, protected or too large.
    """
    size = os.fstat(file.fileno()).st_size
    _check_size(file, name, size)
    memory = max(limits.WORKBOOK_MEMORY, limits.WORKBOOK_MEMORY_RATIO * size)
    asked = {
        "sheet": sheet,
        "memory": memory,
        "cell": limits.MAX_CELL,
        "record": limits.MAX_RECORD,
    }
    # -P: modules beside the program are not to be found by the names of others.
    command = [sys.executable, "-P", str(_PROGRAM), json.dumps(asked)]
    file.flush()
    state: dict[str, Any] = {}
    with subprocess.Popen(
        command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for line in process.stdout or ():
                answer = _parse(line)
                if isinstance(answer, list):
                    yield SheetRow(*answer)
                else:
                    state |= answer
            process.wait()
        finally:
            process.kill()
    if state.get("problem") != "":
        raise _error(name, sheet, state, process.returncode, memory)


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # the process ended within the line
        return {}


def _check_size(file: BinaryIO, name: str, size: int) -> None:
    """Refuse a workbook whose parts, which are zipped, are much larger than it is."""
    try:
        with zipfile.ZipFile(file) as archive:
            whole = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError):
        return  # the old form of Excel is no zip file
    limit = max(limits.WORKBOOK_BYTES, limits.MAX_EXPANSION * size)
    if whole > limit:
        raise _too_large(name, f"{whole / _MIB:,.0f} MiB when it is unpacked", limit)


def _too_large(name: str, what: str, limit: int) -> InputError:
    problem = f"{what}, at most {limit / _MIB:,.0f} MiB are read"
    return InputError(name, "workbook", problem, _AS_TEXT)


def _error(
    name: str, sheet: str | None, state: dict[str, Any], code: int, memory: int
) -> InputError:
    problem = state.get("problem")
    if problem == "sheet":
        names = [str(name)[:60] for name in state["sheets"]]
        if sheet is None:
            return InputError(name, "workbook", "no sheet with rows and columns", _AS_TEXT)
        hint = nearest(sheet, names) if names else "It has no sheet with rows and columns."
        return InputError(name, "workbook", f"no sheet {sheet}, see data.sheet", hint)
    # Where the library gets no memory, it aborts its process.
    if problem == "memory" or (problem is None and code in (-signal.SIGABRT, -signal.SIGKILL)):
        return _too_large(name, "it takes more memory than it may", memory)
    text, hint = _PROBLEMS.get(str(problem), _PROBLEMS["damaged"])
    return InputError(name, "workbook", text, hint)

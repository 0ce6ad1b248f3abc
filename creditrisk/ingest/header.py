"""The header of the applicants' file against the columns of the schema."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from creditrisk.core.columns import RESERVED_IN_SOURCE
from creditrisk.core.errors import InputError, nearest
from creditrisk.core.text import fold, repeated
from creditrisk.ingest.params import DELIMITERS
from creditrisk.ingest.rows import ROW_ID
from creditrisk.schema import Schema

# How the columns of a file get their names, see `DataParams.header`; BY_FORM: the form of the file
# carries them (Parquet, JSON), so that no value can be in their place.
FIRST, NONE, BY_FORM = "first", "none", ""
# A number or a date, however it is written.
_VALUE = re.compile(r"[+-]?[.,]?\d[\d.,:/' -]*([eE][+-]?\d+)?%?")


def find_columns(
    path: str | Path,
    header: Sequence[str],
    schema: Schema,
    delimiter: str | None = None,
    with_target: bool = True,
    location: str = "line 1",
    names_from: str = FIRST,
) -> dict[str, int]:
    """Find each source column of the schema in the header, whatever its case, blanks and position.

    What takes the place of the header is quoted in an error only if it is one: if at least half of
    the columns are in it. Otherwise it may be the first line of any file.

    Args:
        path: names the file in an error.
        header: its column names.
        schema: names the columns that are wanted.
        delimiter: at which the header was cut; None if it was not.
        with_target: whether the target is wanted too; new applicants have no outcome yet, and need
            not have the columns that are for audit only.
        location: where the names stand, for an error.
        names_from: FIRST, NONE or BY_FORM.

    Returns:
        The schema's name of each column and its position in the header. Without the target, also
        `row_id` if the file has a column of that name, and no column for audit that it has not.

    Raises:
        InputError: a column is missing or appears twice, or the delimiter is wrong.
    """
    count = Counter(map(fold, header))
    wanted = [*schema.columns, *([schema.target.column] if with_target else [])]
    if not with_target:
        wanted = [name for name in wanted if name in schema.needed or count[fold(name)]]
    missing = [name for name in wanted if not count[fold(name)]]
    if missing:
        raise _missing(path, location, header, wanted, missing, schema, delimiter, names_from)
    if not with_target and count[ROW_ID]:
        wanted.append(ROW_ID)
    for name in wanted:
        if count[fold(name)] > 1:
            raise InputError(path, location, f"column {name} appears twice", "Remove one of them.")
    places = {fold(name): place for place, name in enumerate(header)}
    return {name: places[fold(name)] for name in wanted}


def all_columns(
    path: str | Path, header: Sequence[str], location: str = "line 1", names_from: str = FIRST
) -> dict[str, int]:
    """Return each column of the header, its name without blanks around it, and its position.

    Args:
        path: names the file in an error.
        header: its column names.
        location: where the names stand, for an error.
        names_from: FIRST, NONE or BY_FORM.

    Raises:
        InputError: a name is empty, appears twice, or is one that the frames of rows use.
    """
    names = [name.strip() for name in header]
    empty = next((n for n, name in enumerate(names, start=1) if not fold(name)), None)
    twice = repeated([fold(name) for name in names])
    if (empty or twice is not None) and names_from == FIRST and looks_like_values(names):
        raise _values(path, location, "")
    if empty:
        raise InputError(path, location, f"column {empty} has no name", "Give it one.")
    if twice is not None:
        name = next(name for name in names if fold(name) == twice)
        problem, hint = f"column {name[:200]} appears twice", "Rename or remove one of them."
        raise InputError(path, location, problem, hint, quotes_data=True)
    for name in names:
        if name in RESERVED_IN_SOURCE:  # as in a schema
            problem = f"column {name}: the name is reserved for the number or the state of a row"
            raise InputError(path, location, problem, "Rename it in the file.")
    return {name: position for position, name in enumerate(names)}


def positions(count: int) -> list[str]:
    """Return the names of columns without a header."""
    return [str(number) for number in range(1, count + 1)]


def looks_like_values(header: Sequence[str]) -> bool:
    """Whether at least half of the cells that are not empty are numbers or dates."""
    cells = [cell.strip() for cell in header if cell.strip()]
    numbers = sum(_VALUE.fullmatch(cell) is not None for cell in cells)
    return bool(cells) and 2 * numbers >= len(cells)


def _values(path: str | Path, location: str, rest: str) -> InputError:
    hint = "If the file has no header, set data.header in params.yaml to none, and name the "
    hint += "schema's columns by position: 1, 2, ..."
    return InputError(path, location, f"holds values, not names of columns{rest}", hint)


def _missing(
    path: str | Path,
    location: str,
    header: Sequence[str],
    wanted: list[str],
    missing: list[str],
    schema: Schema,
    delimiter: str | None,
    names_from: str,
) -> InputError:
    if delimiter and len(header) == 1 and len(wanted) > 1:
        fitting = [d for d in DELIMITERS if fold(missing[0]) in map(fold, header[0].split(d))]
        hint = "Is this the right file? If it is, set data.delimiter in params.yaml."
        if fitting:
            hint = f"Set data.delimiter in params.yaml to {fitting[0]!r}."
        return InputError(path, location, f"one column only at the sign {delimiter!r}", hint)
    rest = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    problem = f"no column {', '.join(missing[:5])}{rest}"
    if names_from == NONE:
        if "0" in missing:
            hint = "Name the first column 1 in the schema file."
            return InputError(path, location, "no column 0: positions count from 1", hint)
        hint = f"With data.header none, the columns are 1 to {len(header)}: the schema names these."
        return InputError(path, location, problem, hint)
    cells = [fold(cell) for cell in header if fold(cell)]
    repeats = len(missing) == len(wanted) and repeated(cells) is not None
    if names_from == FIRST and (repeats or looks_like_values(header)):
        return _values(path, location, f": {problem}")
    if 2 * len(missing) > len(wanted):
        hint = "Is this the right file? Its columns are not those of the schema."
        return InputError(path, location, problem, hint)
    # The target is never the column that was meant, wanted or not.
    known = set(map(fold, [*wanted, schema.target.column]))
    spare = [name.strip()[:200] for name in header if fold(name) not in known]
    spare = [name for name in spare if name][:20]
    hint = nearest(missing[0], spare) if spare else "Add it, or correct the schema file."
    return InputError(path, location, problem, hint, quotes_data=True)

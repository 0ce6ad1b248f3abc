"""The header of the applicants' file against the columns of the schema."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from creditrisk.core.errors import InputError, nearest
from creditrisk.core.text import fold
from creditrisk.ingest.params import DELIMITERS
from creditrisk.ingest.rows import ROW_ID
from creditrisk.schema import Schema


def find_columns(
    path: str | Path,
    header: Sequence[str],
    schema: Schema,
    delimiter: str | None = None,
    with_target: bool = True,
    location: str = "line 1",
) -> dict[str, int]:
    """Find each source column of the schema in the header, whatever its case, blanks and position.

    What takes the place of the header is quoted in an error only if it is one: if at least half of
    the columns are in it. Otherwise it may be the first line of any file.

    Args:
        path: names the file in an error.
        header: its column names.
        schema: names the columns that are wanted.
        delimiter: at which the header was cut; None if it was not.
        with_target: whether the target is wanted too; new applicants have no outcome yet.
        location: where the names stand, for an error.

    Returns:
        The schema's name of each column and its position in the header. Without the target, also
        `row_id` if the file has a column of that name.

    Raises:
        InputError: a column is missing or appears twice, or the delimiter is wrong.
    """
    count = Counter(map(fold, header))
    wanted = [*schema.columns, *([schema.target.column] if with_target else [])]
    missing = [name for name in wanted if not count[fold(name)]]
    if missing:
        raise _missing(path, location, header, wanted, missing, schema, delimiter)
    if not with_target and count[ROW_ID]:
        wanted.append(ROW_ID)
    for name in wanted:
        if count[fold(name)] > 1:
            raise InputError(path, location, f"column {name} appears twice", "Remove one of them.")
    positions = {fold(name): position for position, name in enumerate(header)}
    return {name: positions[fold(name)] for name in wanted}


def _missing(
    path: str | Path,
    location: str,
    header: Sequence[str],
    wanted: list[str],
    missing: list[str],
    schema: Schema,
    delimiter: str | None,
) -> InputError:
    if delimiter and len(header) == 1 and len(wanted) > 1:
        fitting = [d for d in DELIMITERS if fold(missing[0]) in map(fold, header[0].split(d))]
        hint = "Is this the right file? If it is, set data.delimiter in params.yaml."
        if fitting:
            hint = f"Set data.delimiter in params.yaml to {fitting[0]!r}."
        return InputError(path, location, f"one column only at the sign {delimiter!r}", hint)
    rest = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    problem = f"no column {', '.join(missing[:5])}{rest}"
    if 2 * len(missing) > len(wanted):
        hint = "Is this the right file? Its columns are not those of the schema."
        return InputError(path, location, problem, hint)
    # The target is never the column that was meant, wanted or not.
    known = set(map(fold, [*wanted, schema.target.column]))
    spare = [name.strip()[:200] for name in header if fold(name) not in known]
    spare = [name for name in spare if name][:20]
    hint = nearest(missing[0], spare) if spare else "Add it, or correct the schema file."
    return InputError(path, location, problem, hint, quotes_data=True)

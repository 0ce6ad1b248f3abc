"""The header of the applicants' file against the columns of the schema."""

from pathlib import Path

from creditrisk.core.errors import InputError, nearest, shorten
from creditrisk.ingest.params import DELIMITERS
from creditrisk.schema import Schema, fold


def find_columns(
    path: str | Path,
    header: list[str],
    schema: Schema,
    delimiter: str,
    with_target: bool = True,
) -> dict[str, int]:
    """Find each source column of the schema in the header, whatever its case, blanks and position.

    Args:
        path: names the file in an error.
        header: its column names.
        schema: names the columns that are wanted.
        delimiter: at which the header was cut.
        with_target: whether the target is wanted too; new applicants have no outcome yet.

    Returns:
        The schema's name of each column and its position in the header.

    Raises:
        InputError: a column is missing or appears twice, or the delimiter is wrong.
    """
    folded = [fold(name) for name in header]
    wanted = [*schema.columns, *([schema.target.column] if with_target else [])]
    missing = [name for name in wanted if fold(name) not in folded]
    if missing:
        if len(header) == 1 and len(wanted) > 1:
            fitting = [d for d in DELIMITERS if fold(missing[0]) in map(fold, header[0].split(d))]
            hint = f"Set data.delimiter in params.yaml{f' to {fitting[0]!r}' if fitting else ''}."
            problem = f"one column only, {shorten(header[0])}: the delimiter is not {delimiter!r}"
            raise InputError(path, "line 1", problem, hint, quotes_data=True)
        rest = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        problem = f"no column {', '.join(missing[:5])}{rest}"
        # The target is never the column that was meant, wanted or not.
        known = set(map(fold, [*wanted, schema.target.column]))
        spare = [name.strip() for name, key in zip(header, folded, strict=True) if key not in known]
        spare = [name for name in spare if name]
        hint = nearest(missing[0], spare[:20]) if spare else "Add it, or correct the schema file."
        # Without a header line, the names are the first applicant's cells.
        raise InputError(path, "line 1", problem, hint, quotes_data=True)
    for name in wanted:
        if folded.count(fold(name)) > 1:
            raise InputError(path, "line 1", f"column {name} appears twice", "Remove one of them.")
    return {name: folded.index(fold(name)) for name in wanted}

"""Look at the applicants' file before anything runs: is it what params.yaml and the schema say?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from creditrisk.core.errors import from_validation
from creditrisk.core.params import Strict
from creditrisk.eda.describe import information_value, levels
from creditrisk.eda.look_at import columns_to_look_at, words
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.gates import MIN_UNREADABLE_SHARE, check_cells, check_outcomes
from creditrisk.prepare.params import PrepareParams
from creditrisk.prepare.parse import parse, read_target, separate_specials
from creditrisk.prepare.summary import count_values
from creditrisk.schema import Schema, load_schema

MAX_ROWS = 50_000  # enough to see what a column holds, in seconds
TOP_FINDINGS = 15


class _Params(Strict):
    data: DataParams
    prepare: PrepareParams


def look_at_source(tree: dict[str, Any], path: str | Path) -> list[str]:
    """Read the first rows of `data.source` and say which columns a person should look at.

    The rows are not split yet, so the information values are of all of them; they only serve to
    find likely leaks. `eda` looks at the training rows alone.

    Args:
        tree: the content of params.yaml.
        path: its name, for errors.

    Returns:
        Lines, none if the file is not there yet.

    Raises:
        InputError: the file can't be read, a column of the schema is missing, numbers are written
            in another notation, too many cells of a column can't be used, or a class has no row.
    """
    try:
        params = _Params.model_validate({name: tree[name] for name in _Params.model_fields})
    except ValidationError as error:
        raise from_validation(path, error, _Params) from None
    data, schema = params.data, load_schema(params.data.schema_)
    if not Path(data.source).is_file():
        return []
    raw, is_whole = _first_rows(data, schema)
    if raw.empty:
        return []
    notation = Notation.of(data.decimal, data.thousands, params.prepare.null_words)
    cells, causes = parse(raw, schema, notation)
    check_cells(raw, causes, schema, notation, params.prepare, str(path))
    texts = raw[schema.target.column]
    outcomes = read_target(texts, schema.target, notation)
    bad = outcomes["bad"]
    if is_whole:
        unlisted = count_values(texts[bad.isna() & ~outcomes["indeterminate"]])
        check_outcomes(outcomes, unlisted, schema, data.source)
    known = bad.notna().to_numpy()
    if not known.any():  # the newest loans may come first
        return [f"the first {len(raw):,} rows have no outcome, so the columns were not looked at"]
    rows = separate_specials(cells, schema).assign(bad=bad)[known].astype({"bad": "int8"})
    found = columns_to_look_at(rows, schema, information_value(levels(rows, schema)))
    lines = list(_unreadable(causes, schema))
    lines += [
        f"look at {name}: {words(finding)}, {detail}"
        for name, finding, detail in found.head(TOP_FINDINGS).itertuples(index=False)
    ]
    more = len(found) - TOP_FINDINGS
    return lines + ([f"and at {more} more"] if more > 0 else [])


def _unreadable(causes: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Name the columns of which many cells hold a text that is no value."""
    for name in schema.variables:
        counts = causes[name].value_counts()
        held = len(causes) - counts.get("empty", 0) - counts.get("null_word", 0)
        for cause in ("unparseable", "out_of_domain"):
            if counts.get(cause, 0) >= MIN_UNREADABLE_SHARE * max(held, 1):
                yield (
                    f"look at {name}: {counts[cause]:,} of {held:,} cells are "
                    f"{cause.replace('_', ' ')}, so they count as missing"
                )


def _first_rows(data: DataParams, schema: Schema) -> tuple[pd.DataFrame, bool]:
    """Read up to `MAX_ROWS` well-formed rows; tell whether these are all."""
    parts: list[pd.DataFrame] = []
    rows = 0
    for part in read_batches(
        data.source, data, schema, MAX_ROWS, with_target=True, any_suffix=True
    ):
        if rows >= MAX_ROWS:
            return pd.concat(parts, ignore_index=True).head(MAX_ROWS), False
        formed = part[part["malformed"].isna()]
        parts.append(formed)
        rows += len(formed)
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), True

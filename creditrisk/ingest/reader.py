"""What all readers have in common: which columns are wanted, and what was found."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pandas as pd

from creditrisk.ingest.header import BY_FORM, all_columns, find_columns
from creditrisk.ingest.params import DataParams
from creditrisk.schema import Column, Schema


class Reader:
    """Reads a file of one form in batches.

    Iterating yields frames: `row_id` (int64, from 1), `line` (int64: the physical line on which the
    record starts, or the number of the row in Parquet or in a sheet), `malformed` (text, missing
    for a well-formed row), then the columns as text, missing in a malformed row. A file without
    rows yields none. Where new applicants have a column `row_id` of their own, its text takes the
    place of the numbers.

    Args:
        stream: the bytes of the file.
        name: of the file, for an error.
        data: how it is written.
        schema: names the columns to keep; None keeps all of them.
        size: rows per batch; a batch with very long rows has fewer.
        with_target: whether the target column is wanted too.

    Attributes:
        header: the column names, once the first batch was read.
        columns: the names of the columns that are kept, and their position in the header.
        blank_lines: number of lines, or rows of a sheet, without any text behind the header so far;
            they are no records.
        moments: without a schema, the columns in which a date or time was written out in full.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        data: DataParams,
        schema: Schema | None,
        size: int,
        with_target: bool,
    ):
        self.stream, self.name, self.data, self.schema = stream, name, data, schema
        self.size, self.with_target = size, with_target
        self.header: list[str] = []
        self.columns: dict[str, int] = {}
        self.blank_lines = 0
        self.moments: set[str] = set()

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the batches.

        Raises:
            InputError: the file can't be read, or its columns are not those of the schema.
        """
        raise NotImplementedError

    def take_header(
        self,
        header: Sequence[str],
        location: str,
        delimiter: str | None = None,
        names_from: str = BY_FORM,
    ) -> None:
        """Keep the names of the file's columns, and find those that are wanted.

        Args:
            header: the names.
            location: where they stand, for an error.
            delimiter: at which they were cut; None if they were not.
            names_from: what gives the names, see `header.find_columns`.

        Raises:
            InputError: a column is missing or appears twice.
        """
        self.header = list(header)
        if self.schema is None:
            self.columns = all_columns(self.name, header, location, names_from)
        else:
            self.columns = find_columns(
                self.name, header, self.schema, delimiter, self.with_target, location, names_from
            )

    def contract(self, name: str) -> Column | None:
        """Return what the schema says of a column; None for one that it does not describe."""
        if self.schema is None:
            return None
        target = self.schema.target
        if name == target.column:
            codes = [*target.good, *target.bad, *target.exclude]
            return Column.model_construct(
                name=name, kind="nominal", levels={code: code for code in codes}
            )
        return self.schema.columns.get(name)

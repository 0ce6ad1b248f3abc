"""Applicants from Parquet, a batch of rows at a time, as the text that a CSV would have."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.dates import date_form
from creditrisk.ingest.parquet_types import (
    as_text,
    check_type,
    is_temporal,
    is_text,
    lengths,
    only_used,
    to_series,
)
from creditrisk.ingest.reader import Reader
from creditrisk.ingest.rows import batch_frame, too_long
from creditrisk.schema import Column

ARRAY_BYTES = 2_000  # that an Arrow array takes besides its values
Texts = dict[str, pa.Array]  # the columns of a batch, from `as_text`


class ParquetReader(Reader):
    """Reads a Parquet file in batches, see `Reader`.

    The stream may be at any place. A dictionary in the place of numbers or levels stays one: such a
    column has categories of text.
    """

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the batches.

        Raises:
            InputError: the file is no Parquet; a column is missing, appears twice or has a type
                that is not read; or a row group is too large.
        """
        try:
            file, wanted = self._open()
            contracts = {name: self.contract(name) for name in wanted}
            first = 1
            for cells in _join(self._batches(file, wanted, contracts), self.size):
                count = len(cells[next(iter(cells))])
                yield from _frames(first, count, cells, contracts)
                first += count
        except (pa.ArrowException, OSError) as error:
            # The text may quote a value.
            problem, hint = f"not Parquet: {error}", "Write the file again."
            raise InputError(self.name, "file", problem, hint, quotes_data=True) from None

    def _open(self) -> tuple[pq.ParquetFile, dict[str, str]]:
        """Return the file, and the wanted columns with their names in it."""
        opened = pq.ParquetFile(self.stream)
        schema = opened.schema_arrow
        self.take_header(schema.names, "columns")
        kinds = {name: schema.field(place).type for name, place in self.columns.items()}
        for name, kind in kinds.items():
            is_date = date_form(self.contract(name), self.schema is None) is not None
            check_type(self.name, name, kind, is_date)
            if self.schema is None and is_temporal(kind):
                self.moments.add(name)
        wanted = {name: schema.names[place] for name, place in self.columns.items()}
        texts = [wanted[name] for name, kind in kinds.items() if is_text(kind)]
        # A dictionary of texts is not made into as many texts as there are rows.
        file = pq.ParquetFile(self.stream, metadata=opened.metadata, read_dictionary=texts)
        return file, wanted

    def _batches(
        self,
        file: pq.ParquetFile,
        wanted: dict[str, str],
        contracts: dict[str, Column | None],
    ) -> Iterator[Texts]:
        """Yield the texts of each batch; none of them goes beyond a row group."""
        decimal = self.data.decimal
        forms = {
            name: date_form(contract, self.schema is None) for name, contract in contracts.items()
        }
        for group in range(file.num_row_groups):
            rows = _rows_at_once(self.name, file.metadata.row_group(group), wanted, group)
            here = min(self.size, rows)
            for batch in file.iter_batches(here, [group], [*wanted.values()], use_threads=False):
                yield {
                    name: as_text(batch[column], decimal, contracts[name], forms[name])
                    for name, column in wanted.items()
                }


def _join(batches: Iterator[Texts], size: int) -> Iterator[Texts]:
    """Join small batches up to `size` rows: a file of tiny row groups is not scored row by row."""
    held: list[Texts] = []
    rows = held_bytes = 0
    for batch in batches:
        count = len(batch[next(iter(batch))])
        if held and (rows + count > size or held_bytes > limits.BATCH_CHARACTERS):
            yield _combine(held)
            held, rows, held_bytes = [], 0, 0
        held.append(batch)
        rows += count
        held_bytes += sum(ARRAY_BYTES + column.nbytes for column in batch.values())
    if held:
        yield _combine(held)


def _combine(batches: list[Texts]) -> Texts:
    if len(batches) == 1:
        return batches[0]
    columns = {name: pa.chunked_array([b[name] for b in batches]) for name in batches[0]}
    return {name: c.unify_dictionaries().combine_chunks() for name, c in columns.items()}


def _rows_at_once(
    file: str, group: pq.RowGroupMetaData, wanted: dict[str, str], number: int
) -> int:
    """Return how many rows of a row group have about as many bytes as a batch may have.

    Raises:
        InputError: the wanted columns take much more memory than they take in the file.
    """
    names = set(wanted.values())
    chunks = [group.column(i) for i in range(group.num_columns)]
    chunks = [chunk for chunk in chunks if chunk.path_in_schema in names]
    size = sum(chunk.total_uncompressed_size for chunk in chunks)
    limit = max(
        limits.ROW_GROUP_BYTES, limits.MAX_EXPANSION * sum(c.total_compressed_size for c in chunks)
    )
    if size > limit:
        problem = f"{size / 2**20:,.0f} MiB, at most {limit / 2**20:,.0f} MiB are read at once"
        hint = "Write the file with smaller row groups, or without such long texts."
        raise InputError(file, f"row group {number + 1}", problem, hint)
    return max(1, limits.BATCH_CHARACTERS * group.num_rows // max(1, size))


def _frames(
    first: int, count: int, cells: Texts, contracts: dict[str, Column | None]
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a batch, in parts whose texts are not longer than those of a CSV batch."""
    faults: dict[int, str] = {}
    characters = np.zeros(count, dtype=np.int64)
    repeat = {name: _is_free(contracts[name]) for name in cells}
    for name, column in cells.items():
        counts = lengths(column).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(counts > limits.MAX_CELL):
            faults.setdefault(int(row), f"row {first + row}: {too_long(name)}")
        if repeat[name] or not pa.types.is_dictionary(column.type):
            characters += np.minimum(counts, limits.MAX_CELL)
    formed = np.ones(count, dtype=bool)
    formed[list(faults)] = False
    if faults:
        keep = pa.array(formed)
        cells = {name: _without(column, keep) for name, column in cells.items()}
    part = np.cumsum(characters * formed) // limits.BATCH_CHARACTERS
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), count]
    for start, end in pairwise(edges):
        if start == end:
            continue
        yield batch_frame(
            first + start,
            range(first + start, first + end),
            {
                name: to_series(column.slice(start, end - start), repeat[name])
                for name, column in cells.items()
            },
            {row - start: fault for row, fault in faults.items() if start <= row < end},
        )


def _is_free(contract: Column | None) -> bool:
    """Whether a column's texts come out as they are; otherwise they become numbers or levels."""
    return contract is None or (contract.kind != "numeric" and not contract.levels)


def _without(column: pa.Array, keep: pa.Array) -> pa.Array:
    """Empty the cells of malformed rows."""
    if pa.types.is_dictionary(column.type):
        indices = pc.if_else(keep, column.indices, None)
        return only_used(pa.DictionaryArray.from_arrays(indices, column.dictionary))
    return pc.if_else(keep, column, None)

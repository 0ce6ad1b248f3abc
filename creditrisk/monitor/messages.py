"""One message of a stream: an applicant as a JSON object."""

import json
from typing import Any, NamedTuple

from creditrisk.core.text import fold
from creditrisk.ingest.rows import ROW_ID, truth_words
from creditrisk.schema import Column, Schema
from creditrisk.score.applicants import BadApplicant, Names, checked


class Applicant(NamedTuple):
    """What a message holds.

    Attributes:
        names: as they stand in it.
        cells: the texts of the columns by their names in the source; one that is left out is empty.
        outcome: the text of the outcome, None if it is not known.
        row_id: the sender's own number of the row, if there is one.
    """

    names: list[str]
    cells: dict[str, str | None]
    outcome: str | None
    row_id: str | None


class _Number(str):
    """A number, as it is written."""


class _Object(list[tuple[str, Any]]):
    """The keys and values of an object, so that a repeated key is seen."""


class Messages:
    """Reads messages.

    Args:
        schema: of the applicants.
        decimal: the decimal sign of the texts.
    """

    def __init__(self, schema: Schema, decimal: str):
        self.names, self.decimal, self.columns = Names(schema), decimal, schema.columns
        self.target = fold(schema.target.column)
        target = schema.target
        codes = [*target.good, *target.bad, *target.exclude]
        self.outcome = Column.model_construct(
            name=target.column, kind="nominal", levels={code: code for code in codes}
        )
        self.plain = Column.model_construct(name=ROW_ID, kind="id")

    def read(self, message: bytes) -> Applicant:
        """Read a message.

        Raises:
            ValueError: it is no applicant; says why, without a cell.
        """
        pairs = _parse(message)
        beside: dict[str, str | None] = {}
        cells = []
        for key, value in pairs:
            folded = fold(key) if len(key) <= 1000 else key
            if folded not in (self.target, ROW_ID):
                cells.append((key, value))
            elif folded in beside:
                raise ValueError(f"the name {folded} stands twice")
            else:
                column = self.outcome if folded == self.target else self.plain
                beside[folded] = self._text(value, column)
        if not cells:
            raise ValueError("an object without a cell of an applicant")
        try:
            sources = self.names.find(tuple(key for key, _ in cells))
        except BadApplicant as error:
            raise ValueError(f"{error.name[:60]!r}: {error.problem}") from None
        texts = {
            source: self._text(value, self.columns[source])
            for source, (_, value) in zip(sources, cells, strict=True)
        }
        names = [key for key, _ in pairs]
        return Applicant(names, texts, beside.get(self.target), beside.get(ROW_ID))

    def _text(self, value: Any, column: Column) -> str | None:
        if value is None:
            return None
        if isinstance(value, _Number):
            value = value.replace(".", self.decimal)
        if isinstance(value, bool):
            return truth_words(column)[value]
        if not isinstance(value, str):
            raise ValueError(f"{column.name} is a list or an object")
        try:
            return checked(value)
        except ValueError:
            raise ValueError(f"the text of {column.name} is too long, or not Unicode") from None


def _parse(message: bytes) -> _Object:
    try:
        tree = json.loads(
            message.decode(),
            object_pairs_hook=_Object,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_Number,
        )
    except (ValueError, RecursionError):  # the text of the error could quote the message
        raise ValueError("not a JSON object") from None
    if not isinstance(tree, _Object):
        raise ValueError("not a JSON object")
    return tree

"""The block `data`: where the applicants are and how their file is written."""

import codecs
from typing import Literal

from pydantic import Field, field_validator, model_validator

from creditrisk.core.params import Strict

NO_ENCODINGS = (
    "idna", "punycode", "undefined", "unicode-escape", "unicode_escape", "raw-unicode-escape",
    "raw_unicode_escape", "mbcs", "oem",
)  # fmt: skip
DELIMITERS = (",", ";", "\t", "|", " ")


class DataParams(Strict):
    """The block `data`: where the applicants are and how their file is written.

    Attributes:
        source: the file to train on.
        schema_: the schema file.
        encoding: of a CSV.
        delimiter: of a CSV.
        decimal: the decimal sign of numbers in text.
        thousands: the sign between groups of digits, may be empty.
        header: whether the first record of a CSV or of a sheet holds the names of the columns. If
            there are `none`, their names are their positions: 1, 2, ...
        sheet: of a workbook; None for the first one that is shown.
        rejected: a file of refused applicants without outcomes, or a folder with one or none.
    """

    source: str
    schema_: str = Field(alias="schema")
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ","
    header: Literal["first", "none"] = "first"
    sheet: str | None = None
    rejected: str = "data/refused"

    @field_validator("encoding")
    @classmethod
    def _of_text(cls, value: str) -> str:
        try:
            found = codecs.lookup(value)
        except (LookupError, ValueError):
            found = None
        # Some codecs of Python are no way to write a file: they compress, or read escapes in cells.
        if found is None or not found._is_text_encoding or found.name in NO_ENCODINGS:
            raise ValueError("unknown encoding; name one of text, such as utf-8 or latin-1")
        return value

    @field_validator("delimiter", "decimal")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if len(value) != 1 or value in '"\r\n\0':
            raise ValueError('one character, not a quote or a line break (a tab is "\\t")')
        return value

    @field_validator("thousands")
    @classmethod
    def _at_most_one(cls, value: str) -> str:
        if len(value) > 1:
            raise ValueError("one character, or none")
        return value

    @model_validator(mode="after")
    def _tellable(self) -> "DataParams":
        # With one sign for both, 12,5 would silently be read as 125.
        if self.decimal == self.thousands:
            raise ValueError("data.decimal and data.thousands are the same; set one of them")
        for sign in (self.decimal, self.thousands):
            if sign.isalnum() or sign in ("+", "-"):
                raise ValueError(f"{sign!r} can't separate digits")
        return self

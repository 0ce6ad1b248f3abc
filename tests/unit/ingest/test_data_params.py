"""How a file is written: what no file is, is refused before one is opened."""

import pytest
from pydantic import ValidationError

from creditrisk.ingest.params import DataParams


@pytest.mark.parametrize(
    "name", ["utf-8", "UTF8", "latin-1", "cp1252", "utf-16", "cp037", "gb18030"]
)
def test_encodings_of_text_are_taken(name):
    assert DataParams(source="x", schema_="y", encoding=name).encoding == name


@pytest.mark.parametrize(
    "name",
    ["rot13", "zip", "hex", "base64", "idna", "punycode", "unicode_escape", "raw_unicode_escape",
     "undefined", "utf-99", "", "a\0b"],
)  # fmt: skip
def test_codecs_that_are_no_encoding_of_a_file_are_refused(name):
    with pytest.raises(ValidationError, match="unknown encoding"):
        DataParams(source="x", schema_="y", encoding=name)


def test_no_delimiter_that_no_file_has():
    with pytest.raises(ValidationError, match="one character"):
        DataParams(source="x", schema_="y", delimiter="\0")


def test_what_old_parameters_do_not_say_has_a_default():
    data = DataParams(source="x", schema_="y")
    assert (data.header, data.sheet) == ("first", None)
    with pytest.raises(ValidationError, match="'first' or 'none'"):
        DataParams(source="x", schema_="y", header="no")

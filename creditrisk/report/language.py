"""The two languages of the report: a sentence that both have is made once and written twice."""

from collections.abc import Callable
from dataclasses import dataclass

from creditrisk.core.escape import markdown


@dataclass(frozen=True)
class Language:
    """How to write into a sentence of ours what is not our own words.

    Attributes:
        data: writes text of the data, the schema or the parameters.
        link: writes a link, from its words and its address.
    """

    data: Callable[[object], str]
    link: Callable[[str, str], str]


MARKDOWN = Language(markdown, lambda words, address: f"[{words}]({address})")
# For the page: its templates escape the whole sentence.
PLAIN = Language(str, lambda words, address: words)

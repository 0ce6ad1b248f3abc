"""The sentences of the report and of the model card: one catalogue per language.

    words = load_words("es")
    words("verdict.cost", cost="0.415", unit="")

A catalogue is `texts/LANGUAGE.yaml`: a tree of texts whose `{names}` are filled with numbers and
names that are formatted before, so that every language shows the same ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from creditrisk.core.params import Strict
from creditrisk.core.yaml_text import parse_yaml

LanguageCode = Literal["en", "es"]
LANGUAGES: tuple[str, ...] = get_args(LanguageCode)
TEXTS = Path(__file__).parent / "texts"


class ReportParams(Strict):
    """The block `report`.

    Attributes:
        language: of the report and the model card: `en` or `es`.
    """

    language: LanguageCode = "en"


@dataclass(frozen=True)
class Words:
    """The texts of one language.

    Attributes:
        language: its code, as in HTML's `lang`.
        texts: dotted key to text.
    """

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with its names filled in.

        Args:
            key: where the text is in the catalogue, such as `verdict.cost`.
            values: texts, or numbers that are formatted already.

        Raises:
            KeyError: there is no such text, or it needs a value that is not given: a bug.
        """
        return self.texts[key].format(**values)

    def number(self, value: float | None, form: str = ".3f") -> str:
        """Format a number that may be missing."""
        missing = value is None or value != value  # a NaN is not equal to itself
        return self("common.unknown") if missing else format(value, form)

    def span(self, ends: Sequence[float | None], form: str = ".3f") -> str:
        """Format an interval, given as its low and high end."""
        low, high = (self.number(end, form) for end in ends)
        return self("common.span", low=low, high=high)

    def cost(self, value: float | None, unit: str = "") -> str:
        """Format a cost a head: three decimals, fewer from 10 on, none from 100 on."""
        size = abs(value or 0)
        form = ",.0f" if size >= 100 else ",.1f" if size >= 10 else ",.3f"
        return f"{self.number(value, form)} {unit}".strip()

    def cost_span(self, ends: Sequence[float | None]) -> str:
        """Format the interval of a cost a head."""
        low, high = map(self.cost, ends)
        return self("common.span", low=low, high=high)

    def listed(self, texts: Sequence[str]) -> str:
        """Write texts as a list in a sentence: `a, b and c`."""
        if len(texts) < 2:
            return "".join(texts)
        return self("common.list", first=", ".join(texts[:-1]), last=texts[-1])


@cache
def load_words(language: str = "en") -> Words:
    """Read the catalogue of a language, one of `LANGUAGES`."""
    path = TEXTS / f"{language}.yaml"
    return Words(language, dict(_flat(parse_yaml(path.read_bytes(), path))))


def _flat(tree: Mapping[str, object], start: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{start}{key}.")
        else:
            found.append((f"{start}{key}", str(value).strip()))
    return found

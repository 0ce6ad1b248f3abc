"""Every number on the report is one of the run's files, in both languages."""

import json
import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from tests.support.project import Project

FORMS = (".0f", ".1f", ".2f", ".3f", ".4f", ".6f", ",.0f", ",.1f", ",.3f", ".0%", ".1%", ".2%",
         ",d", "g", ".4g", ".6g")  # fmt: skip
# What the description of the champion says that a page may show.
DESCRIBED = ("params", "threshold", "training_rows", "referral", "scorecard", "adjustments")
# No results: years, articles of a law, versions, and the rounds of the bootstrap.
FIXED = re.compile(
    r"\b(?:19|20)\d\d(?:/\d+)?\b|5\(b\)|F1|SHA-256|[0-9a-f]{64}|^\d+(?:\.\d+){2,}$|Paper 14|"
    r"\b(?:Working Paper|documento de trabajo) ?\(?(?:n.\s*)?14\b"
)
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?%?(?!\w)")


def numbers(tree):
    """All numbers in a JSON tree."""
    if isinstance(tree, dict):
        return [n for value in tree.values() for n in numbers(value)]
    if isinstance(tree, list):
        return [n for value in tree for n in numbers(value)]
    return [tree] if isinstance(tree, int | float) and not isinstance(tree, bool) else []


def known_numbers(folder: Path) -> set[str]:
    """All ways in which the page may write a number of metrics/, plots/ or the description."""
    described = json.loads((folder / "models/champion.json").read_text())
    values = numbers({name: described[name] for name in DESCRIBED})
    for path in folder.glob("metrics/**/*.json"):
        values += numbers(json.loads(path.read_text()))
    for path in folder.glob("plots/*.csv"):
        if path.stem != "monitor":
            table = pd.read_csv(path).select_dtypes("number")
            values += [value for name in table for value in table[name].dropna()]
    texts = set()
    for value in map(float, values):
        texts |= {format(value, form) for form in FORMS if form != ",d"}
        texts |= {format(int(value), ",d")} if value.is_integer() else set()
    return texts


def lines(html: str) -> list[str]:
    """The texts of the page, cell by cell and paragraph by paragraph."""
    body = re.sub(r"<(script|style).*?</\1>", " ", html[html.index("<body") :], flags=re.DOTALL)
    parts = re.split(r"</(?:p|td|th|li|dt|dd|h\d|summary|figcaption|div)>", body)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split()) for part in parts]


@pytest.fixture(scope="module")
def spanish(built, tmp_path_factory) -> Project:
    """The same run, with the report in Spanish."""
    project = built.copy(tmp_path_factory.mktemp("es") / "p")
    project.params({"report": {"language": "es"}})
    done = project.dvc("repro", "evaluate")
    assert done.ran == ["evaluate"]
    return project


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_number_on_the_report_is_in_the_files(language, request):
    project = request.getfixturevalue("built" if language == "en" else "spanish")
    html = (project.folder / "plots/report.html").read_text()
    assert f'<html lang="{language}"' in html
    known, found, strangers = known_numbers(project.folder), 0, []
    words = (project.folder / f"creditrisk/report/texts/{language}.yaml").read_text()
    fixed = set(NUMBER.findall(words))  # limits and levels that a sentence itself names
    for line in lines(html):
        here = NUMBER.findall(FIXED.sub(" ", line))
        found += len(here)
        strangers += [
            (number, line[:120])
            for number in here
            if not {number.rstrip(","), number.lstrip("-").rstrip(",")} & (known | fixed)
        ]
    assert found > 2000
    assert strangers == []

"""The catalogues: the same texts in each language, all used, and nothing left in English."""

import ast
import re
from dataclasses import replace
from functools import cache
from string import Formatter

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.groups import MISSING, _labels
from creditrisk.champion.scorecard import OTHER, _interval
from creditrisk.metrics.leakage import leakage_warning
from creditrisk.metrics.performance import METRICS
from creditrisk.report import made
from creditrisk.report.card import model_card
from creditrisk.report.page import build_page
from creditrisk.report.words import LANGUAGES, Words, load_words
from creditrisk.schema import Column
from tests.support.project import ROOT
from tests.support.report_results import in_language, inputs, words_of
from tests.support.report_shapes import SHAPES, shape

EN, ES = (load_words(language) for language in ("en", "es"))
# Where a text of the catalogue may be asked for.
CODE = [
    *sorted((ROOT / "creditrisk/report").glob("*.py")),
    *sorted((ROOT / "creditrisk/workflow").rglob("*.py")),
]
# Sections whose texts a page and a card of the shapes use, all of them.
OWN = ("common", "made", "metrics", "page", "headline", "verdict", "data", "selection", "results",
       "ranking", "stability", "probabilities", "decisions", "referral", "importance", "scorecard",
       "use", "making", "figures", "card")  # fmt: skip


def names_in(text):
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@cache
def trees():
    return [ast.parse(path.read_text(encoding="utf-8")) for path in CODE]


def pattern(node):
    """What a text or an f-string of the code can be; None if it is neither."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            re.escape(part.value) if isinstance(part, ast.Constant) else "[a-z0-9_.]+"
            for part in ast.iter_child_nodes(node)
        )
    return None


def calls():
    """The calls of a catalogue with a text or an f-string: the pattern of the key and the call."""
    for tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            keys = node.args[0]
            options = [keys.body, keys.orelse] if isinstance(keys, ast.IfExp) else [keys]
            for one in options:
                if name == "words" and pattern(one):
                    yield pattern(one), node


def test_both_languages_have_the_same_texts_with_the_same_names():
    assert list(EN.texts) == list(ES.texts)
    for key, text in EN.texts.items():
        assert names_in(text) == names_in(ES.texts[key]), key
        assert text, key
        assert ES.texts[key], key


def test_the_metrics_are_called_what_the_code_calls_them():
    for name, metric in METRICS.items():
        assert EN(f"metrics.{name}.label") == metric.label
        assert EN(f"metrics.{name}.meaning") == metric.meaning


def test_every_text_that_the_code_asks_for_is_there_with_its_names():
    found = list(calls())
    assert len(found) > 200
    for asked, call in found:
        keys = [key for key in EN.texts if re.fullmatch(asked, key)]
        assert keys, asked
        given = {keyword.arg for keyword in call.keywords}
        if None not in given and len(keys) == 1:  # no **values
            assert names_in(EN.texts[keys[0]]) <= given, asked


def test_the_code_asks_for_every_text():
    asked = {pattern(node) for tree in trees() for node in ast.walk(tree)} - {None}
    literal = {text for text in asked if re.match(r"[a-z]", text) and r"\." in text}
    whole = re.compile("|".join(sorted(literal)))
    tables = tuple(f"{text}.".replace("\\", "") for text in literal if "[" not in text)
    unused = [k for k in EN.texts if not whole.fullmatch(k) and not k.startswith(tables)]
    assert unused == []


class Recorder(dict):
    """A catalogue that remembers what it was asked for."""

    def __init__(self, texts, asked):
        super().__init__(texts)
        self.asked = asked

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)


@pytest.mark.slow
def test_pages_and_cards_of_all_shapes_use_every_text_and_the_spanish_ones_no_english():
    whole, asked = inputs()[0], set()
    recorded = Words("es", Recorder(ES.texts, asked))
    english = {
        part.strip()
        for key, text in EN.texts.items()
        for part in re.split(r"\{\w+\}|:", text)
        if len(part.strip()) > 20 and part.strip() not in ES.texts[key]
    }
    assert len(english) > 200
    for name in SHAPES:
        given = replace(shape(name, whole), words=recorded)
        page = build_page(given)
        told = words_of(page.html()) + " ".join(model_card(given).split())
        left = sorted(text for text in english if text in told)
        assert left == [], name
    warned = {made.warning(text, recorded) for text in warnings()}
    assert all(text.startswith("ADVERTENCIA") for text in warned)
    for group in (*_labels([1.5, 2, 3]), *_labels([25]), _interval(1.0, np.inf)):
        made.label(group, None, recorded)
    # Of a column that the schema neither describes nor lists the levels of.
    for kind in ("numeric", "nominal", "ordinal"):
        recorded(f"made.kinds.{kind}")
    own = {key for key in EN.texts if key.split(".")[0] in OWN}
    assert sorted(own - asked) == []


@pytest.mark.slow
def test_numbers_are_the_same_in_both_languages():
    given = inputs()[0]
    for write in (lambda d: words_of(build_page(d).html()), model_card):
        found = [
            sorted(re.findall(r"\d[\d,]*\.\d+%?", write(in_language(given, language))))
            for language in LANGUAGES
        ]
        assert found[0] == found[1]
        assert len(found[0]) > 150


@pytest.mark.slow
def test_the_page_says_its_language_and_its_own_words_in_it():
    html = build_page(in_language(inputs()[0], "es")).html()
    assert '<html lang="es">' in html
    assert "(3 renglones)</summary>" in html
    assert 'id="eleccion-del-modelo-campeon"' in html
    assert " rows)" not in html[html.index("<body>") :]


def warnings():
    """Both warnings of target leakage, as evaluate makes them."""
    frame = pd.DataFrame({"a": [0.0, 1.0] * 20, "bad": [0, 1] * 20})
    return [leakage_warning(auc, frame, ["a"], "the test") for auc in (0.4, 0.99)]


def test_warnings_are_said_with_their_numbers_and_names():
    low, high = (made.warning(text, ES) for text in warnings())
    assert "0.4000" in low
    assert "peor que el azar" in low
    assert "0.9900" in high
    assert "a 1.0000. ¿Se conocen" in high
    assert [made.warning(text, EN) for text in warnings()] == warnings()


@pytest.mark.parametrize(
    ("made_in_english", "spanish"),
    [
        ("under 25", "menos de 25"), ("25 to under 40", "25 a menos de 40"),
        ("25 to 60", "25 a 60"),
        ("over 60", "más de 60"), ("from -1.5", "-1.5 o más"),
        ("from 9 to under 16", "de 9 a menos de 16"), (MISSING, "sin dato"),
    ],
)  # fmt: skip
def test_labels_of_groups_and_bins_are_said_in_the_language(made_in_english, spanish):
    number = Column(name="age", kind="numeric")
    assert made.label(made_in_english, number, ES) == spanish
    assert made.label(made_in_english, number, EN) == made_in_english


def test_labels_of_the_schema_stay_as_they_are():
    levels = {"1": "under 25", "2": MISSING}
    column = Column(name="age", kind="ordinal", levels=levels)
    assert [made.label(text, column, ES) for text in levels.values()] == list(levels.values())
    code = Column(name="age", kind="numeric", special={"-9": "over 60"})
    assert made.label("over 60", code, ES) == "over 60"
    assert made.label(OTHER, column, ES) == "cualquier otro nivel"
    assert made.label("12 rare levels", column, ES) == "12 niveles poco frecuentes"

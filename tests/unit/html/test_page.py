"""The page toolkit: one file, nothing from outside, the same bytes, everything escaped."""

import re

import pandas as pd
import plotly.graph_objects as go
import pytest

from creditrisk.html.page import Page, bullets, facts, figure, label, styled, table, text
from tests.support.browser import needs_chromium, open_page

EVIL = '<img src=x onerror="document.title=1"></script><b>&amp; "q"'


def bar(name="level"):
    chart = go.Figure(go.Bar(x=[1, 2], y=[0, 1], orientation="h", name=label(name)))
    chart.update_yaxes(tickvals=[0, 1], ticktext=[label(name), "other"])
    return styled(chart, x=name, y=name)


def page(words="words", charts=2):
    frame = pd.DataFrame({words: [words, None], "n": [1, 2], "x": [0.5, float("nan")]})
    made = Page(words, words)
    made.section(words, text(words), bullets([words]), facts({words: words}), table(frame, words))
    made.section(words, *(figure(bar(words), words, words) for _ in range(charts)))
    return made


def body(html):
    return html[html.index("<body>") :]


def test_same_inputs_give_the_same_bytes():
    assert page().html() == page().html()


def test_plotly_stands_in_the_page_once_however_many_charts():
    one, three = page(charts=1).html(), page(charts=3).html()
    assert three.count("* plotly.js v") == one.count("* plotly.js v") == 1
    assert len(three) - len(one) < 10_000
    assert "plotly.js v" not in page(charts=0).html()


def test_charts_have_counted_ids():
    assert re.findall(r'<div id="([^"]+)" class="plotly', page(charts=3).html()) == [
        "figure-1",
        "figure-2",
        "figure-3",
    ]


def test_texts_are_escaped_wherever_they_stand():
    html = page(EVIL).html()
    assert "<img" not in body(html)
    assert "<b>" not in body(html)
    assert f"<title>{EVIL}" not in html
    assert body(html).count("<script") == body(html).count("</script>") == 4


def test_nothing_is_loaded_from_outside():
    html = page().html()
    markup = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="([^#"][^"]*)"', markup) == ["data:,"]
    assert "default-src 'none'" in markup
    assert not re.findall(r"<script[^>]+src", html)


def test_table_aligns_numbers_and_shows_a_missing_cell_as_a_dash():
    frame = pd.DataFrame({"level": ["a", None], "rows": [12345, 6], "rate": [0.25, float("nan")]})
    html = table(frame, formats={"rate": ".1%"}).html
    assert '<td>a</td><td class="n">12,345</td><td class="n">25.0%</td>' in html
    assert html.count("\N{EN DASH}") == 2


def test_long_table_is_collapsed_and_says_what_it_leaves_out():
    html = table(pd.DataFrame({"n": range(100)}), "Numbers", limit=20).html
    assert html.startswith("<details><summary>Numbers (20 rows)")
    assert "The first 20 of 100 rows." in html
    assert html.count("<tr>") == 21


def test_headings_that_are_equal_get_anchors_that_are_not():
    html = Page("t").section("A b", text("1")).section("a B", text("2")).html()
    assert '<section id="a-b">' in html
    assert '<section id="a-b-2">' in html


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("from 200 DM, or salary for a year", "from 200 DM, or salary<br>for a year"),
        ("<i>a</i> & b", "&lt;i&gt;a&lt;/i&gt; &amp; b"),
        ("$5 to $9", "&#36;5 to &#36;9"),
        ("", "(blank)"),
    ],
)  # fmt: skip
def test_label_wraps_and_escapes(given, shown):
    assert label(given) == shown


def test_label_of_any_length_takes_at_most_three_lines():
    for long in ("word " * 100, "x" * 500):
        assert len(label(long).split("<br>")) <= 3


@needs_chromium
@pytest.mark.parametrize("width", [1200, 400])
def test_page_opens_without_a_network_and_draws_every_chart(tmp_path, width):
    path = tmp_path / "page.html"
    path.write_text(page(EVIL).html(), encoding="utf-8")
    opened = open_page(path, tmp_path / "profile", width)
    assert opened.console == []
    assert opened.charts == 2
    assert "<title>&lt;img" in opened.dom


@needs_chromium
def test_page_forbids_what_would_leave_it(tmp_path):
    path = tmp_path / "page.html"
    html = page().html().replace("<main>", '<main><img src="http://127.0.0.1:9/a.png">')
    path.write_text(html, encoding="utf-8")
    opened = open_page(path, tmp_path / "profile")
    assert any("Content Security Policy" in line for line in opened.console)


@needs_chromium
def test_a_script_that_is_not_ours_does_not_run_and_ours_do(tmp_path):
    planted = "<script>document.title = 'ran'</script><img src=x onerror='document.title = 1'>"
    html = page(charts=2).html().replace("</header>", f"</header>{planted}")
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    opened = open_page(tmp_path / "page.html", tmp_path / "profile")
    assert "<title>words</title>" in opened.dom
    assert opened.charts == 2
    refused = [line for line in opened.console if "violates the following Content" in line]
    assert len(refused) >= 2, opened.console
    assert "'unsafe-inline'" not in re.findall(r"script-src ([^;]*);", html)[0]


def test_a_page_says_its_language_and_its_own_words_in_it():
    frame = pd.DataFrame({"n": range(100), "paid": [True, False] * 50})
    made = Page("Título", language="es").section("Métricas y puntos", table(frame, limit=20))
    html = made.html()
    assert '<html lang="es">' in html
    assert "<summary>Tabla (20 renglones)</summary>" in html
    assert "Los primeros 20 de 100 renglones." in html
    assert "<td>sí</td>" in html.replace(' class="n"', "")
    assert '<section id="metricas-y-puntos">' in html
    english = Page("Title").section("Metrics", table(frame, limit=20)).html()
    assert '<html lang="en">' in english
    assert "<summary>Table (20 rows)</summary>" in english
    assert "<td>yes</td>" in english.replace(' class="n"', "")

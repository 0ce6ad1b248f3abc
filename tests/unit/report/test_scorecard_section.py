"""The section on the scorecard: what it shows is the table, what it says is in the metrics."""

import re
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest

from creditrisk.champion.scorecard import exact_edges, scorecard
from creditrisk.core.files import read_csv, write_csv
from creditrisk.html.page import Figure, Page
from creditrisk.metrics.costs import DecisionParams
from creditrisk.report.bin_figures import MOST_LINES, bin_chart
from creditrisk.report.data import ReportData
from creditrisk.report.scorecard import CHARTS, charted, points
from creditrisk.report.words import load_words
from tests.support import cards
from tests.support.champions import described

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The report's data of the default scorecard, its table read from the file."""
    of = cards.default()
    card = of.card()
    lines = scorecard(of.model, of.train, of.all_features, of.schema, card.scale)
    path = tmp_path_factory.mktemp("points") / "scorecard.csv"
    write_csv(exact_edges(lines.assign(algorithm="scorecard")), path)
    return ReportData(
        metrics={}, selected={"scorecard": card.summary()}, prepared={}, ingested={},
        champion=described("scorecard"), board=pd.DataFrame(), curves={},
        decision=DecisionParams(cost_bad_accepted=5, cost_good_rejected=1, threshold="theory"),
        points=read_csv(path),
    )  # fmt: skip


def said(data):
    html = Page("t").section("s", *points(data)).html()
    return unescape(" ".join(re.sub("<[^>]+>", " ", html).split()))


def charts(data):
    return [block for block in points(data) if isinstance(block, Figure)]


def test_the_numbers_are_those_of_the_card(data):
    found = data.selected["scorecard"]
    words = said(data)
    assert f"A score above {found['cutoff_points']:,.2f} is accepted" in words
    assert "rounded to whole numbers. In 800 training rows" in words
    assert f"by {found['largest_points']:.2f} at most and by {found['mean_points']:.2f}" in words
    assert f"the PD by {found['largest_pd']:.2%} at most" in words
    assert f"the decision of {found['decisions_changed']}." in words
    assert found["decisions_changed"] > 0
    two = replace(data, selected={"scorecard": found | {"digits": 2}})
    assert "rounded to 2 decimals" in said(two)
    exact = replace(data, selected={"scorecard": found | {"digits": None}})
    assert "The points are not rounded." in said(exact)
    assert "A score above" not in said(replace(data, selected={}))


def test_charts_are_of_the_variables_that_move_the_score_most(data):
    names = charted(data.points)
    spread = data.points.groupby("variable")["points"].agg(lambda own: own.max() - own.min())
    assert len(names) == CHARTS
    assert spread[names].is_monotonic_decreasing
    assert spread[names].min() >= spread.drop(names).max()
    titles = [chart.title for chart in charts(data)]
    assert [title.split(":")[0] for title in titles] == [
        f"Bins of {name.replace('_', ' ')}" for name in names
    ]
    assert f"The other {data.points['variable'].nunique() - CHARTS} variables" in said(data)


def test_a_chart_shows_the_lines_with_missing_and_without_levels_that_nobody_has(data):
    status = next(c.chart for c in charts(data) if c.title.startswith("Bins of status"))
    lines = data.points[(data.points["variable"] == "status") & (data.points["kind"] != "other")]
    bars, rates = status.data
    assert list(bars.x) == lines["rows"].to_list()
    assert list(bars.customdata) == [f"{value:.0f}" for value in lines["points"]]
    known = lines[lines["bad_rate"].notna()]
    assert list(rates.x) == known["bad_rate"].to_list()
    assert list(rates.y) == list(range(len(known)))
    labels = status.layout.yaxis.ticktext
    assert labels[-1].startswith("missing (")
    assert len(labels) == len(lines)


def test_a_chart_of_many_levels_shows_those_with_the_most_rows():
    count = MOST_LINES + 10
    lines = pd.DataFrame({"bin": [f"<b>{i}</b>" for i in range(count)], "rows": range(count),
                          "bad_rate": 0.1, "points": 1.0})  # fmt: skip
    chart = bin_chart(load_words("en"), lines, ".0f")
    assert list(chart.data[0].x) == list(range(10, count))
    assert chart.layout.yaxis.ticktext[0] == "&lt;b&gt;10&lt;/b&gt; (1 pts)"


def test_the_section_in_spanish_has_the_same_numbers(data):
    english, spanish = said(data), said(replace(data, words=load_words("es")))
    assert "tasa de malos" in spanish
    assert "sin dato" in spanish
    assert "training rows" not in spanish

    def numbers(text):
        return re.findall(r"\d[\d.,]*\d|\d", text.split('{"')[0])

    assert numbers(spanish) == numbers(english)

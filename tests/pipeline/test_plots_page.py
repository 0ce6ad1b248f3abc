"""The page of `dvc plots`: everything inside, every chart drawn, of the versions DVC asks for."""

import base64
import hashlib
import re
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from dvc_render.html import HTML
from dvc_render.image import ImageRenderer
from dvc_render.vega import VegaRenderer

from creditrisk.core.files import read_csv, write_csv
from tests.support.browser import needs_chromium, open_page
from tests.support.project import ROOT, Project

PAGE = (ROOT / ".dvc/page.html").read_text(encoding="utf-8")
SOURCES = ROOT / "tools/plots_page"
# Cells that leave a script element, a comment, an attribute or the page, and one that is a formula.
HOSTILE = [
    "</script><script>document.title = 1</script>",
    "</script><img src=x onerror=document.title=2>",
    "<!--<script>",
    "--></plaintext></main></body><script>document.title = 3</script>",
    "</script></plaintext><meta http-equiv=refresh content=0;url=http://127.0.0.1:9/away>",
    "</script><base href=http://127.0.0.1:9/><iframe src=http://127.0.0.1:9/frame></iframe>",
    "a\nvegaEmbed('#planted', spec);\n<div id = \"planted\">",
    "{refresh_tag}{scripts}{plot_divs}",
    "=1+1",
]
DECLARED = [next(iter(plot)) for plot in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]]


@pytest.fixture(scope="module")
def cloned(built: Project, tmp_path_factory) -> Project:
    """A fresh clone with two revisions and no cache: what a reviewer has."""
    project = built.copy(tmp_path_factory.mktemp("two") / "project")
    project.params({"model": "lr"})
    project.dvc("repro")
    project.commit("another champion")
    folder = project.folder.with_name("clone")
    project.run("git", "clone", "-q", ".", str(folder))
    return Project(folder)


def plots(project: Project, *command: str) -> Path:
    project.dvc("plots", *command)
    assert project.run("git", "status", "--short").out == ""
    return project.folder / "dvc_plots/index.html"


def markup(page: str) -> str:
    """What is neither a script nor a comment."""
    return re.sub(r"<script.*?</script>|<!--.*?-->", "", page, flags=re.DOTALL)


def in_order(names: list[str], dom: str) -> list[str]:
    return sorted(names, key=dom.index)


@needs_chromium
@pytest.mark.parametrize("width", [1200, 500])
@pytest.mark.parametrize(
    ("command", "revisions"),
    [(["show"], ["workspace"]), (["diff", "HEAD~1", "HEAD"], ["HEAD~1", "HEAD"])],
    ids=["show", "diff"],
)  # fmt: skip
def test_every_declared_plot_is_drawn_without_a_network(
    cloned, tmp_path, command, revisions, width
):
    opened = open_page(plots(cloned, *command), tmp_path / "profile", width)
    assert opened.console == []
    drawn = re.findall(r'<svg [^>]*class="marks" width="(\d+)"', opened.dom)
    assert len(drawn) == len(DECLARED) == 7
    assert max(map(int, drawn)) <= width - 32
    assert "can't be drawn" not in markup(opened.dom)
    title = re.search("<title>(.*?)</title>", opened.dom)[1]
    assert set(title.removeprefix("Credit risk: plots of ").split(", ")) == set(revisions)
    # Each chart's own legend names the revisions where there are several.
    shown = [markup(opened.dom).count(f">{revision}</text>") for revision in revisions]
    assert all(count == (len(DECLARED) if len(revisions) > 1 else 1) for count in shown)


@needs_chromium
@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize(("name", "least"), [("eda", 20), ("report", 8)])
def test_our_own_pages_draw_every_chart_without_a_network(built, tmp_path, name, least, width):
    page = built.folder / f"plots/{name}.html"
    opened = open_page(page, tmp_path / "profile", width)
    assert opened.console == []
    declared = page.read_text(encoding="utf-8").count('class="plotly-graph-div')
    assert opened.charts == declared >= least


@needs_chromium
def test_packages_are_of_the_versions_that_dvc_asks_for(cloned, tmp_path):
    asked = re.findall(r"npm/([a-z-]+@[\d.]+)", VegaRenderer.SCRIPTS)
    packages = re.findall(r'<script data-package="([^"]+)"', PAGE)
    assert packages == [*asked, "vega-interpreter@1.0.4"]
    names = {"vega": "Vega", "vega-lite": "Vega-Lite", "vega-embed": "vega-embed"}
    told = ", ".join(f"{names[p.split('@')[0]]} {p.split('@')[1]}" for p in asked)
    opened = open_page(plots(cloned, "show"), tmp_path / "profile")
    assert f"Drawn by {told}." in opened.dom


@needs_chromium
def test_plot_that_cannot_be_drawn_says_so(tmp_path):
    path = tmp_path / "page.html"
    page = HTML(PAGE)
    for name, content in {
        "Broken": '{"mark": "no such"}',
        "Cut": '{"mark": "po',
        "Whole": '{"mark": "point", "data": {"values": [{"x": NaN, "note": "NaN"}, {"x": 1}]}, '
        '"encoding": {"x": {"field": "x", "type": "quantitative"}}}',
    }.items():
        page.with_element(VegaRenderer.DIV.format(id=name, partial=content))
    path.write_text(page.embed(), encoding="utf-8")
    opened = open_page(path, tmp_path / "profile")
    assert "The plot Broken can't be drawn" in markup(opened.dom)
    assert "The plot Cut can't be drawn" in markup(opened.dom)
    assert len(opened.console) == 2
    assert opened.dom.count('class="marks"') == 1


@needs_chromium
def test_page_without_a_plot_that_it_can_read_says_so(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(HTML(PAGE).with_element("<b>another form</b>").embed(), encoding="utf-8")
    opened = open_page(path, tmp_path / "profile")
    assert "DVC wrote none that this page can read" in markup(opened.dom)


@needs_chromium
def test_picture_is_shown_if_it_is_beside_the_page(tmp_path):
    dot = "data:image;base64,R0lGODlhAQABAAAAACw="
    sources = {"here": dot, "<b>away</b>": "http://127.0.0.1:9/a.png", "host": "//127.0.0.1/a.png"}
    pictures = [{"rev": rev, "src": source} for rev, source in sources.items()]
    path = tmp_path / "page.html"
    element = ImageRenderer(pictures, "plot.png").generate_html(path)
    path.write_text(HTML(PAGE).with_element(element).embed(), encoding="utf-8")
    opened = open_page(path, tmp_path / "profile")
    assert re.findall(r'<img alt="here" src="([^"]*)">', opened.dom) == [dot]
    assert opened.dom.count("<img") == PAGE.count("<img") + 1
    assert "The plot &lt;b&gt;away&lt;/b&gt; can't be drawn" in markup(opened.dom)


@needs_chromium
def test_cells_of_a_plot_are_data_and_never_a_part_of_the_page(cloned, tmp_path):
    project = cloned.copy(tmp_path / "project")
    path = project.folder / "plots/leaderboard.csv"
    board = read_csv(path)
    planted = pd.concat([board.head(1)] * len(HOSTILE), ignore_index=True)
    write_csv(pd.concat([board, planted.assign(label=HOSTILE, algorithm=HOSTILE)]), path)
    project.dvc("plots", "show")
    page = project.folder / "dvc_plots/index.html"
    assert HOSTILE[0] in page.read_text(encoding="utf-8")
    opened = open_page(page, tmp_path / "profile")
    assert "<title>Credit risk: plots of workspace</title>" in opened.dom
    assert opened.console == []
    assert "can't be drawn" not in markup(opened.dom)
    assert opened.dom.count('class="marks"') == len(DECLARED)
    shown = markup(opened.dom)
    assert not re.search(r"<(img|iframe|base|plaintext)|http-equiv=.refresh", shown)
    # The names of the models are the labels of an axis.
    for cell in ("=1+1", "&lt;!--&lt;script&gt;"):
        assert f">{cell}</text>" in opened.dom


@needs_chromium
def test_script_that_is_not_ours_does_not_run(tmp_path):
    planted = (
        "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
    )
    path = tmp_path / "page.html"
    page = PAGE.replace('<main id="plots">', f'<main id="plots">{planted}')
    path.write_text(HTML(page).embed(), encoding="utf-8")
    opened = open_page(path, tmp_path / "profile")
    assert "<title>Credit risk: plots</title>" in opened.dom
    refused = [line for line in opened.console if "violates the following Content" in line]
    assert len(refused) >= 2, opened.console


def test_policy_allows_the_scripts_of_the_page_and_no_others():
    (allowed,) = re.findall(r"script-src ([^;]*);", PAGE)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", PAGE, re.DOTALL)
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert allowed.split() == [f"'sha256-{base64.b64encode(d).decode()}'" for d in digests]
    assert len(scripts) == 5


def test_nothing_is_loaded_from_outside():
    page = markup(PAGE)
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"]
    assert "default-src 'none'" in page
    assert "connect-src" not in page
    assert "{scripts}" not in PAGE
    assert not re.findall(r"<script[^>]+src", PAGE)
    assert PAGE.count("{plot_divs}") == PAGE.count("{refresh_tag}") == 1


def test_licences_stand_in_the_page():
    notices = PAGE[: PAGE.index("-->")]
    assert notices.count("Redistributions in binary form must reproduce") == 4
    assert (SOURCES / "notices.txt").read_text(encoding="utf-8").strip() in notices


def test_committed_page_is_built_from_the_committed_sources():
    for name in ("page.css", "page.js"):
        assert (SOURCES / name).read_text(encoding="utf-8").strip() in PAGE
    places = r"\[(?:notices|style|packages|script|hashes)\]"
    for part in re.split(places, (SOURCES / "page.html").read_text(encoding="utf-8")):
        assert part in PAGE


def test_script_cannot_end_early_nor_hold_a_place_of_dvcs(monkeypatch):
    monkeypatch.syspath_prepend(SOURCES)
    sys.modules.pop("build", None)
    from build import inline

    script = inline("a@1", 'x = "</script>";\n//# sourceMappingURL=a.map\n')
    assert script.count("</script") == 1
    assert "sourceMappingURL" not in script
    with pytest.raises(SystemExit, match="plot_divs"):
        inline("a@1", 'x = "{plot_divs}"')

"""The notebook and docs/python.md do what they say: their code is run, and its results checked."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.log_odds import log_odds
from creditrisk.ingest.batches import read_batches
from creditrisk.score.api import load_champion
from creditrisk.score.scorer import Scorer
from tests.support.champions import LINEAR, project
from tests.support.defects import ROOT
from tests.support.small_data import DEFAULT, DEFAULT_CSV

NOTEBOOK = ROOT / "docs/example/score.ipynb"
PAGE = ROOT / "docs/python.md"


@pytest.fixture(scope="module", params=["lr", "xgb"])
def champion_folder(request, tmp_path_factory):
    folder = project(tmp_path_factory.mktemp("python") / "p", request.param)
    (folder / "data/raw").mkdir(parents=True)
    shutil.copy(DEFAULT_CSV, folder / "data/raw")
    return folder, request.param


def run_blocks(blocks, name):
    """Run blocks of code one after the other, as a person would; gives what they have made."""
    made = {"__name__": "__main__"}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"{name}, block {number}", "exec"), made)
    return made


def notebook_cells(kind):
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def page_blocks():
    """The blocks that are indented by four spaces."""
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", PAGE.read_text(), flags=re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in blocks]


def scorer_rows(folder, count, reasons=0):
    """What commands.score says of the first rows of the file."""
    model = load_champion(folder)
    raw = next(read_batches(DEFAULT_CSV, model.data, DEFAULT, count))
    scorer = Scorer(model.champion, model.scorer.notation, reasons)
    return scorer.score(raw.head(count)).rows.reset_index(drop=True)


@pytest.fixture(scope="module")
def notebook(champion_folder):
    folder, kind = champion_folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDITRISK_PROJECT", str(folder))
        made = run_blocks(("".join(cell["source"]) for cell in notebook_cells("code")), "notebook")
    return folder, kind, made


@pytest.fixture(scope="module")
def page(champion_folder):
    folder, kind = champion_folder
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        made = run_blocks(page_blocks(), "docs/python.md")
    return folder, kind, made


def test_the_notebook_is_one_and_stores_nothing_that_was_computed():
    tree = json.loads(NOTEBOOK.read_text())
    assert (tree["nbformat"], tree["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in tree["cells"]]
    assert len(ids) == len(set(ids))
    for cell in notebook_cells("code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_the_notebook_gives_the_pds_of_commands_score_to_the_bit(notebook):
    folder, _, made = notebook
    expected = scorer_rows(folder, len(made["scored"]))
    assert len(expected) == 300
    assert made["scored"]["pd"].tolist() == expected["pd"].tolist()
    assert made["scored"]["score"].tolist() == expected["score"].tolist()
    assert made["scored"]["decision"].tolist() == expected["decision"].tolist()


def test_the_notebook_explains_its_riskiest_applicant(notebook):
    _, kind, made = notebook
    why, scored = made["why"], made["scored"]
    assert why.pd == scored["pd"].max()
    assert why.decision == "reject"
    gap = log_odds(np.array([why.pd]))[0] - log_odds(np.array([why.base_pd]))[0]
    # XGBoost's PDs have single precision.
    assert why.contributions["log_odds"].sum() == pytest.approx(
        gap, abs=1e-9 if kind == "lr" else 1e-5
    )
    assert abs(gap) > 0.5


def test_the_bars_are_the_contributions_the_largest_at_the_top(notebook):
    made = notebook[2]
    bars, lines = made["bars"], made["why"].contributions
    (bar,) = bars.data
    assert bar.orientation == "h"
    assert list(bar.x) == lines["log_odds"].tolist()[::-1]
    names = [text.partition(":")[0].replace(" ", "_") for text in bar.y]
    assert names == lines["variable"].tolist()[::-1]
    assert [float(text) for text in bar.text] == pytest.approx(list(bar.x), abs=0.0051)
    assert np.abs(bar.x).argmax() == len(bar.x) - 1
    colours = {colour for colour, x in zip(bar.marker.color, bar.x, strict=True) if x > 0}
    others = {colour for colour, x in zip(bar.marker.color, bar.x, strict=True) if x <= 0}
    assert len(colours) == 1
    assert not colours & others


def test_the_pds_are_drawn_with_the_cut_off_which_parts_the_decisions(notebook):
    made = notebook[2]
    pds, champion, scored = made["pds"], made["champion"], made["scored"]
    (bars,) = pds.data
    assert list(bars.x) == scored["pd"].tolist()
    (line,) = pds.layout.shapes
    assert line.x0 == line.x1 == champion.threshold
    share = (scored["pd"] >= champion.threshold).mean()
    (label,) = pds.layout.annotations
    assert label.text == f"cut-off {champion.threshold:.1%}: {share:.0%} are refused"


@pytest.mark.parametrize("chart", ["bars", "pds"])
def test_each_chart_says_what_it_shows(notebook, chart):
    layout = notebook[2][chart].layout
    for text in (layout.title.text, layout.xaxis.title.text, layout.yaxis.title.text):
        assert text


def test_no_code_of_the_page_is_left_out():
    code = [line for line in PAGE.read_text().splitlines() if line.startswith("    ")]
    assert [f"    {line}" for b in page_blocks() for line in b.splitlines() if line] == code
    assert len(page_blocks()) == 6


def test_the_page_scores_as_commands_score_does(page):
    folder, _, made = page
    expected = scorer_rows(folder, 5, reasons=4)
    scored = made["scored"]
    assert scored["pd"].tolist() == expected["pd"].tolist()
    assert scored["reasons"].tolist() == expected["reasons"].tolist()
    assert list(scored) == ["pd", "score", "decision", "reasons", "missing", "problem"]
    assert scored.index.equals(made["frame"].head(5).index)


def test_the_page_explains_the_second_applicant(page):
    folder, kind, made = page
    why = made["why"]
    second = scorer_rows(folder, 5, reasons=4).iloc[1]
    assert (why.pd, why.score, why.decision) == (second["pd"], second["score"], second["decision"])
    assert why.reasons == second["reasons"]
    lines = why.contributions
    assert lines["log_odds"].abs().is_monotonic_decreasing
    gap = log_odds(np.array([why.pd]))[0] - log_odds(np.array([why.base_pd]))[0]
    assert lines["log_odds"].sum() == pytest.approx(gap, abs=1e-9 if kind == "lr" else 1e-5)
    wanted = ["variable", "code", "value", "counted", "log_odds"]
    assert list(lines) == [*wanted, "points"] if kind in LINEAR else wanted
    if kind in LINEAR:
        scale = made["champion"].scale
        points = scale.points(np.array([why.pd])) - scale.points(np.array([why.base_pd]))
        assert lines["points"].sum() == pytest.approx(points[0], abs=1e-6)


def test_the_error_on_the_page_is_the_one_that_comes(page, capsys):
    made = page[2]
    (block,) = [block for block in page_blocks() if "except InputError" in block]
    said = re.search(r"print\(error\)\s+# (.+)", block)[1]
    capsys.readouterr()
    exec(block, made)
    assert capsys.readouterr().out.strip() == said


def test_as_the_page_says_a_frame_may_have_further_columns_and_a_mapping_may_not(page):
    champion, frame = page[2]["champion"], page[2]["frame"]
    assert "kredit" in frame
    row = frame.iloc[[0]]
    without = champion.score(row.drop(columns="kredit"))
    pd.testing.assert_frame_equal(champion.score(row.assign(note="x")), without)
    with pytest.raises(page[2]["InputError"], match="note: unknown name"):
        champion.score(row.drop(columns="kredit").assign(note="x").to_dict("records"))

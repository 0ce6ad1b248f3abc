"""docs/pipeline.md shows the pipeline that dvc.yaml and params.yaml describe."""

from tools.pipeline_page import PAGE, graph, with_graph


def test_the_graph_is_what_dvc_draws():
    page, drawn = PAGE.read_text(encoding="utf-8"), graph()
    assert drawn.startswith("```mermaid\nflowchart TD\n")
    assert '["train@lr"]' in drawn
    assert drawn in page, "run `python -m tools.pipeline_page`"


def test_the_graph_takes_the_place_of_the_old_one():
    page = "# Title\n\n```mermaid\nold\n```\n\nafter\n"
    assert with_graph(page, "```mermaid\nnew\\1\n```\n") == page.replace("old", "new\\1")

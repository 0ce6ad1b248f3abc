"""The table of experiments: names, parameters and errors in it are text."""

import csv

from creditrisk.workflow.experiments.collect import Row
from creditrisk.workflow.experiments.table import as_csv, markdown
from tests.support.rendered import additions_in, rendered, tags_of, text_of

EVIL = "</td><h1>APPROVED</h1> @octocat ![x](http://127.0.0.1) *a*|b"
CV = {"roc_auc": 0.7, "brier": 0.1, "expected_cost": 0.5}
ROWS = [
    Row("main", "baseline", "done", "rf", cv=CV, test={"roc_auc": 0.8}),
    Row(EVIL, "", "done", EVIL, (f"algorithms.rf.x={EVIL}",), cv=CV),
    Row("=1+1", "", "failed", changed=("-x",), problem=EVIL),
]


def test_names_and_values_are_text_in_markdown():
    html = rendered(markdown(ROWS, "roc_auc"))
    assert tags_of(html) == {"table", "thead", "tbody", "tr", "th", "td", "code", "p", "br"}
    assert additions_in(html) == []
    shown = text_of(html)
    assert f"{EVIL} {EVIL} rf.x={EVIL} 0.7000 0.1000 0.5000" in shown
    assert f"=1+1 failed: {EVIL}" in shown
    assert "test AUC* main (baseline) rf" in shown
    assert "* Not for choosing" in shown


def test_no_cell_of_the_csv_is_a_formula():
    head, *lines = csv.reader(as_csv(ROWS, "roc_auc").splitlines())
    failed = dict(zip(head, lines[-1], strict=True))
    assert failed["experiment"] == "'=1+1"
    assert failed["changed"] == "'-x"
    assert dict(zip(head, lines[0], strict=True))["cv_roc_auc"] == "0.7"

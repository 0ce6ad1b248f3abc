"""Format the table of experiments: for a terminal, as Markdown, as CSV."""

import csv
import io
from collections.abc import Callable, Sequence

from creditrisk.core import escape
from creditrisk.metrics.performance import METRICS, SCORING
from creditrisk.workflow.experiments.collect import Row

TEST = "test AUC*"
STAR = r"\*"  # in Markdown
MIN_CHANGED_WIDTH = 16  # characters of the column `changed`, which is cut in a narrow terminal


def terminal(rows: Sequence[Row], scoring: str, width: int) -> str:
    """Align the table within `width` characters; the column `changed` is cut if it is too long."""
    heads, cells = _cells(rows, scoring)
    cut_column = heads.index("changed")
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    room = width - 2 * (len(widths) - 1) - sum(widths) + widths[cut_column]
    widths[cut_column] = min(widths[cut_column], max(room, MIN_CHANGED_WIDTH))
    lines = []
    for line in (heads, *cells):
        parts = [
            _cut(text, w).rjust(w) if i > cut_column + 1 else _cut(text, w).ljust(w)
            for i, (text, w) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join([*lines, "", *_notes(rows, scoring, str)])


def markdown(rows: Sequence[Row], scoring: str) -> str:
    """Format the table as GitHub's Markdown."""
    heads, cells = _cells(rows, scoring)
    named = [head.replace("*", STAR) for head in heads]
    shown = [dict(zip(named, map(escape.markdown, line), strict=True)) for line in cells]
    notes = _notes(rows, scoring, escape.markdown)
    # Only a note of ours begins with a star.
    lines = [f"{STAR if note[:1] == '*' else note[:1]}{note[1:]}  " for note in notes]
    return "\n".join([escape.markdown_table(shown, right=named[4:]), "", *lines])


def as_csv(rows: Sequence[Row], scoring: str) -> str:
    """Format the table as CSV with all digits, the state and the reason of a failure.

    No cell is a formula.
    """
    metrics = _metrics(scoring)
    head = ["experiment", "mark", "state", "model", "changed", "changed_cv"]
    head += [f"cv_{m}" for m in metrics] + ["test_roc_auc_not_for_choosing", "problem"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        touched = " ".join(f"{algo}={score}" for algo, score in row.touched.items())
        numbers = [*(row.cv.get(m) for m in metrics), row.test.get("roc_auc")]
        line = [row.name, row.mark, row.state, row.model, " ".join(row.changed), touched]
        writer.writerow(map(escape.csv_cell, [*line, *numbers, row.problem]))
    return text.getvalue().rstrip("\n")


def _metrics(scoring: str) -> list[str]:
    """List the score that the searches maximise, then the metrics that are always shown."""
    return list(dict.fromkeys([SCORING[scoring][0], "roc_auc", "brier", "expected_cost"]))


def _cells(rows: Sequence[Row], scoring: str) -> tuple[list[str], list[list[str]]]:
    metrics = _metrics(scoring)
    heads = ["experiment", "model", "changed", f"its CV {_short(metrics[0])}"]
    heads += [*(f"CV {_short(m)}" for m in metrics), TEST]
    cells = []
    for row in rows:
        # With many algorithms the cell would be too long to compare.
        shown = row.touched if len(row.touched) <= 2 else {}
        touched = " ".join(f"{algo} {score:.4f}" for algo, score in shown.items())
        numbers = [*(row.cv.get(m) for m in metrics), row.test.get("roc_auc")]
        digits = ["" if value is None else f"{value:.4f}" for value in numbers]
        model = row.model if row.state == "done" else row.state.upper()
        changed = " ".join(change.replace("algorithms.", "", 1) for change in row.changed)
        cells.append([row.title, model, changed, touched, *digits])
    return heads, cells


def _short(metric: str) -> str:
    return METRICS[metric].short or METRICS[metric].label


def _notes(rows: Sequence[Row], scoring: str, data: Callable[[str], str]) -> list[str]:
    """Write the notes below the table; `data` writes the names and the problems."""
    metric, sign = SCORING[scoring]
    order = "best first" if sign > 0 else "lowest first"
    return [
        *(f"{data(row.name)} failed: {data(row.problem)}" for row in rows if row.problem),
        f"Sorted by the champion's CV {_short(metric)} ({scoring}), {order}, then by the CV score",
        "of the changed algorithm (its CV). An experiment is judged by its CV metrics.",
        "* Not for choosing: the test AUC of an experiment that is chosen by it is too optimistic.",
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."

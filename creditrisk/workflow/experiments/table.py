"""The table of experiments in words: for a terminal, as Markdown, as CSV."""

import csv
import io
from collections.abc import Sequence

from creditrisk.metrics.performance import METRICS, SCORING
from creditrisk.workflow.experiments.collect import Row

TEST = "test AUC*"
LEAST_CHANGED = 16  # characters of the column that gives way in a narrow terminal


def terminal(rows: Sequence[Row], scoring: str, width: int) -> str:
    """Align the table within `width` characters; what changed is cut where it is too long."""
    heads, cells = _cells(rows, scoring)
    place = heads.index("changed")
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    room = width - 2 * (len(widths) - 1) - sum(widths) + widths[place]
    widths[place] = min(widths[place], max(room, LEAST_CHANGED))
    lines = []
    for line in (heads, *cells):
        parts = [
            _cut(text, w).rjust(w) if i > place + 1 else _cut(text, w).ljust(w)
            for i, (text, w) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join([*lines, "", *_notes(rows, scoring)])


def markdown(rows: Sequence[Row], scoring: str) -> str:
    """Write the table as GitHub's Markdown."""
    heads, cells = _cells(rows, scoring)
    rule = ["---" if i < 4 else "---:" for i in range(len(heads))]
    lines = ["| " + " | ".join(_escaped(c) for c in line) + " |" for line in (heads, rule, *cells)]
    return "\n".join([*lines, "", *(f"{_escaped(note)}  " for note in _notes(rows, scoring))])


def as_csv(rows: Sequence[Row], scoring: str) -> str:
    """Write the table as CSV, all digits, with the state and why an experiment failed."""
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
        writer.writerow([*line, *numbers, row.problem])
    return text.getvalue().rstrip("\n")


def _metrics(scoring: str) -> list[str]:
    """The score that decides, then what is shown in any case."""
    return list(dict.fromkeys([SCORING[scoring][0], "roc_auc", "brier", "expected_cost"]))


def _cells(rows: Sequence[Row], scoring: str) -> tuple[list[str], list[list[str]]]:
    metrics = _metrics(scoring)
    heads = ["experiment", "model", "changed", f"its CV {_short(metrics[0])}"]
    heads += [*(f"CV {_short(m)}" for m in metrics), TEST]
    cells = []
    for row in rows:
        # Of many algorithms the cell would be no comparison any more.
        few = row.touched if len(row.touched) <= 2 else {}
        touched = " ".join(f"{algo} {score:.4f}" for algo, score in few.items())
        numbers = [*(row.cv.get(m) for m in metrics), row.test.get("roc_auc")]
        words = ["" if value is None else f"{value:.4f}" for value in numbers]
        model = row.model if row.state == "done" else row.state.upper()
        changed = " ".join(change.replace("algorithms.", "", 1) for change in row.changed)
        cells.append([row.title, model, changed, touched, *words])
    return heads, cells


def _short(metric: str) -> str:
    return METRICS[metric].short or METRICS[metric].label


def _notes(rows: Sequence[Row], scoring: str) -> list[str]:
    metric, sign = SCORING[scoring]
    order = "best first" if sign > 0 else "least first"
    return [
        *(f"{row.name} failed: {row.problem}" for row in rows if row.problem),
        f"Sorted by the champion's CV {_short(metric)} ({scoring}), {order}, then by that of the",
        "algorithm that was changed (its). An experiment is judged by its CV metrics.",
        "* Not for choosing: once an experiment is picked by it, it flatters.",
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")

"""Charts that a comment on GitHub can show: bars as text, and curves that GitHub draws itself.

A comment can contain no picture: neither an SVG nor a `data:` address is shown. GitHub draws a code
block in the language `mermaid`, and shows any other one as it is written.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.escape import printable
from creditrisk.workflow.review.changes import SELECT, Changes, Pair
from creditrisk.workflow.review.plots import COLOURS

_POINTS = 25  # of a curve; more would show no more
_WIDTH = 30  # characters of the longest bar
_MODELS = 15  # more would not be read
_LONGEST = 24  # characters of a name
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"
_FULL = "\u2588"


def comment_charts(changes: Changes) -> str:
    """Draw the leaderboard, the ROC curve and the cost by cut-off of both revisions.

    Args:
        changes: the differences.

    Returns:
        Markdown; empty if the work tree has no such plots.
    """
    charts = [
        leaderboard(changes),
        _curves("ROC curve on the test rows", "good refused", "bad refused",
                changes.table("roc"), _roc),
        _curves("Cost a head by cut-off, out of fold", "cut-off (PD)", "cost a head",
                changes.table("cost"), _cost),
    ]  # fmt: skip
    return "\n\n".join(filter(None, charts))


def leaderboard(changes: Changes) -> str:
    """Draw the CV scores of the models here as bars of text, the champions marked.

    A bar is as long as the score lies above the lowest one (or, for a loss, below it), so that
    small differences show; the numbers tell what they are.
    """
    old, new = (_scores(side) for side in changes.table("leaderboard"))
    if not new:
        return ""
    champions = changes.value(SELECT, "algorithm")
    shown = list(new)[:_MODELS]
    worst, best = new[list(new)[-1]], new[shown[0]]
    span = best - worst or 1.0
    width = max(len(_name(model)) for model in shown)
    lines = []
    for model in shown:
        bar = _bar(0.1 + 0.9 * (new[model] - worst) / span)
        before = f"{old[model]:.4f}" if model in old else "-"
        line = f"{_name(model):<{width}}  {new[model]:.4f}  {before:>8}  {bar:<{_WIDTH}}"
        marks = [where for where, name in zip(("base", "here"), champions, strict=True)
                 if name == model]  # fmt: skip
        lines.append(f"{line}  {_mark(marks)}".rstrip())
    head = f"{'':<{width}}  {'here':>6}  {'base':>8}"
    text = "\n".join([head, *lines])
    more = f" The best {len(shown)} of {len(new)} are shown." if len(shown) < len(new) else ""
    caption = f"CV score of the models, the champion marked; bars from the lowest score on.{more}"
    return f"{caption}\n\n{_block(text, 'text')}"


def _mark(marks: list[str]) -> str:
    if not marks:
        return ""
    return "<- champion" if len(marks) == 2 else f"<- champion {marks[0]}"


def _scores(board: pd.DataFrame | None) -> dict[str, float]:
    if board is None or not {"algorithm", "score"} <= set(board):
        return {}
    return {str(name): float(score) for name, score in zip(board["algorithm"], board["score"],
                                                           strict=True)}  # fmt: skip


def _name(model: str) -> str:
    name = printable(model)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."


def _bar(share: float) -> str:
    eighths = round(8 * _WIDTH * min(max(share, 0.0), 1.0))
    return _FULL * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _block(text: str, language: str) -> str:
    """Write a code block. No line of ours can end it: after each name there are numbers."""
    return f"```{language}\n{text}\n```"


def _roc(curve: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the ROC curve, with one value at each share of the good."""
    best = curve.groupby("fpr")["tpr"].max()
    return best.index.to_numpy(dtype=float), best.to_numpy(dtype=float)


def _cost(curve: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    part = curve[curve["rows"] == "oof"].sort_values("threshold")
    return part["threshold"].to_numpy(dtype=float), part["expected_cost"].to_numpy(dtype=float)


def _curves(
    title: str,
    x_title: str,
    y_title: str,
    sides: Pair,
    points: Callable[[pd.DataFrame], tuple[np.ndarray, np.ndarray]],
) -> str:
    """Write a chart of one curve per revision for Mermaid, which GitHub draws.

    Args:
        title: what is drawn.
        x_title: title of the horizontal axis, which goes from 0 to 1.
        y_title: title of the vertical axis.
        sides: the plot's CSV file in the base and in the work tree.
        points: returns ascending x, and y, of a curve.

    Returns:
        Markdown; empty if the work tree has no curve.
    """
    grid = np.linspace(0, 1, _POINTS)
    drawn: list[tuple[str, list[float]]] = []
    # The base first, so that this change lies over it.
    for label, side in zip(("base", "here"), sides, strict=True):
        try:
            found = None if side is None else points(side)
        except (KeyError, ValueError):  # another version's columns
            found = None
        if found is not None and len(found[0]):
            drawn.append((label, np.interp(grid, *found).round(4).tolist()))
    values = [value for _, line in drawn for value in line]
    if not any(label == "here" for label, _ in drawn) or not all(map(math.isfinite, values)):
        return ""
    colours = ", ".join(COLOURS[label] for label, _ in drawn)
    lines = [
        "---",
        "config:",
        "  themeVariables:",
        "    xyChart:",
        f'      plotColorPalette: "{colours}"',
        "---",
        "xychart-beta",
        f'    title "{title}"',
        f'    x-axis "{x_title}" 0 --> 1',
        f'    y-axis "{y_title}" 0 --> {_top(values)}',
        *(f"    line {line}" for _, line in drawn),
    ]
    named = {"here": "blue: this change", "base": "orange: the base"}
    legend = ", ".join(named[label] for label, _ in reversed(drawn))
    return f"{title} ({legend}).\n\n{_block(chr(10).join(lines), 'mermaid')}"


def _top(values: list[float]) -> Any:
    """Return a round number that is not below any value."""
    highest = max(values)
    if highest <= 0:
        return 1
    step = 10 ** math.floor(math.log10(highest)) / 2
    return round(math.ceil(highest / step - 1e-9) * step, 12)

"""Draw the plots of both revisions as PNG, without a browser or a network."""

import json
import re
from pathlib import Path
from typing import Any

import vl_convert

from creditrisk.core.errors import InputError
from creditrisk.core.escape import from_csv_cell
from creditrisk.core.files import write_bytes
from creditrisk.workflow.dvc import run_dvc
from creditrisk.workflow.review.revision import Base

# Okabe and Ito 2008: distinguishable with every kind of colour blindness.
COLOURS = {"here": "#0072B2", "base": "#D55E00"}
COMMENT = "comment.md"  # in the folder of a review, beside its pictures
# DVC's name of the work tree.
HERE = "workspace"
# Names of the champions of the base and of the work tree; None where not known.
Champions = tuple[str | None, str | None]
_CONFIG = {
    "background": "white",
    "line": {"strokeWidth": 2},
    "legend": {"orient": "bottom", "symbolOpacity": 1, "labelLimit": 300},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "title": {"fontSize": 14, "offset": 10},
}
_LEGEND = {"labelFontSize": 12, "symbolOpacity": 1, "symbolSize": 200}
# Long enough to show that the lines are dashed.
_DASHES = {"labelFontSize": 12, "symbolSize": 600}


def specifications(base: Base, champions: Champions = (None, None)) -> dict[str, dict[str, Any]]:
    """Get the Vega-Lite specifications of all plots from DVC, with both revisions in each.

    Args:
        base: the base revision.
        champions: names of the champions of the base and of the work tree, which are marked in the
            plots of models.

    Returns:
        Title in dvc.yaml to specification, without plots that have no data.
    """
    answer = json.loads(run_dvc("plots", "diff", base.short, "--json"))
    labels = {HERE: "this change", base.short: f"base {base.short}"}
    found = {}
    for name, drawn in answer.get("data", {}).items():
        for plot in drawn:
            if plot["type"] == "vega" and plot["content"]:
                found[name] = _label(plot["content"], labels)
                old, new = champions
                mark_champions(found[name], {labels[HERE]: new, labels[base.short]: old})
    return found


def mark_champions(specification: dict[str, Any], champions: dict[str, str | None]) -> None:
    """Write `champion` beside the champion of each revision, in a plot with a model per line.

    Args:
        specification: the plot, which is changed.
        champions: label of the revision to the name of its champion.
    """
    rows = specification.get("data", {}).get("values")
    layers, axis = specification.get("layer"), specification.get("encoding", {}).get("y", {})
    if (
        not (isinstance(rows, list) and isinstance(layers, list))
        or axis.get("field") != "algorithm"
    ):
        return
    for row in rows:
        row["champion"] = champions.get(row.get("rev")) == row.get("algorithm")
    mark = {"type": "text", "text": "champion", "align": "left", "dx": 8, "fontWeight": "bold"}
    place = {"x": {"field": "high", "type": "quantitative"}}
    layers.append({"transform": [{"filter": "datum.champion"}], "mark": mark, "encoding": place})


def draw(specification: dict[str, Any]) -> bytes:
    """Draw a Vega-Lite specification as PNG, with two pixels per unit of length."""
    try:
        return vl_convert.vegalite_to_png(specification, scale=2, config=_CONFIG)
    except ValueError as error:
        title = specification.get("title", {}).get("text", "a plot")
        hint = "Correct its template in .dvc/plots."
        raise InputError("dvc.yaml", f"plots: {title}", f"can't be drawn: {error}", hint) from None


def write_pictures(
    base: Base, folder: Path, champions: Champions = (None, None)
) -> dict[str, Path]:
    """Draw all plots into a folder.

    Args:
        base: the base revision.
        champions: as in `specifications`.
        folder: the folder, a new one or that of an earlier review, whose pictures are deleted.

    Returns:
        Title to file.
    """
    make_empty(folder)
    files: dict[str, Path] = {}
    for name, specification in specifications(base, champions).items():
        path = folder / f"{_file_name(name, [p.stem for p in files.values()])}.png"
        write_bytes(draw(specification), path)
        files[name] = path
    return files


def make_empty(folder: Path) -> None:
    """Delete the pictures of an earlier review, and nothing of anybody else.

    Otherwise the pictures of removed plots would seem to belong to this review.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        hint = "Give a folder with --folder."
        raise InputError(folder, "folder", "a file or link is in its place", hint) from None
    if (folder / COMMENT).is_file():
        for old in folder.glob("*.png"):
            old.unlink()
    elif any(folder.iterdir()):
        problem = f"is not empty, and has no {COMMENT} of an earlier review"
        raise InputError(folder, "folder", problem, "Give a new folder with --folder.")
    # Now, not with the last picture: a review that is killed in between can be made again.
    (folder / COMMENT).touch()


def _file_name(title: str, taken: list[str]) -> str:
    """Turn a plot's title into a name for its file that no other plot has."""
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:100] or "plot"
    names = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)


def _label(node: Any, labels: dict[str, str]) -> Any:
    """Replace the names and the colours of the revisions everywhere in a specification.

    The values of data are shown as they were before they were written as cells of a CSV file.
    """
    if isinstance(node, list):
        return [_label(part, labels) for part in node]
    if not isinstance(node, dict):
        return node
    node = {key: _label(part, labels) for key, part in node.items()}
    if isinstance(node.get("values"), list):
        node["values"] = [_as_written(row) for row in node["values"]]
    if node.get("rev") in labels:
        node["rev"] = labels[node["rev"]]
    domain = node.get("scale", {}).get("domain") if node.get("field") == "rev" else None
    if domain:
        colours = [COLOURS["here" if rev == HERE else "base"] for rev in domain]
        named = [labels.get(rev, rev) for rev in domain]
        node |= {"scale": {"domain": named, "range": colours}, "title": None, "legend": _LEGEND}
    if "strokeDash" in node and isinstance(node["strokeDash"], dict):
        dash = node["strokeDash"]
        node["strokeDash"] = dash | {"title": None, "legend": dash.get("legend", {}) | _DASHES}
    return node


def _as_written(row: Any) -> Any:
    return {k: from_csv_cell(v) for k, v in row.items()} if isinstance(row, dict) else row

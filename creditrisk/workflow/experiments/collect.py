"""The experiments: what each changed, and what that is worth by cross-validation."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from creditrisk.metrics.performance import SCORING
from creditrisk.workflow.tracked_files import untracked_error

PARAMS, RESULT = "params.yaml", "metrics/evaluate.json"
BLOCKS = "algorithms."
# A path in the folder of a queued or temporary experiment; what follows is the project's own path.
IN_FOLDER = re.compile(r"No such file or directory: '.*/\.dvc/tmp/exps/(?:standalone/)?[^/]+/(.+)'")


@dataclass(frozen=True)
class Row:
    """A revision.

    Attributes:
        name: of the experiment, the branch or the commit.
        mark: `workspace`, `baseline`, or empty for an experiment.
        state: `done`, `failed`, `queued`, `running`.
        model: the champion's algorithm.
        changed: the parameters that differ from the baseline's, `name=value`.
        touched: the algorithms whose block differs, with their own CV score; where none does, those
            that another experiment changed, to compare with.
        cv, test: the champion's metrics.
        problem: why it failed.
    """

    name: str
    mark: str
    state: str
    model: str = ""
    changed: tuple[str, ...] = ()
    touched: dict[str, float] = field(default_factory=dict)
    cv: dict[str, float] = field(default_factory=dict)
    test: dict[str, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def title(self) -> str:
        """The name, with the mark."""
        return f"{self.name} ({self.mark})" if self.mark not in ("", self.name) else self.name


def collect(shown: Sequence[dict[str, Any]], scoring: str) -> list[Row]:
    """Turn the content of `dvc exp show --json` into rows, the best CV score first.

    Args:
        shown: DVC's list: the workspace, then the baselines, each with its experiments.
        scoring: scikit-learn's name of the score that the searches maximise.

    Returns:
        Rows with metrics by the champion's CV score, between equals by that of the algorithm which
        was changed; then those without.
    """
    metric, sign = SCORING[scoring]
    rows, scores = [], []
    for base in shown:
        mark = "workspace" if base["rev"] == "workspace" else "baseline"
        ground = _params(shown[1] if mark == "workspace" and len(shown) > 1 else base)
        name = mark if mark == "workspace" else base["name"] or base["rev"][:7]
        rows.append(_done(base, name, mark, ground))
        scores.append(_scores(base, metric))
        for experiment in base["experiments"] or []:
            tip, executor = experiment["revs"][0], experiment["executor"] or {}
            name = experiment["name"] or tip["name"] or tip["rev"][:7]
            state = executor.get("state") or "success"
            if state == "success":
                rows.append(_done(tip, name, "", ground))
                scores.append(_scores(tip, metric))
            else:
                rows.append(_open(tip, name, state, executor, ground))
                scores.append({})
    anywhere = {algo for row in rows for algo in _algorithms(row)}
    for i, row in enumerate(rows):
        own = _algorithms(row) or anywhere
        touched = {algo: score for algo, score in scores[i].items() if algo in own}
        rows[i] = replace(row, touched=touched)

    def key(row: Row) -> tuple[bool, float, float, bool]:
        best = max((sign * score for score in row.touched.values()), default=float("-inf"))
        return (metric not in row.cv, -sign * row.cv.get(metric, 0.0), -best, row.mark == "")

    return sorted(rows, key=key)


def problem_of(log: str, params: dict[str, Any]) -> str:
    """Find in an experiment's log why it failed: our own error line, or else DVC's.

    Args:
        log: what DVC and the stages printed.
        params: the experiment's, by dotted names.
    """
    missing = IN_FOLDER.search(log)
    if missing:
        location = next(
            (name for name, value in params.items() if value == missing[1]), "dependency"
        )
        return str(untracked_error(PARAMS, location, missing[1]))
    for start in ("error: ", "ERROR: "):
        found = [line for line in log.splitlines() if line.startswith(start)]
        if found:
            return found[-1].removeprefix(start)
    return "it was stopped, or DVC could not set it up. Queue it again."


def _done(found: dict[str, Any], name: str, mark: str, ground: dict[str, Any]) -> Row:
    result = _metrics(found).get(RESULT, {})
    return Row(
        name=name,
        mark=mark,
        state="done",
        model=result.get("algorithm", ""),
        changed=_changes(_params(found), ground),
        cv=result.get("cv", {}),
        test=result.get("test", {}),
    )


def _open(
    found: dict[str, Any], name: str, state: str, executor: dict[str, Any], ground: dict[str, Any]
) -> Row:
    """Make the row of an experiment without results: the metrics that DVC shows are older ones."""
    problem = ""
    if state == "failed":
        log = Path((executor.get("local") or {}).get("log") or "/dev/null")
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        problem = problem_of(text, _params(found))
    return Row(name, "", state, changed=_changes(_params(found), ground), problem=problem)


def _metrics(found: dict[str, Any]) -> dict[str, Any]:
    files = (found["data"] or {}).get("metrics") or {}
    return {file: content.get("data") or {} for file, content in files.items()}


def _scores(found: dict[str, Any], metric: str) -> dict[str, float]:
    """Read each candidate's own CV score."""
    return {
        Path(file).stem: content["cv"][metric]
        for file, content in _metrics(found).items()
        if file.startswith("metrics/train/") and metric in content.get("cv", {})
    }


def _params(found: dict[str, Any]) -> dict[str, Any]:
    """Read the parameters by their dotted names; of another file than params.yaml with its name."""
    flat: dict[str, Any] = {}
    for file, content in ((found["data"] or {}).get("params") or {}).items():
        flat |= _flat(content.get("data") or {}, "" if file == PARAMS else f"{file}:")
    return flat


def _flat(tree: dict[str, Any], within: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        nested = isinstance(value, dict) and value
        flat |= _flat(value, f"{within}{name}.") if nested else {f"{within}{name}": value}
    return flat


def _changes(params: dict[str, Any], ground: dict[str, Any]) -> tuple[str, ...]:
    absent = object()
    names = [name for name in params if params[name] != ground.get(name, absent)]
    changed = [f"{name}={_short(params[name])}" for name in names]
    gone = [f"~{name}" for name in ground if name not in params]
    return (*changed, *gone)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _algorithms(row: Row) -> set[str]:
    """Name the algorithms whose block the row changes."""
    names = [change.lstrip("~") for change in row.changed]
    return {n.split(".")[1].split("=")[0] for n in names if n.startswith(BLOCKS)}

"""Collect the experiments: which parameters each changed, and its CV metrics."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from creditrisk.metrics.performance import SCORING
from creditrisk.workflow.experiments.results import EVALUATE, TRAIN, read_results
from creditrisk.workflow.tracked_files import untracked_error

PARAMS = "params.yaml"
BLOCKS = "algorithms."
DONE = "success"  # in DVC's words
Results = dict[str, dict[str, Any]]  # file to content
# A missing file in the folder of a queued or temporary experiment; the group is its path in the
# project.
IN_FOLDER = re.compile(r"No such file or directory: '.*/\.dvc/tmp/exps/(?:standalone/)?[^/]+/(.+)'")


@dataclass(frozen=True)
class Row:
    """A row of the table: the workspace, a commit or an experiment.

    Attributes:
        name: name of the experiment, the branch or the commit.
        mark: `workspace`, `baseline`, or empty for an experiment.
        state: `done`, `failed`, `queued`, `running`.
        model: the champion's algorithm.
        changed: the parameters that differ from the baseline, as `name=value`.
        touched: algorithm to its own CV score, for the algorithms whose block differs. If none
            differs, for those that another experiment changed, as a comparison.
        cv: the champion's CV metrics.
        test: the champion's test metrics.
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
        shown: DVC's list of the workspace and then the baselines, each with its experiments. Their
            metrics are read from Git: for DVC only a few of them are metrics.
        scoring: scikit-learn's name of the score that the searches maximise.

    Returns:
        First the rows with metrics, sorted by the champion's CV score, and if that is equal, by the
        score of the algorithm that was changed. Then the rows without metrics.
    """
    metric, sign = SCORING[scoring]
    rows, scores = [], []
    results = read_results({found["rev"]: _trained(found) for found in _finished(shown)})
    for base in shown:
        mark = "workspace" if base["rev"] == "workspace" else "baseline"
        baseline = _params(shown[1] if mark == "workspace" and len(shown) > 1 else base)
        name = mark if mark == "workspace" else base["name"] or base["rev"][:7]
        rows.append(_finished_row(base, name, mark, baseline, results[base["rev"]]))
        scores.append(_scores(results[base["rev"]], metric))
        for experiment in base["experiments"] or []:
            tip, executor = experiment["revs"][0], experiment["executor"] or {}
            name = experiment["name"] or tip["name"] or tip["rev"][:7]
            state = _state(experiment)
            if state == DONE:
                rows.append(_finished_row(tip, name, "", baseline, results[tip["rev"]]))
                scores.append(_scores(results[tip["rev"]], metric))
            else:
                rows.append(_unfinished_row(tip, name, state, executor, baseline))
                scores.append({})
    all_changed = {algo for row in rows for algo in _algorithms(row)}
    for i, row in enumerate(rows):
        compared = _algorithms(row) or all_changed
        touched = {algo: score for algo, score in scores[i].items() if algo in compared}
        rows[i] = replace(row, touched=touched)

    def key(row: Row) -> tuple[bool, float, float, bool]:
        best = max((sign * score for score in row.touched.values()), default=float("-inf"))
        return (metric not in row.cv, -sign * row.cv.get(metric, 0.0), -best, row.mark == "")

    return sorted(rows, key=key)


def problem_of(log: str, params: dict[str, Any]) -> str:
    """Find in an experiment's log why it failed: our own error line, or else DVC's.

    Args:
        log: the output of DVC and of the stages.
        params: the experiment's parameters under dotted names.
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


def _state(experiment: dict[str, Any]) -> str:
    return (experiment["executor"] or {}).get("state") or DONE


def _finished(shown: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Iterate over what has results: the workspace, the baselines, finished experiments."""
    for base in shown:
        yield base
        for experiment in base["experiments"] or []:
            if _state(experiment) == DONE:
                yield experiment["revs"][0]


def _trained(found: dict[str, Any]) -> list[str]:
    """List the algorithms that a revision trains, by its parameters."""
    names = [name for name in _params(found) if name.startswith(BLOCKS)]
    return list(dict.fromkeys(name.split(".")[1] for name in names))


def _finished_row(
    found: dict[str, Any], name: str, mark: str, baseline: dict[str, Any], results: Results
) -> Row:
    result = results.get(EVALUATE, {})
    return Row(
        name=name,
        mark=mark,
        state="done",
        model=result.get("algorithm", ""),
        changed=_changes(_params(found), baseline),
        cv=result.get("cv", {}),
        test=result.get("test", {}),
    )


def _unfinished_row(
    found: dict[str, Any], name: str, state: str, executor: dict[str, Any], baseline: dict[str, Any]
) -> Row:
    """Make the row of an experiment without results: the metrics that DVC shows are older ones."""
    problem = ""
    if state == "failed":
        log = Path((executor.get("local") or {}).get("log") or "/dev/null")
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        problem = problem_of(text, _params(found))
    return Row(name, "", state, changed=_changes(_params(found), baseline), problem=problem)


def _scores(results: Results, metric: str) -> dict[str, float]:
    """Return the CV score of each algorithm."""
    return {
        Path(file).stem: content["cv"][metric]
        for file, content in results.items()
        if file.startswith(f"{TRAIN}/") and metric in content.get("cv", {})
    }


def _params(found: dict[str, Any]) -> dict[str, Any]:
    """Read the parameters under dotted names, with the file as prefix if not params.yaml."""
    flat: dict[str, Any] = {}
    for file, content in ((found["data"] or {}).get("params") or {}).items():
        flat |= _flat(content.get("data") or {}, "" if file == PARAMS else f"{file}:")
    return flat


def _flat(tree: dict[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        nested = isinstance(value, dict) and value
        flat |= _flat(value, f"{prefix}{name}.") if nested else {f"{prefix}{name}": value}
    return flat


def _changes(params: dict[str, Any], baseline: dict[str, Any]) -> tuple[str, ...]:
    absent = object()
    names = [name for name in params if params[name] != baseline.get(name, absent)]
    changed = [f"{name}={_short(params[name])}" for name in names]
    removed = [f"~{name}" for name in baseline if name not in params]
    return (*changed, *removed)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _algorithms(row: Row) -> set[str]:
    """Get the algorithms whose block the row changes."""
    names = [change.lstrip("~") for change in row.changed]
    return {n.split(".")[1].split("=")[0] for n in names if n.startswith(BLOCKS)}

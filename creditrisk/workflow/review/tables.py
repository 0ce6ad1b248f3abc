"""The tables of the review, as Markdown."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from creditrisk.core.escape import markdown, markdown_code, markdown_table
from creditrisk.metrics.performance import LOSSES, METRICS, SCORING
from creditrisk.workflow.review.changes import INGEST, LOCK, PREPARE, Changes
from creditrisk.workflow.review.files import Files, cut
from creditrisk.workflow.review.groups import RATIOS, lowest, ratio_changes
from creditrisk.workflow.review.lock import changed_stages
from creditrisk.workflow.review.margins import MetricChange, metric_change, sign
from creditrisk.workflow.review.verdict import scoring

_WHERE = {"cv": "CV", "nested": "nested CV", "test": "test"}
_COUNTS = {
    "rows read": (INGEST, "rows_read"),
    "rows clean": (PREPARE, "rows_clean"),
    "rows rejected": (PREPARE, "rows_rejected"),
    "train rows": (PREPARE, "split.train.rows"),
    "test rows": (PREPARE, "split.test.rows"),
    "bad rate": (PREPARE, "bad_rate"),
}


def metrics_table(changes: Changes, names: tuple[str, ...]) -> str:
    """Tabulate the champion's metrics in CV, in nested CV and on the test rows."""
    rows = []
    for name in names:
        better = " (lower is better)" if name in LOSSES else ""
        for on, label in _WHERE.items():
            pair = metric_change(changes, name, on)
            if pair.new is None:
                continue
            rows.append(
                {"metric": METRICS[name].label + better, "rows": label}
                | _moved(pair, pair.word(name))
            )
    return table(rows)


def verdict_table(changes: Changes) -> str:
    """Tabulate what the verdict names: the score, the cost and the ratios of groups.

    Returns:
        Empty if the base has no results.
    """
    deciding = SCORING[scoring(changes)][0]
    names = [(deciding, "cv"), (deciding, "nested"), ("roc_auc", "cv"), ("expected_cost", "cv")]
    rows = []
    for name, on in dict.fromkeys(names):
        pair = metric_change(changes, name, on)
        if pair.change is not None:
            label = f"{_WHERE[on]} {METRICS[name].label}"
            rows.append({"what": label} | _moved(pair, pair.word(name)))
    for each in lowest(ratio_changes(changes)) if rows else []:
        label = f"lowest ratio of {RATIOS[each.ratio]} ({each.name})"
        rows.append({"what": label} | _moved(each.moved, each.word()))
    return markdown_table(rows)


def _moved(pair: MetricChange, word: str) -> dict[str, str]:
    return {
        "base": number(pair.old),
        "here": number(pair.new),
        "change, 95% margin": _with_margin(pair),
        "": word,
        "margin from": pair.source,
    }


def _with_margin(pair: MetricChange) -> str:
    """Write a change with its margin, or with its interval if that is longer to one side."""
    change = number(pair.change, "+.4f")
    if pair.margin is not None:
        return f"{change} \N{PLUS-MINUS SIGN} {number(pair.margin)}"
    if pair.low is None or pair.high is None:
        return change
    return f"{change} ({number(pair.low, '+.4f')} to {number(pair.high, '+.4f')})"


def candidates_table(changes: Changes) -> str:
    """Tabulate the mean CV score of each algorithm's model that changed, the best one first."""
    metric = SCORING[scoring(changes)][0]
    rows = []
    for path in changes.metrics:
        if Path(path).parent.name != "train":
            continue
        old, new = changes.value(path, f"cv.{metric}")
        change = None if old is None or new is None else new - old
        rows.append((new if new is not None else old, Path(path).stem, old, new, change))
    rows.sort(key=lambda row: (-sign(metric, 1) * row[0], row[1]))
    score = f"CV {METRICS[metric].label}"
    differ = table(
        {
            "model": markdown_code(name),
            f"{score}, base": number(old),
            "here": number(new),
            "change": number(change, "+.4f"),
        }
        for _, name, old, new, change in rows
        if change != 0
    )
    same = [markdown_code(name) for _, name, _, _, change in rows if change == 0]
    return differ + (f"\n\nThe same in both: {', '.join(same)}." if same else "")


def stages_table(changes: Changes) -> str:
    """Tabulate the stages whose entries in dvc.lock differ, with their changed inputs."""
    if not changes.old_lock:
        return f"Not known: the base has no {LOCK}."
    rows = changed_stages(changes.old_lock, changes.new_lock)
    if not rows:
        return "None changed."
    return table(
        {
            "stage": markdown_code(row["stage"])
            + (f" ({row['why']})" if row["why"] != "changed" else ""),
            "changed inputs": some(row["reads"]) if row["why"] == "changed" else "",
            "changed outputs": f"{len(row['writes'])} of {row['outs']}",
        }
        for row in rows
    )


def counts_table(changes: Changes) -> str:
    """Tabulate the changed counts: rows, rejected rows by reason, missing cells by column."""
    counts = dict(_COUNTS)
    names = changes.metrics.get(PREPARE, {})
    for prefix, label in {"rejected.": "rejected: ", "missing.": "missing: "}.items():
        found = sorted(n for n in names if n.startswith(prefix))
        counts |= {f"{label}{n.removeprefix(prefix)}": (PREPARE, n) for n in found}
    values = {label: changes.value(*metric) for label, metric in counts.items()}
    differ = {w: v for w, v in values.items() if v[0] != v[1]}
    read, clean, rejected = (values[w][1] for w in ("rows read", "rows clean", "rows rejected"))
    total = f"{read:,} rows read, {clean:,} clean, {rejected:,} rejected"
    if not differ:
        return f"No counts differ: {total}."
    return table(
        {
            "count": markdown(cut(label)),
            "base": _count(old) if changes.known(counts[label][0]) else "not known",
            "here": _count(new),
            "change": "" if old is None or new is None else _count(new - old, "+"),
        }
        for label, (old, new) in differ.items()
    )


def differences_table(files: Files, kind: str, change: bool = False) -> str:
    """Tabulate what differs; empty if nothing does.

    Args:
        files: file to name to `old`, `new` and, for numbers, `diff`, as DVC reports them.
        kind: what the names are, such as `parameter`.
        change: whether the table has a column for the change of numbers.
    """
    rows = []
    for file, names in sorted(files.items()):
        for name, pair in sorted(names.items()):
            if pair.get("old") == pair.get("new"):
                continue
            row = {"file": _value(file), kind: _value(name)}
            row |= {"base": _value(pair.get("old")), "here": _value(pair.get("new"))}
            rows.append(row | ({"change": _value(pair.get("diff"))} if change else {}))
    return markdown_table(rows)


def table(rows: Iterable[Mapping[str, object]]) -> str:
    """Format rows that have the same keys as a Markdown table, or say that there are none."""
    return markdown_table(list(rows)) or "None."


def number(value: float | None, form: str = ".4f") -> str:
    """Format a number, which may be missing; without decimals from 100 on, as for money."""
    if value is None:
        return ""
    return format(value, form if abs(value) < 100 else form.replace(".4f", ",.0f"))


def some(names: list[str], most: int = 4) -> str:
    """List the first names, and how many more there are."""
    shown = ", ".join(markdown_code(cut(name)) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _count(value: float | None, sign: str = "") -> str:
    if value is None:
        return ""
    return format(value, f"{sign}.4f" if isinstance(value, float) else f"{sign},")


def _value(value: object) -> str:
    """Write what DVC reports: five significant digits as DVC does, a text cut and escaped."""
    if value is None:
        return "-"
    return markdown(cut(f"{value:.5g}" if isinstance(value, float) else str(value)))

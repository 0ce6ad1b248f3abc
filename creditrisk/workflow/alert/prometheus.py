"""The alarms that are on, as a file for the textfile collector of Prometheus' node_exporter."""

import math
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from creditrisk.core.errors import InputError
from creditrisk.core.files import write_bytes
from creditrisk.monitor.series import SCORE
from creditrisk.workflow.alert.states import Alarms

SUFFIX = ".prom"  # node_exporter reads no other file


def check_path(path: Path) -> None:
    """Refuse a path that node_exporter would pass over.

    Raises:
        InputError: it has another suffix, or its folder is not there.
    """
    if path.suffix != SUFFIX:
        problem = f"does not end with {SUFFIX}, so node_exporter would pass it over"
        raise InputError(path, "file", problem, f"Name a file such as creditrisk{SUFFIX}.")
    if not path.parent.is_dir():
        raise InputError(path, "folder", "is not there", "Name the collector's own folder.")


def write_textfile(alarms: Alarms, path: Path, judged: float | None = None) -> None:
    """Write the file: whole or not at all, so that no scrape reads a half.

    Args:
        alarms: what there is to tell.
        path: the file.
        judged: when monitoring has judged last, in seconds since 1970.

    Raises:
        InputError: it can't be written.
    """
    write_bytes(exposition(alarms, judged), path)


def exposition(alarms: Alarms, judged: float | None = None) -> bytes:
    """The alarms that are on and the main figures in Prometheus' text format."""
    registry = CollectorRegistry()
    names = ("id", "kind", "place", "severity")
    gauge = Gauge("creditrisk_alarm", "1 for each alarm that is on", names, registry=registry)
    for alarm in alarms.current:
        gauge.labels(alarm.id, alarm.kind, alarm.place, alarm.severity).set(1)
    on = Gauge("creditrisk_alarms", "Number of alarms that are on", registry=registry)
    on.set(len(alarms.current))
    for name, words in (("batches", "Batches received"), ("rows", "Rows received")):
        value = _number(alarms.figures.get(name))
        if value is not None:
            Gauge(f"creditrisk_monitor_{name}", words, registry=registry).set(value)
    if judged is not None:
        words = "When monitoring has judged last, in seconds since 1970"
        Gauge("creditrisk_monitor_judged_seconds", words, registry=registry).set(judged)
    rate = _number(alarms.figures.get("approval_rate"))
    if rate is not None:
        words = "Share of the applicants of the latest window who are accepted"
        Gauge("creditrisk_approval_rate", words, registry=registry).set(rate)
    series, score = alarms.figures.get("series"), alarms.figures.get("score")
    _add_psi((series if isinstance(series, dict) else {}) | {SCORE: score}, registry)
    return generate_latest(registry)


def _add_psi(series: Any, registry: CollectorRegistry) -> None:
    words = "Population stability index of the latest window against training"
    gauge = Gauge("creditrisk_psi", words, ["series"], registry=registry)
    for name, facts in series.items() if isinstance(series, dict) else ():
        value = _number(facts.get("psi")) if isinstance(facts, dict) else None
        if value is not None:
            gauge.labels(name).set(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None

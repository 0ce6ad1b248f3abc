"""What the service measures: for Prometheus. No cell of an applicant, and no client."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)

from creditrisk.metrics.costs import DECISIONS
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import Judged

LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
PDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


class Telemetry:
    """The counters of one service.

    Args:
        champion: is named in them.
    """

    def __init__(self, champion: Champion):
        disable_created_metrics()  # they would double the number of series
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "creditrisk_requests", "Requests answered", ["path", "code"], registry=self.registry
        )
        self.seconds = Histogram(
            "creditrisk_request_seconds", "Time to an answer", ["path"], buckets=LATENCY,
            registry=self.registry,
        )  # fmt: skip
        self.rows = Counter("creditrisk_rows", "Applicants", registry=self.registry)
        self.decisions = Counter(
            "creditrisk_decisions", "Decisions", ["decision"], registry=self.registry
        )
        self.missing = Counter(
            "creditrisk_missing_cells", "Cells that counted as missing", ["column", "cause"],
            registry=self.registry,
        )  # fmt: skip
        self.pds = Histogram("creditrisk_pd", "PDs", buckets=PDS, registry=self.registry)
        self.lost_events = Counter(
            "creditrisk_lost_events", "Scored rows that could not be kept", registry=self.registry
        )
        described = champion.description
        Info("creditrisk_model", "The model", registry=self.registry).info(
            {
                "sha256": described.model_sha256,
                "algorithm": described.algorithm,
                "threshold": repr(described.threshold),
            }
        )
        for decision in (*DECISIONS, "none"):
            self.decisions.labels(decision)

    def scored(self, judged: Judged) -> None:
        """Count scored applicants."""
        self.rows.inc(len(judged.pd))
        for row, pd_ in enumerate(judged.pd.tolist()):
            decision = judged.decision(row)
            self.decisions.labels(decision or "none").inc()
            if decision:
                self.pds.observe(pd_)
        for name, (_, causes) in judged.missing.items():
            for cause in causes:
                self.missing.labels(name, cause).inc()

    def text(self) -> bytes:
        """Return all of it in the text form of Prometheus."""
        return generate_latest(self.registry)

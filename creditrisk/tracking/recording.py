"""A stage's run, from before it works until its outputs are written.

Whatever fails here, the stage does not notice. MLflow is not loaded here, see `recorder`.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_html_repr

from creditrisk.core.errors import InputError
from creditrisk.tracking import fingerprint, local_runs, registry, store
from creditrisk.tracking.process import Recorder
from creditrisk.tracking.run_data import LONGEST_PARAM, Champion, RunData, Search


class Recording:
    """The run of one stage.

    Args:
        stage: as DVC names it, `train@lr`.
        inputs: what it reads, name to path.
        params: what it reads of params.yaml.
    """

    def __init__(self, stage: str, inputs: Mapping[str, Path], params: Mapping[str, Any]):
        self.stage = stage
        self.location: store.StoreLocation | None = None
        self.recorder: Recorder | None = None
        self.found: Search | None = None
        self.known = False
        if store.is_off():
            return
        with self._guarded():
            self.started = _now()
            self.location = store.find_store(Path.cwd())
            if self.location is None:
                raise RuntimeError("there is no DVC project above this folder")
            hashes = {f"data.{n}": h for n, h in fingerprint.hash_inputs(inputs).items()}
            self.tags = hashes | {
                "params.hash": fingerprint.hash_json(params),
                "code.hash": fingerprint.hash_code(),
            }
            self.key = fingerprint.hash_json([stage, self.tags])
            self.known = local_runs.is_recorded(self.location, self.key)
            if not self.known:
                self.recorder = Recorder(self.location, ahead=True)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what fails into one line; this run is then not recorded."""
        try:
            yield
        except Exception as error:
            self.location = None
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            print(f"tracking: {self.stage} is not recorded: {reason}", file=sys.stderr)

    def search(
        self, grid: GridSearchCV, words: list[dict[str, Any]], rows: pd.DataFrame, bad: np.ndarray
    ) -> None:
        """Keep the grid search that was fitted.

        Args:
            grid: fitted.
            words: its candidates by the names in params.yaml, in its order.
            rows, bad: what it was fitted on, shapes (n, d) and (n,).
        """
        if self.recorder is None:
            return
        with self._guarded():
            kind = type(grid.estimator)
            scores = {n: v for n, v in grid.cv_results_.items() if not n.startswith("param")}
            names = {name: None for candidate in words for name in candidate}
            params = {f"param_{name}": [c.get(name) for c in words] for name in names}
            self.found = Search(
                estimator=f"{kind.__module__}.{kind.__qualname__}",
                diagram=estimator_html_repr(grid.estimator),
                scoring=grid.scoring,
                results=params | {"params": words} | scores,
                best_score=float(grid.best_score_),
                rows=rows,
                bad=bad,
            )

    def finish(
        self,
        metrics: Mapping[str, Any],
        params: Mapping[str, Any],
        files: Mapping[str, list[Path]],
        predictions: pd.DataFrame | None = None,
        champion: Champion | None = None,
    ) -> None:
        """Have the run written down, and what is pending sent.

        Args:
            metrics: a metrics file's content; its numbers are recorded.
            params: of the best candidate.
            files: folder among the run's artifacts to files.
            predictions: `bad` and `pd` of rows that the model had not seen.
            champion: to be put in the model registry.
        """
        if store.is_off():
            return
        run_data = None
        with self._guarded():
            if self.location is not None:
                run_data = self._entry(metrics, params, files, predictions, champion)
        # What an earlier run left is sent too, even when this one could not be recorded.
        try:
            for line in self._conclude(run_data):
                print(line, file=sys.stderr)
        except Exception as error:
            print(f"tracking: {self.stage}: {error}", file=sys.stderr)

    def _conclude(self, run_data: RunData | None) -> list[str]:
        location = store.find_store(Path.cwd())
        if location is None:
            return []
        try:
            uri, lines = store.remote_uri(), []
        except InputError as error:  # the run is recorded all the same
            uri, lines = None, [f"tracking: {error}"]
        champion = run_data.champion if run_data else None
        moved = (
            champion
            and champion.is_champion_run
            and not registry.is_champion(location, champion.sha256)
        )
        if self.recorder is None:
            mark = local_runs.SENT + store.fingerprint(uri) if uri else ""
            if not moved and not (uri and (local_runs.count_pending(location, mark) or champion)):
                return lines
            self.recorder = Recorder(location, ahead=False)
        if self.known and not moved:
            run_data = None  # it is recorded: what is pending is sent, and that is all
        return lines + self.recorder.finish(run_data, uri, store.bound())

    def _entry(
        self,
        metrics: Mapping[str, Any],
        params: Mapping[str, Any],
        files: Mapping[str, list[Path]],
        predictions: pd.DataFrame | None,
        champion: Champion | None,
    ) -> RunData:
        return RunData(
            key=self.key,
            stage=self.stage,
            experiment=store.experiment_name(),
            started=self.started,
            ended=_now(),
            tags=self.tags | fingerprint.run_tags(Path.cwd()),
            params={name: str(value)[:LONGEST_PARAM] for name, value in params.items()},
            metrics=fingerprint.flatten(metrics),
            files={name: [path.resolve() for path in paths] for name, paths in files.items()},
            search=self.found,
            predictions=None if predictions is None else predictions[["bad", "pd"]],
            champion=champion,
        )


def _now() -> int:
    return int(time.time() * 1000)

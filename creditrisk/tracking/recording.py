"""Record a stage's run, from the start of its work until its outputs are written.

An error here does not affect the stage. MLflow is imported in another process, see `process.py`.
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
from creditrisk.core.logs import current_file
from creditrisk.tracking import fingerprint, local_runs, registry, store
from creditrisk.tracking.process import Recorder
from creditrisk.tracking.run_data import LONGEST_PARAM, Champion, RunData, Search


class Recording:
    """The recording of one stage's run.

    Args:
        stage: its name in DVC, such as `train@lr`.
        inputs: name to path of what the stage reads.
        params: the parameters that the stage reads.
    """

    def __init__(self, stage: str, inputs: Mapping[str, Path], params: Mapping[str, Any]):
        self.stage = stage
        self.location: store.StoreLocation | None = None
        self.recorder: Recorder | None = None
        self.fitted: Search | None = None
        self.is_known = False
        if store.is_off():
            return
        with self._guarded():
            self.started = _now()
            self.location = store.find_store(Path.cwd())
            if self.location is None:
                raise RuntimeError("this folder is not in a DVC project")
            hashes = {f"data.{n}": h for n, h in fingerprint.hash_inputs(inputs).items()}
            self.tags = hashes | {
                "params.hash": fingerprint.hash_json(params),
                "code.hash": fingerprint.hash_code(),
            }
            self.key = fingerprint.hash_json([stage, self.tags])
            self.is_known = local_runs.is_recorded(self.location, self.key)
            if not self.is_known:
                self.recorder = Recorder(self.location, ahead=True)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Print an error as one line instead of raising it; this run is then not recorded."""
        try:
            yield
        except Exception as error:
            self.location = None
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            print(f"tracking: {self.stage} is not recorded: {reason}", file=sys.stderr)

    def search(
        self,
        grid: GridSearchCV,
        candidates: list[dict[str, Any]],
        rows: pd.DataFrame,
        bad: np.ndarray,
    ) -> None:
        """Keep a fitted grid search, to record it later.

        Args:
            grid: the fitted search.
            candidates: its candidates under the names in params.yaml, in the search's order.
            rows: the features that it was fitted on, shape (n, d).
            bad: the target that it was fitted on, shape (n,).
        """
        if self.recorder is None:
            return
        with self._guarded():
            kind = type(grid.estimator)
            scores = {n: v for n, v in grid.cv_results_.items() if not n.startswith("param")}
            names = {name: None for candidate in candidates for name in candidate}
            params = {f"param_{name}": [c.get(name) for c in candidates] for name in names}
            self.fitted = Search(
                estimator=f"{kind.__module__}.{kind.__qualname__}",
                diagram=estimator_html_repr(grid.estimator),
                scoring=grid.scoring,
                results=params | {"params": candidates} | scores,
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
        """Record the run and upload the pending runs.

        Args:
            metrics: content of a metrics file; its numbers are recorded.
            params: parameters of the best candidate.
            files: artifact folder to the files that go into it.
            predictions: columns `bad` and `pd`, of rows that the model was not fitted on.
            champion: the model for the model registry.
        """
        if store.is_off():
            return
        run_data = None
        with self._guarded():
            if self.location is not None:
                run_data = self._run_data(metrics, params, files, predictions, champion)
        # Earlier pending runs are uploaded even if this run could not be recorded.
        try:
            for line in self._record_and_upload(run_data):
                print(line, file=sys.stderr)
        except Exception as error:
            print(f"tracking: {self.stage}: {error}", file=sys.stderr)

    def _record_and_upload(self, run_data: RunData | None) -> list[str]:
        location = store.find_store(Path.cwd())
        if location is None:
            return []
        try:
            uri, lines = store.remote_uri(), []
        except InputError as error:  # the run is recorded anyway
            uri, lines = None, [f"tracking: {error}"]
        champion = run_data.champion if run_data else None
        must_register = (
            champion
            and champion.is_champion_run
            and not registry.is_champion(location, champion.sha256)
        )
        if self.recorder is None:
            mark = local_runs.SENT + store.fingerprint(uri) if uri else ""
            must_upload = uri and (local_runs.count_pending(location, mark) or champion)
            if not must_register and not must_upload:
                return lines
            self.recorder = Recorder(location, ahead=False)
        if self.is_known and not must_register:
            run_data = None  # already recorded: only upload the pending runs
        return lines + self.recorder.finish(run_data, uri, store.bound())

    def _run_data(
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
            files={
                name: [path.resolve() for path in paths]
                for name, paths in (dict(files) | own_log()).items()
            },
            search=self.fitted,
            predictions=None if predictions is None else predictions[["bad", "pd"]],
            champion=champion,
        )


def own_log() -> dict[str, list[Path]]:
    """The log of this process, as artifacts of its run."""
    path = current_file()
    return {"log": [path]} if path is not None and path.exists() else {}


def _now() -> int:
    return int(time.time() * 1000)

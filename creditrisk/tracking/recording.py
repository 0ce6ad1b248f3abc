"""Record a stage's run, from the start of its work until its outputs are written.

An error here does not affect the stage. MLflow is imported in another process, see `process.py`.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_html_repr

from creditrisk.core.errors import InputError
from creditrisk.core.logs import current_file, say
from creditrisk.tracking import fingerprint, kept_runs, local_runs, registry, store
from creditrisk.tracking.imports import read_closure
from creditrisk.tracking.process import Recorder
from creditrisk.tracking.run_data import LONGEST_PARAM, Champion, Loader, RunData, Search
from creditrisk.tracking.store_check import READ_SECONDS

Answer = TypeVar("Answer")


class Recording:
    """The recording of one stage's run.

    Args:
        stage: its name in DVC, such as `train@lr`.
        inputs: name to path of what the stage reads.
        params: the parameters that the stage reads.
        serves: the module that loads the champion which the stage registers; it and all that it
            imports travels with the champion. None for a stage that registers none.
    """

    def __init__(
        self,
        stage: str,
        inputs: Mapping[str, Path],
        params: Mapping[str, Any],
        serves: str | None = None,
    ):
        self.stage = stage
        self.loader: Loader | None = None
        self.location: store.StoreLocation | None = None
        self.recorder: Recorder | None = None
        self.fitted: Search | None = None
        self.is_known = False
        if store.is_off():
            return
        with self._guarded():
            self.started = _now()
            if serves:
                self.loader = Loader(serves, read_closure(serves))
            hashes = {f"data.{n}": h for n, h in fingerprint.hash_inputs(inputs).items()}
            self.tags = hashes | {
                "params.hash": fingerprint.hash_json(params),
                "code.hash": fingerprint.hash_code(self.loader.code if self.loader else None),
            }
            self.key = fingerprint.hash_json([stage, self.tags])
            self.location = store.find_store(Path.cwd())
            if self.location is None:
                raise RuntimeError("this folder is not in a DVC project")
        if self.location is not None:
            location = self.location
            self.is_known = _ask_store(
                lambda: local_runs.is_recorded(location, self.key, READ_SECONDS), unknown=False
            )
            if not self.is_known:
                with contextlib.suppress(OSError):  # too many processes: `finish` starts another
                    self.recorder = Recorder(location, ahead=True)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Print an error as one line instead of raising it; this run is then not recorded."""
        try:
            yield
        except Exception as error:
            self.location = None
            say(f"tracking: {self.stage} is not recorded: {_one_line(error)}", warning=True)

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
            if self.location is not None and self._is_new(self.location, champion):
                run_data = self._run_data(metrics, params, files, predictions, champion)
                # First of all on disk, so that nothing that happens from here on loses it.
                kept_runs.keep(self.location, run_data)
        # Earlier runs are recorded and uploaded even if this run can't be.
        try:
            for line in self._record_and_upload(run_data, champion is not None):
                say(line, warning=True)
        except Exception as error:
            say(f"tracking: {self.stage}: {_one_line(error)}", warning=True)

    def _is_new(self, location: store.StoreLocation, champion: Champion | None) -> bool:
        """Return whether there is something to record: the run, or the choice of its champion."""
        if not self.is_known:
            return True
        if champion is None or not champion.is_champion_run:
            return False
        package = registry.package_sha256(champion, self.loader)
        # A kept run may have an earlier champion, which must not be the last word.
        return bool(kept_runs.waiting(location)) or not _ask_store(
            lambda: registry.is_champion(location, package, READ_SECONDS), unknown=False
        )

    def _record_and_upload(self, run_data: RunData | None, has_champion: bool) -> list[str]:
        location = store.find_store(Path.cwd())
        if location is None:
            return []
        uri, seconds, lines = None, store.DEFAULT_TIMEOUT, []
        try:
            uri = store.remote_uri()
            seconds = store.bound()
        except (InputError, ValueError) as error:  # the run is recorded anyway
            lines.append(f"tracking: {error}")
        if self.recorder is None:
            mark = local_runs.SENT + store.fingerprint(uri) if uri else ""
            must_upload = uri and (
                has_champion
                or _ask_store(
                    lambda: local_runs.count_pending(location, mark, READ_SECONDS), unknown=1
                )
            )
            if not (run_data or must_upload or kept_runs.waiting(location, kept_runs.TRIES)):
                return lines
            self.recorder = Recorder(location, ahead=run_data is not None)
        return lines + self.recorder.finish(run_data, uri, seconds)

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
            champion=registry.model_version(champion, self.loader) if champion else None,
        )


def _ask_store(question: Callable[[], Answer], unknown: Answer) -> Answer:
    """Ask the store; if it is locked or broken, the recording process finds out and says so."""
    try:
        return question()
    except sqlite3.Error:
        return unknown


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def own_log() -> dict[str, list[Path]]:
    """The log of this process, as artifacts of its run."""
    path = current_file()
    return {"log": [path]} if path is not None and path.exists() else {}


def _now() -> int:
    return int(time.time() * 1000)

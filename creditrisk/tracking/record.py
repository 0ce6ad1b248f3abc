"""A stage's run, recorded in the local store. Whatever fails here, the stage does not notice."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from creditrisk.tracking import identity, local, outbox, place, registry
from creditrisk.tracking.local import KEY, PARENT, RECORDED, STAGE

LONGEST_PARAM = 500  # characters; servers take 500 (older ones) to 6000


class Recording:
    """The run of one stage, from before it works until it has written its outputs.

    Parameters
    ----------
    stage : as DVC names it, `train@lr`.
    inputs : what it reads, name to path.
    params : what it reads of params.yaml.
    """

    def __init__(self, stage: str, inputs: Mapping[str, Path], params: Mapping[str, Any]):
        self.stage = stage
        self.place: place.Place | None = None
        self.client: Any = None
        self.run_id: str | None = None
        self.known = False
        if place.is_off():
            return
        with self._guarded():
            self.place = place.find_place(Path.cwd())
            if self.place is None:
                raise RuntimeError("there is no DVC project above this folder")
            self.hashes = identity.hash_inputs(inputs)
            self.params_hash = identity.hash_json(params)
            self.code = identity.hash_code()
            self.key = identity.hash_json([stage, self.hashes, self.params_hash, self.code])
            self.known = local.is_recorded(self.place, self.key)

    @property
    def active(self) -> bool:
        """Whether this run is to be recorded: tracking works, and it is not there yet."""
        return self.place is not None and not self.known

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what fails into one line; this run is then not recorded."""
        try:
            yield
        except Exception as error:
            self.place = None
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            print(f"tracking: {self.stage} is not recorded: {reason}", file=sys.stderr)

    def _start(self) -> None:
        self.client = local.open_store(self.place)
        self.experiment = local.experiment_id(self.client, self.place, place.experiment_name())
        for half in self.client.search_runs([self.experiment], f"tags.`{KEY}` = '{self.key}'"):
            # Of a process that was killed. Nothing of it has gone anywhere.
            of_it = f"tags.`{PARENT}` = '{half.info.run_id}'"
            for run in [*self.client.search_runs([self.experiment], of_it), half]:
                self.client.delete_run(run.info.run_id)
        tags = {KEY: self.key, STAGE: self.stage}
        tags |= {f"data.{name}": value for name, value in self.hashes.items()}
        tags |= {"params.hash": self.params_hash, "code.hash": self.code}
        tags |= identity.facts(Path.cwd())
        run = self.client.create_run(self.experiment, run_name=self.stage, tags=tags)
        self.run_id = run.info.run_id

    def watch(
        self, settings: list[dict[str, Any]], words: list[dict[str, Any]]
    ) -> AbstractContextManager[None]:
        """Record the grid search that is fitted in this block, through MLflow's autolog.

        Parameters
        ----------
        settings : the candidates as parameters of the pipeline, in the grid's own objects.
        words : the candidates by the names in params.yaml.
        """
        if not self.active:
            return contextlib.nullcontext()
        return self._watch(settings, words)

    @contextlib.contextmanager
    def _watch(self, settings: list[dict[str, Any]], words: list[dict[str, Any]]) -> Iterator[None]:
        inner = contextlib.ExitStack()
        inner.enter_context(_environment())
        with self._guarded():
            local.hush()
            import mlflow.sklearn  # noqa: F401

            from creditrisk.tracking.autolog import watched

            self._start()
            inner.enter_context(watched(self.place, self.run_id, settings, words))
        try:
            yield
        except BaseException:
            with self._guarded():
                inner.close()
                self._drop()
            self.place = None
            raise
        with self._guarded():
            inner.close()

    def _drop(self) -> None:
        """Remove the run of a stage that failed: it made nothing."""
        if self.run_id:
            self.client.delete_run(self.run_id)

    def finish(
        self,
        metrics: Mapping[str, Any],
        params: Mapping[str, Any],
        files: Mapping[str, list[Path]],
        champion: "registry.Champion | None" = None,
    ) -> None:
        """Write down what came out, and that the run is whole; then send what is pending.

        Parameters
        ----------
        metrics : a metrics file's content; its numbers are recorded.
        params : of the best candidate.
        files : folder among the run's artifacts to files.
        champion : to be put in the model registry.
        """
        with _environment(), self._guarded():
            if self.active:
                if self.run_id is None:
                    self._start()
                self._write(metrics, params, files, champion)
            if self.place and champion and not registry.is_champion(self.place, champion.sha256):
                self._publish(champion)
        # What an earlier run left is sent too, even when this one could not be recorded.
        store = None if place.is_off() else place.find_place(Path.cwd())
        uri = place.remote_uri()
        if store is None or uri is None:
            return
        try:
            if outbox.count_pending(store, local.SENT + place.fingerprint(uri)) or champion:
                told = outbox.send_within(store, uri, place.bound())
                if told:
                    print(told, file=sys.stderr)
        except Exception as error:
            print(f"tracking: nothing was sent: {error}", file=sys.stderr)

    def _write(
        self,
        metrics: Mapping[str, Any],
        params: Mapping[str, Any],
        files: Mapping[str, list[Path]],
        champion: "registry.Champion | None",
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        from creditrisk.tracking.autolog import name_children

        now = int(time.time() * 1000)
        told = [Param(name, str(value)[:LONGEST_PARAM]) for name, value in params.items()]
        numbers = [Metric(n, v, now, 0) for n, v in identity.flatten(metrics).items()]
        notes = [RunTag(n, v) for n, v in (champion.tags() if champion else {}).items()]
        self.client.log_batch(self.run_id, metrics=numbers, params=told, tags=notes)
        for folder, paths in files.items():
            for path in paths:
                self.client.log_artifact(self.run_id, str(path), folder or None)
        if champion:
            with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
                registry.save(champion, Path(folder, registry.FOLDER))
                self.client.log_artifacts(self.run_id, folder)
        name_children(self.client, self.experiment, self.run_id, self.key)
        self.client.set_terminated(self.run_id, "FINISHED")
        self.client.set_tag(self.run_id, RECORDED, "true")

    def _publish(self, champion: "registry.Champion") -> None:
        """Make it the champion of the local registry; the mirror does the same on the server."""
        client = self.client or local.open_store(self.place)
        experiment = local.experiment_id(client, self.place, place.experiment_name())
        runs = client.search_runs([experiment], f"tags.`{KEY}` = '{self.key}'")
        with local.locked(self.place.folder / "store.lock"):
            registry.publish(client, runs[0].info.run_id, runs[0].data.tags)


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """Give the environment back as it was: MLflow writes its own address into it."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

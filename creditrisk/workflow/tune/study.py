"""The search: Optuna proposes, every trial is kept on disk, and a later call goes on from there."""

import contextlib
import hashlib
import json
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from creditrisk.core.errors import InputError
from creditrisk.tracking.lock import locked
from creditrisk.workflow.tune.objective import Bench
from creditrisk.workflow.tune.outcome import Candidate, Outcome
from creditrisk.workflow.tune.space import Space

Log = Callable[[str], None]


def study_name(algo: str, bearing: Any) -> str:
    """Name a study by all that bears on its scores: whatever changes, another study begins."""
    text = json.dumps(bearing, sort_keys=True, default=str)
    return f"{algo}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@contextlib.contextmanager
def open_study(folder: Path, algo: str, name: str) -> Iterator[optuna.Study]:
    """Open a study, or begin it.

    SQLite, because what it has written stays whole whenever the process is killed.

    Raises:
        InputError: another search of this algorithm is running.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(folder / f"{algo}.lock", 0))
        except TimeoutError:
            problem = f"another search of {algo} is running"
            raise InputError(folder, algo, problem, "Wait for it, or end it.") from None
        storage = optuna.storages.RDBStorage(f"sqlite:///{folder / algo}.db")
        study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )
        try:
            yield study
        finally:
            storage.engine.dispose()


class Search:
    """A search of one algorithm.

    Args:
        study: of `open_study`.
        bench: measures a candidate.
        space: what is searched.
        fixed: the other values of a candidate.
        seed: what the proposals hang on.
        tell: is given a line a trial.
    """

    def __init__(
        self,
        study: optuna.Study,
        bench: Bench,
        space: Space,
        fixed: Candidate,
        seed: int,
        log: Log,
    ):
        self.study, self.bench, self.space, self.fixed = study, bench, space, fixed
        self.seed, self.log = seed, log
        self._distributions = {name: values.distribution() for name, values in space.items()}
        # A trial that was under way when the process ended: its proposal will come again.
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            study.log(trial.number, state=TrialState.FAIL)
        # Candidate, as text, to its scores; in the order in which they were measured.
        self._measured: dict[str, list[float]] = {}
        for trial in study.get_trials(states=(TrialState.COMPLETE,)):
            self._measured.setdefault(_key(trial.user_attrs["candidate"]), _scores(trial))
        for key, scores in study.user_attrs.items():
            self._measured.setdefault(key, scores)

    def run(self, present: list[Candidate], trials: int) -> Outcome:
        """Measure the combinations of params.yaml, then go on to so many trials in all.

        Ctrl-C ends it with what there is by then.

        Raises:
            InputError: a combination of params.yaml could not be fitted.
        """
        with _ctrl_c() as stopped:
            for candidate in present:
                if not stopped:
                    self._measure_present(candidate)
        if stopped:
            self.log("interrupted before the values of params.yaml were measured")
            sys.exit(130)
        best_now = max(present, key=lambda c: float(np.mean(self._measured[_key(c)])))
        now = float(np.mean(self._measured[_key(best_now)]))
        words = f"best of {len(present)} combinations" if len(present) > 1 else "the values"
        self.log(f"params.yaml now: {now:.4f}, {words}: {describe(best_now, self.space)}")
        done = self._finished()
        if done:
            self.log(f"going on from {len(done)} trials of this study")
        with _ctrl_c() as stopped:
            for number in range(len(done) + 1, trials + 1):
                if not stopped:  # raised where it counts for nothing, as in a __del__
                    self._trial(number, trials)
        if stopped:
            self.log("interrupted: this is what there is by now")
        done = self._finished()
        best = max(self._measured, key=lambda key: float(np.mean(self._measured[key])))
        if float(np.mean(self._measured[best])) <= now:
            best = _key(best_now)
        return Outcome(
            present=best_now,
            present_scores=self._measured[_key(best_now)],
            best=json.loads(best),
            best_scores=self._measured[best],
            trials=len(done),
            failed=sum(trial.state == TrialState.FAIL for trial in done),
        )

    def _finished(self) -> list[FrozenTrial]:
        """The proposals that came to an end; neither those cut off nor the present values."""
        ends = {TrialState.COMPLETE: "proposal", TrialState.FAIL: "error"}
        trials = self.study.get_trials(deepcopy=False)
        return [t for t in trials if t.state in ends and ends[t.state] in t.user_attrs]

    def _measure_present(self, candidate: Candidate) -> None:
        key = _key(candidate)
        if key in self._measured:
            return
        try:
            scores = self.bench.scores(candidate)
        except (ValueError, TypeError) as error:
            problem = f"a fit failed: {type(error).__name__}: {error}"
            location = f"algorithms.{self.bench.spec.name}"
            raise InputError(
                "params.yaml", location, problem, "Change or drop that value."
            ) from error
        self._measured[key] = scores
        estimator = self.bench.spec.pipeline().named_steps["model"].get_params(deep=False)
        params = {
            name: values.encode(candidate.get(name, _first(values.default, estimator.get(name))))
            for name, values in self.space.items()
        }
        attrs = {"candidate": candidate, "scores": scores}
        try:
            trial = create_trial(
                params=params,
                distributions=self._distributions,
                value=float(np.mean(scores)),
                user_attrs=attrs,
            )
        except (ValueError, TypeError):  # outside the ranges: known, but nothing for the sampler
            self.study.set_user_attr(key, scores)
        else:
            self.study.add_trial(trial)

    def _trial(self, number: int, trials: int) -> None:
        # A seed for each trial: a search that was killed proposes what it would have proposed.
        draw = np.random.SeedSequence([self.seed, number]).generate_state(1)[0]
        self.study.sampler = TPESampler(seed=int(draw), constant_liar=False)
        trial = self.study.ask(self._distributions)
        chosen = {name: self.space[name].decode(value) for name, value in trial.params.items()}
        candidate = dict(sorted((self.fixed | chosen).items()))
        line = f"trial {number} of {trials}"
        key = _key(candidate)
        try:
            scores = self._measured.get(key) or self.bench.scores(candidate)
        except (ValueError, TypeError) as error:
            problem = " ".join(str(error).split())[:200]
            trial.set_user_attr("error", problem)
            self.study.log(trial, state=TrialState.FAIL)
            self.log(f"{line}: failed, {describe(candidate, self.space)}: {problem}")
            return
        trial.set_user_attr("candidate", candidate)
        trial.set_user_attr("scores", scores)
        trial.set_user_attr("proposal", number)
        self.study.log(trial, float(np.mean(scores)))
        self._measured.setdefault(key, scores)
        top = max(float(np.mean(scores)) for scores in self._measured.values())
        mean = float(np.mean(scores))
        self.log(f"{line}: {mean:.4f}, best {top:.4f}: {describe(candidate, self.space)}")


@contextlib.contextmanager
def _ctrl_c() -> Iterator[list[int]]:
    """Leave the block at Ctrl-C; what is given then is no longer empty.

    A worker that has just begun may hear it too (later it is deaf) and end before it gets through
    here, and then the pool says that it is broken. From then on this process winds up, which takes
    a moment, and is deaf to a second Ctrl-C until it ends.
    """
    stopped: list[int] = []

    def stop(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopped.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    except (KeyboardInterrupt, BrokenExecutor):
        if not stopped:
            raise
    finally:
        if not stopped:
            signal.signal(signal.SIGINT, before)


def describe(candidate: Candidate, space: Space) -> str:
    """Word the searched values of a candidate."""
    return ", ".join(f"{name} {candidate[name]}" for name in space if name in candidate)


def _key(candidate: Candidate) -> str:
    return json.dumps(candidate, sort_keys=True)


def _scores(trial: FrozenTrial) -> list[float]:
    return trial.user_attrs["scores"]


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)

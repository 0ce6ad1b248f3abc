"""The search with Optuna. Every trial is stored on disk, and a later call continues from there."""

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
from filelock import FileLock
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from creditrisk.core.errors import InputError
from creditrisk.modeling.fits import FitFailed
from creditrisk.workflow.tune.objective import Bench
from creditrisk.workflow.tune.outcome import Candidate, Outcome
from creditrisk.workflow.tune.space import Space

Log = Callable[[str], None]


def study_name(algo: str, depends_on: Any) -> str:
    """Name a study by a hash of all that its scores depend on, so that a change starts a new study.

    Args:
        algo: the algorithm.
        depends_on: data, parameters and versions, as JSON can write them.
    """
    text = json.dumps(depends_on, sort_keys=True, default=str)
    return f"{algo}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@contextlib.contextmanager
def open_study(folder: Path, algo: str, name: str) -> Iterator[optuna.Study]:
    """Open a study, and create it if necessary.

    It is stored in SQLite, which stays consistent even if the process is killed.

    Args:
        folder: the folder of all studies.
        algo: the algorithm.
        name: name of the study.

    Raises:
        InputError: another search of this algorithm is running.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(FileLock(folder / f"{algo}.lock", timeout=0))
        except TimeoutError:
            problem = f"another search of {algo} is running"
            raise InputError(folder, algo, problem, "Wait for it, or stop it.") from None
        storage = optuna.storages.RDBStorage(f"sqlite:///{folder / algo}.db")
        study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )
        try:
            yield study
        finally:
            storage.engine.dispose()


class Search:
    """A search for one algorithm.

    Args:
        study: the study, from `open_study`.
        bench: scores a candidate.
        space: the search space.
        fixed: the parameters that are not searched.
        seed: random seed of the proposals.
        log: called with one line per trial.
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
        # Trials that were running when the process ended; the same candidates are proposed again.
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        # Candidate, as JSON, to its scores; in the order in which they were computed.
        self._known_scores: dict[str, list[float]] = {}
        for trial in study.get_trials(states=(TrialState.COMPLETE,)):
            self._known_scores.setdefault(_key(trial.user_attrs["candidate"]), _scores(trial))
        for key, scores in study.user_attrs.items():
            self._known_scores.setdefault(key, scores)

    def run(self, present: list[Candidate], trials: int) -> Outcome:
        """Score the combinations of params.yaml, then run trials.

        Ctrl-C ends the search with the results so far.

        Args:
            present: the combinations that are now in params.yaml.
            trials: number of trials, those of earlier calls included.

        Raises:
            InputError: a combination of params.yaml could not be fitted.
        """
        with _ctrl_c() as stopped:
            for number, candidate in enumerate(present, 1):
                if not stopped:
                    self._score_current(candidate, f"{number} of {len(present)}")
        if stopped:
            self.log("interrupted before the values of params.yaml were scored")
            sys.exit(130)
        current = max(present, key=lambda c: float(np.mean(self._known_scores[_key(c)])))
        current_mean = float(np.mean(self._known_scores[_key(current)]))
        which = f"best of {len(present)} combinations" if len(present) > 1 else "the values"
        values = describe(current, self.space)
        self.log(f"params.yaml now: {current_mean:.4f}, {which}: {values}")
        done = self._finished()
        if done:
            self.log(f"continuing after {len(done)} trials of this study")
        with _ctrl_c() as stopped:
            for number in range(len(done) + 1, trials + 1):
                if not stopped:  # the exception may be lost, as in a __del__
                    self._trial(number, trials)
        if stopped:
            self.log("interrupted: these are the results so far")
        done = self._finished()
        best = max(self._known_scores, key=lambda key: float(np.mean(self._known_scores[key])))
        if float(np.mean(self._known_scores[best])) <= current_mean:
            best = _key(current)
        return Outcome(
            current=current,
            current_scores=self._known_scores[_key(current)],
            best=json.loads(best),
            best_scores=self._known_scores[best],
            trials=len(done),
            failed=sum(trial.state == TrialState.FAIL for trial in done),
        )

    def _finished(self) -> list[FrozenTrial]:
        """Get the finished proposals, without interrupted ones and without the current values."""
        ends = {TrialState.COMPLETE: "proposal", TrialState.FAIL: "error"}
        trials = self.study.get_trials(deepcopy=False)
        return [t for t in trials if t.state in ends and ends[t.state] in t.user_attrs]

    def _score_current(self, candidate: Candidate, count: str) -> None:
        key = _key(candidate)
        if key in self._known_scores:
            return
        try:
            scores = self.bench.scores(candidate)
        except FitFailed as error:
            problem = f"a fit failed: {error.problem}"
            location = f"algorithms.{self.bench.spec.name}"
            hint = "Change or remove this value."
            raise InputError("params.yaml", location, problem, hint, quotes_data=True) from error
        self._known_scores[key] = scores
        mean = float(np.mean(scores))
        values = describe(candidate, self.space)
        self.log(f"params.yaml, combination {count}: {mean:.4f}: {values}")
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
                value=mean,
                user_attrs=attrs,
            )
        except (ValueError, TypeError):  # outside the ranges, so not for the sampler
            self.study.set_user_attr(key, scores)
        else:
            self.study.add_trial(trial)

    def _trial(self, number: int, trials: int) -> None:
        # One seed per trial, so that a search that was killed continues with the same proposals.
        draw = np.random.SeedSequence([self.seed, number]).generate_state(1)[0]
        self.study.sampler = TPESampler(seed=int(draw), constant_liar=False)
        trial = self.study.ask(self._distributions)
        proposed = {name: self.space[name].decode(value) for name, value in trial.params.items()}
        candidate = dict(sorted((self.fixed | proposed).items()))
        line = f"trial {number} of {trials}"
        key = _key(candidate)
        try:
            scores = self._known_scores.get(key) or self.bench.scores(candidate)
        except FitFailed as error:
            problem = " ".join(error.problem.split())[:200]
            trial.set_user_attr("error", problem)
            self.study.tell(trial, state=TrialState.FAIL)
            self.log(f"{line}: failed, {describe(candidate, self.space)}: {problem}")
            return
        trial.set_user_attr("candidate", candidate)
        trial.set_user_attr("scores", scores)
        trial.set_user_attr("proposal", number)
        self.study.tell(trial, float(np.mean(scores)))
        self._known_scores.setdefault(key, scores)
        top = max(float(np.mean(scores)) for scores in self._known_scores.values())
        mean = float(np.mean(scores))
        self.log(f"{line}: {mean:.4f}, best {top:.4f}: {describe(candidate, self.space)}")


@contextlib.contextmanager
def _ctrl_c() -> Iterator[list[int]]:
    """Leave the block at Ctrl-C. The list that it yields is then no longer empty.

    A worker that has just started does not ignore Ctrl-C yet and may end first, so that the pool
    reports that it is broken. After Ctrl-C this process needs a moment to finish, and ignores
    further signals until it ends.
    """
    stopped: list[int] = []

    def stop(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopped.append(number)
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    except (KeyboardInterrupt, BrokenExecutor):
        if not stopped:
            raise
    finally:
        if not stopped:
            signal.signal(signal.SIGINT, previous)


def describe(candidate: Candidate, space: Space) -> str:
    """Format the searched values of a candidate."""
    return ", ".join(f"{name} {candidate[name]}" for name in space if name in candidate)


def _key(candidate: Candidate) -> str:
    return json.dumps(candidate, sort_keys=True)


def _scores(trial: FrozenTrial) -> list[float]:
    return trial.user_attrs["scores"]


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)

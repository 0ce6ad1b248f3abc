"""The floor of a rebuild: the time of the model fits alone, in one warm process with a pool.

    python -m benchmarks.floor

It does the very same fits as the train stages (folds, candidates, nested ones, final ones) and as
`evaluate` (the champion again in each fold), and the predictions that score the candidates, on rows
that are already transformed. The processes of the pool run, and have all libraries, before the
clock starts. What a rebuild takes beyond this is not the models': encoding the rows, starting
processes, DVC, recording.
"""

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline

from creditrisk.champion.parts import ensemble_members
from creditrisk.core.cli import make_parser, run
from creditrisk.core.columns import FEATURES, KEYS, feature_columns
from creditrisk.core.files import read_frame, read_json
from creditrisk.core.params import Seed, Strict, read_params
from creditrisk.core.workers import workers
from creditrisk.evaluate.importance import unfitted
from creditrisk.modeling.fits import quiet_fits
from creditrisk.modeling.folds import Fold, make_folds
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.persistence import load_model
from creditrisk.modeling.registry import algorithm
from creditrisk.train.fold_fits import Candidates, Part, Rows, fit_models, prepared, share_steps
from creditrisk.train.params import TrainParams
from creditrisk.train.search import within
from creditrisk.train.spec import SearchSpec, make_spec, search_scoring
from creditrisk.train.train_folds import nested_folds, search_folds

EVALUATE = "evaluate"
Job = tuple[Candidates, Part, np.ndarray, str | None]


class Params(Strict):
    """The parameters that the train stages read from params.yaml."""

    seed: Seed
    preprocess: PreprocessParams
    train: TrainParams
    algorithms: dict[str, Any]


def measure(folder: Path, algorithms: list[str] | None = None) -> dict[str, float]:
    """Measure the floor of each algorithm, in seconds.

    Args:
        folder: a project that was built.
        algorithms: their names, or `evaluate`; None for all single ones of params.yaml, and that.
    """
    params = read_params(folder / "params.yaml", Params)
    frame = read_frame(folder / "data/processed/train.parquet", KEYS)
    features = read_json(folder / "data/processed/features.json", FEATURES)
    single = [name for name in params.algorithms if algorithm(name).family == "single"]
    seconds = {}
    for name in algorithms or [*single, EVALUATE]:
        if name == EVALUATE:
            with quiet_fits():
                jobs = list(_again(folder, frame, params))
            seconds[name] = _seconds(jobs)
            continue
        common = (features, params.preprocess, params.train, params.seed)
        spec = make_spec(name, params.algorithms[name], *common, rows=len(frame))
        rows = frame[spec.columns], frame["bad"].to_numpy()
        folds = search_folds(frame, spec.train, spec.seed)
        nested = nested_folds(frame, spec.train, spec.seed)
        with quiet_fits():
            jobs = list(_jobs(spec, rows, folds, nested))
        seconds[name] = _seconds(jobs)
    return seconds


def _seconds(jobs: list[Job]) -> float:
    """Do the jobs in a pool that is ready, the longest first."""
    jobs.sort(key=lambda job: -len(job[1].bad) * len(job[0]))
    with workers(jobs) as pool:
        for ready in [pool.submit(_nothing) for _ in range(4 * pool.count)]:
            ready.result()
        started = time.perf_counter()
        for done in [pool.submit(_fit, number) for number in range(len(jobs))]:
            done.result()
        return time.perf_counter() - started


def _again(folder: Path, frame: pd.DataFrame, params: Params) -> Iterator[Job]:
    """Transform the rows of the folds in which `evaluate` fits the champion's members again."""
    selected = read_json(folder / "metrics/select.json", ("champion_sha256",))
    champion = load_model(folder / "models/champion.joblib", selected["champion_sha256"])
    bad, applicant = frame["bad"].to_numpy(), frame["applicant"].to_numpy()
    rows = frame[feature_columns(frame)], bad
    for member in ensemble_members(champion):
        again = unfitted(member)
        pipeline = getattr(again, "estimator", again)  # of a calibrated one
        shared = share_steps([pipeline])
        for fold in make_folds(bad, applicant, params.train.folds, 1, params.seed):
            yield from _transformed([(0, shared[0])], rows, fold, None)


def _jobs(
    spec: SearchSpec, rows: Rows, folds: list[Fold], nested: list[tuple[Fold, list[Fold]]]
) -> Iterator[Job]:
    """Transform the rows of all folds, for all candidates; and those of the final fits."""
    everything = np.arange(len(rows[1]))
    searches = [(everything, folds), *((outer.train, inner) for outer, inner in nested)]
    for places, own in searches:
        bad = rows[1][places]
        pipelines = [spec.candidate_pipeline(one, bad, own) for one in spec.candidates]
        scoring = search_scoring(spec, pipelines)
        numbered = list(enumerate(share_steps(pipelines)))
        for fold in own:
            yield from _transformed(numbered, rows, within(fold, places), scoring)
    # The final fits, of a candidate in the middle: which one wins is not known before.
    middle = spec.candidates[len(spec.candidates) // 2]
    last = share_steps([spec.candidate_pipeline(middle, rows[1], folds)])
    for outer in [Fold(0, 0, everything, everything[:1]), *(outer for outer, _ in nested)]:
        yield from _transformed([(0, last[0])], rows, outer, None)


def _transformed(
    candidates: list[tuple[int, Pipeline]], rows: Rows, fold: Fold, scoring: str | None
) -> Iterator[Job]:
    frame, bad = rows
    part = Part(frame.iloc[fold.train], bad[fold.train], frame.iloc[fold.test])
    for members, ready in prepared(candidates, part, 0):
        yield members, ready, bad[fold.test], scoring


def _fit(jobs: list[Job], number: int) -> None:
    members, part, bad, scoring = jobs[number]
    with quiet_fits():
        fit_models(members, part, bad, scoring, keep=False)


def _nothing(jobs: list[Job]) -> None:
    pass


def main() -> None:
    """Print the floor of each algorithm of the project here."""
    parser = make_parser(__doc__)
    parser.add_argument("--algos", nargs="+", help="algorithms, instead of all of params.yaml")
    parser.add_argument("--project", type=Path, default=Path(), help="the project's folder")
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds = measure(args.project, args.algos)
    for name, value in seconds.items():
        print(f"{name} {value:.2f}")
    print(f"all {sum(seconds.values()):.2f}")


if __name__ == "__main__":
    run(main)

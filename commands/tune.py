"""tune: a finer search than a grid (`make tune ALGO=xgb TRIALS=30`); changes params.yaml.

This is not a stage of dvc.yaml: its only result is a change of params.yaml.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.core.cli import arguments, run
from creditrisk.core.environment import requirement
from creditrisk.core.errors import InputError
from creditrisk.core.files import read_frame, read_json, write_text
from creditrisk.core.logs import say

if TYPE_CHECKING:
    from creditrisk.train.params import TrainParams
    from creditrisk.workflow.tune.outcome import Outcome
    from creditrisk.workflow.tune.space import Space

# A study goes on only while all that its scores depend on is the same: data, parameters, code.
LIBRARIES = (
    "scikit-learn", "imbalanced-learn", "category_encoders", "xgboost", "lightgbm",
    "interpret-core", "optuna",
)  # fmt: skip
SCORING_CODE = "creditrisk.workflow.tune.objective"
NOT_SCORED = {"calibration", "nested", "outer_folds", "inner_folds"}
ROOT = Path(__file__).parents[1]


def main() -> None:
    """Search, and write the best values into params.yaml if they beat the present ones."""
    parser = arguments(
        __doc__,
        train="data/processed/train.parquet",
        features="data/processed/features.json",
        space="creditrisk/workflow/tune/ranges.yaml",
        store=".dvc/tmp/tune",
    )
    parser.add_argument("--trials", type=_count, default=30, help="in all calls together")
    parser.add_argument("--dry-run", action="store_true", help="leave params.yaml as it is")
    parser.add_argument("algo", metavar="ALGO", help="an entry of creditrisk/algorithms.yaml")
    args = parser.parse_args()

    from creditrisk.core.params import Seed, Strict, read_params
    from creditrisk.core.workers import workers
    from creditrisk.modeling.blocks import block_for
    from creditrisk.modeling.params import PreprocessParams
    from creditrisk.modeling.persistence import sha256
    from creditrisk.modeling.registry import algorithm, names
    from creditrisk.modeling.sample import search_sample
    from creditrisk.train.params import TrainParams
    from creditrisk.train.spec import make_spec
    from creditrisk.workflow.tune.objective import Bench, rows_of
    from creditrisk.workflow.tune.outcome import fixed_values
    from creditrisk.workflow.tune.space import read_space, undecided
    from creditrisk.workflow.tune.study import Search, open_study, study_name

    class Params(Strict):
        """What tune reads of params.yaml."""

        seed: Seed
        preprocess: PreprocessParams
        train: TrainParams
        block: dict[str, Any]

    algo = args.algo
    if not algo:
        valid = f"`make tune ALGO=xgb`; one of {', '.join(names())}."
        raise InputError("make tune", "ALGO", "missing", f"Say which: {valid}")
    entry = algorithm(algo)
    params = read_params(args.params, Params, block=f"algorithms.{algo}")
    space = read_space(args.space, algo, params.seed)
    _log(
        algo, f"scores the values of {args.params} first, then {args.trials} trials; reads the rows"
    )
    frame, features = read_frame(args.train), read_json(args.features)
    common = (features, params.preprocess, params.train, params.seed)
    spec = make_spec(algo, params.block, *common, rows=len(frame))
    block, present = block_for(algo, params.block, len(frame)), spec.candidates
    space |= undecided(present, space)
    fixed = fixed_values(algo, block, present[0], space, args.space)
    rows = len(frame)
    frame = search_sample(
        frame, params.train.sample_rows(len(spec.columns), frame["bad"].mean()), params.seed
    )
    if len(frame) < rows:
        _log(algo, f"searches on a sample of {len(frame):,} of {rows:,} rows")
    depends_on = [
        sha256(args.train.read_bytes()),
        features,
        {name: values.model_dump() for name, values in space.items()},
        fixed,
        entry.model_dump(),
        [params.seed, params.preprocess.model_dump(), params.train.model_dump(exclude=NOT_SCORED)],
        [requirement(library) for library in LIBRARIES],
        code_hashes(),
    ]
    name = study_name(algo, depends_on)
    with (
        open_study(args.store, algo, name) as study,
        workers(rows_of(spec, frame)) as pool,
    ):
        bench = Bench(spec, frame, pool)
        search = Search(study, bench, space, fixed, params.seed, lambda line: _log(algo, line))
        found = search.run(present, args.trials)
    finish(args, params.block, params.train, space, found, rows)


def finish(
    args: argparse.Namespace, written: dict[str, Any], train: "TrainParams", space: "Space",
    found: "Outcome", rows: int,
) -> None:  # fmt: skip
    """Report what the search found, and save it if it beats the current values.

    Args:
        args: of the command line.
        written: the block of the algorithm, as params.yaml has it.
        train: the block `train`.
        space: what was searched.
        found: the outcome of the search.
        rows: number of training rows.
    """
    from creditrisk.modeling.blocks import block_for, place_of
    from creditrisk.workflow.tune.outcome import changes
    from creditrisk.workflow.tune.yaml_edit import replace_values

    algo, block = args.algo, block_for(args.algo, written, rows)
    _log(algo, found.verdict(train.scoring, train.folds))
    if found.gain <= 0:
        _log(algo, f"{args.params} stays as it is")
        return
    better = changes(found.best, block, space)
    for key, value in better.items():
        _log(algo, f"algorithms.{algo}.{key}: {block.get(key, 'not set')} -> {value}")
    if args.dry_run:
        _log(algo, f"a dry run: {args.params} stays as it is")
        return
    # As bytes, because text mode would translate the line ends.
    text = args.params.read_bytes().decode("utf-8")
    for key, value in better.items():
        place = ["algorithms", algo, *place_of(algo, written, rows, key)]
        text = replace_values(text, place, {key: value})
    write_text(text, args.params)
    _log(
        algo,
        f"{args.params} is changed, and nothing else: see `git diff {args.params}`. Next: "
        "`dvc repro` or `dvc exp run`. The nested estimate does not repeat this search, and the "
        "best of many trials looks better than it is: only the test rows give an unbiased estimate",
    )


def code_hashes() -> dict[str, str]:
    """Hash the source files that a score depends on."""
    from creditrisk.modeling.persistence import sha256
    from creditrisk.tracking.imports import import_closure

    files = sorted(import_closure(SCORING_CODE, ROOT))
    return {str(path): sha256((ROOT / path).read_bytes()) for path in files}


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of trials: give 1 or more")
    return int(text)


def _log(algo: str, line: str) -> None:
    say(f"tune@{algo}: {line}")


if __name__ == "__main__":
    run(main)

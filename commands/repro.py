"""repro: `dvc repro`, with several train stages side by side.

For machines with more cores than a search uses. It ends with a plain `dvc repro`, which runs what
is left and finds the rest up to date.
"""

import json
import subprocess
import sys

from creditrisk.core.cli import arguments, run
from creditrisk.core.logs import say


def main() -> None:
    """Run the stages before training, those of training side by side, and the rest."""
    parser = arguments(__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="train stages at a time")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error("argument --jobs: at least 1")

    from creditrisk.core.params import read_yaml
    from creditrisk.workflow.dvc import run_dvc
    from creditrisk.workflow.interrupted import refuse_broken_state

    refuse_broken_state()
    _dvc_repro("featurize")

    from creditrisk.modeling.registry import algorithm
    from creditrisk.workflow.side_by_side import reproduce

    names = read_yaml(args.params)["algorithms"]
    single = [f"train@{name}" for name in names if algorithm(name).family == "single"]
    changed = json.loads(run_dvc("status", "--json", *single))
    stages = [stage for stage in single if any(stage == key.split(":")[-1] for key in changed)]
    if stages:
        say(f"repro: {len(stages)} train stages, {min(args.jobs, len(stages))} at a time")
        reproduce(stages, args.jobs, lambda line: say(f"repro: {line}"))
    _dvc_repro()


def _dvc_repro(*targets: str) -> None:
    """Run `dvc repro` as a person would: its output is shown as it comes.

    Raises:
        SystemExit: a stage failed; DVC and the stage have said why.
    """
    done = subprocess.run([sys.executable, "-m", "dvc", "repro", *targets])
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    run(main)

"""experiments: a short table of `dvc exp show`, sorted by CV metrics.

This is not a stage of dvc.yaml and has no outputs.
"""

import json
import shutil

from creditrisk.core.cli import make_parser, run
from creditrisk.core.logs import say, say_aside


def main() -> None:
    """Print the workspace, the baseline and its experiments, the best CV score first."""
    parser = make_parser(__doc__)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--md", action="store_true", help="as GitHub's Markdown")
    form.add_argument("--csv", action="store_true", help="as CSV, with all digits")
    parser.add_argument("--rev", help="a commit other than the last one")
    parser.add_argument("-n", "--num", type=int, help="number of commits, back from --rev")
    parser.add_argument(
        "-A", "--all-commits", action="store_true", help="experiments of all commits"
    )
    args = parser.parse_args()
    say_aside("experiments: asks DVC for them")

    from creditrisk.core.params import Strict, read_params
    from creditrisk.train.params import TrainParams
    from creditrisk.workflow.dvc import run_dvc
    from creditrisk.workflow.experiments.collect import collect
    from creditrisk.workflow.experiments.table import as_csv, markdown, terminal
    from creditrisk.workflow.interrupted import refuse_broken_state

    class Params(Strict):
        """The parameters that the table needs."""

        train: TrainParams

    refuse_broken_state()
    scoring = read_params("params.yaml", Params).train.scoring
    options = [f"--rev={args.rev}"] if args.rev else []
    options += [f"--num={args.num}"] if args.num else []
    options += ["--all-commits"] if args.all_commits else []
    rows = collect(json.loads(run_dvc("exp", "show", "--json", *options)), scoring)
    if args.csv:
        say(as_csv(rows, scoring))
    elif args.md:
        say(markdown(rows, scoring))
    else:
        say(terminal(rows, scoring, shutil.get_terminal_size((120, 24)).columns))


if __name__ == "__main__":
    run(main)

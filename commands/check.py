"""check: check all of params.yaml, the schema and the source file, before a stage runs.

This is not a stage of dvc.yaml and has no outputs. `make repro` and `make sweep` run it first.
"""

import json
from typing import Any

from creditrisk.core.cli import arguments, run
from creditrisk.core.logs import say


def main() -> None:
    """Check params.yaml as it is, or as it would be in each experiment of a sweep."""
    parser = arguments(__doc__)
    parser.add_argument("-S", "--set-param", action="append", default=[], help="as for dvc exp run")
    parser.add_argument("--queue", action="store_true", help="check for queued experiments")
    args = parser.parse_args()
    say(f"check: reads {args.params}, the schema and the data")

    from creditrisk.core.params import read_yaml
    from creditrisk.workflow.check import check
    from creditrisk.workflow.check_data import look_at_source
    from creditrisk.workflow.experiments.overrides import apply_overrides, expand_sweeps
    from creditrisk.workflow.interrupted import refuse_broken_state
    from creditrisk.workflow.tracked_files import check_tracked

    experiments = expand_sweeps(args.set_param, args.params) if args.set_param else [[]]
    sources: dict[str, Any] = {}  # one look at each source, however many experiments share it
    for overrides in experiments:
        tree = apply_overrides(args.params, overrides) if overrides else read_yaml(args.params)
        candidates = check(tree, args.params)
        if args.queue:
            check_tracked(tree, args.params)
        sources |= {json.dumps([tree["data"], tree["prepare"]]): tree}
    for tree in sources.values():
        for line in look_at_source(tree, args.params):
            say(f"check: {line}")
    refuse_broken_state()
    count = f", {len(experiments)} experiments" if len(experiments) > 1 else ""
    say(f"check: {len(tree['algorithms'])} algorithms, {candidates} candidates{count}")


if __name__ == "__main__":
    run(main)

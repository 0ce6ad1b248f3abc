"""verify: hash all that DVC tracks, and DVC's cache, again: is it what Git has the hashes of?

This is not a stage of dvc.yaml and has no outputs. The exit code is 1 if a file differs.
"""

import sys
from pathlib import Path

from creditrisk.core.cli import make_parser, run
from creditrisk.core.logs import say


def main() -> None:
    """Name each file that is not the one that dvc.lock or a .dvc file, both in Git, records."""
    parser = make_parser(__doc__)
    parser.add_argument("--lock", type=Path, default=Path("dvc.lock"), help="path")
    args = parser.parse_args()
    say(f"verify: hashes the files of {args.lock}, and DVC's cache")

    from creditrisk.core.dvc_lock import recorded_hashes
    from creditrisk.workflow.dvc import run_dvc
    from creditrisk.workflow.verify import added_hashes, verify

    hashes = recorded_hashes(args.lock) | added_hashes()
    count, findings = verify(hashes, Path(run_dvc("cache", "dir").strip()))
    for found in findings:
        say(f"verify: {found.path}: {found.problem}", warning=True)
    if findings:
        say(
            "verify: delete what differs, then `dvc checkout` or `dvc repro` makes it again; "
            "find out who changed it before you load a model",
            warning=True,
        )
        sys.exit(1)
    say(f"verify: {count} files of {len(hashes)} outputs are as Git records them")


if __name__ == "__main__":
    run(main)

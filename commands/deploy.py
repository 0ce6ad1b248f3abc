"""deploy: the pushed image on Cloud Run: no traffic, a smoke test, then all traffic; or back."""

import argparse
import os
from typing import TYPE_CHECKING

from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say

if TYPE_CHECKING:
    from creditrisk.workflow.deploy.cloud_run import CloudRun


def main() -> None:
    """Deploy, or roll back."""
    args = _arguments()

    from creditrisk.workflow.deploy.cloud_run import CloudRun, check_image
    from creditrisk.workflow.deploy.service import read_service

    for name in ("project", "region"):
        if not getattr(args, name):
            target = "rollback" if args.rollback else "deploy"
            hint = f"Give it: make {target} {name.upper()}=... (docs/deploy.md)."
            raise InputError(name.upper(), "value", "missing", hint)
    service, flags = read_service(args.project)
    cloud = CloudRun(args.project, args.region, service)
    if args.rollback:
        roll_back(cloud)
    else:
        image = args.image or _pushed()
        check_image(image)
        deploy(cloud, image, flags)


def deploy(cloud: "CloudRun", image: str, flags: list[str]) -> None:
    """Make a revision, test it, give it the traffic."""
    say("deploy: scores an applicant on this machine, to compare the service with")

    from creditrisk.workflow.deploy.cloud_run import passed
    from creditrisk.workflow.deploy.smoke import credentials, smoke_test
    from creditrisk.workflow.image.sample import sample

    # What may be missing here is asked for before anything is changed there.
    known, headers = sample(), credentials()
    traffic = cloud.traffic()
    if traffic is None:
        say(f"deploy: {cloud.service} is new, so its first revision can't be without traffic")
    revision, address = cloud.deploy(image, flags, with_traffic=traffic is None)
    smoke_test(address, headers, known)
    say(f"deploy: {revision} is ready and gives the PD of this machine")
    before = passed(traffic or [])
    cloud.serve(revision, before)
    back = f"; back to {before}: make rollback" if before else ""
    say(f"deploy: all traffic goes to {revision}{back}")


def roll_back(cloud: "CloudRun") -> None:
    """Give the traffic back to the revision that had it before."""
    from creditrisk.workflow.deploy.cloud_run import PREVIOUS, passed, tagged

    traffic = cloud.traffic() or []
    now, previous = passed(traffic), tagged(traffic, PREVIOUS)
    if previous is None or previous["revisionName"] == now:
        problem = "there is no revision before this one"
        raise InputError(cloud.service, "traffic", problem, "make deploy remembers one.")
    cloud.serve(previous["revisionName"], now)
    say(f"rollback: all traffic goes to {previous['revisionName']}; it was {now}")


def _pushed() -> str:
    from creditrisk.workflow.image.push import PUSHED

    try:
        return PUSHED.read_text(errors="replace").strip()
    except FileNotFoundError:
        hint = "Run make image-push, or give one: make deploy IMAGE=REGISTRY/credit-risk@sha256:..."
        raise InputError(
            "IMAGE", "value", "missing, and nothing was pushed from here", hint
        ) from None


def _arguments() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--rollback", action="store_true", help="back to the revision before")
    for name, about in (
        ("project", "the Google Cloud project"),
        ("region", "of Cloud Run, such as europe-west3"),
        ("image", "by its digest; what was pushed last from here if it is not given"),
    ):
        default = os.environ.get(name.upper()) or None
        parser.add_argument(f"--{name}", default=default, help=f"{about} (default: {name.upper()})")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)

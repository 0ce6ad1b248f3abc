"""deploy: the pushed image on Cloud Run: no traffic, a smoke test, then all traffic; or back."""

import argparse
import os

from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say
from creditrisk.workflow.deploy.cloud_run import (
    CANDIDATE,
    PREVIOUS,
    CloudRun,
    check_image,
    serving,
    tagged,
)
from creditrisk.workflow.deploy.service import read_service
from creditrisk.workflow.deploy.smoke import smoke_test
from creditrisk.workflow.image.push import PUSHED
from creditrisk.workflow.image.sample import sample


def main() -> None:
    """Deploy, or roll back."""
    args = _arguments()
    for name in ("project", "region"):
        if not getattr(args, name):
            hint = f"Give it: make deploy {name.upper()}=... (docs/deploy.md)."
            raise InputError(name.upper(), "value", "missing", hint)
    service, flags = read_service(args.project)
    cloud = CloudRun(args.project, args.region, service)
    if args.rollback:
        roll_back(cloud)
    else:
        image = args.image or _pushed()
        check_image(image)
        deploy(cloud, image, flags)


def deploy(cloud: CloudRun, image: str, flags: list[str]) -> None:
    """Make a revision, test it, give it the traffic."""
    known = sample()
    before = serving(cloud.traffic())
    if before is None:
        say(
            f"deploy: {cloud.service} is new in {cloud.region}: its first revision gets the traffic"
        )
    cloud.deploy(image, flags, with_traffic=before is None)
    new = tagged(cloud.traffic(), CANDIDATE)
    if new is None or "url" not in new:
        problem = f"no revision with the tag {CANDIDATE}"
        raise InputError("gcloud", "run deploy", problem, "Look at the service's revisions.")
    smoke_test(new["url"], known)
    say(f"deploy: {new['revisionName']} is ready and gives the PD of this machine")
    cloud.serve(new["revisionName"], before)
    back = f"; back to {before}: make rollback" if before else ""
    say(f"deploy: all traffic goes to {new['revisionName']}{back}")


def roll_back(cloud: CloudRun) -> None:
    """Give the traffic back to the revision that had it before."""
    traffic = cloud.traffic()
    now, previous = serving(traffic), tagged(traffic, PREVIOUS)
    if previous is None or previous["revisionName"] == now:
        problem = "there is no revision before this one"
        raise InputError(cloud.service, "traffic", problem, "make deploy remembers one.")
    cloud.serve(previous["revisionName"], now)
    say(f"rollback: all traffic goes to {previous['revisionName']}; it was {now}")


def _pushed() -> str:
    try:
        return PUSHED.read_text().strip()
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

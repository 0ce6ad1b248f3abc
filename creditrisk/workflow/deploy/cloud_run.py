"""Cloud Run, by its own command, gcloud."""

import json
import re
from dataclasses import dataclass
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.workflow.programs import run_program

# Tags of revisions: a tag has an address of its own, also without traffic.
CANDIDATE, PREVIOUS = "candidate", "previous"
DIGEST = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)+@sha256:[0-9a-f]{64}")
HINT = "See docs/deploy.md for the login, the rights and the services that it needs."


@dataclass(frozen=True)
class CloudRun:
    """A service in a project and a region.

    Attributes:
        project: the Google Cloud project.
        region: such as europe-west3.
        service: its name.
    """

    project: str
    region: str
    service: str

    def _gcloud(self, *args: str) -> str:
        place = [f"--project={self.project}", f"--region={self.region}", "--quiet"]
        return run_program(["gcloud", *args, *place], " ".join(args[:3]), HINT)

    def traffic(self) -> list[dict[str, Any]]:
        """Return who gets which share of the requests, and the tags; nothing for no service."""
        known = self._gcloud(
            "run", "services", "list", f"--filter=metadata.name={self.service}", "--format=json"
        )
        if not json.loads(known or "[]"):
            return []
        found = json.loads(
            self._gcloud("run", "services", "describe", self.service, "--format=json")
        )
        return list(found.get("status", {}).get("traffic", []))

    def deploy(self, image: str, flags: list[str], with_traffic: bool) -> None:
        """Make a revision; without traffic, nobody but whoever knows its tag reaches it."""
        rest = [] if with_traffic else ["--no-traffic"]
        self._gcloud(
            "run", "deploy", self.service, f"--image={image}", f"--tag={CANDIDATE}",
            "--no-allow-unauthenticated", *rest, *flags,
        )  # fmt: skip

    def serve(self, revision: str, previous: str | None) -> None:
        """Send all traffic to a revision; remember the one before by a tag."""
        kept = [f"--update-tags={PREVIOUS}={previous}"] if previous else []
        self._gcloud(
            "run",
            "services",
            "update-traffic",
            self.service,
            f"--to-revisions={revision}=100",
            *kept,
        )


def tagged(traffic: list[dict[str, Any]], tag: str) -> dict[str, Any] | None:
    """Return the entry with a tag."""
    return next((one for one in traffic if one.get("tag") == tag), None)


def serving(traffic: list[dict[str, Any]]) -> str | None:
    """Return the revision with most of the traffic."""
    shares = [
        (one.get("percent") or 0, one["revisionName"]) for one in traffic if "revisionName" in one
    ]
    share, revision = max(shares, default=(0, None))
    return revision if share else None


def check_image(image: str) -> None:
    """Check that an image is named by its digest: a tag may mean another image tomorrow.

    Raises:
        InputError: it is not.
    """
    if not DIGEST.fullmatch(image):
        hint = "Give what make image-push prints: REGISTRY/credit-risk@sha256:..."
        raise InputError("IMAGE", "value", f"{image} is no image by its digest", hint)

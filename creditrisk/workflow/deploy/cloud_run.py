"""Cloud Run, by its own command, gcloud."""

import json
import re
from dataclasses import dataclass
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.workflow.programs import run_program

# Tags of revisions: a tag has an address of its own, also without traffic. `live` is the one that
# has passed and was given the traffic, `previous` the one that was live before it.
CANDIDATE, LIVE, PREVIOUS = "candidate", "live", "previous"
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

    def traffic(self) -> list[dict[str, Any]] | None:
        """Return who gets which share of the requests, and the tags; None if there is no service.

        Raises:
            InputError: gcloud fails.
        """
        try:
            found = self._gcloud("run", "services", "describe", self.service, "--format=json")
        except InputError as error:
            # A list of the services would need a right to all of the project's.
            if f"Cannot find service [{self.service}]" in str(error):
                return None
            raise
        return _entries(_status(found).get("traffic", []))

    def deploy(self, image: str, flags: list[str], with_traffic: bool) -> tuple[str, str]:
        """Make a revision; without traffic, nobody but whoever knows its tag reaches it.

        Returns:
            Its name and its address.

        Raises:
            InputError: gcloud fails, or somebody else has deployed in the same moment.
        """
        rest = [] if with_traffic else ["--no-traffic"]
        done = self._gcloud(
            "run", "deploy", self.service, f"--image={image}", f"--tag={CANDIDATE}",
            "--no-allow-unauthenticated", *rest, *flags, "--format=json",
        )  # fmt: skip
        status = _status(done)
        new = tagged(_entries(status.get("traffic", [])), CANDIDATE)
        latest = status.get("latestCreatedRevisionName")
        if new is None or "url" not in new or new["revisionName"] != latest:
            problem = f"the tag {CANDIDATE} is not at the new revision"
            hint = "Somebody else deploys now. Wait for that, then run make deploy again."
            raise InputError(self.service, "run deploy", problem, hint)
        return new["revisionName"], new["url"]

    def serve(self, revision: str, previous: str | None) -> None:
        """Send all traffic to a revision; remember it, and the one before, by tags."""
        tags = f"{LIVE}={revision}" + (f",{PREVIOUS}={previous}" if previous else "")
        self._gcloud(
            "run", "services", "update-traffic", self.service, f"--to-revisions={revision}=100",
            f"--update-tags={tags}",
        )  # fmt: skip


def _status(text: str) -> dict[str, Any]:
    """Read a service as gcloud prints it."""
    try:
        return dict(json.loads(text)["status"])
    except (ValueError, TypeError, KeyError):
        raise InputError("gcloud", "JSON", "its answer is no service", "Update gcloud.") from None


def _entries(traffic: Any) -> list[dict[str, Any]]:
    return [one for one in traffic if isinstance(one, dict) and "revisionName" in one]


def tagged(traffic: list[dict[str, Any]], tag: str) -> dict[str, Any] | None:
    """Return the entry with a tag."""
    return next((one for one in traffic if one.get("tag") == tag), None)


def passed(traffic: list[dict[str, Any]]) -> str | None:
    """Return the revision that has passed and serves.

    Without a tag that says so, it is the one with most of the traffic, unless `make deploy` has
    made it: that is a first one, which has not passed.
    """
    if live := tagged(traffic, LIVE):
        return str(live["revisionName"])
    candidate = (tagged(traffic, CANDIDATE) or {}).get("revisionName")
    shares = [(one.get("percent") or 0, one["revisionName"]) for one in traffic]
    share, revision = max(shares, default=(0, None))
    return revision if share and revision != candidate else None


def check_image(image: str) -> None:
    """Check that an image is named by its digest: a tag may mean another image tomorrow.

    Raises:
        InputError: it is not.
    """
    if not DIGEST.fullmatch(image):
        hint = "Give what make image-push prints: REGISTRY/credit-risk@sha256:..."
        raise InputError("IMAGE", "value", f"{image} is no image by its digest", hint)

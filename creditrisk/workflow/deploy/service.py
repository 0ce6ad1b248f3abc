"""The settings of the service: deploy/service.yaml, as flags of `gcloud run deploy`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from creditrisk.core.errors import InputError, nearest
from creditrisk.core.params import read_yaml

FILE = Path("deploy/service.yaml")
CONTAINER = "spec.template.spec.containers.0"
# Each setting that the file may have: the flag, or None for what `make deploy` says itself.
FLAGS = {
    "apiVersion": None,
    "kind": None,
    "metadata.name": None,
    "metadata.annotations.run.googleapis.com/ingress": "--ingress",
    "spec.template.metadata.annotations.autoscaling.knative.dev/minScale": "--min-instances",
    "spec.template.metadata.annotations.autoscaling.knative.dev/maxScale": "--max-instances",
    "spec.template.metadata.annotations.run.googleapis.com/startup-cpu-boost": "--cpu-boost",
    "spec.template.spec.serviceAccountName": "--service-account",
    "spec.template.spec.containerConcurrency": "--concurrency",
    "spec.template.spec.timeoutSeconds": "--timeout",
    f"{CONTAINER}.image": None,
    f"{CONTAINER}.ports.0.name": None,
    f"{CONTAINER}.ports.0.containerPort": "--port",
    f"{CONTAINER}.resources.limits.cpu": "--cpu",
    f"{CONTAINER}.resources.limits.memory": "--memory",
}
PROBES = {
    f"{CONTAINER}.startupProbe": "--startup-probe",
    f"{CONTAINER}.livenessProbe": "--liveness-probe",
}
PROBE = (
    "httpGet.path",
    "initialDelaySeconds",
    "periodSeconds",
    "timeoutSeconds",
    "failureThreshold",
)
SWITCHES = ("--cpu-boost",)


def read_service(project: str) -> tuple[str, list[str]]:
    """Read the name of the service and its settings.

    Args:
        project: the Google Cloud project, in which the service account is.

    Returns:
        The name, and a flag for each setting.

    Raises:
        InputError: the file is missing, is no YAML, or has a setting without a flag.
    """
    found = dict(_leaves(read_yaml(FILE)))
    known = [*FLAGS, *(f"{place}.{part}" for place in PROBES for part in PROBE)]
    for place in found:
        if place not in known:
            raise InputError(
                FILE, place, "make deploy knows no such setting", nearest(place, known)
            )
    if "metadata.name" not in found:
        raise InputError(FILE, "metadata.name", "missing", "Name the service.")
    flags = []
    for place, flag in FLAGS.items():
        if flag is None or place not in found:
            continue
        value = str(found[place])
        if flag in SWITCHES:
            flags.append(flag if value.lower() == "true" else flag.replace("--", "--no-", 1))
        elif flag == "--service-account" and "@" not in value:
            flags.append(f"{flag}={value}@{project}.iam.gserviceaccount.com")
        else:
            flags.append(f"{flag}={value}")
    for place, flag in PROBES.items():
        parts = [f"{part}={found[at]}" for part in PROBE if (at := f"{place}.{part}") in found]
        flags += [f"{flag}={','.join(parts)}"] if parts else []
    return str(found["metadata.name"]), flags


def _leaves(tree: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """List all values of a tree with their places."""
    if isinstance(tree, dict | list):
        children = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for name, child in children:
            yield from _leaves(child, f"{place}.{name}" if place else str(name))
    else:
        yield place, tree

"""The settings of the service: deploy/service.yaml, as flags of `gcloud run deploy`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from creditrisk.core.errors import from_validation
from creditrisk.core.params import Strict, read_yaml

FILE = Path("deploy/service.yaml")
Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$")]
Account = Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]+(@[a-z0-9.-]+)?$")]
Count = Annotated[str, Field(pattern=r"^[0-9]{1,4}$")]  # annotations are texts
Whole = Annotated[int, Field(ge=1)]


class About(Strict):
    """The annotations of the service."""

    ingress: Literal["all", "internal", "internal-and-cloud-load-balancing"] = Field(
        alias="run.googleapis.com/ingress"
    )


class Metadata(Strict):
    """Name and annotations of the service."""

    name: Name
    annotations: About


class Scale(Strict):
    """The annotations of a revision."""

    least: Count = Field(alias="autoscaling.knative.dev/minScale")
    most: Count = Field(alias="autoscaling.knative.dev/maxScale")
    boost: Literal["true", "false"] = Field(alias="run.googleapis.com/startup-cpu-boost")


class Revision(Strict):
    """Annotations of a revision."""

    annotations: Scale


class Port(Strict):
    """Where the container listens."""

    name: Literal["http1"]
    number: Annotated[int, Field(ge=1, le=65535)] = Field(alias="containerPort")


class Limits(Strict):
    """What a container may use."""

    cpu: Annotated[str, Field(pattern=r"^([0-9]+m?|0?\.[0-9]+)$")]
    memory: Annotated[str, Field(pattern=r"^[0-9]+(Mi|Gi)$")]


class Resources(Strict):
    """Limits of a container."""

    limits: Limits


class Get(Strict):
    """The path that a probe asks for."""

    path: Annotated[str, Field(pattern=r"^/[a-z/_-]*$")]


class Probe(Strict):
    """How Cloud Run asks a container whether it is well."""

    get: Get = Field(alias="httpGet")
    initialDelaySeconds: int | None = None
    periodSeconds: Whole | None = None
    timeoutSeconds: Whole | None = None
    failureThreshold: Whole | None = None

    def flag(self) -> str:
        """Return it as gcloud writes it."""
        numbers = self.model_dump(exclude={"get"}, exclude_none=True)
        return ",".join(
            [f"httpGet.path={self.get.path}", *(f"{n}={v}" for n, v in numbers.items())]
        )


class Container(Strict):
    """The one container."""

    image: Literal["IMAGE"]
    ports: Annotated[list[Port], Field(min_length=1, max_length=1)]
    resources: Resources
    startup: Probe = Field(alias="startupProbe")
    liveness: Probe = Field(alias="livenessProbe")


class RevisionSpec(Strict):
    """How a revision runs."""

    account: Account = Field(alias="serviceAccountName")
    concurrency: Whole = Field(alias="containerConcurrency")
    timeout: Whole = Field(alias="timeoutSeconds")
    containers: Annotated[list[Container], Field(min_length=1, max_length=1)]


class Template(Strict):
    """What each revision is made of."""

    metadata: Revision
    spec: RevisionSpec


class Spec(Strict):
    """What the service runs."""

    template: Template


class Service(Strict):
    """deploy/service.yaml: each setting is needed, so none is left to a default of the cloud."""

    apiVersion: Literal["serving.knative.dev/v1"]
    kind: Literal["Service"]
    metadata: Metadata
    spec: Spec


_MODELS = (Service, Metadata, About, Spec, Template, Revision, Scale, RevisionSpec, Container, Port,
           Resources, Limits, Probe, Get)  # fmt: skip
# To find the one that was meant by an unknown one.
_NAMES = sorted({f.alias or name for model in _MODELS for name, f in model.model_fields.items()})


def read_service(project: str) -> tuple[str, list[str]]:
    """Read the name of the service and its settings.

    Args:
        project: the Google Cloud project, in which the service account is.

    Returns:
        The name, and a flag for each setting.

    Raises:
        InputError: the file is missing, is no YAML, lacks a setting, or has an unknown or a wrong
            one.
    """
    try:
        service = Service.model_validate(read_yaml(FILE))
    except ValidationError as error:
        raise from_validation(FILE, error, _NAMES) from None
    scale, spec = service.spec.template.metadata.annotations, service.spec.template.spec
    [container] = spec.containers
    at = "" if "@" in spec.account else f"@{project}.iam.gserviceaccount.com"
    return service.metadata.name, [
        f"--ingress={service.metadata.annotations.ingress}",
        f"--min-instances={scale.least}",
        f"--max-instances={scale.most}",
        "--cpu-boost" if scale.boost == "true" else "--no-cpu-boost",
        f"--service-account={spec.account}{at}",
        f"--concurrency={spec.concurrency}",
        f"--timeout={spec.timeout}",
        f"--port={container.ports[0].number}",
        f"--cpu={container.resources.limits.cpu}",
        f"--memory={container.resources.limits.memory}",
        f"--startup-probe={container.startup.flag()}",
        f"--liveness-probe={container.liveness.flag()}",
    ]

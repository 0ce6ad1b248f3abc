"""Push the image to a registry."""

import re
from pathlib import Path

from creditrisk.core.errors import InputError
from creditrisk.core.files import write_text
from creditrisk.workflow.image.contents import NAME, Contents
from creditrisk.workflow.image.engine import Engine

# The pushed image by its digest, for `make deploy` and the workflow.
PUSHED = Path("build/image/pushed")
_REGISTRY = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)*")


def push(engine: Engine, content: Contents, registry: str) -> str:
    """Push the image under the Git commit as its tag.

    Args:
        engine: what has built it.
        content: of the image.
        registry: where to, such as `europe-west3-docker.pkg.dev/PROJECT/REPOSITORY`.

    Returns:
        The image by its digest, `REGISTRY/credit-risk@sha256:...`: a tag can be moved, this can't.

    Raises:
        InputError: the image is not built, or holds what no commit has; or the engine fails.
    """
    if not _REGISTRY.fullmatch(registry):
        hint = "Write it without https:// and without a tag: HOST/PROJECT/REPOSITORY."
        raise InputError("REGISTRY", "value", f"{registry} names no registry", hint)
    if content.revision.endswith("-dirty"):
        problem = "files of the image are not as committed, so no commit can be its tag"
        raise InputError(
            "Git", "status", problem, "Commit them, then run make image and image-test."
        )
    if not engine.has(content.image):
        problem = f"{content.image} is not built"
        raise InputError(engine.name, "image", problem, "Run make image, then make image-test.")
    PUSHED.parent.mkdir(parents=True, exist_ok=True)
    digest = engine.push(
        content.image, f"{registry}/{NAME}:{content.revision}", PUSHED.with_name("digest")
    )
    by_digest = f"{registry}/{NAME}@{digest}"
    write_text(by_digest + "\n", PUSHED)
    return by_digest

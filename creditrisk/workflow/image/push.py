"""Push the image to a registry."""

import re
from pathlib import Path

from creditrisk.core.errors import InputError
from creditrisk.core.files import write_text
from creditrisk.workflow.image.contents import NAME, Contents
from creditrisk.workflow.image.engine import Engine

# The pushed image by its digest, for `make deploy` and the workflow.
PUSHED = Path("build/image/pushed")
_PART = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
_REGISTRY = re.compile(rf"[a-zA-Z0-9]+([.-]+[a-zA-Z0-9]+)*(:\d+)?(/{_PART})*")


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
        hint = "Write it in small letters, without https:// and a tag: HOST/PROJECT/REPOSITORY."
        raise InputError("REGISTRY", "value", f"{registry} names no registry", hint)
    if content.changed:
        problem = "not as committed, so no commit can be the image's tag"
        hint = "Commit it or take it back, then run make image and make image-test."
        raise InputError(content.changed[0], "Git", problem, hint)
    if not engine.has(content.image):
        problem = f"{content.image} is not built"
        raise InputError(engine.name, "image", problem, "Run make image, then make image-test.")
    # Before anything is pushed: it must be possible to write down what was.
    PUSHED.unlink(missing_ok=True)
    write_text("", PUSHED.with_name("digest"))
    digest = engine.push(
        content.image, f"{registry}/{NAME}:{content.revision}", PUSHED.with_name("digest")
    )
    by_digest = f"{registry}/{NAME}@{digest}"
    write_text(by_digest + "\n", PUSHED)
    return by_digest

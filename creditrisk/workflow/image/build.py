"""Build the image."""

from pathlib import Path

from creditrisk.workflow.image import wheels
from creditrisk.workflow.image.contents import Contents
from creditrisk.workflow.image.context import lay_out
from creditrisk.workflow.image.engine import Engine

FILE = Path("Containerfile")
PLATFORM = "linux/amd64"  # Cloud Run's


def build(engine: Engine, content: Contents, base: str | None) -> None:
    """Build the image of what is here now; layers that have not changed are taken again.

    Args:
        engine: what builds it.
        content: of the image.
        base: an image with Python, for want of the one in the Containerfile.

    Raises:
        InputError: a package can't be downloaded, or the engine fails.
    """
    wheels.download()
    folder = lay_out(content)
    arguments = [f"--file={folder / FILE}", f"--tag={content.image}", f"--platform={PLATFORM}"]
    arguments += [f"--build-arg=REVISION={content.revision}"]
    arguments += [f"--build-arg=BASE={base}"] if base else []
    arguments += [f"--label={name}={value}" for name, value in content.labels.items()]
    engine.build(arguments, folder)

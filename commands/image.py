"""image: the champion's service as a container image: build it, try it, push it to a registry."""

import argparse
import os

from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say, say_aside


def main() -> None:
    """Do one of the three."""
    args = _arguments()
    if args.step == "push" and not args.registry:
        hint = "Give it: make image-push REGISTRY=europe-west3-docker.pkg.dev/PROJECT/REPOSITORY."
        raise InputError("REGISTRY", "value", "missing", hint)
    # What push prints is the digest and nothing else.
    announce = say_aside if args.step == "push" else say
    announce("image: reads the champion, and what Git says of its files")

    from creditrisk.workflow.image.build import build
    from creditrisk.workflow.image.contents import contents
    from creditrisk.workflow.image.engine import find_engine, find_runner
    from creditrisk.workflow.image.push import push
    from creditrisk.workflow.image.sample import sample
    from creditrisk.workflow.image.trial import trial

    engine = find_engine(args.engine)
    content = contents()
    if args.step == "build":
        build(engine, content, args.base)
        say(f"image: {content.image} is built by {engine.name}; next: make image-test")
    elif args.step == "test":
        runner = find_runner(engine)
        if not engine.has(content.image):
            problem = f"{content.image} is not built"
            raise InputError(engine.name, "image", problem, "Run make image.")
        trial(runner, content, sample())
        say(f"image-test: {content.image} is good; next: make image-push")
    else:
        say(push(engine, content, args.registry))


def _arguments() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("step", choices=["build", "test", "push"], help="what to do")
    parser.add_argument(
        "--engine", default=os.environ.get("ENGINE") or None,
        help="docker, podman or buildah; the first that works if it is not given (default: ENGINE)",
    )  # fmt: skip
    parser.add_argument(
        "--base", default=os.environ.get("BASE") or None,
        help="build: an image with Python 3.11 for want of the Containerfile's (default: BASE)",
    )  # fmt: skip
    parser.add_argument(
        "--registry", default=os.environ.get("REGISTRY") or None,
        help="push: HOST/PROJECT/REPOSITORY (default: REGISTRY)",
    )  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    run(main)

"""serve: the champion as a service on this machine: PDs over HTTP, a form, OpenAPI."""

import gc

if __name__ == "__main__":
    # Until `give_back`: what is loaded stays, so looking at it again and again only takes time.
    gc.disable()

import argparse
import hashlib
import os
from pathlib import Path

from creditrisk.core import git
from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say
from creditrisk.serve.settings import EVENTS, KEYS, REVISION, read_keys

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def main() -> None:
    """Load the champion, then open the port and answer until SIGTERM."""
    args = _arguments()
    keys = read_keys()
    say("serve: loads the champion")

    from creditrisk.score.api import DESCRIPTION, load_champion
    from creditrisk.serve.app import Service, build_app
    from creditrisk.serve.events import Events
    from creditrisk.serve.server import give_back, open_port, serve

    model = load_champion(args.folder)
    described = hashlib.sha256((args.folder / DESCRIPTION).read_bytes()).hexdigest()
    folder = os.environ.get(EVENTS)
    events = Events(Path(folder), model.champion.description.model_sha256) if folder else None
    service = Service(model, keys, events, _revision(args.folder), described)
    service.self_check()
    if not service.passes:
        problem = "the stored applicants do not get their stored PDs"
        hint = "Install requirements-serve.lock again, or run `dvc repro` on this machine."
        raise InputError(args.folder / DESCRIPTION, "self_check", problem, hint)
    app = build_app(service)
    give_back()
    port = open_port(args.host, args.port)
    if not keys.hashes:
        reach = "this machine" if args.host in LOOPBACK else f"whoever can reach {args.host}"
        say(f"serve: no {KEYS}: {reach} can score without a key", warning=args.host not in LOOPBACK)
    host, number = port.getsockname()[:2]
    say(f"serve: {model.champion.description.label} on http://{_written(host)}:{number}/")
    serve(app, service, port)
    say("serve: stopped")


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _revision(folder: Path) -> str | None:
    """Return the Git commit, told by the environment in an image; None if nobody knows."""
    told = os.environ.get(REVISION)
    if told:
        return told
    try:
        return git.found("rev-parse", "--verify", "--quiet", "HEAD", folder=folder) or None
    except InputError:  # no Git, or no repository
        return None


def _arguments() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument(
        "--host", default=os.environ.get("HOST") or "127.0.0.1",
        help="address to listen on; 0.0.0.0 for all of this machine (default: HOST)",
    )  # fmt: skip
    parser.add_argument(
        "--port", type=_port, default=os.environ.get("PORT") or "8080",
        help="port to listen on; 0 for a free one (default: PORT)",
    )  # fmt: skip
    parser.add_argument("--folder", type=Path, default=Path(), help="the project's folder")
    return parser.parse_args()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"{text} is no port, wanted is a number up to 65535")
    return int(text)


if __name__ == "__main__":
    run(main)

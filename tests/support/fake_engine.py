"""A stand-in for docker, podman and buildah, where none can run; the service that it runs is real.

Usage: fake_engine.py STATE.json NAME COMMAND ..., as `make image`, `image-test` and `image-push`
call an engine, in the project's folder. The state has the calls, the images, the registries of a
login, and `fails`: the first words of a call that fails, and what it says.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

FOLDER, LOCK = Path("build/image/wheels"), Path("requirements-image.lock")
IN_IMAGE = ("models", "dvc.lock", "params.yaml")
EMPTY = {"calls": [], "images": {}, "logins": [], "running": {}, "fails": {}}


def main() -> None:
    store, name, args = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    state = json.loads(store.read_text())
    state["calls"].append([name, *args])
    for words, said in state["fails"].items():
        if " ".join([name, *args]).startswith(words):
            store.write_text(json.dumps(state))
            sys.exit(said)
    values = [arg for arg in args if not arg.startswith("--")]
    flags = dict(arg.split("=", 1) for arg in args if arg.startswith("--") and "=" in arg)
    known = state["images"]
    if args[0] == "build":
        revision = [arg for arg in args if arg.startswith("--build-arg=REVISION=")]
        tag = flags.get("--tag") or args[args.index("--tag") + 1]
        known[tag] = revision[0].rpartition("=")[2] if revision else ""
    elif args[0] == "images":
        print("\n".join(image if name == "docker" else f"localhost/{image}" for image in known))
    elif args[0] == "run":
        place = next(i for i, arg in enumerate(args) if arg in known)
        state["running"][flags.get("--name", "")] = os.getpid()
        store.write_text(json.dumps(state))
        run(args[1:place], known[args[place]])
    elif args[0] == "kill":
        os.kill(state["running"][values[1]], signal.SIGTERM)
    elif args[0] == "login":
        assert sys.stdin.read().strip(), "no password"
        state["logins"].append(values[-1])
    elif args[0] == "tag":
        known[values[2]] = known[values[1]]
    elif args[0] == "push":
        target = values[-1].removeprefix("docker://")
        if target.partition("/")[0] not in state["logins"]:
            sys.exit(
                "Getting image source signatures\nError: unauthorized: authentication required"
            )
        if "--digestfile" in args:
            Path(args[args.index("--digestfile") + 1]).write_text(digest(target))
    elif args[:2] == ["image", "inspect"]:
        print(f"other.example/x@{digest('x')}")
        print(f"{values[-1].rpartition(':')[0]}@{digest(values[-1])}\n")
    elif args[0] not in ("info", "rm", "compose"):
        sys.exit(f"unknown: {args}")
    store.write_text(json.dumps(state))


def digest(target: str) -> str:
    return f"sha256:{hashlib.sha256(target.encode()).hexdigest()}"


def run(args: list[str], revision: str) -> None:
    """Become the service, with what is in the image and in its volumes."""
    inside = Path(tempfile.mkdtemp(prefix="fake-container-"))
    for name in IN_IMAGE:
        copy = shutil.copytree if Path(name).is_dir() else shutil.copy
        copy(name, inside / name)
    environment = dict(os.environ) | {"HOST": "127.0.0.1", "CREDITRISK_REVISION": revision}
    for arg in args:
        if arg.startswith("--volume="):
            here, there, _ = arg.removeprefix("--volume=").split(":")
            target = inside / Path(there).relative_to("/app")
            target.unlink()
            shutil.copy(here, target)
        if arg.startswith("--env="):
            name, _, value = arg.removeprefix("--env=").partition("=")
            environment[name] = value
    # Relative paths, as in the image: /app is where the service starts.
    environment["PYTHONPATH"] = os.getcwd()
    os.chdir(inside)
    os.execve(sys.executable, [sys.executable, "-m", "commands.serve"], environment)


def need_no_wheels(folder: Path) -> None:
    """Leave the packages out of the lock file, so that none has to be downloaded."""
    (folder / LOCK).write_text("# none\n")
    (folder / FOLDER).mkdir(parents=True)


def install(folder: Path, *names: str) -> Path:
    """Put stand-ins into a folder for the PATH, and return the file of their state."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "engine.json"
    state.write_text(json.dumps(EMPTY))
    for name in names:
        program = folder / name
        program.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{state}" {name} "$@"\n'
        )
        program.chmod(0o755)
    return state


if __name__ == "__main__":
    main()

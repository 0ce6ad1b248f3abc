"""A stand-in for Google Cloud's CLI, with one Cloud Run service in a file.

Usage: fake_gcloud.py STATE.json run|auth ..., as `make deploy` calls gcloud. It knows what it is
asked in the tests and no more; it keeps each call. What docs/deploy.md has a person do besides is
kept only. The state's `address` is where a revision answers, `fails` the first words of a call
that fails.
"""

import json
import sys
from pathlib import Path

TOKEN = "a-token-of-the-test"


def main() -> None:
    store, args = Path(sys.argv[1]), sys.argv[2:]
    state = json.loads(store.read_text())
    state["calls"].append(args)
    words = [arg for arg in args if not arg.startswith("--")]
    flags = dict(arg.split("=", 1) for arg in args if arg.startswith("--") and "=" in arg)
    called = " ".join(words)
    if "--data-file=-" in args:
        assert sys.stdin.read().strip(), "no secret"
    if state.get("fails") and called.startswith(state["fails"]):
        store.write_text(json.dumps(state))
        sys.exit(f"ERROR: (gcloud.{'.'.join(words[:2])}) PERMISSION_DENIED: not allowed")
    if "--quiet" in args:  # `make deploy`; a person may leave out what `gcloud config set` has
        assert flags["--project"] == "our-project"
        assert flags["--region"] == "europe-west3"
    if "answers" in state and "--format=json" in args:
        print(state["answers"])
        return
    traffic = state["traffic"]
    if flags.get("--format") in ("value(status.url)", "value(projectNumber)"):
        print(state["address"] if "status" in flags["--format"] else 1234567890)
    elif words[:3] == ["run", "services", "describe"]:
        if not traffic:
            store.write_text(json.dumps(state))
            sys.exit("ERROR: (gcloud.run.services.describe) Cannot find service [credit-risk]")
        print(json.dumps({"status": {"traffic": traffic}}))
    elif words[:3] == ["run", "deploy", "credit-risk"]:
        # As Cloud Run does: a new service has nothing that could keep the traffic.
        if not traffic and "--no-traffic" in args:
            sys.exit("ERROR: (gcloud.run.deploy) --no-traffic is not supported for a new service")
        state["revisions"].append(flags["--image"])
        name = f"credit-risk-{len(state['revisions']):05}"
        for one in traffic:
            if one.get("tag") == flags["--tag"]:
                del one["tag"]
            if "--no-traffic" not in args:
                one.pop("percent", None)
        new = {"revisionName": name, "tag": flags["--tag"], "url": state["address"]}
        traffic.append(new if "--no-traffic" in args else new | {"percent": 100})
        latest = state.get("another_deploys", name)
        print(json.dumps({"status": {"latestCreatedRevisionName": latest, "traffic": traffic}}))
    elif words[:3] == ["run", "services", "update-traffic"]:
        revision, _, percent = flags["--to-revisions"].partition("=")
        for one in traffic:
            one.pop("percent", None)
        entry(traffic, revision)["percent"] = int(percent)
        for pair in flags["--update-tags"].split(","):
            tag, _, tagged = pair.partition("=")
            for one in traffic:
                if one.get("tag") == tag:
                    del one["tag"]
            traffic.append({"revisionName": tagged, "tag": tag, "url": state["address"]})
        state["traffic"] = [one for one in traffic if "percent" in one or "tag" in one]
    elif words[:1] == ["auth"] and words[1].startswith("print-"):
        print(TOKEN)
    elif "--quiet" in args:
        sys.exit(f"unknown: {args}")
    store.write_text(json.dumps(state))


def entry(traffic: list[dict], revision: str) -> dict:
    """Return the entry of a revision."""
    return next(one for one in traffic if one["revisionName"] == revision)


def state(address: str) -> str:
    """What the file has before the first call: no service yet."""
    return json.dumps({"calls": [], "traffic": [], "revisions": [], "address": address})


def install(program: Path, store: Path) -> None:
    """Write a program that is this one, with its state in a file."""
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{store}" "$@"\n')
    program.chmod(0o755)


if __name__ == "__main__":
    main()

"""A stand-in for GitHub's CLI, with the issues of one repository in a file.

Usage: fake_gh_issues.py ISSUES.json ARGUMENTS..., with the commands that `make alert` gives.

The file has `issues`, `labels`, `calls`; `kill_after` names a command after which the process that
called is killed, as a power cut would; `fail` names one that fails.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

LABEL = "credit-risk-alarm"
PAGE = 2  # issues a page, so that there is more than one


def main() -> None:
    store, args = Path(sys.argv[1]), sys.argv[2:]
    state = json.loads(store.read_text())
    state["calls"].append(args)
    command = " ".join(args[:2]) if args[0] != "api" else "api"
    if state.get("fail") == command:
        store.write_text(json.dumps(state))
        sys.exit("error: HTTP 502: a bad gateway")
    answer = COMMANDS[command](state, args)
    store.write_text(json.dumps(state))
    if state.get("kill_after") == command:
        os.kill(os.getppid(), signal.SIGKILL)
    print(answer, end="")


def listed(state: dict[str, Any], args: list[str]) -> str:
    path = f"repos/{{owner}}/{{repo}}/issues?labels={LABEL}&state=all&per_page=100"
    assert args == ["api", "--paginate", path]
    found = [one for one in state["issues"] if LABEL in one["labels"]]
    pages = [found[i : i + PAGE] for i in range(0, len(found), PAGE)] or [[]]
    return "".join(map(json.dumps, pages))


def label(state: dict[str, Any], args: list[str]) -> str:
    assert args[2] == LABEL
    assert "--force" in args
    state["labels"].append(args[2])
    return ""


def create(state: dict[str, Any], args: list[str]) -> str:
    wanted = option(args, "--label")
    assert wanted in state["labels"], "could not add label: not found"
    number = len(state["issues"]) + 1
    issue = {"number": number, "state": "open", "labels": [wanted], "comments": []}
    state["issues"].append(issue | words(args))
    return f"https://github.example/a/b/issues/{number}\n"


def edit(state: dict[str, Any], args: list[str]) -> str:
    issue(state, args).update(words(args))
    return ""


def close(state: dict[str, Any], args: list[str]) -> str:
    one = issue(state, args)
    assert one["state"] == "open"
    one["comments"].append(option(args, "--comment"))
    one["state"] = "closed"
    return ""


def reopen(state: dict[str, Any], args: list[str]) -> str:
    one = issue(state, args)
    assert one["state"] == "closed"
    one["comments"].append(option(args, "--comment"))
    one["state"] = "open"
    return ""


def issue(state: dict[str, Any], args: list[str]) -> dict[str, Any]:
    (one,) = (one for one in state["issues"] if one["number"] == int(args[2]))
    return one


def words(args: list[str]) -> dict[str, str]:
    title = option(args, "--title")
    assert len(title) <= 256
    return {"title": title, "body": option(args, "--body")}


def option(args: list[str], name: str) -> str:
    (value,) = (arg for arg in args if arg.startswith(f"{name}="))
    return value.removeprefix(f"{name}=")


COMMANDS = {
    "api": listed,
    "label create": label,
    "issue create": create,
    "issue edit": edit,
    "issue close": close,
    "issue reopen": reopen,
}


def install(folder: Path, issues: list[dict[str, Any]] | None = None) -> Path:
    """Put `gh` into a folder for the PATH, and return the file of its issues."""
    folder.mkdir(parents=True, exist_ok=True)
    store, program = folder / "issues.json", folder / "gh"
    store.write_text(json.dumps({"issues": issues or [], "labels": [], "calls": []}))
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{store}" "$@"\n')
    program.chmod(0o755)
    return store


if __name__ == "__main__":
    main()

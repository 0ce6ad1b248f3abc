"""A stand-in for GitHub's CLI, with the comments of one pull request in a file.

Usage: fake_gh.py COMMENTS.json pr view|pr comment|api ..., as `make comment` calls gh. Filters are
run by jq, so that what the Makefile asks for is what is tested.
"""

import json
import subprocess
import sys
from pathlib import Path


def main() -> None:
    store, args = Path(sys.argv[1]), sys.argv[2:]
    state = json.loads(store.read_text())
    state["calls"].append(args)
    comments = state["comments"]
    if args[:2] == ["pr", "view"]:
        assert args[2] == "12"
        assert args[3:6] == ["--json", "comments", "--jq"]
        given = json.dumps({"comments": comments})
        print(subprocess.run(["jq", "-r", args[6]], input=given, text=True, check=True,
                             capture_output=True).stdout, end="")  # fmt: skip
    elif args[:2] == ["pr", "comment"]:
        assert args[2] == "12"
        assert args[3] == "--body-file"
        comments.append(comment(100 + len(comments), Path(args[4]).read_text(), True))
    elif args[0] == "api":
        assert args[args.index("--method") + 1] == "PATCH"
        place = next(a for a in args if a.startswith("repos/{owner}/{repo}/issues/comments/"))
        field = args[args.index("-F") + 1]
        assert field.startswith("body=@")
        (found,) = (c for c in comments if c["url"].endswith(f"-{place.rsplit('/', 1)[1]}"))
        found["body"] = Path(field.removeprefix("body=@")).read_text()
    else:
        sys.exit(f"unknown: {args}")
    store.write_text(json.dumps(state))


def comment(number: int, body: str, own: bool) -> dict[str, object]:
    url = f"https://github.example/a/b/pull/12#issuecomment-{number}"
    return {"url": url, "body": body, "viewerDidAuthor": own}


if __name__ == "__main__":
    main()

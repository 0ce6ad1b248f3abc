"""First on the path of a stage under test: writes down each file it opens and parameter it reads.

Python imports this module by itself at its start, in the workers of a search too.
"""

import json
import os
import sys

_log = os.environ.get("AUDIT_LOG")


def _note(kind: str, what: str) -> None:
    # os.open and os.write: the hook must not set itself off with `open`.
    line = json.dumps([os.environ.get("DVC_STAGE", ""), kind, what]) + "\n"
    os.write(_descriptor, line.encode())


def _hook(event: str, args: tuple) -> None:
    if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
        path, mode, flags = args
        writes = bool(set("wxa+") & set(mode or "")) or bool(
            (flags or 0) & (os.O_WRONLY | os.O_RDWR)
        )
        _note("write" if writes else "read", os.path.abspath(os.fsdecode(path)))
    elif event == "creditrisk.param":
        _note("param", args[0])


if _log:
    _descriptor = os.open(_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    sys.addaudithook(_hook)

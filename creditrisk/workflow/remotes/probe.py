"""Ask one remote whether it answers: run by a remote's own environment, so it needs DVC alone."""

import os
import sys
from pathlib import Path
from typing import Any

from dvc.config import Config
from dvc.fs import get_cloud_fs


def ping(scheme: str, fs: Any, path: str) -> str:
    """Read from a remote as little as it takes to know that it is there and lets us in.

    Args:
        scheme: the remote's protocol.
        fs: DVC's file system for it.
        path: the remote's root on it.

    Returns:
        What was found.
    """
    bucket, _, prefix = path.partition("/")
    if scheme == "s3":
        fs.fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=1)
    elif scheme == "gs":
        try:
            fs.fs.call("GET", "b/{}/o", bucket, prefix=prefix, maxResults=1, json_out=True)
        except FileNotFoundError:
            raise FileNotFoundError(f"no bucket {bucket}") from None
    elif scheme == "gdrive":
        fs.fs.ls(fs.fs.root)
    elif scheme == "local":
        return folder(Path(path))
    else:
        fs.exists(path)
    return f"{scheme}://{path}"


def folder(path: Path) -> str:
    """Tell of a folder whether it can be written to, or made where it isn't yet."""
    found = next(p for p in (path, *path.parents) if p.exists())
    if not found.is_dir():
        raise NotADirectoryError(f"{found} is a file")
    if not os.access(found, os.W_OK | os.X_OK):
        raise PermissionError(f"{found} can't be written to")
    return str(path) if found == path else f"{path} (the first push makes it)"


def describe(error: BaseException) -> str:
    """Word an error in one line: its own text, and that of the first cause that has one."""
    texts = []
    link: BaseException | None = error
    while link is not None:
        text = " ".join(str(link).split())
        if text and text not in " ".join(texts):
            texts.append(text)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return ": ".join([*texts[:1], *texts[-1:]] if len(texts) > 1 else texts) or repr(error)


def _not_shared(fs: Any, path: str) -> str:
    """Word that Drive knows no such folder for this account, whose address the owner needs."""
    login = fs.fs.client.auth.credentials
    account = getattr(login, "service_account_email", "this account")
    return f"folder {path}: its id is wrong, or it is not shared with {account}"


def main() -> int:
    """Probe the remote named by the only argument; one line on stdout, 0 when it answers."""
    cls, options, path = get_cloud_fs(Config(".dvc"), name=sys.argv[1])
    scheme = cls.protocol if isinstance(cls.protocol, str) else cls.protocol[0]
    fs = cls(**options)
    try:
        print(ping(scheme, fs, path))
    except PermissionError as error:
        # What PyDrive2 makes of a 404 says nothing.
        print(_not_shared(fs, path) if scheme == "gdrive" and not error.args else describe(error))
        return 1
    # Whatever a plugin raises is an answer to the question.
    except Exception as error:
        print(describe(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Check whether one remote responds. It runs in the remote's own environment and needs only DVC."""

import os
import sys
from pathlib import Path
from typing import Any

from dvc.config import Config
from dvc.fs import get_cloud_fs


def ping(scheme: str, fs: Any, path: str) -> str:
    """Read just enough from a remote to know that it exists and that we have access.

    Args:
        scheme: the remote's protocol.
        fs: DVC's file system for it.
        path: the remote's root in this file system.

    Returns:
        The address that was found.
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
    """Check that a folder can be written to, or created if it does not exist yet."""
    found = next(p for p in (path, *path.parents) if p.exists())
    if not found.is_dir():
        raise NotADirectoryError(f"{found} is a file")
    if not os.access(found, os.W_OK | os.X_OK):
        raise PermissionError(f"{found} can't be written to")
    return str(path) if found == path else f"{path} (the first push creates it)"


def describe(error: BaseException) -> str:
    """Describe an error in one line: its own text, and that of its original cause."""
    texts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        text = " ".join(str(link).split())
        if text and text not in " ".join(texts):
            texts.append(text)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return ": ".join([*texts[:1], *texts[-1:]] if len(texts) > 1 else texts) or repr(error)


def _not_shared(fs: Any, path: str) -> str:
    """Describe that Drive finds no such folder, with the account that it must be shared with."""
    login = fs.fs.client.auth.credentials
    account = getattr(login, "service_account_email", "this account")
    return f"folder {path}: its id is wrong, or it is not shared with {account}"


def main() -> int:
    """Check the remote named by the only argument; print one line, return 0 if it responds."""
    cls, options, path = get_cloud_fs(Config(".dvc"), name=sys.argv[1])
    scheme = cls.protocol if isinstance(cls.protocol, str) else cls.protocol[0]
    fs = cls(**options)
    try:
        print(ping(scheme, fs, path))
    except PermissionError as error:
        # PyDrive2 raises an error without a text for a 404.
        print(_not_shared(fs, path) if scheme == "gdrive" and not error.args else describe(error))
        return 1
    # Plugins raise errors of any kind, and each means that the remote does not respond.
    except Exception as error:
        print(describe(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What runs on a worker of a cluster. Dask sends this file there, so it imports nothing of ours.

A job comes with the code that it needs: workers have our dependencies, but not this package, or an
older one. A worker may serve two people whose code differs, so it has one code at a time; this file
may differ, too, so what all must agree on is not in it, but in the process (`_process`).
"""

import contextlib
import importlib
import os
import pickle
import platform
import sys
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = "creditrisk"
Versions = dict[str, tuple[tuple[str, ...], str | None]]

# Threads that wait for each other.
_meetings: dict[str, threading.Barrier] = {}
MEETING_SECONDS = 10.0


def keep(content: bytes) -> bytes:
    """Hold bytes on the cluster, as the result of a task."""
    return content


class _Process(ModuleType):
    """What the jobs of a process share.

    Attributes:
        lock: for one job at a time: a library tells warnings, and its number of threads, to the
            whole process.
        code: digest of the code in use.
        shared: digest of the shared data, and the data.
    """

    lock: threading.Lock
    code: str
    shared: dict[str, Any]


def _process() -> Any:
    name = f"{PACKAGE}_worker"
    if name not in sys.modules:
        made = _Process(name)
        made.lock, made.code, made.shared = threading.Lock(), "", {}
        return sys.modules.setdefault(name, made)  # another thread may have been faster
    return sys.modules[name]


class OtherVersions(Exception):
    """A worker has other versions of libraries; its argument is the text about them."""


def differences(expected: Versions) -> list[str]:
    """Compare the versions of this process with those of whoever sends jobs.

    Args:
        expected: library to the names of its distributions and its version; `python` has none.

    Returns:
        What differs, in words.
    """
    found = []
    for library, (distributions, wanted) in expected.items():
        here = _version(distributions)
        if here != wanted:
            found.append(f"{library} {here or 'is missing'}, here {wanted}")
    return found


def _version(distributions: tuple[str, ...]) -> str | None:
    if not distributions:
        return ".".join(platform.python_version_tuple()[:2])
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def call(digest: str, code: bytes, shared_digest: str, shared: bytes, job: bytes) -> bytes:
    """Run a job.

    Args:
        digest: of the code.
        code: pickled: the package as a zip file, and the versions that it needs.
        shared_digest: of the shared data.
        shared: the shared data, pickled.
        job: a function of the package and its further arguments, pickled.

    Returns:
        Whether it succeeded, and its result or its error; pickled, since the scheduler could not
        read an object of the package.
    """
    process = _process()
    with process.lock:
        try:
            _use(digest, code)
        except OtherVersions as error:
            return pickle.dumps((False, error))
        from threadpoolctl import threadpool_limits

        if shared_digest not in process.shared:
            process.shared.clear()
            process.shared[shared_digest] = pickle.loads(shared)
        try:
            function, args = pickle.loads(job)
            with threadpool_limits(1):
                return pickle.dumps((True, function(process.shared[shared_digest], *args)))
        except Exception as error:
            try:
                return pickle.dumps((False, error))
            except Exception:  # a library's error that can't be pickled
                return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


def array(digest: str, code: bytes, job: bytes, rows: bytes) -> Any:
    """Make an array of a part of the rows.

    Args:
        digest: of the code.
        code: pickled: the package as a zip file, and the versions that it needs.
        job: a function of the package and its further arguments, pickled.
        rows: the part, pickled; the function's first argument.

    Returns:
        The array itself, which libraries that have none of the package can read.

    Raises:
        RuntimeError: the job failed; nobody has to read an error of the package for it.
        OtherVersions: this worker has others.
    """
    with _process().lock:
        _use(digest, code)
        from threadpoolctl import threadpool_limits

        try:
            function, args = pickle.loads(job)
            with threadpool_limits(1):
                return function(pickle.loads(rows), *args)
        except Exception as error:
            raise RuntimeError(f"{type(error).__name__}: {error}") from None


def forget_network(meeting: str, threads: int) -> None:
    """Make a thread of this process forget the others with which LightGBM fitted a model.

    After a fit that failed, LightGBM's next one in this thread, of whatever kind, would still talk
    to them. Each thread has such a memory of its own, so each must run this once.

    Args:
        meeting: the same for all threads of this process, and new.
        threads: how many there are.
    """
    from lightgbm.basic import _LIB

    with contextlib.suppress(threading.BrokenBarrierError):  # one of them is busy
        _meetings.setdefault(meeting, threading.Barrier(threads)).wait(MEETING_SECONDS)
    _meetings.pop(meeting, None)
    _LIB.LGBM_NetworkFree()


def _use(digest: str, code: bytes) -> None:
    """Make the code of a digest the one that is imported.

    Raises:
        OtherVersions: this worker, which may have come late, has others.
    """
    process = _process()
    if process.code == digest:
        return
    from distributed import get_worker

    worker = get_worker()
    packed, expected = pickle.loads(code)
    if found := differences(expected):
        raise OtherVersions(f"the worker {worker.address} has {'; '.join(found)}")
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    process.shared.clear()  # may hold objects of the former code
    former = [path for path in sys.path if Path(path).name.startswith(f"{PACKAGE}-code-")]
    sys.path[:] = [path for path in sys.path if path not in former]
    # In the worker's own folder, which Dask deletes. The process is in the name: workers of one
    # machine may be told to share a folder.
    path = Path(worker.local_directory, f"{PACKAGE}-code-{digest}-{os.getpid()}.zip")
    path.write_bytes(packed)
    for one in former:
        Path(one).unlink(missing_ok=True)
    sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    process.code = digest

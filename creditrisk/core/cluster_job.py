"""What runs on a worker of a cluster. Dask sends this file there, so it imports nothing of ours.

A job comes with the code that it needs: workers have our dependencies, but not this package, or an
older one. A worker may serve two people whose code differs, so it has one code at a time.
"""

import contextlib
import importlib
import pickle
import platform
import sys
import tempfile
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGE = "creditrisk"

# A library tells warnings, and its number of threads, to the whole process.
_one_at_a_time = threading.Lock()
# The digest of the code in use, and of the shared data with the data.
_code: list[str] = []
_shared: dict[str, Any] = {}
# Threads that wait for each other.
_meetings: dict[str, threading.Barrier] = {}
MEETING_SECONDS = 10.0


def keep(content: bytes) -> bytes:
    """Hold bytes on the cluster, as the result of a task."""
    return content


def differences(expected: dict[str, tuple[tuple[str, ...], str]]) -> list[str]:
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
        code: the package as a zip file.
        shared_digest: of the shared data.
        shared: the shared data, pickled.
        job: a function of the package and its further arguments, pickled.

    Returns:
        Whether it succeeded, and its result or its error; pickled, since the scheduler could not
        read an object of the package.
    """
    with _one_at_a_time:
        _use(digest, code)
        from threadpoolctl import threadpool_limits

        if shared_digest not in _shared:
            _shared.clear()
            _shared[shared_digest] = pickle.loads(shared)
        try:
            function, args = pickle.loads(job)
            with threadpool_limits(1):
                return pickle.dumps((True, function(_shared[shared_digest], *args)))
        except Exception as error:
            try:
                return pickle.dumps((False, error))
            except Exception:  # a library's error that can't be pickled
                return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


def array(digest: str, code: bytes, job: bytes, rows: bytes) -> Any:
    """Make an array of a part of the rows.

    Args:
        digest: of the code.
        code: the package as a zip file.
        job: a function of the package and its further arguments, pickled.
        rows: the part, pickled; the function's first argument.

    Returns:
        The array itself, which libraries that have none of the package can read.

    Raises:
        RuntimeError: the job failed; nobody has to read an error of the package for it.
    """
    with _one_at_a_time:
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
    """Make the code of a digest the one that is imported."""
    if _code == [digest]:
        return
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    _shared.clear()  # may hold objects of the former code
    sys.path[:] = [path for path in sys.path if not Path(path).name.startswith(f"{PACKAGE}-code-")]
    path = Path(tempfile.mkdtemp(prefix=f"{PACKAGE}-"), f"{PACKAGE}-code-{digest}.zip")
    path.write_bytes(code)
    sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    _code[:] = [digest]

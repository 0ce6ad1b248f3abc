"""Jobs on all cores of this machine, or on a cluster; where they run changes no result.

A job is a function of this package, called with data that each process gets once, and with
arguments of its own. Jobs start in the order in which they are given: give the longest first.
"""

import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from typing import Any, Protocol

import joblib
from threadpoolctl import threadpool_limits

from creditrisk.core.errors import InputError

# A job's function; its first argument is the data that all jobs share.
Job = Callable[..., Any]
SCHEDULER = "DASK_SCHEDULER_ADDRESS"  # as Dask itself calls it


class Workers(Protocol):
    """Where jobs run.

    Attributes:
        count: how many jobs run at a time.
    """

    count: int

    def submit(self, job: Job, *args: Any) -> "Pending":
        """Hand a job over."""
        ...


class Pending(Protocol):
    """A job that was handed over."""

    def result(self) -> Any:
        """Wait for its result, or for the exception that it raises."""
        ...


@contextlib.contextmanager
def workers(shared: Any) -> Iterator[Workers]:
    """Give jobs to the cluster at `DASK_SCHEDULER_ADDRESS`, else to a process on each core.

    A process on each core is a copy of this one: it has imported all libraries, and has the shared
    data, without a copy in memory. With one core, jobs run in this process.

    Args:
        shared: data for all jobs.

    Raises:
        InputError: there is no cluster at the address, or a process was killed.
    """
    if address := os.environ.get(SCHEDULER):
        from creditrisk.core.cluster import cluster

        with cluster(address, shared) as found:
            yield found
    elif (count := joblib.cpu_count()) == 1:
        yield _Here(shared)
    else:
        with _processes(count, shared) as found:
            yield found


class _Here:
    """Runs each job at once, in this process."""

    count = 1

    def __init__(self, shared: Any):
        self.shared = shared

    def submit(self, job: Job, *args: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(job(self.shared, *args))
        except Exception as error:  # raised where the result is asked for
            done.set_exception(error)
        return done


class _Processes:
    """Runs jobs in processes of this machine."""

    def __init__(self, count: int, executor: ProcessPoolExecutor):
        self.count, self.executor = count, executor

    def submit(self, job: Job, *args: Any) -> "Future[Any]":
        return self.executor.submit(_call, job, args)


# The shared data, in a worker process.
_shared: list[Any] = []


@contextlib.contextmanager
def _processes(count: int, shared: Any) -> Iterator[_Processes]:
    # A copy of this process needs no new imports. It loses threads: `core.environment` has seen to
    # it that numerical libraries have none, and Arrow's are made for it. Elsewhere than on Linux,
    # libraries of the system have some.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    executor = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(shared,))
    try:
        yield _Processes(count, executor)
    except BrokenExecutor as error:
        problem = "a worker process was killed, most likely for want of memory"
        hint = "Set LOKY_MAX_CPU_COUNT=1 for one process, or take fewer rows."
        raise InputError("this machine", "processes", problem, hint) from error
    except BaseException:
        for process in list(executor._processes.values()):
            process.kill()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(shared: Any) -> None:
    # A terminal sends Ctrl-C to all its processes; the parent alone reports it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threadpool_limits(1)
    gc.freeze()  # what the parent had stays: the collector need not look through it
    _shared[:] = [shared]


def _end_with_parent() -> None:
    """End this process when its parent has been killed, who could not tell it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _call(job: Job, args: tuple[Any, ...]) -> Any:
    return job(_shared[0], *args)

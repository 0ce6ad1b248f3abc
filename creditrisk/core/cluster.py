"""Jobs on a Dask cluster: the code and the shared data are sent there once.

Where a job runs changes no result. Dask runs the jobs of a worker that died on another one; code
and data are results of tasks, so that a new worker gets them too.
"""

import contextlib
import hashlib
import importlib.util
import io
import logging
import pickle
import sys
import tempfile
import time
import uuid
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from creditrisk.core import cluster_job
from creditrisk.core.environment import DISTRIBUTIONS, LIBRARIES, library_version
from creditrisk.core.errors import InputError

VARIABLE = "DASK_SCHEDULER_ADDRESS"
ANSWER_SECONDS = 6.0
# Without any worker for so long, the cluster is given up: new ones may take a minute to start.
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 5.0
_MOMENT = (1980, 1, 1, 0, 0, 0)  # of all files in the zip: the same code has the same digest


@contextlib.contextmanager
def cluster(address: str, shared: Any) -> Iterator["Cluster"]:
    """Connect to a cluster, and send it the code and the shared data.

    Args:
        address: of the scheduler, such as `tcp://host:8786`.
        shared: data for all jobs.

    Raises:
        InputError: Dask is not installed, nobody answers, there are no workers, their versions
            differ from ours, or the cluster was lost.
    """
    with _connected(address) as client:
        yield Cluster(address, client, shared)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    try:
        import dask
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError:
        raise _problem(address, "Dask is not installed", "Run `pip install .[dask]`.") from None
    # Our one line says it; each has a level of its own. Tornado would tell of results that are on
    # their way at an error.
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    quiet = {"distributed.admin.large-graph-warning-threshold": "10GB"}
    with dask.config.set(quiet), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="distributed")  # versions: `_refuse_others`
        try:
            get_address_host_port(address)  # a client that fails on its text would take long to end
            client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            problem = f"no Dask scheduler answers ({_first_line(error)})"
            hint = f"Start one with `dask scheduler`, or unset {VARIABLE} to use this machine."
            raise _problem(address, problem, hint) from None
        with client:
            yield client


class Cluster:
    """Runs jobs on the workers of a cluster, one at a time on each.

    Args:
        address: of the scheduler.
        client: connected to it.
        shared: data for all jobs.

    Attributes:
        count: number of workers.

    Raises:
        InputError: there are no workers, or their versions differ from ours.
    """

    def __init__(self, address: str, client: Any, shared: Any):
        self.address, self.client = address, client
        try:
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
        except TimeoutError:
            problem = "the Dask scheduler has no workers"
            raise _problem(address, problem, f"Start some: `dask worker {address}`.") from None
        self._seen = time.monotonic()
        self.count = len(client.nthreads())
        self._job = _sent(client)
        self.other_versions_class: type[Exception] = self._job.OtherVersions  # as it was sent
        versions = self._refuse_others()
        self._package = code = pickle.dumps((package_zip(), versions))
        data = pickle.dumps(shared, protocol=5)
        self._digests = tuple(hashlib.sha256(content).hexdigest() for content in (code, data))
        self._code, self._data = (
            client.submit(self._job.keep, content, pure=False) for content in (code, data)
        )
        self._executor = client.get_executor(pure=False)

    def submit(self, job: Callable[..., Any], *args: Any) -> "Pending":
        """Hand a job over; see `workers.Workers`."""
        code, data = self._digests
        call = cloudpickle.dumps((job, args))
        future = self._executor.submit(self._job.call, code, self._code, data, self._data, call)
        return Pending(self, future)

    @contextlib.contextmanager
    def apart(self) -> Iterator[Any]:
        """Connect once more: what runs in this connection ends with it, whatever it waits for."""
        from distributed import Client

        try:
            client = Client(self.address, timeout=ANSWER_SECONDS, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise self.lost(error) from None
        with client:
            yield client

    def arrays(
        self, client: Any, parts: Iterable[tuple[str, Any]], job: Callable[..., Any], *args: Any
    ) -> list[Any]:
        """Send parts of the rows to workers, which make arrays of them; each part once.

        Args:
            client: from `apart`.
            parts: address of a worker, and what the job gets as its first argument.
            job: returns an array.
            args: further arguments of the job.

        Returns:
            Dask's futures of the arrays, each on the worker of its part.
        """
        call = cloudpickle.dumps((job, args))
        code, call = client.scatter([self._package, call], hash=False)
        found = []
        for worker, part in parts:
            # Scattered, not an argument of a task: the scheduler would keep that.
            content = client.scatter(pickle.dumps(part, protocol=5), workers=[worker], hash=False)
            made = (self._digests[0], code, call, content)
            found.append(client.submit(self._job.array, *made, workers=[worker], pure=False))
        return found

    def forget_networks(self) -> None:
        """Make all workers forget a fit of LightGBM that failed; see `cluster_job`."""
        from distributed import fire_and_forget

        with contextlib.suppress(OSError, TimeoutError):
            for worker, threads in self.client.nthreads().items():
                meeting = (uuid.uuid4().hex, threads)
                for _ in range(threads):
                    job = self._job.forget_network
                    fire_and_forget(self.client.submit(job, *meeting, workers=[worker], pure=False))

    def _refuse_others(self) -> cluster_job.Versions:
        """Refuse workers with other versions: they could give other results.

        Returns:
            The versions, for workers that come later.

        Raises:
            InputError: a version differs.
        """
        wanted: cluster_job.Versions = {
            name: (DISTRIBUTIONS.get(name, (name,)), library_version(name))
            for name in (*LIBRARIES, "distributed")
        }
        wanted |= {"python": ((), ".".join(map(str, sys.version_info[:2])))}
        for worker, found in self.client.run(self._job.differences, wanted).items():
            if found:
                raise self.other_versions(f"the worker {worker} has {'; '.join(found)}")
        return wanted

    def other_versions(self, problem: str) -> InputError:
        """Say that a worker has other versions."""
        hint = "Install the same versions there, from requirements.lock and `.[dask]`."
        return _problem(self.address, problem, hint)

    def lost(self, error: Exception) -> InputError:
        """Say that the cluster is gone."""
        problem = f"the Dask cluster was lost ({_first_line(error)})"
        return _problem(self.address, problem, "Look at the logs of its scheduler and its workers.")

    def look(self) -> None:
        """Check that somebody still works.

        Raises:
            InputError: the scheduler has gone, or there has been no worker for long.
        """
        try:
            alive = self.client.status == "running" and self.client.nthreads()
        except (OSError, TimeoutError) as error:
            raise self.lost(error) from None
        if alive:
            self._seen = time.monotonic()
        elif self.client.status != "running" or time.monotonic() - self._seen > PATIENCE_SECONDS:
            raise self.lost(TimeoutError("no worker is left"))


class Pending:
    """A job that was handed over.

    Args:
        cluster: where it runs.
        future: of Dask.
    """

    def __init__(self, cluster: Cluster, future: "Future[bytes]"):
        self.cluster, self.future = cluster, future

    def result(self) -> Any:
        """Wait for the result.

        Raises:
            InputError: the cluster was lost, or the job ended several workers.
            Exception: what the job raised.
        """
        from distributed import KilledWorker

        while True:
            try:
                done, value = pickle.loads(self.future.result(timeout=LOOK_SECONDS))
                break
            except TimeoutError:
                self.cluster.look()
            except KilledWorker as error:
                problem = "several workers died of one job, most likely for want of memory"
                hint = "Give the workers more memory, or take fewer rows."
                raise _problem(self.cluster.address, problem, hint) from error
            except (CancelledError, OSError) as error:
                raise self.cluster.lost(error) from None
        if done:
            return value
        if isinstance(value, self.cluster.other_versions_class):
            raise self.cluster.other_versions(str(value))
        raise value


def package_zip() -> bytes:
    """Make a zip file of this package, the same for the same code."""
    root = Path(__file__).parents[1]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                name = zipfile.ZipInfo(path.relative_to(root.parent).as_posix(), _MOMENT)
                packed.writestr(name, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _sent(client: Any) -> ModuleType:
    """Send `cluster_job.py` to the scheduler and all workers, under a name that tells its content.

    Returns:
        The same module here, whose functions Dask knows by that name.
    """
    source = Path(cluster_job.__file__).read_bytes()
    name = f"creditrisk_job_{hashlib.sha256(source).hexdigest()[:12]}"
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
        path = Path(folder, f"{name}.py")
        path.write_bytes(source)
        if name not in sys.modules:  # functions that wait for their turn are those of one module
            spec = importlib.util.spec_from_file_location(name, path)
            if spec is None or spec.loader is None:
                raise ImportError(name)
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        # Dask gives it to workers that come later, too. Sent again, it would run anew in each.
        if not all(client.run(lambda: name in sys.modules).values()):
            client.upload_file(str(path))
    return sys.modules[name]


def _problem(address: str, problem: str, hint: str) -> InputError:
    return InputError(VARIABLE, address, problem, hint)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]

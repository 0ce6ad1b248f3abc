"""One function on many tasks: on all cores if that pays, else here."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import joblib

Result = TypeVar("Result")

# Seconds of computing from which on processes pay: each takes one or two to start, on its core.
WORTH_PROCESSES = 20.0


def spread(function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> list[Result]:
    """Call a function with each task; the first one here, which shows how long the others take.

    Args:
        function: of a module, so that another process finds it. What it returns must not depend on
            the process.
        tasks: the arguments of each call, at least one task.

    Returns:
        The results, in the order of the tasks.
    """
    start = time.process_time()
    first = function(*tasks[0])
    left = (time.process_time() - start) * (len(tasks) - 1)
    jobs = -1 if left > WORTH_PROCESSES else 1
    return [first, *joblib.Parallel(n_jobs=jobs)(joblib.delayed(function)(*t) for t in tasks[1:])]

"""Several computations on all cores, each of many tasks: no core waits until one of them ends."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import joblib

Result = TypeVar("Result")


class Work(NamedTuple, Generic[Result]):
    """A computation of several tasks.

    Attributes:
        tasks: from `joblib.delayed`; the longest first. They are taken one by one.
        finish: makes the result of what the tasks return, in their order.
    """

    tasks: Iterable[tuple]
    finish: Callable[[list], Result]


def together(*works: Work) -> list[Any]:
    """Run the tasks of several computations in processes, and return the result of each."""
    done: list[list[Any]] = [[] for _ in works]
    for number, found in joblib.Parallel(n_jobs=-1)(
        joblib.delayed(_numbered)(number, task)
        for number, work in enumerate(works)
        for task in work.tasks
    ):
        done[number].append(found)
    return [work.finish(found) for work, found in zip(works, done, strict=True)]


def _numbered(number: int, task: tuple) -> tuple[int, Any]:
    function, args, options = task
    return number, function(*args, **options)

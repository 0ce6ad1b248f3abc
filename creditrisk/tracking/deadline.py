"""A time limit that holds whatever a program waits for: a socket, a lock or a thread."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def deadline(seconds: float, last_words: Callable[[], None] = lambda: None) -> Iterator[None]:
    """End this process with exit code 1 if the block takes longer.

    MLflow has time limits for a single read only. A server that sends one byte at a time keeps
    within them for ever, and the threads that wait for it would also hold up an ordinary exit.

    Args:
        seconds: the time limit.
        last_words: called before the end, in another thread.
    """

    def end() -> None:
        try:
            last_words()
        finally:
            os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()

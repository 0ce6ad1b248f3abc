"""One function on many tasks: the results in their order, wherever they were computed."""

import os

import pytest

from creditrisk.core import parallel
from creditrisk.core.parallel import spread


def half(number: int) -> tuple[float, int]:
    return number / 2, os.getpid()


@pytest.mark.parametrize(("worth", "elsewhere"), [(-1.0, True), (1e9, False)])
def test_long_work_goes_to_other_processes_and_short_work_stays(worth, elsewhere, monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    monkeypatch.setattr(parallel, "WORTH_PROCESSES", worth)
    found = spread(half, [(n,) for n in range(5)])
    assert [value for value, _ in found] == [0, 0.5, 1, 1.5, 2]
    assert found[0][1] == os.getpid()
    assert {process != os.getpid() for _, process in found[1:]} == {elsewhere}


def test_a_single_task_is_enough():
    assert spread(half, [(3,)]) == [(1.5, os.getpid())]


def test_a_task_that_fails_ends_it():
    with pytest.raises(TypeError):
        spread(half, [(1,), ("a",)])

"""Several computations side by side: each gets its own results, in the order of its tasks."""

import joblib
import pytest

from creditrisk.core.parallel import Work, together


def half(number: int, floor: bool = False) -> float:
    return number // 2 if floor else number / 2


@pytest.mark.parametrize("processes", [1, 2])
def test_each_computation_gets_the_results_of_its_own_tasks_in_order(processes: int):
    exact = Work((joblib.delayed(half)(n) for n in range(7)), list)
    floored = Work([joblib.delayed(half)(n, floor=True) for n in (9, 4)], sum)
    with joblib.parallel_config("loky", n_jobs=processes):
        assert together(exact, Work([], len), floored) == [[n / 2 for n in range(7)], 0, 6]


def test_a_task_that_fails_ends_it():
    with pytest.raises(TypeError):
        together(Work([joblib.delayed(half)("a")], list))

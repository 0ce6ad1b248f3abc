"""The test suite itself: marks by what a test needs, and one failure for a broken build."""

import pytest

from tests.support.project import ROOT

pytestmark = pytest.mark.slow

CONFTEST = """
import tests.conftest
from tests.conftest import *

def broken(folder):
    raise RuntimeError("the build is broken")

tests.conftest._build = broken
"""


def outcomes(done: pytest.RunResult) -> dict[str, int]:
    return {name: count for name, count in done.parseoutcomes().items() if name != "warnings"}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_broken_build_fails_one_test_and_skips_the_others(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
):
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyprojecttoml((ROOT / "pyproject.toml").read_text())
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("".join(f"def test_{i}(built): pass\n" for i in range(8)))
    done = pytester.runpytest_subprocess("-n", workers, "--rootdir", str(pytester.path))
    assert outcomes(done) == {"errors": 1, "skipped": 7}
    assert str(done.stdout).count("RuntimeError: the build is broken") >= 1


def test_tests_are_marked_by_what_they_need(pytester: pytest.Pytester, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyprojecttoml((ROOT / "pyproject.toml").read_text())
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("def test_fast(): pass\ndef test_slow(built): pass\n")
    done = pytester.runpytest_subprocess("-m", "not pipeline", "--rootdir", str(pytester.path))
    assert outcomes(done) == {"passed": 1, "deselected": 1}

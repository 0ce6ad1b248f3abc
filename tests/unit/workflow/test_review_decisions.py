"""Which decisions a change swaps, and how those applicants turned out."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from creditrisk.workflow.review.decisions import DECISIONS, Swap, in_words, swap, swap_of_both
from creditrisk.workflow.review.lock import in_cache

OLD = ["accept", "accept", "reject", "reject", "accept", "refer"]
NEW = ["accept", "reject", "accept", "reject", "refer", "accept"]
BAD = [0, 1, 1, 0, 0, 0]


def decided(decisions: list[str], bad: list[int] = BAD, first: int = 1) -> pd.DataFrame:
    rows = range(first, first + len(bad))
    return pd.DataFrame({"row_id": rows, "bad": bad, "decision": decisions, "pd": 0.5})


def test_each_change_is_told_with_its_outcomes():
    # The order of the rows does not matter.
    found = swap(decided(OLD), decided(NEW).iloc[::-1])
    assert found.cells == {
        ("accept", "accept"): (1, 0), ("accept", "reject"): (1, 1), ("reject", "accept"): (1, 1),
        ("reject", "reject"): (1, 0), ("accept", "refer"): (1, 0), ("refer", "accept"): (1, 0),
    }  # fmt: skip
    assert found.changed == 4
    assert in_words(found) == (
        "4 of 6 test applicants (66.7%) are decided otherwise: "
        "1 refused before is accepted now (1 of them went bad), "
        "1 referred before is accepted now (0 of them went bad), "
        "1 accepted before is refused now (1 of them went bad), "
        "1 accepted before is referred now (0 of them went bad). "
        "Of the accepted 1 of 3 went bad before, 1 of 3 now."
    )


def test_the_accepted_are_counted_on_both_sides():
    found = swap(decided(["accept"] * 6), decided(NEW))
    assert (found.accepted(0), found.accepted(1)) == ((6, 2), (3, 1))
    assert in_words(found).endswith("Of the accepted 2 of 6 went bad before, 1 of 3 now.")


def test_the_same_decisions_are_told_as_such():
    words = in_words(swap(decided(OLD), decided(OLD)))
    assert words.startswith("None of 6 test applicants is decided otherwise.")


def test_only_applicants_of_both_revisions_are_compared():
    found = swap(decided(OLD), decided(NEW[1:], BAD[1:], first=2))
    assert found.rows == (5, 5, 6)
    assert "of 5 test applicants that both revisions have (6 in the base, 5 here)" in in_words(
        found
    )
    other = swap(decided(OLD), decided(NEW, [1, *BAD[1:]]))
    assert other.cells is None
    assert "another outcome" in in_words(other)
    assert "no test applicant in common" in in_words(swap(decided(OLD), decided(NEW, first=99)))


def lock_of(frame: pd.DataFrame, path: Path) -> dict:
    """Write the decisions, and return the stages of a dvc.lock that has their hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path)
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    return {"evaluate": {"outs": [{"path": DECISIONS, "md5": md5}]}}


@pytest.fixture
def locks(tmp_path: Path, monkeypatch) -> tuple[dict, dict]:
    """A project with the decisions of the base in DVC's cache, and others in its folder."""
    monkeypatch.chdir(tmp_path)
    old = lock_of(decided(OLD), tmp_path / "old.parquet")
    place = in_cache(Path("cache"), old["evaluate"]["outs"][0]["md5"])
    place.parent.mkdir(parents=True)
    (tmp_path / "old.parquet").rename(place)
    return old, lock_of(decided(NEW), tmp_path / DECISIONS)


def test_decisions_come_from_the_folder_and_from_the_cache(locks):
    assert swap_of_both(*locks, lambda: Path("cache")).changed == 4


def test_what_is_not_here_is_told_with_the_command_that_gets_it(locks):
    old, new = locks
    gone = swap_of_both(old, new, lambda: Path("elsewhere"))
    assert in_words(gone) == (
        "Which decisions change is not known: those of the base are not on this machine: "
        "run `dvc fetch --all-commits data/processed/decisions.parquet`, then this again."
    )
    Path(DECISIONS).unlink()
    assert "those of the work tree" in swap_of_both(old, new, lambda: Path("cache")).problem
    assert (
        "`dvc pull data/processed/decisions.parquet`"
        in swap_of_both(old, new, lambda: Path("cache")).problem
    )
    assert "the base has no" in swap_of_both({}, new, lambda: Path("cache")).problem


def test_bytes_that_have_not_the_hash_of_dvc_lock_are_not_read(locks):
    old, new = locks
    place = in_cache(Path("cache"), old["evaluate"]["outs"][0]["md5"])
    decided(NEW).to_parquet(place)
    assert swap_of_both(old, new, lambda: Path("cache")).cells is None


def test_nobody_accepted_is_no_division_by_zero():
    found = Swap({("reject", "reject"): (2, 1)}, rows=(2, 2, 2))
    assert in_words(found).endswith("Of the accepted 0 of 0 went bad before, 0 of 0 now.")

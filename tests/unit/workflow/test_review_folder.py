"""The folder of a review: its own pictures go, nobody else's."""

from pathlib import Path

import pytest

from creditrisk.core.errors import InputError
from creditrisk.workflow.review.plots import COMMENT, make_empty


def test_a_folder_with_pictures_of_somebody_else_is_refused(tmp_path: Path):
    (tmp_path / "photo.png").write_text("mine")
    with pytest.raises(InputError, match="is not empty, and has no comment"):
        make_empty(tmp_path)
    assert (tmp_path / "photo.png").read_text() == "mine"


def test_the_pictures_of_an_earlier_review_go(tmp_path: Path):
    (tmp_path / "roc.png").touch()
    (tmp_path / COMMENT).touch()
    make_empty(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [COMMENT]


def test_a_new_folder_is_made_and_made_again_and_a_file_in_its_place_is_one_line(tmp_path: Path):
    make_empty(tmp_path / "a/b")
    (tmp_path / "a/b/roc.png").touch()  # then this review is killed
    make_empty(tmp_path / "a/b")
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == [COMMENT]
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="a file or link is in its place"):
        make_empty(tmp_path / "file")

"""The options of score: a wrong value is told with what is allowed."""

import sys

import pytest

from commands import score


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--what-if", "-1", "-1 is not a whole number from 0 on"),
        ("--what-if", "1.5", "1.5 is not a whole number from 0 on"),
        ("--reasons", "-1", "-1 is not a whole number from 0 on"),
        ("--batch", "0", "0 is not a whole number from 1 on"),
        ("--batch", "x", "x is not a whole number from 1 on"),
    ],
)
def test_a_wrong_count_is_told_with_what_is_allowed(option, value, told, monkeypatch, capsys):
    argv = ["score", "--input", "a.csv", "--output", "b.csv", option, value]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as ended:
        score._arguments()
    assert ended.value.code == 2
    assert f"argument {option}: {told}" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("option", "value"), [("--what-if", 0), ("--reasons", 0), ("--batch", 1)])
def test_the_least_count_is_allowed(option, value, monkeypatch):
    argv = ["score", "--input", "a.csv", "--output", "b.csv", option, str(value)]
    monkeypatch.setattr(sys, "argv", argv)
    assert getattr(score._arguments(), option[2:].replace("-", "_")) == value

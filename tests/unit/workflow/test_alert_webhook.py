"""Alarms to a webhook: tried again, never sent elsewhere, and its address never shown."""

from pathlib import Path

import pytest

from creditrisk.core.errors import InputError
from creditrisk.workflow.alert import webhook
from tests.support.alerts import Place, alarm, quick
from tests.support.hook_server import SECRET, receiving


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_server_that_fails_for_a_while_gets_the_alarm(place: Place):
    place.monitored(alarm(message="5 < 6 & <!channel>"))
    with receiving(503, (429, {"Retry-After": "0"}), 500) as hook:
        (outcome,) = place.deliver(quick(hook))
    assert (outcome.told, outcome.problem) == (1, None)
    assert hook.keys == ["aaa"] * 4
    assert hook.taken == [
        alarm(message="5 < 6 & <!channel>")
        | {
            "status": "open",
            "text": "Alarm, soft: drift (amount): 5 &lt; 6 &amp; &lt;!channel&gt;\nLook at it.",
        }
    ]


def test_the_pauses_double_and_follow_what_the_server_asks(place: Place, monkeypatch):
    place.monitored(alarm())
    pauses: list[float] = []
    monkeypatch.setattr(webhook.time, "sleep", pauses.append)
    with receiving(503, (503, {"Retry-After": "30"}), (429, {"Retry-After": "no"}), 502) as hook:
        place.deliver(webhook.Webhook(hook.address))
    assert pauses == [1.0, 30.0, 4.0, 8.0]
    assert len(hook.taken) == 1


def test_a_long_wait_is_left_to_the_next_run(place: Place, monkeypatch):
    place.monitored(alarm())
    monkeypatch.setattr(webhook.time, "sleep", lambda _: pytest.fail("it waits"))
    later = "Fri, 31 Dec 2999 23:59:59 GMT"
    for value in ("3600", later):
        with receiving((429, {"Retry-After": value})) as hook:
            (outcome,) = place.deliver(quick(hook))
        assert "asks to wait for" in str(outcome.problem)
        assert len(hook.requests) == 1


def test_what_one_alarm_breaks_does_not_hold_up_the_next(place: Place):
    place.monitored(alarm(), alarm("bbb"), alarm("ccc"))
    with receiving(*[500] * webhook.TRIES, 200, 500) as hook:
        (outcome,) = place.deliver(quick(hook))
    assert (outcome.told, outcome.waiting) == (1, 2)
    assert str(outcome.problem).startswith(f"webhook: 127.0.0.1:{hook.port}: answers 500. ")
    # Five tries for the first, one for each other: a server that is down costs no hour.
    assert hook.keys == ["aaa"] * webhook.TRIES + ["bbb", "ccc"]
    with receiving() as hook:
        place.deliver(quick(hook))
    assert hook.keys == ["aaa", "ccc"]


@pytest.mark.parametrize("code", [400, 401, 404, 410])
def test_a_refusal_is_not_repeated(place: Place, code: int):
    place.monitored(alarm())
    with receiving(code) as hook:
        (outcome,) = place.deliver(quick(hook))
        assert f"answers {code}, a refusal" in str(outcome.problem)
    assert len(hook.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_alarms_do_not_follow_a_redirect(place: Place, code: int):
    place.monitored(alarm())
    with receiving() as other, receiving((code, {"Location": other.address})) as hook:
        (outcome,) = place.deliver(quick(hook))
        assert other.requests == []
    assert f"answers {code}: it has moved" in str(outcome.problem)
    assert SECRET not in str(outcome.problem)


def test_a_slow_server_is_asked_again(place: Place):
    place.monitored(alarm())
    with receiving(1.5) as hook:
        (outcome,) = place.deliver(quick(hook, timeouts=(1.0, 0.3)))
    assert outcome.told == 1
    assert hook.keys == ["aaa", "aaa"]


def test_nobody_there_is_a_line_without_the_secret(place: Place, capfd):
    place.monitored(alarm())
    with receiving() as hook:
        pass
    (outcome,) = place.deliver(quick(hook))
    assert "can't be reached" in str(outcome.problem)
    assert SECRET not in str(outcome.problem) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "address",
    ["http://e.example/SECRET", "ftp://e.example/SECRET", "SECRET", "https://", "https://e:x/SECRET",
     "https://[/SECRET", "https://e.example/SEC RET", "http://127.0.0.1.e.example/SECRET"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_and_not_shown(address: str):
    with pytest.raises(InputError) as caught:
        webhook.Webhook(address)
    assert "SECRET" not in str(caught.value)

"""alert: tell people of the alarms: log lines, a webhook, GitHub issues, Prometheus."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say
from creditrisk.workflow.alert import settings

if TYPE_CHECKING:
    from creditrisk.workflow.alert.delivery import Channel, Outcome
    from creditrisk.workflow.alert.states import Alarms

HINT = "What was not told is told by the next `make alert`; see docs/alerts.md."


def main() -> None:
    """Tell every channel what it has not been told."""
    args = _arguments()

    from creditrisk.workflow.alert.delivery import Deliveries, deliver, one_run
    from creditrisk.workflow.alert.states import read_alarms

    channels, problems = _channels(args)
    with one_run(args.delivered):
        alarms = read_alarms(args.alerts, args.metrics)
        deliveries = Deliveries(args.delivered)
        outcomes = {channel.name: deliver(channel, deliveries, alarms) for channel in channels}
        problems += _write_textfile(args.textfile, alarms, args.metrics)
    problems += [error for one in outcomes.values() if (error := one.problem)]
    problems += alarms.problems
    if problems:
        _fail(problems, outcomes)
    say(f"alert: {_summary(alarms, outcomes)}", warning=True)


def _channels(args: argparse.Namespace) -> "tuple[list[Channel], list[InputError]]":
    """The channels that are configured, and what is wrong with the settings of others."""
    from creditrisk.workflow.alert.log_line import LogLine

    channels: list[Channel] = [LogLine()]
    problems = []
    if address := os.environ.get(settings.WEBHOOK, "").strip():
        from creditrisk.workflow.alert.webhook import Webhook

        try:
            channels.append(Webhook(address))
        except InputError as error:
            problems.append(error)
    if args.github:
        from creditrisk.workflow.alert.github import GitHub

        channels.append(GitHub())
    return channels, problems


def _write_textfile(path: Path | None, alarms: "Alarms", metrics: Path) -> list[InputError]:
    # An old file says more than one without alarms, if nobody knows what is on.
    if path is None or alarms.on is None:
        return []
    from creditrisk.workflow.alert.prometheus import check_path, write_textfile

    try:
        check_path(path)
        write_textfile(alarms, path, metrics.stat().st_mtime)
    except InputError as error:
        return [error]
    return []


def _fail(problems: list[InputError], outcomes: "dict[str, Outcome]") -> None:
    """End with the only problem, or with one line about several."""
    waiting = sum(one.waiting for one in outcomes.values())
    for error in problems if len(problems) > 1 else ():
        say(f"alert: {error}", warning=True)
    if len(problems) == 1:
        raise problems[0]
    problem = f"{len(problems)} problems, see above; {waiting} notices wait"
    raise InputError("alert", "channels", problem, HINT)


def _summary(alarms: "Alarms", outcomes: "dict[str, Outcome]") -> str:
    hard = sum(alarm.severity == "hard" for alarm in alarms.current)
    on = len(alarms.current)
    told = [f"{name} {one.told}" for name, one in outcomes.items() if one.told]
    news = f"told: {', '.join(told)}" if told else "nothing new to tell"
    return f"{on} alarm{'' if on == 1 else 's'} on, {hard} of them hard; {news}"


def _arguments() -> argparse.Namespace:
    parser = make_parser(__doc__)
    for name, default, words in (
        ("alerts", "data/monitor/alerts.jsonl", "the alarms that monitoring has raised"),
        ("metrics", "metrics/monitor.json", "with the alarms that are on"),
        ("delivered", "data/monitor/delivered.json", "keeps what was told to whom"),
    ):
        parser.add_argument(f"--{name}", type=Path, default=default, help=words)
    parser.add_argument(
        "--github",
        action="store_true",
        default=_switch(settings.GITHUB),
        help=f"keep an issue for each alarm, by gh (or {settings.GITHUB}=1)",
    )
    parser.add_argument(
        "--textfile",
        type=Path,
        default=os.environ.get(settings.TEXTFILE) or None,
        help=f"file of node_exporter's textfile collector (or {settings.TEXTFILE})",
    )
    return parser.parse_args()


def _switch(name: str) -> bool:
    value = os.environ.get(name, "").strip()
    if value not in ("", "0", "1"):
        raise InputError(name, "value", "is neither 0 nor 1", "Set it to 1 for GitHub issues.")
    return value == "1"


if __name__ == "__main__":
    run(main)

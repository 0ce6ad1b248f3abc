"""Alarms as lines of JSON on standard output, in the form that Cloud Logging reads."""

import errno
import json
import sys

from creditrisk.core.errors import InputError
from creditrisk.workflow.alert.delivery import Notice

# Cloud Logging's names. NOTICE is above INFO, and alerts on nothing by itself.
SEVERITY = {"hard": "ERROR", "soft": "WARNING"}
ENDED = "NOTICE"


class LogLine:
    """One line for a new alarm, one for its end."""

    name = "log"
    follows_changes = False

    def prepare(self) -> None:
        """Nothing: standard output is there or not."""

    def tell(self, notice: Notice) -> None:
        """Print a line.

        Raises:
            InputError: standard output takes none.
        """
        try:
            if sys.stdout is None:  # closed by who started this, and print would say nothing
                raise BrokenPipeError(errno.EPIPE, "closed")
            print(line(notice), flush=True)
        except (OSError, ValueError) as error:
            problem = f"can't be written: {getattr(error, 'strerror', None) or 'closed'}"
            hint = "Free some space, or redirect it to a file; the next `make alert` tells it."
            raise InputError("standard output", "log line", problem, hint) from None


def line(notice: Notice) -> str:
    """The line of JSON of a notice: `severity` and the labels become those of the log entry."""
    alarm = notice.alarm
    ended = notice.status == "ended"
    place = f" ({alarm.place})" if alarm.place else ""
    entry = {
        "severity": ENDED if ended else SEVERITY[alarm.severity],
        "message": f"{'Ended: ' if ended else ''}{alarm.kind}{place}: {alarm.message}",
        "alarm": alarm.model_dump() | {"status": notice.status},
        "logging.googleapis.com/labels": {
            "creditrisk_alarm": alarm.id,
            "creditrisk_kind": alarm.kind,
            "creditrisk_severity": alarm.severity,
            "creditrisk_status": notice.status,
        },
    }
    return json.dumps(entry)

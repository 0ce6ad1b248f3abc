"""Windows: batches in the order of receipt, put together until there are enough rows to judge."""

from collections.abc import Mapping
from dataclasses import dataclass

from creditrisk.monitor.batches import Facts
from creditrisk.monitor.counts import Counted, add_up


@dataclass(frozen=True)
class Window:
    """Batches that are judged together.

    Attributes:
        number: from 1.
        batches: their facts, in the order of receipt; broken ones and outcomes are none of them.
        counted: their counts, added up.
        complete: whether there are enough rows; only the last window may lack some.
    """

    number: int
    batches: list[Facts]
    counted: Counted
    complete: bool

    @property
    def first_day(self) -> str | None:
        """The first day of its rows (ISO)."""
        return min(self.counted.days, default=None)

    @property
    def last_day(self) -> str | None:
        """The last day of its rows (ISO)."""
        return max(self.counted.days, default=None)

    @property
    def name(self) -> str:
        """The window in words: its days, or its batches where no day is known."""
        first, last = self.first_day, self.last_day
        if first is None or last is None:
            first, last = self.batches[0].name, self.batches[-1].name
        return first if first == last else f"{first} to {last}"


def windows_of(facts: list[Facts], counts: Mapping[int, Counted], least: int) -> list[Window]:
    """Put batches together.

    Args:
        facts: of batches of applicants, in the order of receipt.
        counts: number of a batch to its counts.
        least: rows of a complete window.
    """
    found: list[Window] = []
    held: list[Facts] = []
    for each in facts:
        held.append(each)
        if sum(counts[one.number].rows for one in held) >= least:
            found.append(_window(len(found) + 1, held, counts, complete=True))
            held = []
    if held:
        found.append(_window(len(found) + 1, held, counts, complete=False))
    return found


def _window(
    number: int, facts: list[Facts], counts: Mapping[int, Counted], complete: bool
) -> Window:
    counted = add_up(counts[one.number] for one in facts)
    return Window(number, list(facts), counted, complete)

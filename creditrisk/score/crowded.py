"""Texts that would take too long to normalise, and that no honest person writes."""

import re
from unicodedata import combining

# Accents and their like in one stretch without an ASCII character. Python puts them in order in a
# time that grows with the square of their number: 100,000 of them take ten seconds.
MOST_MARKS = 300
_STRETCH = re.compile(rf"[^\x00-\x7f]{{{MOST_MARKS // 2 + 1},}}")
# These three fall into two marks each, although they are none themselves.
_PAIRS = "\u0f73\u0f75\u0f81"


def crowded(text: str) -> bool:
    """Whether a text has more combining marks in one stretch than it may have."""
    if text.isascii():
        return False
    return any(
        sum(2 if c in _PAIRS else combining(c) != 0 for c in stretch) > MOST_MARKS
        for stretch in _STRETCH.findall(text)
    )


CROWDED = f"more than {MOST_MARKS} combining marks in a row"

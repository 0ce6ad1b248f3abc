"""Which licences ask something of whoever passes a package on, and what."""

import re

# Kind to what it means; the first kind that matches counts.
KINDS = {
    "AGPL": (
        "As GPL, and also owed to those who only use the program over a network. Ask your legal "
        "counsel before you offer such a service."
    ),
    "LGPL": (
        "Whoever gets the package from you must get its licence and source too, and must be able "
        "to replace it by a version of their own. Python packages in an environment can be "
        "replaced. Your own code may have any licence."
    ),
    "GPL": (
        "Within your organisation: no duties. If you pass on an environment that has the package: "
        "add the licence and the source of the package, and what is combined with it into one "
        "program must have a licence that the GPL allows. If there is a second licence to choose "
        "(`OR`, `/`), take that one, and none of this applies. An exception for linking allows "
        "your own code any licence."
    ),
    "MPL": (
        "Only files of the package that you change and pass on must be published, under the same "
        "licence. Your own code may have any licence."
    ),
}
_PATTERNS = {
    "AGPL": r"\bAGPL|Affero",
    "LGPL": r"\bLGPL|Lesser General Public|Library or Lesser",
    "GPL": r"\bGPL|GNU General Public",
    "MPL": r"\bMPL|Mozilla Public",
}


def kind_of(licence: str) -> str | None:
    """Find the kind of a licence; None if it asks for no more than a notice, or is unknown."""
    return next((kind for kind, text in _PATTERNS.items() if re.search(text, licence, re.I)), None)

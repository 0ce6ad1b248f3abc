"""What the service is told by its environment: the keys of its clients, the folder for events."""

import hashlib
import hmac
import os
import re
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass

from creditrisk.core.errors import InputError
from creditrisk.core.regular import read_regular

KEYS, EVENTS, REVISION = "CREDITRISK_API_KEYS", "SCORE_EVENTS", "CREDITRISK_REVISION"
SHORTEST_KEY = 16
_FILE = re.compile(r"[\w.-]+\.[A-Za-z]\w{0,7}")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Keys:
    """The keys of the clients, as hashes; without any, everybody may ask."""

    hashes: tuple[bytes, ...] = ()

    def allow(self, authorization: str | None, key: str | None) -> bool:
        """Check the headers `Authorization` (Bearer, or Basic with any name) and `X-API-Key`."""
        if not self.hashes:
            return True
        given = key
        kind, _, rest = (authorization or "").partition(" ")
        if kind.lower() == "bearer":
            given = rest.strip()
        elif kind.lower() == "basic":
            try:
                given = b64decode(rest, validate=True).decode().partition(":")[2]
            except (NotBase64, UnicodeDecodeError):
                given = None
        if given is None:
            return False
        own = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
        # All are compared, so that the time tells nothing.
        return sum(hmac.compare_digest(own, known) for known in self.hashes) > 0


def read_keys() -> Keys:
    """Read the keys: a file with a key on each line, or the keys themselves, between commas.

    A key may be written as its hash, `sha256:` and 64 hex digits.

    Raises:
        InputError: the variable is set and holds no key, or one that is easily guessed.
    """
    value = os.environ.get(KEYS)
    if value is None:
        return Keys()
    hint = "Name a file with a key on each line, or write the keys with commas between them."
    text = value
    # os.path: several keys may be longer than a name can be, and no message may repeat them.
    if os.sep in value or _FILE.fullmatch(value) or os.path.isfile(value):
        try:
            text = read_regular(value).decode()
        except (OSError, UnicodeDecodeError):
            raise InputError(KEYS, "file", "can't be read", hint) from None
    keys = [key.strip() for key in text.replace(",", "\n").splitlines() if key.strip()]
    if not keys:
        raise InputError(KEYS, "value", "holds no key", hint)
    hashes = []
    for number, key in enumerate(keys, start=1):
        known = _HASH.fullmatch(key.lower())
        if key.lower().startswith("sha256:") and not known:
            problem = f"key {number} is no hash: sha256: and 64 hex digits"
            raise InputError(KEYS, "value", problem, hint)
        if not known and len(key) < SHORTEST_KEY:
            problem = f"key {number} has fewer than {SHORTEST_KEY} characters"
            raise InputError(KEYS, "value", problem, "Make one with `openssl rand -hex 32`.")
        digest = bytes.fromhex(known[1]) if known else hashlib.sha256(key.encode()).digest()
        hashes.append(digest)
    return Keys(tuple(hashes))

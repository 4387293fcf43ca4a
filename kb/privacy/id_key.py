"""The key that ids are hashed with, and what it makes of an id, of a file's name and of what tells where a row stood.

An id is hashed part by part: `p10/p1000/s5/a.png` becomes four hashes with slashes between, and its ending stays. So
an image that one table names by its place and another by its name alone is still found to be the same image, and no
more is told than which names stood in one folder. A part that many patients have ("study1", "view1_frontal") is hashed
as well, and marked as one that names nothing on its own.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from kb.errors import ClearKbError, UsageError
from kb.images.names import is_of_many, stem
from kb.reading.regular_file import read_regular

LETTERS = 20
"""Letters of a hash: 100 bits, so that of a thousand million ids hardly two would ever meet."""

TAG = 4
"""Letters that say which key made a hash."""

SHORTEST = 32
"""Letters of a key: 128 bits in hexadecimal digits."""

LONGEST = 4_096
"""Bytes of a file that may be a key."""

NAMES, NAMES_NOTHING = "hid-", "any-"
"""How a hash begins: of what names something, and of what many patients have."""

HASHED = re.compile(rf"(?:{NAMES}|{NAMES_NOTHING})([a-z2-7]{{{TAG}}})[a-z2-7]{{{LETTERS}}}")
"""One hashed part; its group is the tag of the key."""

_STOOD = re.compile(
    r"(?:^|: )(?:(?:row|line|entry|message|record) \d+|the beginning)(?: \(line \d+\))?(?:, (?:entry|order) \d+)*$"
)
"""The end of a position that is a number in a file: no identifier."""

_QUOTED = re.compile(r"(?P<column>\bcolumn )?'(?P<told>[^']+)'")


@dataclass(frozen=True, slots=True)
class IdKey:
    """A key for ids; what it makes of one id is always the same, and without it nobody can make that or undo it."""

    secret: bytes = field(repr=False)

    @property
    def tag(self) -> str:
        """What tells this key from others, and nothing of what it is."""
        return _letters(sha256(b"clear-kb id key\0" + self.secret).digest(), TAG)

    def hash(self, name: str) -> str:
        """What is stored in the place of an id or a name; one that this key has made already is left as it is."""
        *folders, last = name.split("/")
        short = stem(last)
        return "/".join([*map(self._part, folders), self._part(short) + last[len(short) :].lower()])

    def of(self, name: str | None) -> str | None:
        """Likewise, of an id that may not be known."""
        return None if name is None else self.hash(name)

    def position(self, position: str) -> str:
        """Where something stood: numbers of rows stay, names of files are hashed."""
        match = _STOOD.search(position)
        named = position[: match.start()] if match else position
        return (self.hash(named) if named else "") + (match[0] if match else "")

    def reason(self, reason: str) -> str:
        """Why something was refused, without what it quotes of a file, but for names of columns."""
        return _QUOTED.sub(lambda match: match[0] if match["column"] else f"'{self.hash(match['told'])}'", reason)

    def _part(self, part: str) -> str:
        known = HASHED.fullmatch(part)
        if part in ("", ".", "..") or (known is not None and known[1] == self.tag):
            return part
        digest = hmac.digest(self.secret, part.encode(errors="surrogatepass"), sha256)
        return (NAMES_NOTHING if is_of_many(part) else NAMES) + self.tag + _letters(digest, LETTERS)


def _letters(digest: bytes, count: int) -> str:
    return b32encode(digest).decode().lower()[:count]


def tag_of(name: str) -> str | None:
    """The tag of the key that an id was hashed with; None if it is a plain one."""
    match = HASHED.match(name.lstrip("/"))
    return match[1] if match else None


def make_key(path: Path) -> IdKey:
    """Write a new key into a file that only its owner can read.

    Raises:
        UsageError: there is such a file already: what was hashed with a key can be joined with that key alone.
        ClearKbError: it cannot be written.
    """
    text = secrets.token_hex(32)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already, and a key is never replaced: name another file") from error
    except OSError as error:
        raise ClearKbError(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    return IdKey(text.encode())


def read_key(path: Path) -> IdKey:
    """The key that a file holds.

    Raises:
        UsageError: there is no such file, others than its owner can read it, or it is too short or too long for a key.
    """
    try:
        mode, data = path.stat().st_mode, read_regular(path, LONGEST)
    except FileNotFoundError as error:
        raise UsageError(f"there is no key file {path}", need="id key") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if os.name == "posix" and mode & 0o077:
        raise UsageError(f"others can read or change the key in {path}: let its owner alone do so (chmod 600)")
    secret = data.strip()
    if len(secret) < SHORTEST:
        raise UsageError(
            f"the key in {path} has {len(secret)} letters, and {SHORTEST} are the least: a short one can be guessed",
            need="id key",
        )
    if len(data) > LONGEST:
        raise UsageError(f"{path} has more than {LONGEST:,} bytes, and is no key")
    return IdKey(secret)

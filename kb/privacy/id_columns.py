"""Which columns tell who or which file a row is of, by what they are called."""

from __future__ import annotations

import re
from itertools import pairwise

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IDS = frozenset(
    {"id", "ids", "uid", "uids", "mrn", "ssn", "accession", "path", "paths", "file", "filename", "folder", "url"}
)
_PEOPLE = frozenset({"patient", "subject", "person", "physician", "operator", "first", "last", "family", "given"})
_FILE = re.compile(r"[/\\]|\.[a-z][a-z0-9]{0,7}$", re.I)


def holds_ids(column: str) -> bool:
    """Whether a column is one of ids, names of people or of files, by what it is called ("StudyInstanceUID")."""
    words = [word.lower() for word in _WORDS.findall(column)]
    named = any(one in _PEOPLE and other in ("name", "names") for one, other in pairwise(words))
    return named or not _IDS.isdisjoint(words)


def is_file(name: str) -> bool:
    """Whether a text is the name of a file or folder, by a slash or an ending."""
    return _FILE.search(name) is not None

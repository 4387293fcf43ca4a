"""Names of files that are no text: systems take any bytes for a name, and what is stored and told is UTF-8."""

from __future__ import annotations

from pathlib import Path

from kb.errors import UsageError

NOT_UTF8 = "the name of the file is not UTF-8: call it otherwise"


def is_text(name: str | Path) -> bool:
    """Whether a name can be stored and told as it is."""
    try:
        str(name).encode()
    except UnicodeEncodeError:
        return False
    return True


def as_text(name: str | Path) -> str:
    r"""A name as it can be told: bytes that are no UTF-8 as \udcXX."""
    return str(name).encode(errors="backslashreplace").decode()


def require_text(name: str | Path) -> None:
    """Refuse a name that is no text (UsageError)."""
    if not is_text(name):
        raise UsageError(f"{as_text(name)}: {NOT_UTF8}")

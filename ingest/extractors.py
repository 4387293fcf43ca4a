"""The extractors by name."""

from __future__ import annotations

from collections.abc import Callable

from ingest.extractor import Extractor
from kb.errors import UsageError


def _rules() -> Extractor:
    from ingest.rules import RulesExtractor

    return RulesExtractor()


EXTRACTORS: dict[str, Callable[[], Extractor]] = {"rules": _rules}
"""What `--extractor` can name, and how each is made."""


def make_extractor(name: str) -> Extractor:
    """A new extractor; UsageError where there is none of that name."""
    if name not in EXTRACTORS:
        raise UsageError(f"there is no extractor '{name}': choose one of {', '.join(EXTRACTORS)}")
    return EXTRACTORS[name]()

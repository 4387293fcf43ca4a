"""Which words of severity say the same: "minimal" and "mild", of an effusion "small" too (`severity_classes.tsv`)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from kb.language.lexicon import parts, read_table


@lru_cache(maxsize=1 << 14)
def same_severity(one: str | None, other: str | None, finding: str) -> bool:
    """Whether two severities of a finding say the same: one word, or two that readers use for each other."""
    return one == other or (
        one is not None
        and other is not None
        and any({one, other} <= words and (not findings or finding in findings) for words, findings in _classes())
    )


@cache
def _classes() -> Sequence[tuple[frozenset[str], frozenset[str]]]:
    rows = read_table("severity_classes.tsv", 2)
    return tuple((frozenset(parts(words)), frozenset(parts(findings))) for words, findings in rows)

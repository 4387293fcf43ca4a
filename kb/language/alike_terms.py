"""Which findings go by either name: the table `alike_findings.tsv`, read.

Plain data, for a radiologist. A report of a consolidation does not say "infiltrate", and does not deny it either.
"""

from __future__ import annotations

from functools import cache

from kb.language.lexicon import parts, read_table
from kb.language.wider_terms import wider_findings


@cache
def may_be_called(finding: str) -> frozenset[str]:
    """All that a finding which is there may be by another name: it leaves open whether any of these is there.

    The finding, what it stands under and what stands under it; and what goes by either name with it or with what it
    stands under, with what stands above and below that.
    """
    wider = wider_findings()
    alike = {other for name in wider.above(finding) for group in _groups() if name in group for other in group}
    return wider.near(finding).union(*(wider.near(other) for other in alike))


@cache
def _groups() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(parts(cell)) for (cell,) in read_table("alike_findings.tsv", 1))

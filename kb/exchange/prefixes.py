"""Prefixes: how concept ids and outside ids become IRIs, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kb.errors import UsageError
from kb.vocabulary.mappings import PREFIXES

BASE = "urn:clear-kb:concept:"
"""What a concept's IRI begins with unless its publisher names another."""

OUR_PREFIX = "CLEARKB"

_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


@dataclass(frozen=True)
class Prefixes:
    """The base of our concepts' IRIs, and what the prefixes of outside ids stand for."""

    base: str = BASE
    outside: Mapping[str, str] = field(default_factory=lambda: PREFIXES)

    @classmethod
    def given(cls, base: str | None = None, more: Mapping[str, str] | None = None) -> Prefixes:
        """The known prefixes, with a base and `more` of them."""
        for iri in (base or BASE, *(more or {}).values()):
            if not _IRI.fullmatch(iri):
                raise UsageError(f"'{iri}' is no IRI: it begins with a scheme (https://..., urn:...) and has no spaces")
        return cls(base or BASE, {**PREFIXES, **(more or {})})

    def expand(self, curie: str) -> str:
        """The IRI of an outside id; UsageError if its prefix is not known."""
        prefix, _, local = curie.partition(":")
        if prefix not in self.outside:
            raise UsageError(f"the prefix of '{curie}' is not known: name its IRI", parameter="prefix")
        return self.outside[prefix] + local

    def contract(self, iri: str) -> str:
        """The outside id of an IRI; the IRI itself where no prefix fits."""
        fitting = [(prefix, start) for prefix, start in self.outside.items() if iri.startswith(start)]
        if not fitting:
            return iri
        prefix, start = max(fitting, key=lambda known: len(known[1]))
        return f"{prefix}:{iri[len(start) :]}"


KNOWN = Prefixes()
"""The prefixes that are known without being told, and the default base."""

"""Prefixes: how concept ids and outside ids become IRIs, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from kb.errors import UsageError
from kb.vocabulary.mapping_details import by_name, pairs
from kb.vocabulary.mappings import PREFIXES, WORDS, Row, curies

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

    def with_those_of(self, mappings: Iterable[Row]) -> Prefixes:
        """These prefixes, and those that the mappings bring along.

        Raises:
            UsageError: a prefix of theirs is not known, or stands for two things; the message names every such one.
        """
        stands_for: dict[str, str] = {}
        unknown: dict[str, None] = {}
        for mapping in mappings:
            own = by_name(mapping["prefixes"])
            for prefix in _used(mapping):
                if (iri := own.get(prefix) or self._iri(prefix)) is None:
                    unknown[prefix] = None
                elif (other := stands_for.setdefault(prefix, iri)) != iri:
                    raise UsageError(
                        f"the prefix '{prefix}' stands for {other} in one mapping and for {iri} in another"
                    )
        if unknown:
            raise unknown_prefixes(unknown)
        return replace(self, outside={**self.outside, **stands_for})

    def unknown_of(self, mapping: Row) -> list[str]:
        """The prefixes of a mapping that are not known, and that it does not bring along."""
        own = by_name(mapping["prefixes"])
        return [one for one in _used(mapping) if one not in own and self._iri(one) is None]

    def told_to(self, mapping: Row) -> Row:
        """A mapping that brings along what its prefixes stand for, where that is told here and known nowhere else."""
        own = by_name(mapping.get("prefixes"))
        told = {one: iri for one in _used(mapping) if (iri := self.outside.get(one)) and PREFIXES.get(one) != iri}
        return {**mapping, "prefixes": pairs({**told, **own})} if told else mapping

    def expand(self, curie: str) -> str:
        """The IRI of an outside id; UsageError if its prefix is not known."""
        prefix, _, local = curie.partition(":")
        if (iri := self._iri(prefix)) is None:
            raise unknown_prefixes([prefix])
        return iri + local

    def contract(self, iri: str) -> str:
        """The outside id of an IRI; the IRI itself where no prefix fits."""
        fitting = [(prefix, start) for prefix, start in self.outside.items() if iri.startswith(start)]
        if not fitting:
            return iri
        prefix, start = max(fitting, key=lambda known: len(known[1]))
        return f"{prefix}:{iri[len(start) :]}"

    def _iri(self, prefix: str) -> str | None:
        return self.outside.get(prefix) or WORDS.get(prefix) or (self.base if prefix == OUR_PREFIX else None)


def unknown_prefixes(names: Iterable[str]) -> UsageError:
    """The error that names prefixes of which nobody says what they stand for."""
    return UsageError(f"prefixes that are not known: {', '.join(names)}; name the IRI of each", parameter="prefix")


def _used(mapping: Row) -> list[str]:
    """The prefixes of a mapping's CURIEs, each once."""
    return list(dict.fromkeys(curie.partition(":")[0] for curie in curies(mapping) if ":" in curie))


KNOWN = Prefixes()
"""The prefixes that are known without being told, and the default base."""

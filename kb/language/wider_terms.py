"""Which findings and places stand under which: the tables `wider_findings.tsv` and `wider_places.tsv`, read.

They are plain data, for a radiologist. Wider means entailed: what is a rib fracture is a fracture too, and what is in
the lower lobe is in the lung.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from kb.language.lexicon import parts, read_table, words_of

NORMAL, NORMAL_STATEMENT = "normal", "normal statement"
"""What a place is that nothing is said against, and what all that says so stands under."""


@dataclass(frozen=True)
class Wider:
    """One table of what stands under what.

    Attributes:
        direct: each term with the terms that stand right above it.
    """

    direct: Mapping[str, tuple[str, ...]]

    @cached_property
    def _above(self) -> dict[str, frozenset[str]]:
        return {term: frozenset(self._climb(term)) for term in self.direct}

    @cached_property
    def _below(self) -> dict[str, frozenset[str]]:
        below: dict[str, set[str]] = {}
        for term, above in self._above.items():
            for wider in above:
                below.setdefault(wider, set()).add(term)
        return {term: frozenset(found) for term, found in below.items()}

    def __contains__(self, term: object) -> bool:
        return term in self.direct

    def above(self, term: str) -> frozenset[str]:
        """The term and all that it stands under; of one that the table lacks, itself."""
        return self._above.get(term) or frozenset([term])

    def below(self, term: str) -> frozenset[str]:
        """The term and all that stands under it."""
        return self._below.get(term) or frozenset([term])

    def near(self, term: str) -> frozenset[str]:
        """The term with all that it stands under and all that stands under it."""
        return self.above(term) | self.below(term)

    def lowest(self, terms: Iterable[str]) -> frozenset[str]:
        """Those of some terms that no other of them stands under: "lung, lower lobe" is the lower lobe."""
        wanted = frozenset(terms)
        return frozenset(t for t in wanted if not any(t in self.above(other) for other in wanted if other != t))

    def steps_above(self, term: str) -> dict[str, int]:
        """The term and all that it stands under, each with how many steps up it is at least."""
        steps = {term: 0}
        fresh = [term]
        while fresh:
            below, fresh = fresh, []
            for one in below:
                for wider in self.direct.get(one, ()):
                    if wider not in steps:
                        steps[wider] = steps[one] + 1
                        fresh.append(wider)
        return steps

    def _climb(self, term: str) -> Iterable[str]:
        return self.steps_above(term)


@cache
def wider_findings() -> Wider:
    """Which findings, devices, states and normal statements stand under which; "normal aortic arch" is one too."""
    plain = {f"{NORMAL} {place}": (NORMAL_STATEMENT,) for place in wider_places().direct}
    return Wider(plain | {label: parts(wider) for label, wider, _ in read_table("wider_findings.tsv", 3)})


@cache
def wider_places() -> Wider:
    """Which places are parts of which."""
    return Wider({label: (*parts(wider), *parts(rest)) for label, wider, rest in read_table("wider_places.tsv", 3)})


@cache
def homes(finding: str) -> frozenset[str]:
    """Where a finding always is, by itself or by what it stands under: a rib fracture in a rib, and in nothing wider.

    Words that name a place and nothing else ("lower lobe") are at that place.
    """
    if finding not in wider_findings() and is_place(finding):
        return wider_places().lowest(places_in(finding))
    own = _own_homes()
    return wider_places().lowest(place for wider in wider_findings().above(finding) for place in own.get(wider, ()))


@cache
def places_in(anatomy: str) -> frozenset[str]:
    """The places that a facet `anatomy` names: "lower lobe pleura" are two. One that is not all places is one."""
    words = [word.folded for word in words_of(anatomy)]
    known = _labels_by_words()
    longest = max(map(len, known))
    covered: list[tuple[str, ...] | None] = [()]  # how the first n words are places, the longest last one first
    for end in range(1, len(words) + 1):
        starts = range(max(0, end - longest), end)
        covered.append(
            next(
                (
                    (*before, label)
                    for start in starts
                    if (before := covered[start]) is not None and (label := known.get(tuple(words[start:end])))
                ),
                None,
            )
        )
    return frozenset(covered[-1] or [anatomy])


def is_place(text: str) -> bool:
    """Whether a text is places of the lexicon and nothing else."""
    return bool(words_of(text)) and places_in(text) <= wider_places().direct.keys()


@cache
def _own_homes() -> dict[str, tuple[str, ...]]:
    plain = {f"{NORMAL} {place}": (place,) for place in wider_places().direct}
    return plain | {label: parts(places) for label, _, places in read_table("wider_findings.tsv", 3)}


@cache
def _labels_by_words() -> dict[tuple[str, ...], str]:
    return {tuple(word.folded for word in words_of(label)): label for label in wider_places().direct}

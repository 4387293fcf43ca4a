"""Names that look alike: character 3-grams, weighed by TF-IDF, compared by their cosine (as scispaCy's linker does)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kb.curation.terminology import Terminology

CANDIDATES = 10
"""Names of the terminology that are looked at for each of ours."""

WORKING_MIB = 64
"""How much of the comparison stands in memory at once; with more it is slower."""


class Candidate(NamedTuple):
    """A name of an outside concept, and how like it is: 0 to 1."""

    concept_id: str
    alias: str
    likeness: float


def names_alike(terminology: Terminology, names: Sequence[str]) -> dict[str, list[Candidate]]:
    """The names of a terminology that are most like each of `names`, the most like first.

    Every name is compared: an approximate index took ten times as long to build as this takes, and missed some.
    The weights are learnt from `names` too: a 3-gram that the terminology does not hold must count against a likeness.
    """
    from sklearn import config_context
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    if not names:
        return {}
    concepts = _concepts_by_name(terminology)
    aliases = list(concepts)
    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32)
    vectoriser.fit([*aliases, *names])
    seeker = NearestNeighbors(n_neighbors=min(CANDIDATES, len(aliases)), metric="cosine", algorithm="brute")
    seeker.fit(vectoriser.transform(aliases))
    with config_context(working_memory=WORKING_MIB):
        distances, places = seeker.kneighbors(vectoriser.transform(names))
    return {
        name: [
            Candidate(concept_id, aliases[place], 1 - float(distance))
            for distance, place in zip(*found, strict=True)
            for concept_id in concepts[aliases[place]]
        ]
        for name, *found in zip(names, distances, places, strict=True)
    }


def _concepts_by_name(terminology: Terminology) -> Mapping[str, list[str]]:
    """The concepts that each name stands for, lower-cased."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for term in terminology.terms.values():
        for name in (term.label, *term.synonyms):
            found[name.lower()][term.id] = None
    return {name: list(ids) for name, ids in found.items()}

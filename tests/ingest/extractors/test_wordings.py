"""Wordings of one observation are one concept, what differs stays apart: written without a look at the rules."""

from __future__ import annotations

from bench.vocabulary import concepts_of, groups, pairs

GROUPS_PARTED = 6
"""Of the 60 groups, as many may be several concepts: nine in ten were asked for."""

SAME_CONCEPT = {("Right lower lobe pneumonia.", "Possible right lower lobe pneumonia.")}
"""Pairs that are one concept on purpose: doubt is of the mention, and no part of the concept."""


def test_wordings_of_one_observation_are_one_concept() -> None:
    parted = {name: {one: sorted(concepts_of(one)) for one in wordings} for name, wordings in groups()}
    parted = {name: said for name, said in parted.items() if len(set(map(tuple, said.values()))) > 1}
    assert len(parted) <= GROUPS_PARTED, parted


def test_what_differs_is_never_one_concept() -> None:
    assert {pair for pair in pairs() if concepts_of(pair[0]) == concepts_of(pair[1])} <= SAME_CONCEPT

"""Findings that laws of the language are tried with: each is one by itself, and read as it stands."""

from __future__ import annotations

from hypothesis import strategies as st

from kb.language.grammar.cues import load_cues
from kb.language.grammar.tokens import tokenise
from kb.language.grammar.wording import found_in
from kb.language.lexicon import load_lexicon


def single_findings() -> list[str]:
    """The terms of the lexicon that are one finding by themselves and are read as they stand."""
    rows = load_lexicon().rows()
    terms = [term for label, kind, names in rows if kind == "finding" for term in (label, *names)]
    whole = [term for term in terms if "/" not in term and [match.end for match in found_in(term)] == [len(term)]]
    return [term for term in whole if len(load_cues().segments(tokenise(term))) == 1]


FINDINGS = st.sampled_from(single_findings())

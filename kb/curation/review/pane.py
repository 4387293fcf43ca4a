"""One side of the review screen: a concept or a wording, what it is, and the report sentences behind it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group as Rendered
from rich.console import RenderableType
from rich.text import Text

from kb.curation.review.group import Member
from kb.curation.words import times
from kb.store.state import State
from kb.vocabulary.concept import Concept, Evidence
from kb.vocabulary.vocabulary import Vocabulary

EVIDENCE = 20
"""Report sentences that are shown of one concept at most."""

LOOKED_AT = 400
"""Mentions of a concept that are looked at for those of one wording."""


def concept_pane(state: State, member: Member, heading: str) -> RenderableType:
    """A concept with its facets and the sentences that mention it."""
    vocabulary = Vocabulary(state)
    concept = vocabulary.get(str(member.concept_id))
    evidence = vocabulary.evidence(concept.concept_id, EVIDENCE)
    counted = f"{times(member.mentions)}, {concept.status}"
    return _pane(heading, concept.text, [counted, *_facets(concept)], evidence)


def wording_pane(state: State, concept_id: str, member: Member, heading: str) -> RenderableType:
    """A wording with the sentences that use it for a concept."""
    mentions = Vocabulary(state).evidence(concept_id, LOOKED_AT)
    words = member.text.removeprefix("no ")
    using = [one for one in mentions if one.text.strip().lower() in (member.text, words)]
    return _pane(heading, member.text, [member.reason], using[:EVIDENCE])


def _facets(concept: Concept) -> list[str]:
    """What a concept is of, in a line or two, without what it says nothing of."""
    said = [
        ("finding", concept.finding),
        ("place", concept.anatomy),
        ("side", concept.laterality),
        ("severity", concept.severity),
        ("descriptors", ", ".join(concept.descriptors)),
    ]
    lines = ["; ".join(f"{name} {value}" for name, value in said if value and value != "none")]
    names = ", ".join(concept.synonyms)
    return [*lines, *([f"also called {names}"] if names else []), *([f"note: {concept.note}"] if concept.note else [])]


def _pane(heading: str, text: str, lines: Sequence[str], evidence: Sequence[Evidence]) -> RenderableType:
    head = Text.assemble((f"{heading}\n", "dim"), (text, "bold"), *(f"\n{line}" for line in lines if line))
    return Rendered(head, Text(""), *map(_sentence, evidence))


def _sentence(mention: Evidence) -> Text:
    """A report sentence with the mention in it standing out; texts of reports hold brackets, and are never markup."""
    if mention.sentence is None:
        return Text(f"{mention.text}  (report texts are not stored)")
    text = Text(mention.sentence)
    for start, end in mention.spans:
        text.stylize("bold reverse", start, end)
    return Text.assemble((f"{mention.report_id}  ", "dim"), text)

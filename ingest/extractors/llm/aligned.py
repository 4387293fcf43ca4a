"""What a model said of a report as mentions: every quote is found in the text, or refused with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ingest.extractors.llm.alignment import Spans, align
from ingest.extractors.llm.answer import Said
from ingest.extractors.mentions import mention_at
from ingest.extractors.protocol import REFUSAL
from ingest.mention import Mention
from ingest.report import Section
from ingest.reports.rows import base_name
from kb.language.grammar.tokens import has_removed_word


def aligned(said: Sequence[Said], sections: Sequence[Section]) -> tuple[list[Mention], list[str]]:
    """The mentions that statements are, in the order of the text, and why the others are none."""
    texts = {section.name: section for section in sections}
    reached = dict.fromkeys(texts, 0)
    taken: dict[str, set[Spans]] = {name: set() for name in texts}
    mentions: list[Mention] = []
    refused: list[str] = []
    again: Counter[tuple[str, str]] = Counter()
    for one in said:
        words = " ... ".join(one.quote)
        section = texts.get(one.section) or _named_like(one, sections)
        if section is None:
            refused.append(f"{REFUSAL}{words!r} is quoted from {one.section!r}, which is no section of the report")
            continue
        if has_removed_word(words):
            refused.append(f"{REFUSAL}{words!r} quotes the mark of a removed word")
            continue
        spans = align(one.quote, section.text, taken[section.name], reached=reached[section.name])
        if spans is None:
            if align(one.quote, section.text) is not None:
                again[section.name, words] += 1
            else:
                refused.append(f"{REFUSAL}{words!r} does not stand in {section.name}")
            continue
        taken[section.name].add(spans)
        reached[section.name] = spans[0][0]
        mention = mention_at(
            section,
            spans,
            one.assertion,
            certainty=_certainty(one),
            temporality=one.temporality,
            english=one.observation,
        )
        if mention is None:
            refused.append(f"{REFUSAL}{words!r} says nothing that could be observed")
        else:
            mentions.append(mention)
    refused += [
        f"{REFUSAL}{words!r} is stated {count} times more than it stands in {name}{' (a loop)' if count > 2 else ''}"
        for (name, words), count in again.items()
    ]
    order = list(texts)
    return sorted(mentions, key=lambda mention: (order.index(mention.section), mention.spans)), refused


def _named_like(said: Said, sections: Sequence[Section]) -> Section | None:
    """The section that holds the quote among those of the name: "findings" where a report has it twice."""
    alike = (section for section in sections if base_name(section) == said.section)
    return next((section for section in alike if align(said.quote, section.text) is not None), None)


def _certainty(said: Said) -> Any:
    """What the model says, held to what its assertion allows: only what is uncertain is less than definite."""
    if said.assertion != "uncertain":
        return "definite"
    return "possible" if said.certainty == "definite" else said.certainty

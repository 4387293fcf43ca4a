"""A change in words: what became of which concepts, as a person would tell it, with names and never an id alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kb.curation.dismissed import AS_IT_IS, names_refused
from kb.vocabulary.mappings import mapping_in_words
from kb.vocabulary.split_rules import Split

Fields = Mapping[str, Any] | None
"""Fields of a concept before or after a change; None if the concept is not there."""

Predicate = tuple[str, str]
"""What is said of one concept, and the same said of several."""

FACETS = ("finding", "anatomy", "laterality", "severity", "descriptors")
SHOWN = 4
"""Names or concepts that stand in one sentence; the others are counted."""


def in_words(
    before: Mapping[str, Fields],
    after: Mapping[str, Fields],
    texts: Mapping[str, str],
    mentions: Mapping[str, int] | None = None,
) -> list[str]:
    """What a change did, a sentence for each thing that became of concepts, what they now are first.

    Args:
        before: by concept id the fields that it touched, as they were.
        after: the same fields as they are now.
        texts: the texts of these concepts and of those that the fields name.
        mentions: how often each is mentioned, where that is to be said.
    """

    def named(concept_id: str) -> str:
        counted = f" ({times(mentions[concept_id])})" if mentions and concept_id in mentions else ""
        return f"'{texts.get(concept_id, concept_id)}'{counted}"

    apart: set[frozenset[str]] = set()
    said: dict[Predicate, list[str]] = {}
    for concept_id in sorted(after, key=lambda of: _rank(before.get(of), after[of])):
        for predicate in _predicates(concept_id, before.get(concept_id), after[concept_id], named, apart):
            said.setdefault(predicate, []).append(concept_id)
    return [f"{listed(map(named, ids))} {one if len(ids) == 1 else many}" for (one, many), ids in said.items()]


def times(mentions: int) -> str:
    """How often something is mentioned: "1 mention", "849 mentions"."""
    return f"{mentions:,} mention{'' if mentions == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Names as a person lists them: "'a', 'b' and 'c'"; of many the first, and how many more."""
    found = list(names)
    if len(found) > SHOWN:
        found = [*found[:SHOWN], f"{len(found) - SHOWN:,} more"]
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]


def _rank(before: Fields, after: Fields) -> int:
    """What is told first: what a concept became, then what it is called and said to be."""
    return 0 if before is None or after is None or "status" in after else 1 if "text" in after else 2


def _predicates(
    concept_id: str, before: Fields, after: Fields, named: Callable[[str], str], apart: set[frozenset[str]]
) -> Iterator[Predicate]:
    if before is None or after is None:
        yield _both("is new") if before is None else _both("is taken away")
        return
    if "status" in after or "replaced_by" in after:
        yield from _standing(before, after, named)
    if "text" in after:
        yield _both(f"is now called '{after['text']}'")
    for facet in FACETS:
        if facet in after:
            yield _both(f"has {facet} {_value(after[facet])} in the place of {_value(before[facet])}")
    yield from _lists(concept_id, before, after, named, apart)
    if "note" in after:
        yield _both(f"has the note '{after['note']}'") if after["note"] else _both("has no note any more")


def _standing(before: Mapping[str, Any], after: Mapping[str, Any], named: Callable[[str], str]) -> Iterator[Predicate]:
    replaced_by, status = after.get("replaced_by"), after.get("status")
    if replaced_by:
        yield f"now counts under {named(replaced_by)}", f"now count under {named(replaced_by)}"
    elif before.get("replaced_by"):
        yield "counts on its own again", "count on their own again"
    elif status == "retired":
        yield _both("is retired")
    elif status == "rejected":
        yield "is no observation (rejected)", "are no observations (rejected)"
    elif status == "candidate":
        yield _both("is no longer put aside" if before.get("status") == "aside" else "is open again")
    elif status is not None:
        yield _both("is put aside" if status == "aside" else f"is {status}")


def _lists(
    concept_id: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    named: Callable[[str], str],
    apart: set[frozenset[str]],
) -> Iterator[Predicate]:
    """What was added to the lists of a concept, and what was taken from them; what two are not is said once."""
    for name, (more, less), shown in (
        ("synonyms", ("is also called", "is no longer called"), lambda one: f"'{one}'"),
        ("mappings", ("is mapped to", "is no longer mapped to"), mapping_in_words),
        ("splits", ("gives mentions", "takes back what went"), lambda one: _split(one, named)),
        ("distinct_from", ("is not the same as", "may be the same again as"), named),
    ):
        if name not in after:
            continue
        for verb, new in ((more, _added(before[name], after[name])), (less, _added(after[name], before[name]))):
            if name == "distinct_from":
                new = [other for other in new if frozenset((concept_id, other)) not in apart]
                apart |= {frozenset((concept_id, other)) for other in new}
            if new:
                yield _both(f"{verb} {listed(map(shown, new))}")
    if "dismissed" in after:
        yield from _dismissed(before["dismissed"], after["dismissed"])


def _dismissed(before: Sequence[str], after: Sequence[str]) -> Iterator[Predicate]:
    for new, kept, called in (
        (_added(before, after), "is left as it is", "is not called"),
        (_added(after, before), "is open to review again", "may be called again"),
    ):
        names = [f"'{name}'" for name in names_refused(new)]
        if AS_IT_IS in new:
            yield _both(kept)
        if names:
            yield _both(f"{called} {listed(names)}")


def _split(row: Mapping[str, Any], named: Callable[[str], str]) -> str:
    split = Split.from_row(row)
    return split.in_words().replace(split.into, named(split.into))


def _both(one: str) -> Predicate:
    """A predicate, and the same of several concepts: "is accepted", "are accepted"."""
    verb, _, rest = one.partition(" ")
    plural = {"is": "are", "has": "have", "gives": "give", "takes": "take"}.get(verb, verb)
    return one, f"{plural} {rest}"


def _added(before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    return [one for one in after if one not in before]


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"'{', '.join(value)}'" if value else "none"
    return "none" if value in (None, "none") else f"'{value}'"

"""Findings that an outside terminology holds for one, or for the wider one, as `vocab link` and `map` say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kb.vocabulary.mappings import holds

_SAME = ("skos:exactMatch", "skos:closeMatch")
_WIDER = (*_SAME, "skos:broadMatch")


def linked_findings(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of findings of which one may be the other, by the outside concepts that their concepts are linked with.

    A concept that is an outside one is the same as another that is it too, and wider than one whose broader match it
    is. Two that only have a broader one in common may be anything.

    Args:
        rows: of the table `concepts`, with `finding` and `mappings`.
    """
    same: dict[str, set[str]] = {}
    wider: dict[str, set[str]] = {}
    for row in rows:
        for link in filter(holds, row["mappings"]):
            if link["predicate"] in _SAME:
                same.setdefault(link["object_id"], set()).add(row["finding"])
            if link["predicate"] in _WIDER:
                wider.setdefault(link["object_id"], set()).add(row["finding"])
    pairs = ((one, other) for outside, ones in same.items() for one in ones for other in wider[outside])
    return sorted({pair for pair in pairs if pair[0] != pair[1]})

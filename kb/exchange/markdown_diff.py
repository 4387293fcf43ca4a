"""The difference between two states as Markdown, for a pull request: a table for each kind of change.

Texts come before ids, what another concept is called stands beside its id, and long tables are folded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kb.curation.apply import Concepts
from kb.curation.change import move_in_words
from kb.curation.diff import Difference, VocabularyDiff
from kb.store.state import State

FOLDED = 15
"""The rows from which on a table is folded."""

KINDS: Mapping[str, str] = {
    "added": "Added",
    "removed": "Removed",
    "merged": "Merged, or replaced by another",
    "split": "Split",
    "retired": "Retired",
    "renamed": "Renamed",
    "re-faceted": "Facets changed",
    "judged": "Accepted, rejected or put back",
    "described": "Names, notes and mappings",
}
"""What each kind of difference is called, in the order of the page."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")
_LINKED = re.compile(r"([@#])(?=\w)")


def diff_as_markdown(diff: VocabularyDiff, new: State) -> str:
    """The difference as GitHub-flavoured Markdown.

    Args:
        diff: what differs.
        new: the newer state, which knows the texts of the concepts that others were replaced by.
    """
    texts = _texts(diff, new)
    lines = [f"## Vocabulary: `{diff.old}` to `{diff.new}`", ""]
    by_kind = {kind: [one for one in diff.differences if one.kind == kind] for kind in KINDS}
    told = [f"{len(found):,} {kind}" for kind, found in by_kind.items() if found]
    if diff.counts:
        told.append(f"{len(diff.counts):,} counted anew")
    lines += [", ".join(told) or "The vocabularies are the same.", ""]
    for kind, found in by_kind.items():
        if found:
            lines += _table(KINDS[kind], ["concept", "change", "id"], [_row(one, texts) for one in found])
    if diff.counts:
        rows = [
            [_cell(diff.texts.get(of, "")), f"{was:,} → {now:,}", f"`{of}`"] for of, (was, now) in diff.counts.items()
        ]
        lines += _table("Mentions", ["concept", "mentions", "id"], rows)
    return "\n".join(lines)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table under its title, folded where it is long."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}", *(f"| {' | '.join(row)} |" for row in rows), ""]
    heading = f"{title} ({len(rows):,})"
    if len(rows) < FOLDED:
        return [f"### {heading}", "", *lines]
    return ["<details>", f"<summary>{heading}</summary>", "", *lines, "</details>", ""]


def _row(one: Difference, texts: Mapping[str, str]) -> list[str]:
    return [_cell(_called(one)), _cell(", ".join(_said(one, texts))), f"`{one.concept_id}`"]


def _called(one: Difference) -> str:
    """What a concept was called before: that is the name that readers know."""
    return str((one.before or {}).get("text") or one.text)


def _said(one: Difference, texts: Mapping[str, str]) -> Iterator[str]:
    """What became of a concept, names in the place of ids where the texts are known."""
    if one.before is None or one.after is None:
        yield "new" if one.before is None else "taken away"
        return
    if replaced_by := one.after.get("replaced_by"):
        yield f"now '{texts.get(replaced_by, replaced_by)}' ({replaced_by})"
    for name, value in one.after.items():
        if name == "text":
            yield f"now '{value}'"
        elif name in ("synonyms", "descriptors", "dismissed"):
            yield from _moved(name, one.before[name], value)
        elif name == "distinct_from":
            yield from _moved(
                "not the same as", *([texts.get(of, of) for of in side] for side in (one.before[name], value))
            )
        elif name != "replaced_by" and not (name == "status" and one.kind == "merged"):
            yield move_in_words({name: one.before[name]}, {name: value})


def _moved(name: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """What came into a list and what went out of it."""
    for sign, here, there in (("+", after, before), ("−", before, after)):
        if found := [f"'{one}'" for one in here if one not in there]:
            yield f"{name} {sign} {', '.join(found)}"


def _texts(diff: VocabularyDiff, new: State) -> dict[str, str]:
    """The texts of the concepts that differences name."""
    sides = [side for one in diff.differences for side in (one.before, one.after) if side]
    named = {side["replaced_by"] for side in sides if side.get("replaced_by")}
    named |= {of for side in sides for of in side.get("distinct_from", ())}
    concepts = Concepts(new)
    concepts.read(named)
    return {of: row["text"] for of in named if (row := concepts.find(of)) is not None}


def _cell(value: Any) -> str:
    """A text that a table of Markdown shows as it stands: nothing in it is markup, a mention or a link."""
    plain = _SPECIAL.sub(r"\\\1", str(value)).replace("\r", "").replace("\n", "<br>")
    return _LINKED.sub(r"\1<!-- -->", plain)

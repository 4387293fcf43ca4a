"""The acts of curation as methods: what `KnowledgeBase.curate` offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from kb.curation import acts, merging, renaming
from kb.curation.apply import ActOptions, Concepts, Plan, Seen, curate, read_changes
from kb.curation.change import Change
from kb.curation.diff import patch_plan
from kb.curation.dismissed import AS_IT_IS, no_name
from kb.curation.linking import THRESHOLD, find_links, store_links
from kb.curation.terminology import read_terminology
from kb.errors import UsageError
from kb.store.commits import default_author
from kb.store.state import State
from kb.vectors.embedding import Embedder, EmbeddingCache
from kb.vocabulary.split_rules import Condition, Split, read_conditions


class Curator:
    """Changes the vocabulary of a state: every method is one commit and gives the change, None if all was so already.

    Each takes `by` (who), `why` (the reason) and `dry_run` (say what would change, write nothing), and raises
    UsageError if the act cannot be done.

    Example:
        >>> base.curate.accept("Cd3f066afafc3b593", by="ada", dry_run=True).act
        'accept'
    """

    def __init__(self, state: State):
        self._state = state

    def add(self, text: str, synonyms: Sequence[str] = (), **options: Unpack[ActOptions]) -> Change | None:
        """Add an accepted concept by its text."""
        return self._act("add", acts.add(text, synonyms), **options)

    def accept(self, *concept_ids: str, **options: Unpack[ActOptions]) -> Change | None:
        """Accept concepts."""
        return self._act("accept", acts.set_status(concept_ids, "accepted"), **options)

    def reject(self, *concept_ids: str, **options: Unpack[ActOptions]) -> Change | None:
        """Reject concepts: mined again they stay rejected."""
        return self._act("reject", acts.set_status(concept_ids, "rejected"), **options)

    def rename(
        self,
        concept_id: str,
        text: str,
        *,
        keep_facets: bool = False,
        embedder: Embedder | None = None,
        **options: Unpack[ActOptions],
    ) -> Change | None:
        """Give a concept another text; its id stays, its facets are read from it unless they are to be kept.

        Its vector is that of the new text where `embedder`, which has to be the stored one, is given or the text was
        embedded before; else it has none until the vocabulary is embedded again.
        """
        plan = renaming.rename(concept_id, text, keep_facets=keep_facets)
        if embedder is not None and not options.get("dry_run"):
            EmbeddingCache(self._state.storage, embedder.info).fill([" ".join(text.split())], embedder)
        return self._act("rename", plan, **options)

    def merge(self, *sources: str, into: str, **options: Unpack[ActOptions]) -> Change | None:
        """Merge concepts into another one, which takes their names and evidence; their ids still resolve."""
        return self._act("merge", merging.merge(sources, into), **options)

    def retire(
        self, concept_ids: str | Sequence[str], replacement: str | None = None, **options: Unpack[ActOptions]
    ) -> Change | None:
        """Retire a concept or several, with another in their place or with none."""
        return self._act("retire", acts.retire(_several(concept_ids), replacement), **options)

    def split(
        self, concept_id: str, into: str, where: Mapping[str, str | Sequence[str]], **options: Unpack[ActOptions]
    ) -> Change | None:
        """Give the mentions that meet a rule to another concept: its id, or the text of a new one.

        `where` has fields of a mention (see `split_rules.FIELDS`) and the values that each may have; for `text` they
        are regular expressions, for `mention` places: `REPORT/SECTION/START`.
        """
        return self._act("split", acts.split(concept_id, into, _conditions(where)), **options)

    def split_count(self, concept_id: str, where: Mapping[str, str | Sequence[str]]) -> int:
        """How many mentions of a concept meet a rule: what `split` would move."""
        return Concepts(self._state).mentions(concept_id, Split(concept_id, _conditions(where)).sql())

    def add_synonyms(self, concept_id: str, *names: str, **options: Unpack[ActOptions]) -> Change | None:
        """Add other names of a concept."""
        return self._act("synonym", acts.set_synonyms(concept_id, added=names), **options)

    def remove_synonyms(self, concept_id: str, *names: str, **options: Unpack[ActOptions]) -> Change | None:
        """Take other names of a concept away."""
        return self._act("synonym", acts.set_synonyms(concept_id, removed=names), **options)

    def set_facet(self, concept_id: str, facet: str, value: str | None, **options: Unpack[ActOptions]) -> Change | None:
        """Set a facet of a concept: finding, anatomy, laterality, severity or descriptors."""
        return self.set_facets(concept_id, {facet: value}, **options)

    def set_facets(
        self, concept_id: str, facets: Mapping[str, str | None], **options: Unpack[ActOptions]
    ) -> Change | None:
        """Set several facets of a concept at once; None takes one away."""
        return self._act("facet", acts.set_facets(concept_id, facets), **options)

    def keep_apart(self, concept_id: str, *others: str, **options: Unpack[ActOptions]) -> Change | None:
        """Say that concepts are not the same as another one: they are not suggested as its duplicates again."""
        return self._act("distinct", acts.keep_apart(concept_id, others), **options)

    def dismiss(self, *concept_ids: str, **options: Unpack[ActOptions]) -> Change | None:
        """Leave concepts as they are, for good: no queue of single concepts asks about them again."""
        return self._act("dismiss", acts.dismiss({of: [AS_IT_IS] for of in concept_ids}), **options)

    def dismiss_names(self, concept_id: str, *names: str, **options: Unpack[ActOptions]) -> Change | None:
        """Say that wordings are no names of a concept: they are not suggested again."""
        return self._act("dismiss", acts.dismiss({concept_id: [*map(no_name, names)]}), **options)

    def merge_groups(self, groups: Mapping[str, Sequence[str]], **options: Unpack[ActOptions]) -> Change | None:
        """Merge many groups as one change: by the id of each that stays, those that go into it."""
        return self._act("merge", merging.merge_groups(groups), **options)

    def map_to(
        self,
        concept_id: str,
        object_id: str,
        predicate: str = "skos:exactMatch",
        label: str = "",
        *,
        denied: bool = False,
        prefixes: Mapping[str, str] | None = None,
        **options: Unpack[ActOptions],
    ) -> Change | None:
        """Map a concept to one of an outside terminology (object_id "RADLEX:RID34539"), as its curator says.

        With `denied` the curator says that the predicate does not hold. Saying again what another said reviews it.
        """
        plan = acts.map_to(
            concept_id,
            object_id,
            predicate,
            label=label,
            author=options.get("by") or default_author(),
            denied=denied,
            prefixes=prefixes,
        )
        return self._act("map", plan, **options)

    def unmap(self, concept_id: str, object_id: str, **options: Unpack[ActOptions]) -> Change | None:
        """Take the mappings of a concept to an outside one away."""
        return self._act("map", acts.unmap(concept_id, object_id), **options)

    def set_note(
        self, concept_ids: str | Sequence[str], note: str | None, **options: Unpack[ActOptions]
    ) -> Change | None:
        """Put a note on a concept or several."""
        return self._act("note", acts.set_notes(_several(concept_ids), note), **options)

    def revert(self, change_id: str, **options: Unpack[ActOptions]) -> Change | None:
        """Undo a change by a new one; the history stays."""
        found = [
            change
            for change in read_changes(self._state)
            if len(change_id) >= 4 and change.change_id.startswith(change_id)
        ]
        if len(found) != 1:
            raise UsageError(f"'{change_id}' is no change of {self._state.uri}")
        return self._act("revert", acts.revert(found[0]), reverts=found[0].change_id, **options)

    def apply(self, patch: Mapping[str, Any], **options: Unpack[ActOptions]) -> Change | None:
        """Apply a patch that `diff` made: all of it or, where a concept is not as the patch found it, nothing."""
        return self._act("apply", patch_plan(patch), **options)

    def link(
        self,
        path: str | Path,
        prefix: str | None = None,
        threshold: float | None = None,
        statuses: Sequence[str] = (),
        **options: Unpack[ActOptions],
    ) -> Change | None:
        """Link concepts to an outside terminology by their names; see `kb.curation.linking`."""
        terms = read_terminology(Path(path), prefix)
        least = THRESHOLD if threshold is None else threshold
        links = find_links(self._state, terms, threshold=least, statuses=statuses)
        return store_links(self._state, links, terms, statuses=statuses, **options)

    def _act(
        self,
        act: str,
        plan: Plan,
        *,
        by: str | None = None,
        why: str | None = None,
        dry_run: bool = False,
        expect: Mapping[str, Seen] | None = None,
        reverts: str | None = None,
    ) -> Change | None:
        return curate(self._state, act, plan, by=by, why=why, dry_run=dry_run, reverts=reverts, expect=expect)


def _several(concept_ids: str | Sequence[str]) -> Sequence[str]:
    return [concept_ids] if isinstance(concept_ids, str) else concept_ids


def _conditions(where: Mapping[str, str | Sequence[str]]) -> tuple[Condition, ...]:
    fields = {field: [values] if isinstance(values, str) else values for field, values in where.items()}
    return read_conditions((field, value) for field, values in fields.items() for value in values)

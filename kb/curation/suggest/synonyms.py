"""Names that reports use for a concept and that it does not list yet."""

from __future__ import annotations

from kb.curation.dismissed import names_refused
from kb.curation.merging import name_of
from kb.curation.suggest.living import read_living
from kb.curation.suggest.suggestion import Suggestion, Suggestions
from kb.store.state import State
from kb.vocabulary.query import run_named

LEAST_MENTIONS = 2


def suggest_synonyms(state: State, *, limit: int | None = None, min_mentions: int = LEAST_MENTIONS) -> Suggestions:
    """Names for concepts, the most used first; the score is the share of the concept's mentions that use it.

    A name that reports use for several concepts is left to the one that it is mostly used for, and one that is a
    concept's own name already is no suggestion.
    """
    living = read_living(state, vectors=False)
    by_id = {row["concept_id"]: at for at, row in enumerate(living.rows)}
    taken = {name.lower() for row in living.rows for name in (row["text"], *row["synonyms"])}
    suggested: list[Suggestion] = []
    for row in run_named(state, "mined_names", {"min_mentions": min_mentions}):
        at = by_id.get(row["concept_id"])
        name = None if at is None else name_of(row["name"], living.rows[at]["assertion"])
        if at is None or name is None or name in taken or name in names_refused(living.rows[at]["dismissed"]):
            continue
        taken.add(name)  # the most used comes first: for its other concepts the name is no suggestion
        concept, mentions = living.rows[at], living.mentions[at]
        suggested.append(
            Suggestion(
                kind="synonyms",
                rule="worded so",
                act="add name",
                target=name,
                score=round(row["mentions"] / mentions, 4),
                concept_id=concept["concept_id"],
                text=concept["text"],
                mentions=mentions,
                other_id=None,
                other_text=name,
                other_mentions=row["mentions"],
                reason=f"so worded in {row['mentions']:,} of {mentions:,} mentions",
            )
        )
    return Suggestions("synonyms", suggested[:limit], len(suggested))

"""What a change of texts costs: a vector is of a text, and a text that was never embedded has none."""

from __future__ import annotations

from kb.curation.change import Change
from kb.curation.words import listed
from kb.store.sqltext import literals
from kb.store.state import State
from kb.vectors.embedding.in_use import read_embedder


def vector_lost(state: State, change: Change) -> str | None:
    """Which of the concepts that a change gave another text have no vector now, as a sentence; None where all have one.

    `state` is any of the branch that was changed: its newest commit is looked at. In a vocabulary that is not embedded
    at all nothing is lost.
    """
    renamed = [of for of, fields in change.after.items() if fields and "text" in fields]
    if not renamed:
        return None
    now = state.at("HEAD")
    if read_embedder(now) is None:
        return None
    where = f"concept_id IN {literals(renamed)} AND embedder IS NULL"
    texts = now.dataset("concepts").to_table(columns=["text"], filter=where)["text"].to_pylist()
    if not texts:
        return None
    have = "has" if len(texts) == 1 else "have"
    named = listed(f"'{text}'" for text in texts)
    return f"{named} {have} no vector until the vocabulary is embedded again"

"""One knowledge base, one kind of ids: plain ones, or those that one key has made. What would mix them is refused.

The ids themselves say which they are, so that no state, branch, copy or backup can be without the knowledge.
"""

from __future__ import annotations

from kb.errors import UsageError
from kb.privacy.id_key import IdKey, tag_of
from kb.vocabulary.query import Tables

IDS = ("image_id", "report_id", "study_id", "patient_id")
HOLD_IDS = ("reports", "images", "labels", "readings", "predictions")
"""The tables whose rows name images, studies or reports: every ingest leaves rows in one of them."""


def require_same_ids(state: Tables, key: IdKey | None, *, where: str) -> None:
    """Refuse ids that are not of the kind that is stored.

    Args:
        state: what is stored.
        key: what the ids that come in are hashed with; None: they are plain.
        where: the knowledge base, for the message.

    Raises:
        UsageError: what is stored is hashed and this is not, or with another key, or the other way round.
    """
    stored = _one_id(state)
    if stored is None:
        return
    tag = tag_of(stored)
    if tag is None and key is not None:
        raise UsageError(
            f"the ids in {where} are plain, and these would be hashed: nothing would join, and what is stored stays "
            "plain; begin another knowledge base"
        )
    if tag is not None and key is None:
        raise UsageError(
            f"the ids in {where} are hashed, with the key {tag}: plain ones would not join, and be seen",
            parameter="hash_ids",
        )
    if tag is not None and key is not None and tag != key.tag:
        raise UsageError(f"the ids in {where} are hashed with the key {tag}, and this is the key {key.tag}: name that")


def _one_id(state: Tables) -> str | None:
    """An id that is stored, if there is any."""
    for table in HOLD_IDS:
        dataset = state.dataset(table)
        columns = [name for name in IDS if name in dataset.schema.names]
        for row in dataset.to_table(columns=columns, limit=1).to_pylist():
            if found := next((row[name] for name in columns if row[name] is not None), None):
                return str(found)
    return None

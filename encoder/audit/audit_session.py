"""An audit session that also knows the vectors of concepts and images by one encoder, made when a query speaks of them.

with open_session(kb) as session:
    session.query("SELECT text, score FROM concept_scores('im1') ORDER BY score DESC LIMIT 10").rows()
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kb.sql.limits import Limits
from kb.sql.opener import Opened, Opener
from kb.sql.session import AuditSession
from kb.store.state import State

if TYPE_CHECKING:
    from encoder.audit.encoder_vectors import EncoderVectors


def open_session(
    kb: State,
    limits: Limits | None = None,
    encoder: str | None = None,
    *,
    tables: Mapping[str, str | Path] | None = None,
) -> AuditSession:
    """A session over `kb` that serves `concept_vectors`, `image_vectors` and `concept_scores(image)` too.

    Args:
        kb: the knowledge base, at any commit.
        limits: of each query.
        encoder: the folder of a checkpoint, or its id or the beginning of that; not needed if there is one only.
        tables: files of the analyst's own by the name that queries call them; see `kb.sql.own_tables`.

    What is wrong with the encoder is said by the first query that needs it: others run without one.
    """
    return AuditSession(kb, limits, Opener(__name__, open_with_vectors.__name__, {"encoder": encoder}), tables=tables)


def open_with_vectors(
    uri: str, commit: str, storage_options: Mapping[str, str] | None, *, encoder: str | None
) -> Opened:
    """A state and the vectors of one encoder, in the process of a session."""

    @cache
    def vectors() -> EncoderVectors:
        from encoder.audit.encoder_vectors import EncoderVectors
        from kb.knowledge_base import KnowledgeBase

        return EncoderVectors(KnowledgeBase.open(uri, commit, storage_options), encoder)

    more = {"concept_vectors": lambda: vectors().concepts(), "image_vectors": lambda: vectors().images()}
    return State.open(uri, commit, storage_options), more

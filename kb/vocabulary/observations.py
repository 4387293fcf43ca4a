"""Observations out of the knowledge base: one plain object a mention, as `schemas/observation.schema.json` says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from kb.vocabulary.query import stream_named

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase


def iter_observations(kb: KnowledgeBase) -> Iterator[dict[str, Any]]:
    """Every mention of the commit, ordered by report, section and sentence, in bounded memory."""
    for row in stream_named(kb, "observation_export"):
        yield {**row, "spans": [[span["start"], span["end"]] for span in row["spans"]]}


def export_observations(kb: KnowledgeBase, file: IO[str]) -> int:
    """Write every mention to `file` as a line of JSON; says how many there were."""
    return sum(bool(file.write(_line(observation))) for observation in iter_observations(kb))


def _line(observation: Mapping[str, Any]) -> str:
    return json.dumps(observation, ensure_ascii=False) + "\n"

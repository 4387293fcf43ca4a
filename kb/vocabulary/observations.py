"""Observations out of the knowledge base: one plain object a mention, as `schemas/observation.schema.json` says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from kb.store.state import State
from kb.visible import visible_json
from kb.vocabulary.query import stream_named


def iter_observations(state: State) -> Iterator[dict[str, Any]]:
    """Every mention of the commit, ordered by report, section and sentence, in bounded memory."""
    for row in stream_named(state, "observation_export"):
        yield {**row, "spans": [[span["start"], span["end"]] for span in row["spans"]]}


def export_observations(state: State, file: IO[str]) -> int:
    """Write every mention to `file` as a line of JSON; says how many there were."""
    return sum(bool(file.write(_line(observation))) for observation in iter_observations(state))


def _line(observation: Mapping[str, Any]) -> str:
    return visible_json(json.dumps(observation, ensure_ascii=False)) + "\n"

"""What is asked: a constant part that every request begins with, and the report last, so that prefixes are cached."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ingest.extractors.llm.answer import answer_schema
from ingest.report import Section
from kb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Prompt:
    """The constant part: instructions with examples, and the schema of the answer, which the server is told too."""

    system: str
    schema: Mapping[str, Any]


def prompt_of_one(instructions: str) -> Prompt:
    """What is asked of one report by itself."""
    return _prompt(instructions, _plain_schema())


def prompt_of_several(instructions: str) -> Prompt:
    """What is asked of several reports at once: an answer with an entry for each."""
    more = (files("ingest.extractors.llm") / "several.md").read_text(encoding="utf-8")
    return _prompt(f"{instructions.rstrip()}\n\n{more}", several_schema())


def shown(sections: Sequence[Section]) -> str:
    """The sections of one report as they are shown to a model."""
    return "\n\n".join(f"<{section.name}>\n{section.text}\n</{section.name}>" for section in sections)


def shown_together(reports: Sequence[Sequence[Section]]) -> str:
    """Several reports as they are shown to a model, each with its number from 1 as its id."""
    entries = (f'<report id="{number}">\n{shown(one)}\n</report>' for number, one in enumerate(reports, start=1))
    return "\n\n".join(entries)


def read_instructions(path: str | None) -> str:
    """Our instructions, or those of a file; UsageError if it cannot be read."""
    if path is None:
        return (files("ingest.extractors.llm") / "prompt.md").read_text(encoding="utf-8")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the instructions {path} cannot be read: {error}") from error


@cache
def several_schema() -> dict[str, Any]:
    """The JSON Schema of an answer about several reports: that of one report, by the id of each."""
    one = _plain_schema()
    entry = {
        "type": "object",
        "additionalProperties": False,
        "required": ["report", "observations"],
        "properties": {"report": {"type": "string"}, **one["properties"]},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["reports"],
        "properties": {"reports": {"type": "array", "items": entry}},
    }


def _plain_schema() -> dict[str, Any]:
    """The schema without what describes it as a document: not every server takes that."""
    return {key: value for key, value in answer_schema().items() if key not in ("$schema", "title", "description")}


def _prompt(instructions: str, schema: Mapping[str, Any]) -> Prompt:
    told = json.dumps(schema, separators=(",", ":"))
    return Prompt(f"{instructions.rstrip()}\n\nAnswer with JSON of this schema, and nothing else:\n\n{told}\n", schema)

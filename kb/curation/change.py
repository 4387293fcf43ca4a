"""Changes: every act of curation as data, with the values before and after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from kb.curation.words import in_words
from kb.vocabulary.mappings import mapping_in_words
from kb.vocabulary.split_rules import Split

TOLD = 3
"""The sentences of a change that its line tells; the others are counted."""

Values = Mapping[str, Mapping[str, Any] | None]
"""Concept ids and the values of their fields; None if the concept is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One act of curation. `before` and `after` hold, by concept id, the fields that it touched.

    `texts` are those that the concepts had then, and those of the concepts that the fields name.
    """

    act: str
    before: Values
    after: Values
    author: str
    reason: str | None = None
    reverts: str | None = None
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def change_id(self) -> str:
        """A hash of all that the change says."""
        said = [self.act, self.before, self.after, self.author, self.reason, self.reverts, self.time.isoformat()]
        return "X" + blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=6).hexdigest()

    @property
    def concept_ids(self) -> list[str]:
        """The concepts it touched."""
        return sorted({*self.before, *self.after})

    def words(self, mentions: Mapping[str, int] | None = None) -> list[str]:
        """What it did, a sentence for each thing that became of concepts; `mentions` are told where they are given."""
        return in_words(self.before, self.after, self.texts, mentions)

    def line(self, concept_id: str | None = None) -> str:
        """The change as one line that a person reads: what became of `concept_id`, or of all its concepts."""
        after = self.after if concept_id is None else {concept_id: self.after[concept_id]}
        said = in_words(self.before, after, self.texts)
        more = [f"and {len(said) - TOLD:,} more"] if len(said) > TOLD else []
        why = f" ({self.reason})" if self.reason else ""
        undoes = "undone: " if self.reverts else ""
        return f"{self.author}: {undoes}{'; '.join([*said[:TOLD], *more])}{why}"

    def to_row(self) -> dict[str, Any]:
        """The change as a row of the `changes` table."""
        return {
            "change_id": self.change_id,
            "act": self.act,
            "concept_ids": self.concept_ids,
            "before": json.dumps(self.before, sort_keys=True),
            "after": json.dumps(self.after, sort_keys=True),
            "author": self.author,
            "reason": self.reason,
            "time": self.time,
            "reverts": self.reverts,
            "texts": json.dumps(self.texts, sort_keys=True),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Change:
        """The change that `row` of the `changes` table holds."""
        return cls(
            act=row["act"],
            before=json.loads(row["before"]),
            after=json.loads(row["after"]),
            author=row["author"],
            reason=row["reason"],
            reverts=row["reverts"],
            time=row["time"].astimezone(UTC),
            texts=json.loads(row["texts"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """The change as plain data, for JSON."""
        return {
            **self.to_row(),
            "before": self.before,
            "after": self.after,
            "texts": self.texts,
            "time": self.time.isoformat(timespec="seconds"),
            "line": self.line(),
        }


def move_in_words(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """What became of a concept's fields, as a person reads it."""
    if before is None:
        return f"new, '{(after or {}).get('text')}'"
    if after is None:
        return "taken away"
    return ", ".join(f"{name} {_shown(before.get(name))} -> {_shown(value)}" for name, value in after.items())


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if not isinstance(value, list):
        return f"'{value}'"
    return f"[{', '.join(map(_shown_item, value))}]"


def _shown_item(value: Any) -> str:
    if isinstance(value, str):
        return value
    return mapping_in_words(value) if "object_id" in value else Split.from_row(value).in_words()

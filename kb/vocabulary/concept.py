"""A concept as it is read: its facets, its counts, and the mentions behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from kb.display import FactSheet
from kb.language.facets import kind_of
from kb.vocabulary.mappings import mapping_in_words
from kb.vocabulary.split_rules import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept(FactSheet):
    """One concept of the vocabulary, without its vector."""

    concept_id: str
    text: str
    normal_form: str
    assertion: str
    finding: str
    anatomy: str | None
    laterality: str
    severity: str | None
    descriptors: tuple[str, ...]
    synonyms: tuple[str, ...]
    status: str
    replaced_by: str | None
    splits: tuple[Split, ...]
    distinct_from: tuple[str, ...]
    dismissed: tuple[str, ...]
    mappings: tuple[Mapping[str, Any], ...]
    source: str
    note: str | None
    embedder: str | None

    @property
    def kind(self) -> str:
        """What it is of: finding, device, normal, or other where it is put aside or the lexicon does not know it."""
        return "other" if self.status == "aside" else kind_of(self.finding)

    def facts(self) -> list[tuple[str, str]]:
        """What is said of the concept, in the order in which a person reads it."""
        entries: list[tuple[str, str | None]] = [
            ("concept", self.concept_id),
            ("text", self.text),
            ("assertion", self.assertion),
            ("finding", self.finding),
            ("kind", self.kind),
            ("anatomy", self.anatomy),
            ("laterality", self.laterality),
            ("severity", self.severity),
            ("descriptors", ", ".join(self.descriptors)),
            ("synonyms", ", ".join(self.synonyms)),
            ("status", self.status),
            ("replaced by", self.replaced_by),
            ("split", "; ".join(split.in_words() for split in self.splits)),
            ("is not", ", ".join(self.distinct_from)),
            ("left as it is", ", ".join(self.dismissed)),
            ("mappings", "; ".join(map(mapping_in_words, self.mappings))),
            ("normal form", self.normal_form),
            ("source", self.source),
            ("note", self.note),
        ]
        return [(name, value) for name, value in entries if value]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a concept is mentioned, in how many reports, and how many of the mentions are hedged."""

    mentions: int = 0
    reports: int = 0
    uncertain: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One mention with its sentence; the sentence is None if report texts are not stored."""

    report_id: str
    study_id: str | None
    patient_id: str | None
    source: str | None
    section: str
    sentence: str | None
    spans: tuple[tuple[int, int], ...]
    text: str
    assertion: str
    certainty: str
    temporality: str
    laterality: str
    severity: str

    @classmethod
    def from_rows(cls, row: Mapping[str, Any], report: Mapping[str, Any] | None) -> Evidence:
        """The mention that a row of the query `concept_evidence` holds, of a report; spans count in the sentence."""
        start, end = row["sentence_span"]["start"], row["sentence_span"]["end"]
        sections = report["sections"] if report is not None else ()
        text = next((section["text"] for section in sections if section["name"] == row["section"]), None)
        told = {**dict.fromkeys(("study_id", "patient_id", "source")), **(report or {}), **row}
        said = {name.name: told[name.name] for name in fields(cls) if name.name in told}
        return cls(
            **{
                **said,
                "sentence": None if text is None else text[start:end],
                "spans": tuple((span["start"] - start, span["end"] - start) for span in row["spans"]),
            }
        )

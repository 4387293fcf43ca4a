"""`check`: named rules that a sound knowledge base keeps, each with how bad it is to break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from kb.images.patients import read_patients
from kb.language.query_reading import read_query
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.state import State
from kb.vocabulary.concept_rows import concept_batches
from kb.vocabulary.query import stream_named
from kb.vocabulary.records import CONCEPT_ASSERTIONS
from schemas.terms import LATERALITIES, STATUSES

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One place where a rule is broken: a concept and its text, or a patient as text and no concept."""

    rule: str
    severity: Severity
    concept_id: str
    text: str
    detail: str

    def to_dict(self) -> dict[str, str]:
        """The problem as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, how bad it is to break it, and what finds the breaches."""

    name: str
    severity: Severity
    find: Callable[[State], Iterator[Mapping[str, Any]]]


def _by_sql(name: str, parameters: Mapping[str, Any] | None = None) -> Callable[[State], Iterator[Any]]:
    return lambda state: stream_named(state, f"check_{name}", parameters)


def _contradicted(state: State) -> Iterator[Mapping[str, Any]]:
    """Concepts whose text, read on its own, says another assertion, side, finding, place or size than their facets."""
    for row in stream_named(state, "check_contradicted_facet"):
        try:
            read = read_query(row["text"])
        except ValueError:
            continue  # a text of no known words contradicts nothing
        known = read.well_formed
        for facet in ("assertion", "laterality", *(("finding", "anatomy", "severity") if known else ())):
            said, now = getattr(read, facet), row[facet]
            if said not in (now, None, "none"):
                yield {**row, "detail": f"the text says {facet} '{said}', the facet '{now or 'none'}'"}


def _in_two_splits(state: State) -> Iterator[Mapping[str, Any]]:
    """Patients of whom one would train on some images and be judged by others."""
    for leak in read_patients(state).leaks:
        yield {"concept_id": "", "text": leak.patient, "detail": leak.detail}


RULES = (
    Rule("dangling-replacement", "error", _by_sql("dangling_replacement")),
    Rule("circular-replacement", "error", _by_sql("circular_replacement")),
    Rule("illegal-status", "error", _by_sql("illegal_status", {"statuses": list(STATUSES)})),
    Rule(
        "illegal-field",
        "error",
        _by_sql("illegal_field", {"assertions": list(CONCEPT_ASSERTIONS), "lateralities": list(LATERALITIES)}),
    ),
    Rule("replaced-but-used", "error", _by_sql("replaced_but_used")),
    Rule("foreign-embedding", "error", _by_sql("foreign_embedding")),
    Rule("evidence-without-report", "error", _by_sql("evidence_without_report")),
    Rule("evidence-without-concept", "error", _by_sql("evidence_without_concept")),
    Rule("patient-in-two-splits", "error", _in_two_splits),
    Rule("contradicted-facet", "warning", _contradicted),
    Rule("missing-embedding", "warning", _by_sql("missing_embedding")),
    Rule("shared-synonym", "warning", _by_sql("shared_synonym")),
)
FIXABLE = "foreign-embedding"
"""The rule whose breaches are safe to mend: a vector of another space is taken away, and `embed` computes it."""


def check(state: State) -> list[Problem]:
    """Every breach of every rule at the commit of `state`, errors first."""
    return [
        Problem(rule.name, rule.severity, row["concept_id"], row["text"], row["detail"])
        for rule in RULES
        for row in rule.find(state)
    ]


def fix(state: State, *, by: str | None = None, why: str | None = None) -> Commit | None:
    """Mend what is safe to mend, as one commit; None if there is nothing of the kind."""

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
        dataset = publication.dataset("concepts")
        known = [row["embedder"] for row in publication.dataset("embedders").to_table().to_pylist()]
        foreign = " AND ".join(["embedder IS NOT NULL", *(f"embedder != '{embedder}'" for embedder in known)])
        count = dataset.count_rows(foreign)
        if not count:
            return None, None
        rows = (row for batch in dataset.to_batches(filter=foreign) for row in batch.to_pylist())
        publication.replace("concepts", foreign, concept_batches(rows, dataset.schema))
        publication.index_words("concepts", "text")
        return {"mended": count}, None

    commit, _ = state.publish("check --fix", change, by=by, why=why)
    return commit

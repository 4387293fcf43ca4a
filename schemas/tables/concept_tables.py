"""The tables of reports, what was observed in them, and the concepts of the vocabulary."""

import pyarrow as pa

from schemas.tables.table import TIME, Table, required

SPAN = pa.struct([required("start", pa.int32()), required("end", pa.int32())])
_SECTION = pa.struct([required("name", pa.string()), pa.field("text", pa.string()), required("mined", pa.bool_())])
MEASUREMENT = pa.struct([required("value", pa.float64()), required("unit", pa.string())])
_CONDITION = pa.struct([required("field", pa.string()), required("values", pa.list_(pa.string()))])
_SPLIT = pa.struct([required("into", pa.string()), required("where", pa.list_(_CONDITION))])
_NAMED = pa.struct([required("name", pa.string()), required("value", pa.string())])
_MAPPING = pa.struct(
    [
        required("predicate", pa.string()),
        pa.field("modifier", pa.string()),
        required("object_id", pa.string()),
        required("object_label", pa.string()),
        required("justification", pa.string()),
        pa.field("confidence", pa.float64()),
        required("details", pa.list_(_NAMED)),
        required("prefixes", pa.list_(_NAMED)),
    ]
)

CONCEPTS = Table(
    "concepts",
    "one concept of the vocabulary; a column `embedding` (see `embedding_field`) joins it with the first embedder",
    pa.schema(
        [
            required("concept_id", pa.string()),
            required("text", pa.string()),
            required("normal_form", pa.string()),
            required("assertion", pa.string()),
            required("finding", pa.string()),
            pa.field("anatomy", pa.string()),
            required("laterality", pa.string()),
            pa.field("severity", pa.string()),
            required("descriptors", pa.list_(pa.string())),
            required("synonyms", pa.list_(pa.string())),
            required("status", pa.string()),
            pa.field("replaced_by", pa.string()),
            required("splits", pa.list_(_SPLIT)),
            required("distinct_from", pa.list_(pa.string())),
            required("dismissed", pa.list_(pa.string())),
            required("mappings", pa.list_(_MAPPING)),
            required("source", pa.string()),
            pa.field("note", pa.string()),
            pa.field("embedder", pa.string()),
        ]
    ),
)

REPORTS = Table(
    "reports",
    "one report; the text of its sections is null if it was ingested without its texts",
    pa.schema(
        [
            required("report_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            required("source", pa.string()),
            required("position", pa.string()),
            required("content_hash", pa.string()),
            required("extractor", pa.string()),
            required("sections", pa.list_(_SECTION)),
        ]
    ),
)

_WHERE = (
    required("sentence", pa.int32()),
    required("sentence_span", SPAN),
    required("spans", pa.list_(SPAN)),
    required("text", pa.string()),
)
"""Where a mention stands, and its words."""
_MEANT = (
    required("assertion", pa.string()),
    required("certainty", pa.string()),
    required("temporality", pa.string()),
    required("laterality", pa.string()),
    required("severity", pa.string()),
    required("measurements", pa.list_(MEASUREMENT)),
)
"""How a mention is meant."""

OBSERVATIONS = Table(
    "observations",
    "one mention of a concept in a report: the evidence that every count derives from",
    pa.schema(
        [
            required("report_id", pa.string()),
            required("section", pa.string()),
            *_WHERE,
            required("concept_id", pa.string()),
            *_MEANT,
            required("extractor", pa.string()),
        ]
    ),
)

_READING = pa.struct(
    [
        required("by", pa.string()),
        *_WHERE,
        *_MEANT,
        required("concept", pa.string()),
    ]
)

DISPUTES = Table(
    "disputes",
    "one statement that two extractors read differently, or that one of them alone finds; `decision` names the reading "
    "that is kept among the observations, is `none` where neither is, and null until somebody decides",
    pa.schema(
        [
            required("dispute_id", pa.string()),
            required("report_id", pa.string()),
            required("section", pa.string()),
            required("kind", pa.string()),
            required("readings", pa.list_(_READING)),
            required("extractor", pa.string()),
            pa.field("decision", pa.string()),
            pa.field("author", pa.string()),
            pa.field("reason", pa.string()),
            pa.field("time", TIME),
        ]
    ),
)

REJECTS = Table(
    "rejects",
    "one input that could not be taken, and why",
    pa.schema(
        [
            required("source", pa.string()),
            required("position", pa.string()),
            pa.field("report_id", pa.string()),
            required("reason", pa.string()),
        ]
    ),
)

EMBEDDERS = Table(
    "embedders",
    "one embedder that concept embeddings came from: all that is needed to embed a query the same way",
    pa.schema(
        [
            required("embedder", pa.string()),
            required("name", pa.string()),
            required("revision", pa.string()),
            required("dimension", pa.int32()),
            required("prompt", pa.string()),
            required("query_prompt", pa.string()),
            required("dtype", pa.string()),
            required("normalised", pa.bool_()),
            required("stored_as", pa.string()),
            pa.field("stored_recall", pa.float64()),
        ]
    ),
)

VECTOR_INDEXES = Table(
    "vector_indexes",
    "one index over the embeddings: what it is, and what share of the true neighbours it found when it was built",
    pa.schema(
        [
            required("name", pa.string()),
            required("kind", pa.string()),
            required("embedder", pa.string()),
            required("parameters", pa.string()),
            required("rows", pa.int64()),
            required("queries", pa.int32()),
            required("recall", pa.float64()),
            required("p50_ms", pa.float64()),
            required("exact_ms", pa.float64()),
            required("build_s", pa.float64()),
        ]
    ),
)

CHANGES = Table(
    "changes",
    "one act of curation: what it did to which concepts, with the values before and after, and the texts they had then",
    pa.schema(
        [
            required("change_id", pa.string()),
            required("act", pa.string()),
            required("concept_ids", pa.list_(pa.string())),
            required("before", pa.string()),
            required("after", pa.string()),
            required("author", pa.string()),
            pa.field("reason", pa.string()),
            required("time", TIME),
            pa.field("reverts", pa.string()),
            required("texts", pa.string()),
        ]
    ),
)

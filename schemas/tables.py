"""Every table of a knowledge base, defined once.

A *versioned* table is pinned by every commit; the others stand beside the history: the commits and tags
themselves, and the embedding cache, whose rows are keyed by content and can never go stale.
"""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Table:
    """One stored table: its name, what a row is, its Arrow schema, and whether commits pin it."""

    name: str
    row: str
    schema: pa.Schema
    versioned: bool = True


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


_TIME = pa.timestamp("us", tz="UTC")
SPAN = pa.struct([_required("start", pa.int32()), _required("end", pa.int32())])
_SECTION = pa.struct([_required("name", pa.string()), pa.field("text", pa.string()), _required("mined", pa.bool_())])
_CONDITION = pa.struct([_required("field", pa.string()), _required("values", pa.list_(pa.string()))])
_SPLIT = pa.struct([_required("into", pa.string()), _required("where", pa.list_(_CONDITION))])
_MAPPING = pa.struct(
    [
        _required("predicate", pa.string()),
        _required("object_id", pa.string()),
        _required("object_label", pa.string()),
        _required("justification", pa.string()),
        pa.field("confidence", pa.float64()),
    ]
)
_PIN = pa.struct([_required("table", pa.string()), _required("version", pa.int64())])

CONCEPTS = Table(
    "concepts",
    "one concept of the vocabulary; a column `embedding` (see `embedding_field`) joins it with the first embedder",
    pa.schema(
        [
            _required("concept_id", pa.string()),
            _required("text", pa.string()),
            _required("normal_form", pa.string()),
            _required("assertion", pa.string()),
            _required("finding", pa.string()),
            pa.field("anatomy", pa.string()),
            _required("laterality", pa.string()),
            pa.field("severity", pa.string()),
            _required("descriptors", pa.list_(pa.string())),
            _required("synonyms", pa.list_(pa.string())),
            _required("status", pa.string()),
            pa.field("replaced_by", pa.string()),
            _required("splits", pa.list_(_SPLIT)),
            _required("distinct_from", pa.list_(pa.string())),
            _required("mappings", pa.list_(_MAPPING)),
            _required("source", pa.string()),
            pa.field("note", pa.string()),
            pa.field("embedder", pa.string()),
        ]
    ),
)

REPORTS = Table(
    "reports",
    "one report; the text of its sections is null where it was ingested with --no-store-text",
    pa.schema(
        [
            _required("report_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            _required("source", pa.string()),
            _required("position", pa.string()),
            _required("content_hash", pa.string()),
            _required("extractor", pa.string()),
            _required("sections", pa.list_(_SECTION)),
        ]
    ),
)

OBSERVATIONS = Table(
    "observations",
    "one mention of a concept in a report: the evidence that every count derives from",
    pa.schema(
        [
            _required("report_id", pa.string()),
            _required("section", pa.string()),
            _required("sentence", pa.int32()),
            _required("sentence_span", SPAN),
            _required("spans", pa.list_(SPAN)),
            _required("text", pa.string()),
            _required("concept_id", pa.string()),
            _required("assertion", pa.string()),
            _required("certainty", pa.string()),
            _required("temporality", pa.string()),
            _required("laterality", pa.string()),
            _required("severity", pa.string()),
            _required("extractor", pa.string()),
        ]
    ),
)

REJECTS = Table(
    "rejects",
    "one input that could not be taken, and why",
    pa.schema(
        [
            _required("source", pa.string()),
            _required("position", pa.string()),
            pa.field("report_id", pa.string()),
            _required("reason", pa.string()),
        ]
    ),
)

EMBEDDERS = Table(
    "embedders",
    "one embedder that concept embeddings came from: all that is needed to embed a query the same way",
    pa.schema(
        [
            _required("embedder", pa.string()),
            _required("name", pa.string()),
            _required("revision", pa.string()),
            _required("dimension", pa.int32()),
            _required("prompt", pa.string()),
            _required("query_prompt", pa.string()),
            _required("dtype", pa.string()),
            _required("normalised", pa.bool_()),
            _required("stored_as", pa.string()),
            pa.field("stored_recall", pa.float64()),
        ]
    ),
)

VECTOR_INDEXES = Table(
    "vector_indexes",
    "one index over the embeddings: what it is, and what share of the true neighbours it found when it was built",
    pa.schema(
        [
            _required("name", pa.string()),
            _required("kind", pa.string()),
            _required("embedder", pa.string()),
            _required("parameters", pa.string()),
            _required("rows", pa.int64()),
            _required("queries", pa.int32()),
            _required("recall", pa.float64()),
            _required("p50_ms", pa.float64()),
            _required("exact_ms", pa.float64()),
            _required("build_s", pa.float64()),
        ]
    ),
)

CHANGES = Table(
    "changes",
    "one act of curation: what it did to which concepts, with the values before and after",
    pa.schema(
        [
            _required("change_id", pa.string()),
            _required("act", pa.string()),
            _required("concept_ids", pa.list_(pa.string())),
            _required("before", pa.string()),
            _required("after", pa.string()),
            _required("author", pa.string()),
            pa.field("reason", pa.string()),
            _required("time", _TIME),
            pa.field("reverts", pa.string()),
        ]
    ),
)

_ATTRIBUTE = pa.struct([_required("name", pa.string()), _required("value", pa.string())])

IMAGES = Table(
    "images",
    "one radiograph: where it came from, whose it is, and what its table says of it beside that",
    pa.schema(
        [
            _required("image_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            _required("source", pa.string()),
            _required("position", pa.string()),
            _required("content_hash", pa.string()),
            _required("kind", pa.string()),
            _required("width", pa.int32()),
            _required("height", pa.int32()),
            pa.field("view", pa.string()),
            pa.field("sex", pa.string()),
            pa.field("age", pa.float64()),
            _required("attributes", pa.list_(_ATTRIBUTE)),
        ]
    ),
)

PIXELS = Table(
    "pixels",
    "the preprocessed pixels of one image content, uint8 (size x size), so that none is decoded twice",
    pa.schema(
        [
            _required("key", pa.string()),
            _required("content_hash", pa.string()),
            _required("preprocessing", pa.string()),
            _required("size", pa.int32()),
            _required("pixels", pa.large_binary()),
        ]
    ),
    versioned=False,
)

LABELS = Table(
    "labels",
    "what is held to be true of an image or of a whole study: 1, 0, or null where it is unknown",
    pa.schema(
        [
            pa.field("image_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            _required("label", pa.string()),
            pa.field("value", pa.int8()),
            _required("source", pa.string()),
        ]
    ),
)

ENCODERS = Table(
    "encoders",
    "one image encoder whose vectors are stored: where its checkpoint stood, and what it was made of",
    pa.schema(
        [
            _required("encoder", pa.string()),
            _required("checkpoint", pa.string()),
            _required("dimension", pa.int32()),
            _required("objective", pa.string()),
            _required("preprocessing", pa.string()),
            pa.field("embedder", pa.string()),
            pa.field("vocabulary_commit", pa.string()),
        ]
    ),
)

IMAGE_VECTORS = Table(
    "image_vectors",
    "the vector of one image by one encoder: what all predictions are made from",
    pa.schema(
        [
            _required("image_id", pa.string()),
            _required("content_hash", pa.string()),
            _required("encoder", pa.string()),
            _required("vector", pa.list_(pa.float32())),
        ]
    ),
)

_HEAD = pa.struct(
    [
        _required("label", pa.string()),
        _required("weights", pa.list_(pa.float64())),
        _required("bias", pa.float64()),
        _required("scale", pa.float64()),
    ]
)

RUNS = Table(
    "runs",
    "one set of predictions: by which method, encoder, embedder and vocabulary; the weights of its labels",
    pa.schema(
        [
            _required("run", pa.string()),
            _required("method", pa.string()),
            pa.field("space", pa.string()),
            pa.field("encoder", pa.string()),
            pa.field("embedder", pa.string()),
            pa.field("vocabulary_commit", pa.string()),
            _required("parameters", pa.string()),
            _required("heads", pa.list_(_HEAD)),
            _required("time", _TIME),
        ]
    ),
)

PREDICTIONS = Table(
    "predictions",
    "the score of one image or study for one label in one run: a probability, and the logit where there is one",
    pa.schema(
        [
            _required("run", pa.string()),
            pa.field("image_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            _required("label", pa.string()),
            _required("score", pa.float64()),
            pa.field("logit", pa.float64()),
        ]
    ),
)

TRAINING_METRICS = Table(
    "training_metrics",
    "one number of one step of a training: appended as it goes, so that it can be watched",
    pa.schema(
        [
            _required("training", pa.string()),
            _required("step", pa.int64()),
            _required("epoch", pa.int32()),
            _required("split", pa.string()),
            _required("name", pa.string()),
            _required("value", pa.float64()),
            _required("time", _TIME),
        ]
    ),
    versioned=False,
)

COMMITS = Table(
    "commits",
    "one commit: the version of every table that makes up one consistent state",
    pa.schema(
        [
            _required("number", pa.int64()),
            _required("commit_id", pa.string()),
            pa.field("parent", pa.string()),
            _required("operation", pa.string()),
            _required("author", pa.string()),
            pa.field("reason", pa.string()),
            _required("time", _TIME),
            _required("pins", pa.list_(_PIN)),
            _required("summary", pa.string()),
            _required("branch", pa.string()),
        ],
        metadata={"clear_kb_format": "4"},
    ),
    versioned=False,
)

TAGS = Table(
    "tags",
    "one name for a commit",
    pa.schema(
        [
            _required("name", pa.string()),
            _required("commit_id", pa.string()),
            _required("author", pa.string()),
            pa.field("reason", pa.string()),
            _required("time", _TIME),
        ]
    ),
    versioned=False,
)

EMBEDDINGS = Table(
    "embeddings",
    "one cached embedding, keyed by embedder and text, so that none is ever computed twice",
    pa.schema(
        [
            _required("key", pa.string()),
            _required("embedder", pa.string()),
            _required("vector", pa.list_(pa.float32())),
        ]
    ),
    versioned=False,
)

TABLES: tuple[Table, ...] = (
    CONCEPTS,
    REPORTS,
    OBSERVATIONS,
    REJECTS,
    EMBEDDERS,
    VECTOR_INDEXES,
    IMAGES,
    LABELS,
    ENCODERS,
    IMAGE_VECTORS,
    RUNS,
    PREDICTIONS,
    CHANGES,
    COMMITS,
    TAGS,
    EMBEDDINGS,
    PIXELS,
    TRAINING_METRICS,
)

VERSIONED: tuple[Table, ...] = tuple(table for table in TABLES if table.versioned)


STORED_AS: dict[str, pa.DataType] = {"float32": pa.float32(), "float16": pa.float16()}
"""How the numbers of an embedding may be stored."""


def embedding_field(dimension: int, stored_as: str = "float32") -> pa.Field:
    """The column of `concepts` that holds unit vectors of `dimension` numbers; null until embedded."""
    return pa.field("embedding", pa.list_(STORED_AS[stored_as], dimension))

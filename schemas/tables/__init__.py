"""Every table of a knowledge base, in one list.

A *versioned* table is pinned by every commit; the others stand beside the history: the commits and tags
themselves, and the embedding cache, whose rows are keyed by content and can never go stale.
"""

import pyarrow as pa

from schemas.tables.concept_tables import (
    CHANGES,
    CONCEPTS,
    DISPUTES,
    EMBEDDERS,
    MEASUREMENT,
    OBSERVATIONS,
    REJECTS,
    REPORTS,
    SPAN,
    VECTOR_INDEXES,
)
from schemas.tables.history_tables import COMMITS, EMBEDDINGS, EXPORTS, FORMAT, TAGS
from schemas.tables.image_tables import (
    ATTRIBUTES,
    ATTRIBUTION_SUMS,
    ATTRIBUTIONS,
    ENCODERS,
    IMAGE_PROPERTIES,
    IMAGE_VECTORS,
    IMAGES,
    LABEL_NAMES,
    LABEL_SOURCES,
    LABELS,
    PIXELS,
    PREDICTIONS,
    READINGS,
    RUNS,
    TRAINING_METRICS,
)
from schemas.tables.table import Table

__all__ = [
    "ATTRIBUTES",
    "ATTRIBUTIONS",
    "ATTRIBUTION_SUMS",
    "CHANGES",
    "COMMITS",
    "CONCEPTS",
    "DISPUTES",
    "EMBEDDERS",
    "EMBEDDINGS",
    "ENCODERS",
    "EXPORTS",
    "FORMAT",
    "IMAGES",
    "IMAGE_PROPERTIES",
    "IMAGE_VECTORS",
    "LABELS",
    "LABEL_NAMES",
    "LABEL_SOURCES",
    "MEASUREMENT",
    "OBSERVATIONS",
    "PIXELS",
    "PREDICTIONS",
    "READINGS",
    "REJECTS",
    "REPORTS",
    "RUNS",
    "SPAN",
    "TABLES",
    "TAGS",
    "TRAINING_METRICS",
    "VECTOR_INDEXES",
    "VERSIONED",
    "Table",
    "embedding_field",
]

TABLES: tuple[Table, ...] = (
    CONCEPTS,
    REPORTS,
    OBSERVATIONS,
    DISPUTES,
    REJECTS,
    EMBEDDERS,
    VECTOR_INDEXES,
    IMAGES,
    LABELS,
    READINGS,
    LABEL_SOURCES,
    LABEL_NAMES,
    ATTRIBUTES,
    ENCODERS,
    IMAGE_VECTORS,
    RUNS,
    PREDICTIONS,
    ATTRIBUTIONS,
    ATTRIBUTION_SUMS,
    CHANGES,
    COMMITS,
    TAGS,
    EXPORTS,
    EMBEDDINGS,
    PIXELS,
    IMAGE_PROPERTIES,
    TRAINING_METRICS,
)

VERSIONED: tuple[Table, ...] = tuple(table for table in TABLES if table.versioned)


STORED_AS: dict[str, pa.DataType] = {"float32": pa.float32(), "float16": pa.float16()}
"""How the numbers of an embedding may be stored."""


def embedding_field(dimension: int, stored_as: str = "float32") -> pa.Field:
    """The column of `concepts` that holds unit vectors of `dimension` numbers; null until embedded."""
    return pa.field("embedding", pa.list_(STORED_AS[stored_as], dimension))

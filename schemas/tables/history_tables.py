"""The tables beside the history: the commits and tags themselves, and the embeddings, keyed by content."""

import pyarrow as pa

from schemas.tables.table import TIME, Table, required

FORMAT = 11
"""The layout of stored tables that this code reads and writes; `migrate` brings older ones up from 10 on."""

_PIN = pa.struct([required("table", pa.string()), required("version", pa.int64())])
_FILE = pa.struct(
    [
        required("table", pa.string()),
        required("path", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("hash", pa.string()),
    ]
)

COMMITS = Table(
    "commits",
    "one commit: the version of every table that makes up one consistent state, and a note of every new file",
    pa.schema(
        [
            required("number", pa.int64()),
            required("commit_id", pa.string()),
            pa.field("parent", pa.string()),
            required("operation", pa.string()),
            required("author", pa.string()),
            pa.field("reason", pa.string()),
            required("time", TIME),
            required("pins", pa.list_(_PIN)),
            required("summary", pa.string()),
            required("branch", pa.string()),
            pa.field("files", pa.list_(_FILE)),
            pa.field("files_hash", pa.string()),
        ],
        metadata={"clear_kb_format": str(FORMAT)},
    ),
    versioned=False,
)

EXPORTS = Table(
    "exports",
    "one time that data was taken out: by whom, by which command, of which commit, how many rows and where to",
    pa.schema(
        [
            required("time", TIME),
            required("author", pa.string()),
            required("what", pa.string()),
            required("commit_id", pa.string()),
            required("rows", pa.int64()),
            required("target", pa.string()),
            required("filters", pa.string()),
        ]
    ),
    versioned=False,
)

TAGS = Table(
    "tags",
    "one name for a commit",
    pa.schema(
        [
            required("name", pa.string()),
            required("commit_id", pa.string()),
            required("author", pa.string()),
            pa.field("reason", pa.string()),
            required("time", TIME),
        ]
    ),
    versioned=False,
)

EMBEDDINGS = Table(
    "embeddings",
    "one cached embedding, keyed by embedder and text, so that none is ever computed twice",
    pa.schema(
        [
            required("key", pa.string()),
            required("embedder", pa.string()),
            required("vector", pa.list_(pa.float32())),
        ]
    ),
    versioned=False,
)

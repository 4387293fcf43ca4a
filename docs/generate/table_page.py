"""The reference of what is stored: every table with its columns, and the words that columns are limited to."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from docs.generate.markdown import table
from schemas import terms
from schemas.tables import TABLES, Table

HEAD = """# Tables

A knowledge base is a folder, or `s3://bucket/path`, of Lance tables, defined once in `schemas/tables`. A table that is
*versioned* is pinned by every commit; the others stand beside the history. `base.dataset("observations").to_table()`
reads any of them as Arrow; other tools open them as Lance data sets. Questions about predictions are easier to ask of
the [views of the audit](sql.md).
"""
WORDS = {
    "assertion of an observation": terms.ASSERTIONS,
    "assertion of a concept": terms.CONCEPT_ASSERTIONS,
    "certainty": terms.CERTAINTIES,
    "temporality": terms.TEMPORALITIES,
    "laterality": terms.LATERALITIES,
    "status of a concept": terms.STATUSES,
    "view of an image": terms.VIEWS,
}


def table_page() -> str:
    """All tables on one page."""
    return "\n".join([HEAD, *(part for one in TABLES for part in _table(one)), *_words()])


def _table(one: Table) -> Iterator[str]:
    beside = "" if one.versioned else " Not versioned."
    yield f"## {one.name}\n\nA row is {one.row}.{beside}\n"
    rows = ((f"`{field.name}`", _type(field.type), "may be null" if field.nullable else "") for field in one.schema)
    yield table(("column", "type", ""), rows)


def _type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_type(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "{" + ", ".join(f"{field.name}: {_type(field.type)}" for field in kind) + "}"
    return str(kind)


def _words() -> Iterator[str]:
    yield "## Words\n\nThe closed sets of words of `schemas/terms.py`; anything else is refused.\n"
    rows = ((field, ", ".join(f"`{word}`" for word in words)) for field, words in WORDS.items())
    yield table(("field", "words"), rows)

"""What a stored table is: its name, what a row is, its Arrow schema, and whether commits pin it."""

from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Table:
    """One stored table: its name, what a row is, its Arrow schema, and whether commits pin it."""

    name: str
    row: str
    schema: pa.Schema
    versioned: bool = True


def required(name: str, kind: pa.DataType) -> pa.Field:
    """A column that is never null."""
    return pa.field(name, kind, nullable=False)

"""What a stored table is: its name, what a row is, its Arrow schema, and whether commits pin it."""

from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")


TABLE_VERSION = "clear_kb_table_version"
"""Where the metadata of a stored schema says which version of the table it is."""


@dataclass(frozen=True, slots=True)
class Table:
    """One stored table: its name, what a row is, its Arrow schema, and whether commits pin it.

    `version` counts the changes of its columns since format 11; a migration brings stored ones up to it.
    """

    name: str
    row: str
    schema: pa.Schema
    versioned: bool = True
    version: int = 1

    def __post_init__(self) -> None:
        """Have the schema say which version of the table it is."""
        said = {**(self.schema.metadata or {}), TABLE_VERSION.encode(): str(self.version).encode()}
        object.__setattr__(self, "schema", self.schema.with_metadata(said))


def required(name: str, kind: pa.DataType) -> pa.Field:
    """A column that is never null."""
    return pa.field(name, kind, nullable=False)

"""The version of a table's columns, which its stored schema names: one that a newer clear-kb wrote is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.errors import ClearKbError
from schemas.tables import TABLES
from schemas.tables.table import TABLE_VERSION

if TYPE_CHECKING:
    import lance

_KNOWN = {table.name: table.version for table in TABLES}


def refuse_newer(uri: str, table: str, dataset: lance.LanceDataset) -> None:
    """Refuse a table whose columns this code does not know yet (ClearKbError); one that names no version is older."""
    said = (dataset.schema.metadata or {}).get(TABLE_VERSION.encode(), b"").decode("utf-8", "replace")
    if said.isdecimal() and int(said) > (known := _KNOWN[table]):
        raise ClearKbError(
            f"table '{table}' of {uri} has version {said}, and this clear-kb reads versions up to {known}: a newer "
            "clear-kb wrote it; install that one"
        )

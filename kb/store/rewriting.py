"""A table written anew without some of its rows: deleted rows stay in old files, and only files can be dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import lance


def written_anew(dataset: lance.LanceDataset, predicate: str, options: Mapping[str, str] | None) -> lance.LanceDataset:
    """A new version of a table in new files, without the rows that `predicate` (SQL) holds for."""
    import lance

    rows = dataset.scanner(filter=f"({predicate}) IS NOT TRUE").to_reader()
    rows = pa.RecordBatchReader.from_batches(dataset.schema, (batch.cast(dataset.schema) for batch in rows))
    return lance.write_dataset(rows, dataset, schema=dataset.schema, mode="overwrite", storage_options=options)

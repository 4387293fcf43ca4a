"""A rehearsal: a publication that is thrown away. What a dry run says is what the same steps would have done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kb.store.publication import Publication

if TYPE_CHECKING:
    import lance


class Rehearsal(Publication):
    """Takes every step of a change and writes nothing: each table stays as the head pins it.

    Rows to be written are read to their end, so that what is wrong with them is found here too.
    """

    def delete(self, table: str, predicate: str) -> None:
        """Leave the rows where they are."""

    def append(self, table: str, fragments: Iterable[str]) -> None:
        """Append nothing."""

    def exchange(self, table: str, predicate: str, fragments: Iterable[str]) -> None:
        """Exchange nothing."""

    def stage(self, table: str, batches: Iterable[pa.RecordBatch]) -> list[str]:
        """Read the rows, and keep none."""
        for _ in batches:
            pass
        return []

    def rewrite(self, table: str, predicate: str) -> None:
        """Leave the rows where they are."""

    def set_column(self, table: str, field: pa.Field) -> None:
        """Leave the columns as they are."""

    def set_metadata(self, table: str, said: Mapping[str, str]) -> None:
        """Leave the schema as it is."""

    def gather(self) -> None:
        """Gather nothing."""

    def compact(self, table: str, few: int) -> bool:
        """Gather nothing."""
        return False

    def restore(self, table: str, version: int) -> None:
        """Leave the table as it is."""

    def index_words(self, table: str, column: str) -> None:
        """Index nothing."""

    def index_vectors(self, table: str, name: str, kind: str, parameters: Mapping[str, Any]) -> None:
        """Index nothing."""

    def drop_index(self, table: str, name: str) -> None:
        """Drop nothing."""

    def pins(self) -> dict[str, int]:
        """The versions of the head."""
        return dict(self.head.pins)

    def _at_head(self, table: str) -> lance.LanceDataset:
        return self._storage.dataset(table, self.head.pins[table])

"""How much a clean-up would give back: the files that only dead versions of a table name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from kb.store.manifests import manifest_path
from kb.store.storage import Storage

if TYPE_CHECKING:
    import lance


def garbage_bytes(storage: Storage, table: str, dead: Collection[int]) -> int | None:
    """The bytes that dropping `dead` versions of a table would give back; None for an object store."""
    if storage.folder is None:
        return None
    root = Path(storage.location(table))
    named = {version: _files(storage.dataset(table, version), root) for version in storage.versions(table)}
    live = set[Path]().union(*(files for version, files in named.items() if version not in dead))
    garbage = set[Path]().union(*(named[version] for version in dead)) - live
    return sum(path.stat().st_size for path in garbage if path.exists())


def _files(dataset: lance.LanceDataset, root: Path) -> set[Path]:
    """The files that a version of a table consists of."""
    fragments = dataset.get_fragments()
    files = {root / "data" / file.path for fragment in fragments for file in fragment.data_files()}
    files |= {root / deleted for fragment in fragments if (deleted := fragment.deletion_file())}
    indices = (root / "_indices" / segment.uuid for index in dataset.describe_indices() for segment in index.segments)
    files |= {path for index in indices for path in index.rglob("*") if path.is_file()}
    files.add(root / manifest_path(dataset.version))
    files |= set((root / "_transactions").glob(f"{dataset.version - 1}-*.txn"))
    return files

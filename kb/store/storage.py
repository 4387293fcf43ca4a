"""The Lance tables of one knowledge base, in a folder or an object store, one version at a time."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kb.errors import ClearKbError, NoKnowledgeBaseError, UsageError
from schemas.tables import TABLES

if TYPE_CHECKING:
    import lance

LONGEST_MESSAGE = 300

STAGING = "_staging"
"""Where a local knowledge base keeps the journals of writers under way.

A journal is an SQLite file `*.sqlite` whose table `fragments` holds what was staged: `name`, a table, and
`fragment`, the JSON that `Storage.stage` gave. `gc` keeps every file that one of them names.
"""


FORMAT_KEY = "clear_kb_format"
"""Where the metadata of the table `commits` says which layout the knowledge base has."""

_probed: set[tuple[str, ...]] = set()
"""The object stores that this process has written to: their conditional writes hold."""


class Storage:
    """The tables under `uri`: a folder, or anything LanceDB's `storage_options` can reach (`s3://...`)."""

    def __init__(self, uri: str | Path, storage_options: Mapping[str, str] | None = None):
        self.uri = str(uri).rstrip("/")
        self.options = dict(storage_options) if storage_options else None

    @property
    def folder(self) -> Path | None:
        """The local folder, or None for an object store."""
        return None if "://" in self.uri else Path(self.uri)

    def location(self, table: str) -> str:
        """Where the Lance dataset of `table` lies: LanceDB's own layout, so LanceDB opens it too."""
        return f"{self.uri}/{table}.lance"

    def has(self, table: str) -> bool:
        """Whether `table` is there. An object store that cannot be reached is an error, never a "no"."""
        if self.folder is not None:
            return Path(self.location(table)).is_dir()
        connection = self._connection()
        try:
            return table in connection.list_tables().tables
        except (OSError, ValueError, RuntimeError) as error:
            raise ClearKbError(f"cannot reach {self.uri}: {first_line(error)}") from error

    def create(self) -> None:
        """Create every table that is not there yet; a creation that died half-way is taken up again."""
        self._refuse_foreign_folder()
        self.require_conditional_writes()
        connection = self._connection()
        for table in TABLES:
            connection.create_table(table.name, schema=table.schema, exist_ok=True)

    def add_missing(self, table: str) -> None:
        """Create one table of a knowledge base that is older than it; only one that commits do not pin."""
        if not self.has(table):
            schema = next(one.schema for one in TABLES if one.name == table)
            self._connection().create_table(table, schema=schema, exist_ok=True)

    def raise_format(self, number: str) -> None:
        """Say in the table `commits` which layout the knowledge base has; a new one says so from its creation."""
        self.dataset("commits").update_schema_metadata({FORMAT_KEY: number})

    def require_conditional_writes(self) -> None:
        """Refuse to write to an object store that lets one writer overwrite another's version (ClearKbError).

        Everything that keeps writers apart there rests on it: the second one to write a version must fail. A store
        that ignores the condition loses acts without a word, so it is asked once a process, with a table of its own.
        A local folder has a lock and needs no asking.
        """
        store = (self.uri, *sorted(f"{name}={value}" for name, value in (self.options or {}).items()))
        if self.folder is not None or store in _probed:
            return
        try:
            holds = _second_write_fails(f"{self.uri}/_probe-{uuid.uuid4().hex}.lance", self.options)
        except (OSError, ValueError, RuntimeError) as error:
            raise ClearKbError(f"cannot write to {self.uri}: {first_line(error)}") from error
        if not holds:
            raise ClearKbError(
                f"{self.uri} is in an object store that ignores conditional writes (If-None-Match): what two people do "
                "at once would be lost there in silence, so nothing was written; use a store that has them, as Amazon "
                "S3 does, or a local folder"
            )
        _probed.add(store)

    def dataset(self, table: str, version: int | None = None) -> lance.LanceDataset:
        """The Lance dataset of `table` at `version` (default: the newest, which no commit may name yet)."""
        import lance

        try:
            return lance.dataset(self.location(table), version=version, storage_options=self.options)
        except (OSError, ValueError) as error:
            at = "" if version is None else f" at version {version}"
            raise ClearKbError(f"cannot open table '{table}'{at} of {self.uri}: {first_line(error)}") from error

    def versions(self, table: str) -> set[int]:
        """The versions of `table` that are still there: a clean-up may have dropped some."""
        return {known["version"] for known in self.dataset(table).versions()}

    def stage(self, table: str, batches: Iterable[pa.RecordBatch]) -> list[str]:
        """Write `batches` as data files that no version of `table` names yet; returns them as JSON.

        Staged files cost no version and nobody sees them until `Publication.append` names them: a writer
        that dies leaves files that nothing points to.
        """
        from lance.fragment import write_fragments

        self.require_conditional_writes()
        dataset = self.dataset(table)
        raised: list[Exception] = []
        reader = pa.RecordBatchReader.from_batches(dataset.schema, _noting_errors(batches, raised))
        try:
            fragments = write_fragments(reader, dataset, mode="append", storage_options=self.options)
        except (OSError, ValueError, RuntimeError):
            if raised:
                raise raised[0] from None
            raise
        return [json.dumps(fragment.to_json()) for fragment in fragments]

    def lost_files(self, table: str, fragments: Iterable[str]) -> list[str]:
        """Those data files of staged `fragments` that are gone, or in a folder have lost their length."""
        from lance.file import LanceFileSession

        files = [file for fragment in fragments for file in data_files(fragment)]
        if not files:
            return []
        data = f"{self.location(table)}/data"
        if self.folder is None:
            session = LanceFileSession(data, storage_options=self.options)
            return [file["path"] for file in files if not session.contains(file["path"])]
        return [file["path"] for file in files if not _is_whole(Path(data) / file["path"], file["file_size_bytes"])]

    def append(self, table: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> None:
        """Append rows to a table that commits do not pin."""
        import lance

        self.require_conditional_writes()
        dataset = self.dataset(table)
        data = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), schema=dataset.schema)
        lance.write_dataset(data, dataset, mode="append", storage_options=self.options)

    def insert_if_absent(self, table: str, key: str, row: Mapping[str, Any]) -> bool:
        """Insert one row unless its `key` is taken: Lance's compare-and-set; says whether it went in."""
        self.require_conditional_writes()
        dataset = self.dataset(table)
        data = pa.Table.from_pylist([dict(row)], schema=dataset.schema)
        result = dataset.merge_insert(key).when_not_matched_insert_all().execute(data)
        return bool(result["num_inserted_rows"])

    def lance_table(self, table: str, version: int) -> Any:
        """The LanceDB table, pinned at `version`: for searching."""
        opened = self._connection().open_table(table)
        opened.checkout(version)
        return opened

    def size_bytes(self) -> int | None:
        """Bytes on disk of a local knowledge base; None for an object store."""
        if self.folder is None:
            return None
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def _connection(self) -> Any:
        import lancedb

        try:
            return lancedb.connect(self.uri, storage_options=self.options)
        except (OSError, ValueError, RuntimeError) as error:
            raise ClearKbError(f"cannot reach {self.uri}: {first_line(error)}") from error

    def _refuse_foreign_folder(self) -> None:
        if self.folder is None or not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise UsageError(f"{self.uri} is a file; a knowledge base is a folder or an s3:// address")
        strangers = [p.name for p in self.folder.iterdir() if p.suffix != ".lance" and p.name not in (STAGING, ".lock")]
        if strangers:
            raise UsageError(
                f"{self.uri} holds other files ({', '.join(sorted(strangers)[:3])}): name a new folder", parameter="uri"
            )


def existing(uri: str | Path, storage_options: Mapping[str, str] | None = None) -> Storage:
    """The tables at `uri`; NoKnowledgeBaseError if there are none."""
    storage = Storage(uri, storage_options)
    if not storage.has("commits"):
        raise NoKnowledgeBaseError(f"there is no knowledge base at {uri}")
    return storage


def _second_write_fails(address: str, options: Mapping[str, str] | None) -> bool:
    """Write one version of a throwaway table at `address` twice, as two writers at once would; both see none before.

    An overwrite without retries looks at nothing but the version that it was told to build on, so Lance leaves it to
    the store whether the second one goes through.
    """
    import lance

    schema = pa.schema([("probe", pa.int8())])
    change = lance.LanceOperation.Overwrite(schema, [])
    lance.write_dataset(schema.empty_table(), address, storage_options=options)
    try:
        lance.LanceDataset.commit(address, change, read_version=1, max_retries=0, storage_options=options)
        try:
            lance.LanceDataset.commit(address, change, read_version=1, max_retries=0, storage_options=options)
        except (OSError, ValueError, RuntimeError) as error:
            if "conflict" not in str(error).lower():
                raise
            return True
        return False
    finally:
        # Whoever may write but not delete shall write: what stays is a table without rows that nothing names.
        with suppress(OSError, ValueError, RuntimeError):
            lance.LanceDataset.drop(address, options)


def _noting_errors(batches: Iterable[pa.RecordBatch], raised: list[Exception]) -> Iterator[pa.RecordBatch]:
    """`batches` as they come; an error on the way is noted, for Lance would pass it on as a text of its own."""
    try:
        yield from batches
    except Exception as error:
        raised.append(error)
        raise


def data_files(fragment: str) -> list[dict[str, Any]]:
    """The data files of a fragment that `Storage.stage` wrote: `path` in the table's `data`, `file_size_bytes`."""
    files: list[dict[str, Any]] = json.loads(fragment)["files"]
    return files


def _is_whole(path: Path, size: int | None) -> bool:
    return path.is_file() and size in (None, path.stat().st_size)


def first_line(error: BaseException) -> str:
    """What a person needs of an error's text: of a message that Rust wrote, the cause and not the whole chain."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0].split(", location:")[0]
    cause = re.search(r'message: "([^"]+)"', text)
    return cause[1] if cause and len(text) > LONGEST_MESSAGE else text[:LONGEST_MESSAGE]

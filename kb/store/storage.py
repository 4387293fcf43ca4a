"""The Lance tables of one knowledge base, in a folder or an object store, one version at a time."""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from platformdirs import user_cache_path

from kb.errors import ClearKbError, Need, NoKnowledgeBaseError, UsageError
from kb.store.address import Address
from kb.store.dropping import DROPPED, WRITTEN, Dropping, read_dropping
from kb.store.manifests import local_versions, version_of, version_times
from kb.store.probe import second_write_fails
from kb.store.store_answers import answer_in_words
from schemas.tables import TABLES, Table

if TYPE_CHECKING:
    import lance

logger = logging.getLogger("clear_kb.store")

LONGEST_MESSAGE = 300

STAGING = "_staging"
"""Where a local knowledge base keeps the journals of writers under way: see `Storage.staging`.

A journal is an SQLite file `*.sqlite` whose table `fragments` holds what was staged: `name`, a table, and
`fragment`, the JSON that `Storage.stage` gave. `gc` keeps every file that one of them names.
"""


SECOND_LOG = "_commits.jsonl"
"""The second copy of the log, in a local folder."""

NEWEST = "_newest-"
"""How the object begins that says in a store which commit is its newest."""

PUT_ASIDE = "_damaged"
"""Where a repair puts files that it takes away."""

COPY_MARK = "_copy_of.json"
"""Where a copy says which knowledge base it is of."""

OURS = (STAGING, SECOND_LOG, PUT_ASIDE, COPY_MARK, ".lock", ".readers", DROPPED, WRITTEN, "_commits.new")
"""What lies in a local knowledge base beside its tables."""

FORMAT_KEY = "clear_kb_format"
"""Where the metadata of the table `commits` says which layout the knowledge base has."""

AT_ONCE = 8
"""Tables that are made or looked up at a time in an object store, where each request is a wait."""

FIRST_WORD = {"connect_timeout": "5s", "timeout": "20s", "client_max_retries": "1", "client_retry_timeout": "15"}
"""How long an object store is waited for when it is first asked; later, Lance's own patience holds."""

BY_DYNAMODB = "_commits-by-dynamodb."
"""How the object is called, before the name of the DynamoDB table, that marks whose commits go through one."""

_probed: set[tuple[str, ...]] = set()
"""The object stores that this process has written to: their conditional writes hold."""


class Storage:
    """The tables under `uri`: a folder, or anything LanceDB's `storage_options` can reach (`s3://...`)."""

    def __init__(self, uri: str | Path, storage_options: Mapping[str, str] | None = None):
        self.address = Address.parse(uri)
        self.uri = str(self.address)
        self.options = dict(storage_options) if storage_options else None
        self._shared: lance.Session | None = None
        self._seen: set[str] | None = None
        self.guard: Callable[[str, lance.LanceDataset], None] | None = None
        """Looks at the newest version of a table before it is used, and raises where it is damaged."""

    @property
    def folder(self) -> Path | None:
        """The local folder, or None for an object store."""
        return self.address.folder

    @property
    def staging(self) -> Path:
        """Where the journals of writers under way lie: in the knowledge base, or for an object store on this machine.

        A store holds no SQLite file, and who goes on with an interrupted writing is whoever began it.
        """
        if self.folder is not None:
            return self.folder / STAGING
        return user_cache_path("clear-kb") / "staging" / blake2b(self.uri.encode(), digest_size=8).hexdigest()

    def location(self, table: str) -> str:
        """Where the Lance dataset of `table` lies: LanceDB's own layout, so LanceDB opens it too."""
        return self.address.of(f"{table}.lance")

    def has(self, table: str) -> bool:
        """Whether `table` is there. An object store that cannot be reached is an error, never a "no"."""
        if self.folder is not None:
            return Path(self.location(table)).is_dir()
        return f"{table}.lance" in self.names(anew=True)

    def create(self) -> dict[str, int]:
        """Create every table that is not there yet, and give the version of each.

        A creation that died half-way is taken up again.
        """
        self.refuse_foreign_folder()
        if self.address.commit_table is not None and not self.has("commits"):
            self._mark_commits_by_dynamodb()
        self.require_conditional_writes()
        with ThreadPoolExecutor(AT_ONCE if self.folder is None else 1) as pool:
            return dict(zip((table.name for table in TABLES), pool.map(self._made, TABLES), strict=True))

    def add_missing(self, table: str) -> None:
        """Create one table of a knowledge base that is older than it; only one that commits do not pin."""
        if not self.has(table):
            self._made(next(one for one in TABLES if one.name == table))

    def raise_format(self, number: str) -> None:
        """Say in the table `commits` which layout the knowledge base has; a new one says so from its creation."""
        self.dataset("commits").update_schema_metadata({FORMAT_KEY: number})

    def require_conditional_writes(self) -> None:
        """Refuse to write to an object store that lets one writer overwrite another's version (ClearKbError).

        Everything that keeps writers apart there rests on it: the second one to write a version must fail. A store
        that ignores the condition loses acts without a word, so it is asked once a process, with a table of its own.
        Where commits go through DynamoDB, that keeps writers apart, and the store need not be asked. A local folder
        has a lock.
        """
        store = (self.uri, *sorted(f"{name}={value}" for name, value in (self.options or {}).items()))
        if self.folder is not None or store in _probed:
            return
        self._refuse_another_way()
        if self.address.commit_table is None:
            self._probe()
        _probed.add(store)

    def dataset(self, table: str, version: int | None = None) -> lance.LanceDataset:
        """The Lance dataset of `table` at `version` (default: the newest, which no commit may name yet)."""
        import lance

        self._require_access(table)
        try:
            opened = lance.dataset(
                self.location(table), version=version, storage_options=self.options, session=self._session()
            )
        except BaseException as error:
            # Of some cut files Lance panics, which is no Exception.
            if not (isinstance(error, OSError | ValueError | RuntimeError) or type(error).__name__ == "PanicException"):
                raise
            at = "" if version is None else f" at version {version}"
            need: Need | None = None if self.folder is None else "repair"
            raise ClearKbError(
                f"cannot open table '{table}'{at} of {self.uri}: {first_line(error)}", need=need
            ) from error
        if version is None and self.guard is not None:
            self.guard(table, opened)
        return opened

    def _require_access(self, table: str) -> None:
        """Refuse a local table that may not be read (ClearKbError): Lance tries again for most of a minute."""
        path = Path(self.location(table))
        for folder in () if self.folder is None else (path, path / "_versions"):
            if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
                raise ClearKbError(f"cannot open table '{table}' of {self.uri}: {folder} may not be read by you")

    def versions(self, table: str) -> dict[int, datetime]:
        """The versions of `table` that can be read, for a clean-up may have dropped some, and when they began."""
        dropping = self.dropping().now.get(table, ())
        if self.folder is None:
            found = self.dataset(table).versions()
            known = {one["version"]: one["timestamp"].astimezone(UTC) for one in found}
        else:
            known = version_times(Path(self.location(table)))
        return {version: began for version, began in known.items() if version not in dropping}

    def dropping(self) -> Dropping:
        """The versions that a clean-up is dropping, or died over: their files may be gone in part; and those gone."""
        return Dropping() if self.folder is None else read_dropping(self.folder)

    def missing(self, pins: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Those of some tables and versions that are no longer there, told by the names of their files alone."""
        wanted: dict[str, set[int]] = {}
        for table, version in pins:
            wanted.setdefault(table, set()).add(version)
        with ThreadPoolExecutor(AT_ONCE if self.folder is None else 1) as pool:
            there = pool.map(self.version_numbers, wanted)
            return {
                (table, version)
                for (table, versions), found in zip(wanted.items(), there, strict=True)
                for version in versions - found
            }

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
        data = self.address.of(f"{table}.lance/data")
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

    def _session(self) -> lance.Session | None:
        """What the datasets of one object store share: what was read of it once is not fetched again."""
        import lance

        if self._shared is None and self.folder is None:
            self._shared = lance.Session()
        return self._shared

    def names(self, *, anew: bool = False) -> set[str]:
        """What lies in an object store under the address, one level of it, as it was seen last or is seen `anew`.

        One request, with little patience; who writes or deletes something there says so in this set.
        """
        from lance.file import LanceFileSession

        if self._seen is not None and not anew:
            return self._seen
        try:
            store = LanceFileSession(self.uri, storage_options={**FIRST_WORD, **(self.options or {})})
            found = store.list_with_delimiter()
        except (OSError, ValueError, RuntimeError) as error:
            raise ClearKbError(f"cannot reach {self.uri}: {first_line(error)}") from error
        self._seen = {*found.common_prefixes, *found.objects}
        return self._seen

    def version_numbers(self, table: str) -> set[int]:
        """The versions of a table, by the names of their manifests: none of them is read."""
        from lance.file import LanceFileSession

        if self.address.commit_table is not None:
            return set(self.versions(table))  # DynamoDB may know of a version that has no manifest of its own yet
        if self.folder is not None:
            return set(local_versions(Path(self.location(table))))
        versions = self.address.of(f"{table}.lance/_versions")
        try:
            names = LanceFileSession(versions, storage_options=self.options).list()
        except (OSError, ValueError, RuntimeError) as error:
            raise ClearKbError(f"cannot open table '{table}' of {self.uri}: {first_line(error)}") from error
        return {number for name in names if (number := version_of(name)) is not None}

    def _made(self, table: Table) -> int:
        """Create a table unless it is there; its version."""
        import lance

        try:
            made = lance.write_dataset(
                table.schema.empty_table(),
                self.location(table.name),
                storage_options=self.options,
                session=self._session(),
            )
        except (OSError, ValueError, RuntimeError) as error:
            if "already exists" not in str(error):
                raise ClearKbError(f"cannot create {self.uri}: {first_line(error)}") from error
            return self.dataset(table.name).version
        return made.version

    def _probe(self) -> None:
        try:
            holds = second_write_fails(self.address, self.options)
        except (OSError, ValueError, RuntimeError) as error:
            raise ClearKbError(f"cannot write to {self.uri}: {first_line(error)}") from error
        if not holds:
            raise ClearKbError(
                f"{self.uri} is in an object store that ignores conditional writes (If-None-Match): what two people do "
                "at once would be lost there in silence, so nothing was written; use a store that has them, as Amazon "
                "S3 does, a DynamoDB table for the commits (s3+ddb://), or a local folder"
            )

    def _refuse_another_way(self) -> None:
        """Refuse to write where the others' commits go through another DynamoDB table, or through none."""
        names = self.names()
        if "commits.lance" not in names:
            return
        marks = sorted(name.removeprefix(BY_DYNAMODB) for name in names if name.startswith(BY_DYNAMODB))
        own = self.address.commit_table
        if marks == ([] if own is None else [own]):
            return
        through = f"the DynamoDB table {' and '.join(marks)}" if marks else "the store alone"
        raise ClearKbError(
            f"the commits of {self.address.base} go through {through}: writers that go another way would overwrite "
            "each other in silence, so nothing was written; name it as everyone does"
        )

    def _mark_commits_by_dynamodb(self) -> None:
        from lance.file import LanceFileSession

        with tempfile.NamedTemporaryFile() as empty:
            try:
                store = LanceFileSession(self.uri, storage_options=self.options)
                store.upload_file(empty.name, f"{BY_DYNAMODB}{self.address.commit_table}")
            except (OSError, ValueError, RuntimeError) as error:
                raise ClearKbError(f"cannot write to {self.uri}: {first_line(error)}") from error

    def refuse_foreign_folder(self) -> None:
        """Refuse a folder that holds other things than a knowledge base (UsageError)."""
        if self.folder is None or not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise UsageError(f"{self.uri} is a file; a knowledge base is a folder or an s3:// address")
        strangers = [
            p.name
            for p in self.folder.iterdir()
            if p.suffix != ".lance" and p.name not in OURS and not p.name.startswith(".copy-")
        ]
        if strangers:
            raise UsageError(
                f"{self.uri} holds other files ({', '.join(sorted(strangers)[:3])}): name a new folder", parameter="uri"
            )


def existing(uri: str | Path, storage_options: Mapping[str, str] | None = None) -> Storage:
    """The tables at `uri`; NoKnowledgeBaseError if there are none."""
    storage = Storage(uri, storage_options)
    copy = storage.folder is not None and (storage.folder / SECOND_LOG).is_file()
    if not copy and (not storage.has("commits") or _is_begun_only(storage)):
        raise NoKnowledgeBaseError(f"there is no knowledge base at {uri}")
    return storage


def _is_begun_only(storage: Storage) -> bool:
    """Whether a local knowledge base was being made, and nobody has committed to it: its log has no version yet."""
    return storage.folder is not None and not local_versions(Path(storage.location("commits")))


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
    if answer := answer_in_words(str(error)):
        return answer
    if "manifest naming schemes" in str(error):
        return "among its versions lies a file that is none, as a synced folder or an editor may leave it"
    text = (str(error).strip() or type(error).__name__).splitlines()[0].split(", location:")[0]
    text = re.sub(r",? /\S+\.rs:\d+:\d+", "", text)
    cause = re.search(r'message: "([^"]+)"', text)
    return cause[1] if cause and len(text) > LONGEST_MESSAGE else text[:LONGEST_MESSAGE]

"""`audit export`: the documented views in a DuckDB file, for DBeaver, notebooks and BI tools.

The file holds a copy of what the views need as tables of the schema `stored`, the views and functions over them, and a
table `about` that says what it is a copy of. What `outcomes` stands on, and `mentions`, are kept as rows there, as a
session keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kb.errors import ClearKbError, UsageError
from kb.sql.label_key import known_labels_macro, label_names_of
from kb.sql.views import Views
from kb.sql.without_ids import WithoutIds
from kb.sql.writing import check_folder
from kb.store.sqltext import literal
from kb.store.state import State
from kb.whole_file import written_whole
from schemas.sql.audit_views import FUNCTIONS, INNER, ORDER, VECTORS, View, all_views, macros, vector_relations

if TYPE_CHECKING:
    import duckdb


STORED: Mapping[str, str] = {
    "images": "SELECT * EXCLUDE (position, content_hash) FROM stored.images",
    "labels": "FROM stored.labels",
    "attributes": "FROM stored.attributes",
    "predictions": "FROM stored.predictions",
    "owners": "FROM stored.owners",
    "patients": "FROM stored.patients",
    "kinds": "FROM stored.kinds",
    "ancestors": "FROM stored.ancestors",
    "finding_ancestors": "FROM stored.finding_ancestors",
    "runs": "SELECT * REPLACE (list_transform(heads, lambda h: {'label': h.label}) AS heads) FROM stored.runs",
    "concepts": "SELECT concept_id, text, assertion, finding, anatomy, laterality, severity, descriptors, synonyms, "
    "status, replaced_by, source, note FROM stored.concepts",
    "reports": "SELECT * EXCLUDE (position, content_hash) FROM stored.reports",
    "mentions": "SELECT * EXCLUDE (sentence, spans, extractor) FROM mentions",
    "attributions": "FROM stored.attributions",
    "attribution_sums": "FROM stored.attribution_sums",
    **{name: f"FROM {name}" for name in INNER},
    "score_units": "SELECT * EXCLUDE (named_study, named_patient, said_patient) FROM score_units",
}
"""What is copied, as a session gives it: the weights of models, hashes and embeddings stay behind, and so do the
columns by which `matched` finds its units, which hold ids under names of their own."""

KEPT = ("mentions", *INNER)
"""What is a view or is computed in a session, and rows here."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        path: the file.
        commit: what it is a copy of.
        rows: of each table.
        size: bytes.
    """

    path: Path
    commit: str
    rows: dict[str, int]
    size: int

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {"path": str(self.path), "commit": self.commit, "rows": self.rows, "size": self.size}


def export_audit(
    state: State,
    path: Path | str,
    *,
    more: Mapping[str, Callable[[], Any]] | None = None,
    overwrite: bool = False,
    ids: bool = True,
) -> Exported:
    """Write the views of one commit into a DuckDB file; it has its name only once it is whole.

    Args:
        state: the knowledge base, at any commit.
        path: the file.
        more: `concept_vectors` and `image_vectors`, where they are to go with it, as an audit session takes them.
        overwrite: replace a file that is there.
        ids: whether ids and names of files go with it; else short labels, the same for the same image in all tables.

    Raises:
        UsageError: the file exists already, or there is no folder for it.
    """
    import duckdb

    path, more = Path(path), dict(more or {})
    check_folder(path)
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already, and is replaced only if asked", parameter="overwrite")
    try:
        with written_whole(path) as partial, Views(state, more=more) as session:
            with duckdb.connect(str(partial)) as file:
                file.execute("SET enable_progress_bar = false")
                rows = _fill(file, session, [name for name in VECTORS if name in more], None if ids else WithoutIds())
                _tell_about(file, state, "" if not ids else state.uri)
            partial.with_name(partial.name + ".wal").unlink(missing_ok=True)
    except duckdb.Error as error:
        raise ClearKbError(f"{path} could not be written: {' '.join(str(error).split())[:300]}") from error
    return Exported(path, state.commit.commit_id, rows, path.stat().st_size)


def _fill(
    file: duckdb.DuckDBPyConnection, session: Views, vectors: list[str], without: WithoutIds | None
) -> dict[str, int]:
    """Tables first, then all that stands on them."""
    file.execute("CREATE SCHEMA stored")
    file.execute(known_labels_macro(label_names_of(session.kb)))
    file.execute(macros())
    sources = {**STORED, **{name: f"FROM {name}" for name in vectors}}
    rows = {name: _copy(file, session, name, sql, without) for name, sql in sources.items()}
    for name in (*KEPT, *vectors):
        file.execute(f"CREATE VIEW {name} AS FROM stored.{name}")
    for name in ORDER:
        if name in FUNCTIONS:
            if vectors or name != "concept_scores":
                file.execute(macros(name))
        else:
            file.execute(f"CREATE VIEW {name} AS {all_views()[name].sql}")
    for view in (*all_views().values(), *(vector_relations()[name] for name in vectors)):
        _comment(file, view)
    return rows


def _copy(file: duckdb.DuckDBPyConnection, session: Views, name: str, sql: str, without: WithoutIds | None) -> int:
    batches: Iterator[pa.RecordBatch] = iter(session.run(sql).batches())
    if without is not None:
        batches = map(partial(without.batch, name), batches)
    head = next(batches)

    def all_batches() -> Iterator[pa.RecordBatch]:
        yield head
        yield from batches

    file.register("incoming", pa.RecordBatchReader.from_batches(head.schema, all_batches()))
    file.execute(f"CREATE TABLE stored.{name} AS FROM incoming")
    file.unregister("incoming")
    [(count,)] = file.execute(f"SELECT count(*) FROM stored.{name}").fetchall()
    return int(count)


def _comment(file: duckdb.DuckDBPyConnection, view: View) -> None:
    """What the reference says of a view and its columns, where programs such as DBeaver show it."""
    file.execute(f"COMMENT ON VIEW {view.name} IS {literal(view.about)}")
    for column, what in view.columns.items():
        file.execute(f'COMMENT ON COLUMN {view.name}."{column}" IS {literal(what)}')


def _tell_about(file: duckdb.DuckDBPyConnection, state: State, uri: str) -> None:
    file.execute('CREATE TABLE about (uri VARCHAR, "commit" VARCHAR, "time" TIMESTAMP WITH TIME ZONE, version VARCHAR)')
    try:
        ours = version("clear-kb")
    except PackageNotFoundError:
        ours = "unknown"
    file.execute("INSERT INTO about VALUES (?, ?, ?, ?)", [uri, state.commit.commit_id, datetime.now(UTC), ours])

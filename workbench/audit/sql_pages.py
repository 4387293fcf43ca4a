"""The SQL page: an editor over the documented views, its results as a table, a chart or a file, and saved queries."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from encoder.audit.commands.group import typed
from kb.display import are_numbers
from kb.errors import UsageError
from kb.sql.queries import all_queries, find_query
from kb.sql.reference import functions, schema_rows
from kb.sql.writing import as_cell
from workbench.answers import author_of, desk_of, page, part, with_said
from workbench.audit.desk_state import audit_desk, place_of
from workbench.audit.noted import note_download
from workbench.audit.offered_rows import KINDS, attachment
from workbench.audit.pages import frame
from workbench.audit.saved_queries import all_saved, delete, folder, save
from workbench.audit.sql_answer import MOST_ROWS
from workbench.audit.sql_desk import MEMORY, TIMEOUT_S, Asked
from workbench.audit.typed_commands import Place, named_command, sql_command

ROWS = 100
"""Rows of a page of the table."""

DIGITS = 6
"""Of a number in the table; files hold all of them."""

FIRST = """SELECT run, label, n, auroc, auroc_low, auroc_high
FROM metrics
WHERE grouping = 'all'
ORDER BY label, auroc DESC"""
"""What stands in the editor at first."""

VALUE = "value:"
"""What the names of fields begin with that hold the values of parameters."""


def sql_page(request: Request) -> Response:
    """The editor, with the schema, the named queries and the saved ones beside it."""
    base = desk_of(request).base()
    audit_desk(request).sql.warm(base)
    limits = {"seconds": TIMEOUT_S, "memory": MEMORY, "rows": MOST_ROWS}
    return page(
        request,
        "audit/sql.html.j2",
        **frame(request, base, "sql"),
        schema=schema_rows(),
        functions=functions(),
        queries=list(all_queries().values()),
        first=FIRST,
        limits=limits,
        asker=uuid4().hex,
        **_saved(),
    )


def schema_json(request: Request) -> Response:
    """The views and functions for the editor's completion, and the named queries for its fields."""
    queries = {
        one.name: {
            "sql": one.sql,
            "about": one.about,
            "parameters": [
                {"name": told.name, "kind": told.kind, "default": _text(told.default), "about": told.about}
                for told in one.parameters
            ],
        }
        for one in all_queries().values()
    }
    saved = {one.slug: {"sql": one.sql, "name": one.name, "values": dict(one.values)} for one in all_saved()}
    calls = [{"call": call, "about": about} for call, about in functions()]
    return JSONResponse({"relations": schema_rows(), "functions": calls, "queries": queries, "saved": saved})


async def run_sql(request: Request) -> Response:
    """Run the query of the editor, and show its first rows."""
    return await run_in_threadpool(_run, request, await request.form())


def _run(request: Request, form: FormData) -> Response:
    base = desk_of(request).base()
    sql, told = str(form.get("sql", "")), _values(form)
    if not sql.strip():
        raise UsageError("a query was expected: one SELECT over the views")
    name = str(form.get("query", "")) or None
    query = find_query(name) if name is not None else None
    if query is not None and query.sql.strip() == sql.strip():
        values: Mapping[str, Any] = query.values({key: value for key, value in told.items() if value != ""})
    else:
        name, values = None, {key: typed(value or "null") for key, value in told.items()}
    asker = str(form.get("asker", ""))
    asked = audit_desk(request).sql.ask(base, sql, values, told=told, query=name, asker=asker)
    return _shown(request, asked, 0)


def rows_part(request: Request) -> Response:
    """Another page of the table of a result."""
    asked, number = _known(request), request.query_params.get("page", "0")
    if not number.isdecimal():
        raise UsageError(f"page '{number}': a number from 0 on was expected")
    return _shown(request, asked, int(number))


def rows_json(request: Request) -> Response:
    """The rows of a result, for a chart."""
    answer = _known(request).answer
    return JSONResponse({"columns": answer.columns, "rows": answer.rows, "more": answer.more})


def download(request: Request) -> Response:
    """All rows of a result as a file: the query is run again, at the state that it was asked of."""
    asked, kind = _known(request), request.query_params.get("kind", "csv")
    if kind not in KINDS:
        raise UsageError(f"kind '{kind}': csv or json was expected")
    with tempfile.NamedTemporaryFile(suffix=f".{kind}", prefix="clear-kb-", delete=False) as file:
        path = Path(file.name)
    base = desk_of(request).base()
    answer = audit_desk(request).sql.write(base, asked, str(path))
    if answer.error:
        path.unlink(missing_ok=True)
        raise UsageError(answer.error)
    name = asked.query or "result"
    state = base if base.commit.commit_id == asked.commit else base.at(asked.commit)
    note_download(
        request, state, rows=answer.written, name=f"{name}.{kind}", query=asked.sql, values=dict(asked.values)
    )
    done = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type=KINDS[kind], headers=attachment(f"{name}.{kind}"), background=done)


async def stop_sql(request: Request) -> Response:
    """Stop what this page asked."""
    form = await request.form()
    await run_in_threadpool(audit_desk(request).sql.stop, str(form.get("asker", "")))
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def save_query(request: Request) -> Response:
    """Save the query of the editor under a name."""
    form = await request.form()
    sql, values = str(form.get("sql", "")), _values(form)
    made = save(str(form.get("name", "")), sql, by=_author(request), values=values)
    return with_said(part(request, "audit/saved.html.j2", **_saved()), request, f"Saved “{made.name}”: {made.path}")


def delete_query(request: Request) -> Response:
    """Delete a saved query of one's own."""
    gone = delete(request.path_params["slug"], by=_author(request))
    return with_said(part(request, "audit/saved.html.j2", **_saved()), request, f"Deleted “{gone.name}”.")


def _author(request: Request) -> str:
    if (author := author_of(request)) is None:
        raise UsageError("a name is needed: every saved query is kept with who saved it")
    return author


def _saved() -> dict[str, Any]:
    return {"saved": all_saved(), "folder": folder()}


def _values(form: FormData) -> dict[str, str]:
    return {
        name.removeprefix(VALUE): str(value).strip() for name, value in form.multi_items() if name.startswith(VALUE)
    }


def _known(request: Request) -> Asked:
    found = audit_desk(request).sql.find(request.path_params["number"])
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "That result is gone: run the query again.")
    return found


def _shown(request: Request, asked: Asked, number: int) -> Response:
    """One page of the table of a result."""
    answer = asked.answer
    pages = max(1, -(-len(answer.rows) // ROWS))
    number = min(max(number, 0), pages - 1)
    rows = answer.rows[number * ROWS : (number + 1) * ROWS]
    columns = [
        {"name": name, "number": are_numbers(row[at] for row in answer.rows)} for at, name in enumerate(answer.columns)
    ]
    place = Place(place_of(desk_of(request).base()).uri, asked.commit)
    query = find_query(asked.query) if asked.query is not None else None
    return part(
        request,
        "audit/rows.html.j2",
        asked=asked,
        answer=answer,
        columns=columns,
        rows=[[as_cell(value, DIGITS) for value in row] for row in rows],
        first=number * ROWS + 1,
        page_number=number,
        pages=pages,
        command=named_command(query, asked.values, place)
        if query is not None
        else sql_command(asked.sql, asked.told, place),
        status=HTTPStatus.OK,
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)

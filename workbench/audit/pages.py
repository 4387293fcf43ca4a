"""The pages of the audit: runs side by side, and the audits that take long, each begun by a button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from encoder.audit.page.side_by_side import side_by_side_section, side_by_side_view
from encoder.audit.runs_compared import SHOWN, SideBySide, side_by_side
from kb.errors import UsageError
from kb.images.patient_split import PARTS
from kb.knowledge_base import KnowledgeBase
from workbench.answers import desk_of, page, part
from workbench.audit.asked import MOST_RUNS, PERIODS, Asked, read_asked
from workbench.audit.audits import KINDS
from workbench.audit.choices import Choices, choices_of
from workbench.audit.desk_state import audit_desk, place_of
from workbench.audit.feet import foot, with_feet
from workbench.audit.kept import Kept, kept, newest_kept
from workbench.audit.making import REPORT, Order
from workbench.audit.noted import note_download
from workbench.audit.offered_rows import KINDS as FILES
from workbench.audit.offered_rows import offered
from workbench.audit.typed_commands import audit_command, compare_command, report_command
from workbench.audit.works import Work

TABS = (("", "Side by side"), *((kind.name, kind.title) for kind in KINDS.values()), (REPORT, "Report"), ("sql", "SQL"))
"""The pages of the room, by their address."""


def compare_page(request: Request) -> Response:
    """Runs side by side: what is chosen; their figures come as a part of their own."""
    base = desk_of(request).base()
    return page(request, "audit/compare.html.j2", **frame(request, base, ""))


def compared_part(request: Request) -> Response:
    """The figures of runs side by side."""
    base = desk_of(request).base()
    asked = read_asked(request.query_params, base.remember(choices_of).labels)
    found = _compared(request, base, asked)
    place, certain = place_of(base), asked.on(found.split)

    def made(name: str) -> Markup:
        query = f"{asked.query()}&{urlencode({'figure': name})}"
        csv, json = (f"/audit/compared/data?{query}&kind={kind}" for kind in ("csv", "json"))
        return foot(compare_command(certain, place, name), csv, json, name)

    section = side_by_side_section(with_feet(side_by_side_view(found), made))
    return part(request, "audit/compared.html.j2", section=section)


def compared_data(request: Request) -> Response:
    """The rows of one figure of them, as a file."""
    base = desk_of(request).base()
    asked = read_asked(request.query_params, base.remember(choices_of).labels)
    name, kind = request.query_params.get("figure", ""), _file_kind(request)
    if name not in SHOWN:
        raise UsageError(f"figure '{name}': one of {', '.join(SHOWN)} was expected")
    rows = _compared(request, base, asked).points(name)
    note_download(request, base, rows=len(rows), name=f"{name}-{asked.label}.{kind}", runs=list(asked.runs))
    return offered(rows, rows, name=f"{name}-{asked.label}", kind=kind)


def audit_page(request: Request) -> Response:
    """One audit that takes long: what is kept of it, or a button that begins it."""
    base, name = desk_of(request).base(), request.path_params["kind"]
    if name not in (*KINDS, REPORT):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return page(request, "audit/audit.html.j2", **{**frame(request, base, name), **_standing(request, base, name)})


def progress_part(request: Request) -> Response:
    """How far an audit is: asked again and again while it is under way; at its end all that stands there."""
    standing = _standing(request, desk_of(request).base(), request.path_params["kind"])
    if standing["work"] is not None and standing["work"].going:
        return part(request, "audit/progress.html.j2", **standing)
    ended = part(request, "audit/standing.html.j2", **standing)
    ended.headers["HX-Retarget"] = "#standing"
    return ended


def standing_part(request: Request) -> Response:
    """What stands there of an audit: how far it is, and what is kept."""
    base = desk_of(request).base()
    return part(request, "audit/standing.html.j2", **_standing(request, base, request.path_params["kind"]))


def begin(request: Request) -> Response:
    """Have an audit made, and tell how far it is."""
    base = desk_of(request).base()
    order = _order(request, base)
    if not order.asked.label:
        raise UsageError(f"run '{order.asked.of}' predicts no label")
    audit_desk(request).works.begin(order)
    return standing_part(request)


def stop(request: Request) -> Response:
    """Stop an audit that is under way."""
    order = _order(request, desk_of(request).base())
    audit_desk(request).works.stop(order.key, order.commit)
    return standing_part(request)


def kept_data(request: Request) -> Response:
    """The rows of an audit, or of one of its charts, as a file."""
    query = request.query_params
    found = _kept_or_404(request, query.get("key", ""), query.get("commit", ""))
    name, kind = query.get("figure", ""), _file_kind(request)
    if name and name not in found.charts:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    rows = found.charts[name] if name else found.rows
    file = f"{found.kind}-{name}" if name else found.kind
    note_download(request, desk_of(request).base(), rows=len(rows), name=f"{file}.{kind}", audit=query.get("key", ""))
    return offered(rows if name else found.document, rows, name=file, kind=kind)


def report_file(request: Request) -> Response:
    """A report as it was made: a page of its own."""
    query = request.query_params
    found = _kept_or_404(request, query.get("key", ""), query.get("commit", ""))
    if found.kind != REPORT:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return HTMLResponse(found.section)


def frame(request: Request, base: KnowledgeBase, name: str) -> dict[str, Any]:
    """What stands on every page of the room: its tabs, and what is chosen."""
    choices: Choices = base.remember(choices_of)
    asked = read_asked(request.query_params, choices.labels) if choices.runs else None
    query = asked.query() if asked else ""
    tabs = [
        {"address": f"/audit/{at}?{query}" if at != "sql" else "/audit/sql", "title": title, "here": at == name}
        for at, title in TABS
    ]
    offered_here = {"splits": PARTS, "periods": PERIODS, "most_runs": MOST_RUNS, "name": name}
    return {"tabs": tabs, "choices": choices, "asked": asked, "query": query, **offered_here}


def _standing(request: Request, base: KnowledgeBase, name: str) -> dict[str, Any]:
    """Of one audit: what is kept, of this state or an older one, and what is under way."""
    choices: Choices = base.remember(choices_of)
    if not choices.runs:
        return {"kind": None, "asked": None}
    order = _order(request, base, name)
    # How far it is first, as it is now: one that ends while we look for what is kept would seem to have left nothing.
    known: Work | None = audit_desk(request).works.find(order.key, order.commit)
    under_way = None if known is None else replace(known)
    found = kept(order.uri, order.key, order.commit) or newest_kept(order.uri, order.key)
    place = place_of(base)
    command = report_command if name == REPORT else partial(audit_command, name)
    asked = order.asked if found is None else order.asked.on(found.split)
    at = place if found is None else type(place)(place.uri, found.commit)
    return {
        "name": name,
        "kind": KINDS.get(name),
        "asked": order.asked,
        "query": order.asked.query(),
        "kept": found,
        "section": Markup(found.section) if found is not None and name != REPORT else None,  # made by our templates
        "addresses": _addresses(order, found),
        "older": found is not None and found.commit != order.commit,
        "since": len(desk_of(request).since(found.commit)) if found is not None else 0,
        "command": command(asked, at),
        "work": under_way,
    }


def _addresses(order: Order, found: Kept | None) -> Mapping[str, str]:
    if found is None:
        return {}
    query = urlencode({"key": order.key, "commit": found.commit})
    files = {kind: f"/audit/data?{query}&kind={kind}" for kind in FILES}
    return {**files, "report": f"/audit/report/file?{query}"}


def _order(request: Request, base: KnowledgeBase, name: str | None = None) -> Order:
    kind = name or request.path_params["kind"]
    if kind not in (*KINDS, REPORT):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    asked = read_asked(request.query_params, base.remember(choices_of).labels)
    return Order(
        kind=kind,
        asked=asked,
        uri=place_of(base).uri,
        commit=base.commit.commit_id,
        storage_options=base.storage.options,
    )


def _compared(request: Request, base: KnowledgeBase, asked: Asked) -> SideBySide:
    """Runs side by side, made once a state."""
    if not asked.label:
        raise UsageError("the chosen runs predict no label")
    key = (base.uri, base.commit.commit_id, asked.query())

    def make() -> SideBySide:
        return side_by_side(
            base,
            asked.runs,
            asked.label,
            source=asked.source,
            split=asked.split,
            where=asked.where,
            views=asked.views,
        )

    return audit_desk(request).compared.get(key, make)


def _kept_or_404(request: Request, key: str, commit: str) -> Kept:
    if not (key.isalnum() and commit.isalnum()):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    found = kept(place_of(desk_of(request).base()).uri, key, commit)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return found


def _file_kind(request: Request) -> str:
    kind = request.query_params.get("kind", "csv")
    if kind not in FILES:
        raise UsageError(f"kind '{kind}': csv or json was expected")
    return kind

"""Answers: a whole page, a part of one, or what is said after an act; each knows who asked and of which state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from workbench.access import Key
from workbench.desk import Desk
from workbench.templating import fill

AUTHOR = "clear_kb_author"
"""The cookie with the name that a visitor acts by."""

LONGEST_NAME = 80


def desk_of(request: Request) -> Desk:
    """The desk that a request is for."""
    desk: Desk = request.app.state.desk
    return desk


def author_of(request: Request) -> str | None:
    """Who asks: the name that the visitor gave, or that the server was started by; None if neither is there."""
    return clean_name(unquote(request.cookies.get(AUTHOR, ""))) or desk_of(request).author


def clean_name(given: str) -> str:
    """A name on one line, without what is not printed."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in given).split())[:LONGEST_NAME]


def page(request: Request, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
    """A whole page: the template extends `page.html.j2`."""
    return HTMLResponse(fill(template, {**shared(request), **values}), status)


def part(
    request: Request,
    template: str,
    *,
    status: int = HTTPStatus.OK,
    events: Mapping[str, Any] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A part of a page, which htmx puts in its place; `events` are told to the page when it is there."""
    response = HTMLResponse(fill(template, {**shared(request), **values}), status)
    if events:
        response.headers["HX-Trigger-After-Settle"] = json.dumps(dict(events))
    return response


def said(request: Request, told: str, *, undo: str | None = None, status: int = HTTPStatus.OK) -> HTMLResponse:
    """One line on what was done or why it was not, put where every page shows such lines; `undo` is a change's id."""
    return part(request, "said.html.j2", status=status, told=told, undo=undo, wrong=status >= HTTPStatus.BAD_REQUEST)


def with_said(response: Response, request: Request, told: str, *, undo: str | None = None) -> Response:
    """The same answer with a line on what was done beside it."""
    line = fill("said.html.j2", {**shared(request), "told": told, "undo": undo, "wrong": False})
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return HTMLResponse(bytes(response.body) + line.encode(), response.status_code, headers)


def remember_author(response: Response, name: str) -> None:
    """Keep the name that a visitor acts by."""
    response.set_cookie(AUTHOR, quote(clean_name(name)), samesite="lax", path="/", max_age=365 * 86_400)


def shared(request: Request) -> dict[str, Any]:
    """What every template may show: the state, the visitor, the rooms, and the mark that acts carry."""
    desk, key = desk_of(request), _key_of(request)
    base = desk.base()
    return {
        "desk": desk,
        "commit": base.commit,
        "author": author_of(request),
        "writable": not desk.read_only,
        "rooms": request.app.state.rooms,
        "here": request.url.path,
        "mark": key.mark,
    }


def _key_of(request: Request) -> Key:
    key: Key = request.app.state.key
    return key

"""The application: the rooms under their names, what they share, and what becomes of an error."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from kb.commands.failures import describe
from kb.errors import ClearKbError, UnknownConceptError, UsageError
from workbench.access import Access, Key, is_open
from workbench.answers import page, said
from workbench.audit.room import AUDIT
from workbench.desk import Desk
from workbench.home.pages import HOME
from workbench.images.room import IMAGES
from workbench.read_only import ReadOnly
from workbench.review.room import REVIEW
from workbench.room import Room
from workbench.unforeseen import Unforeseen
from workbench.vocabulary.room import VOCABULARY

logger = logging.getLogger("clear_kb.workbench")

ASSETS = Path(__file__).parent / "assets"

ROOMS: Sequence[Room] = (VOCABULARY, REVIEW, IMAGES, AUDIT)
"""The rooms in the order of the bar."""


def make_app(desk: Desk, *, key: Key, hosts: frozenset[str], rooms: Sequence[Room] = ROOMS) -> Starlette:
    """The workbench as an ASGI application.

    Args:
        desk: what the pages work with.
        key: the secret that lets a browser in.
        hosts: the names that the server goes by; "*" for every address, never for every name.
        rooms: what is mounted.
    """
    app = Starlette(
        routes=[
            Mount("/assets", StaticFiles(directory=ASSETS), name="assets"),
            *HOME,
            *(Mount(f"/{room.name}", routes=list(room.routes), name=room.name) for room in rooms),
        ],
        middleware=[
            Middleware(Access, key=key, hosts=hosts),
            Middleware(
                ReadOnly, desk=desk, asks=frozenset(f"/{room.name}{path}" for room in rooms for path in room.asks)
            ),
            Middleware(Unforeseen, answer=_unforeseen),
            Middleware(GZipMiddleware, minimum_size=2_000),
        ],
        exception_handlers={
            ClearKbError: _told,  # type: ignore[dict-item]  # Starlette hands each handler its own kind
            HTTPException: _refused,  # type: ignore[dict-item]
        },
    )
    app.state.desk, app.state.key, app.state.rooms = desk, key, rooms
    return app


def _told(request: Request, error: ClearKbError) -> Response:
    """What the user got wrong, or what the work met: in the words of the library."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, UsageError):
        status = HTTPStatus.NOT_FOUND if isinstance(error, UnknownConceptError) else HTTPStatus.BAD_REQUEST
    return _error(request, describe(error), status)


def _refused(request: Request, error: HTTPException) -> Response:
    told = "There is no such page." if error.status_code == HTTPStatus.NOT_FOUND else error.detail
    return _error(request, told, error.status_code)


def _unforeseen(request: Request, error: Exception) -> Response:
    logger.error("%s %s", request.method, request.url.path, exc_info=error)
    return _error(request, describe(error), HTTPStatus.INTERNAL_SERVER_ERROR)


def _error(request: Request, told: str, status: int) -> Response:
    """As a line where htmx asked for a part of a page, else as a page; a stranger is shown neither."""
    if is_open(request.url.path):
        return PlainTextResponse(told, status)
    if request.headers.get("hx-request"):
        return said(request, told, status=status)
    return page(request, "error.html.j2", status=status, told=told)

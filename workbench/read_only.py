"""The gate of a read-only workbench: whatever would change something is refused before any page hears of it."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from workbench.access import SAFE_METHODS
from workbench.desk import Desk

ALWAYS = frozenset({"/enter", "/who"})
"""The way in, and the name of the visitor: neither is kept in the knowledge base."""


class ReadOnly:
    """Refuses acts where the desk is read-only.

    Args:
        app: what stands behind the gate.
        desk: says whether it is read-only.
        asks: the paths that read, though they are asked by POST.
    """

    def __init__(self, app: ASGIApp, *, desk: Desk, asks: frozenset[str]):
        self._app = app
        self._desk = desk
        self._open = asks | ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse an act, or hand the request on."""
        acts = scope["type"] == "http" and scope["method"] not in SAFE_METHODS and scope["path"] not in self._open
        if acts and self._desk.read_only:
            refused = PlainTextResponse(
                "This workbench is read-only: nothing can be changed here.", HTTPStatus.FORBIDDEN
            )
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)

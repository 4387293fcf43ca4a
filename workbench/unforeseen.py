"""What nobody foresaw becomes an answer within the gates, so that it carries their headers as every other does.

Starlette hands such errors to what stands outside of all middleware, where no header of ours is set.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Unforeseen:
    """Answers for an application that raised, unless it has begun to answer.

    Args:
        app: what may raise.
        answer: makes the answer.
    """

    def __init__(self, app: ASGIApp, *, answer: Callable[[Request, Exception], Response]):
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and answer where that fails."""
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if began or scope["type"] != "http":
                raise
            answer = await run_in_threadpool(self._answer, Request(scope, receive), error)
            await answer(scope, receive, send)

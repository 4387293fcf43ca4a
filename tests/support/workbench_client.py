"""A client of the workbench without a browser: let in, and acting by a name."""

from __future__ import annotations

from starlette.testclient import TestClient

from kb.knowledge_base import KnowledgeBase
from workbench.access import MARK, Key
from workbench.app import make_app
from workbench.desk import Desk

KEY = Key("a-token-for-tests-that-nobody-guesses", 8800)
HOME = "http://127.0.0.1:8800"


def client_of(
    base: KnowledgeBase, *, author: str | None = "ada", read_only: bool = False, at: str | None = None
) -> TestClient:
    """A client that is let in; it asks for parts, as htmx does."""
    desk = Desk(base.uri, author=author, read_only=read_only, at=at)
    app = make_app(desk, key=KEY, hosts=frozenset({"127.0.0.1"}))
    client = TestClient(app, base_url=HOME, raise_server_exceptions=False)
    client.cookies.set(KEY.cookie, KEY.session)
    client.headers.update({"origin": HOME, MARK: KEY.mark, "hx-request": "true"})
    return client

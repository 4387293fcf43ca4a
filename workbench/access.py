"""Who may ask: a token in the address becomes a cookie, and what changes something has to come from our own pages.

The server holds confidential reports and listens on a machine where a browser also shows pages of strangers. So every
request is asked for:

- the host it was meant for, so that a stranger's name that leads to this machine is none of ours (DNS rebinding);
- the cookie that only the token gives, compared in constant time;
- where it would change something, the origin of one of our pages and the mark that these pages carry (CSRF).
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench.templating import fill

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ENTRANCE: Final = "/enter"
ASSETS: Final = "/assets/"

MARK: Final = "x-clear-kb"
"""The header that our pages send with what changes something."""

HEADERS: Final[Mapping[str, str]] = {
    # Charts and the editor set styles of their own elements; no script but ours is run, and nothing is fetched.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Key:
    """The secret of one server, and what is derived of it.

    Attributes:
        token: what the address carries.
        port: part of the cookie's name, for browsers keep the cookies of one host together, whatever the port.
    """

    token: str
    port: int

    @property
    def cookie(self) -> str:
        """The name of the cookie."""
        return f"clear_kb_{self.port}"

    @property
    def session(self) -> str:
        """The value of the cookie, from which the token cannot be read."""
        return self._derived("session")

    @property
    def mark(self) -> str:
        """What our pages send with what changes something."""
        return self._derived("mark")

    def opens(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.token.encode(), purpose.encode(), sha256).hexdigest()


class Access:
    """The gate before the application; also sets the headers that keep a page of ours to itself."""

    def __init__(self, app: ASGIApp, *, key: Key, hosts: frozenset[str]):
        self._app = app
        self._key = key
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not pass, or hand it on."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                return  # no page of ours opens one
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        refused = self._refused(request)
        await (refused or self._app)(scope, receive, _with_headers(send, request.url.path))

    def _refused(self, request: Request) -> Response | None:
        if not self._known_host(request.headers):
            return refusal(HTTPStatus.MISDIRECTED_REQUEST, "This server does not go by that name.")
        if request.method not in SAFE_METHODS and not self._from_our_page(request):
            return refusal(HTTPStatus.FORBIDDEN, "That did not come from a page of this workbench. Reload the page.")
        if is_open(request.url.path):
            return None
        if (token := request.query_params.get("token")) is not None and request.method == "GET":
            return self._let_in(request, token)
        held = request.cookies.get(self._key.cookie, "")
        if hmac.compare_digest(held.encode(), self._key.session.encode()):
            return None
        response = refusal(HTTPStatus.UNAUTHORIZED, "Open the address that the server printed, or enter its token.")
        if request.headers.get("hx-request"):
            response.headers["HX-Refresh"] = "true"  # a page of an earlier run: it becomes the way in, whole
        return response

    def _known_host(self, headers: Headers) -> bool:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        return host in self._hosts or ("*" in self._hosts and _is_address(host))

    def _from_our_page(self, request: Request) -> bool:
        """Whether the browser says that it comes from this very server, and the page carried the mark."""
        origin = urlsplit(request.headers.get("origin", ""))
        if origin.netloc != request.headers.get("host"):
            return False
        entering = request.url.path == ENTRANCE  # who has no cookie yet has no mark either; the token stands for both
        return entering or hmac.compare_digest(request.headers.get(MARK, "").encode(), self._key.mark.encode())

    def _let_in(self, request: Request, token: str) -> Response:
        """Give the cookie, and take the token out of the address, so that it stands in no history or bookmark."""
        if not self._key.opens(token):
            return refusal(HTTPStatus.UNAUTHORIZED, "That token is of another server, or of an earlier run.")
        rest = urlencode([(name, value) for name, value in parse_qsl(request.url.query) if name != "token"])
        response = RedirectResponse(request.url.path + (f"?{rest}" if rest else ""), HTTPStatus.SEE_OTHER)
        set_session(response, self._key)
        return response


def is_open(path: str) -> bool:
    """Whether a path needs no token: style sheets and scripts, which are the same for everybody, and the way in."""
    return path == ENTRANCE or path.startswith(ASSETS)


def set_session(response: Response, key: Key) -> None:
    """Let a browser in: for as long as it is open, or the server runs."""
    # Lax, not strict: a link in a mail or a notebook still opens; what changes something asks for more than the cookie.
    response.set_cookie(key.cookie, key.session, httponly=True, samesite="lax", path="/")


def refusal(status: HTTPStatus, told: str) -> HTMLResponse:
    """A page that says why not, with a field for the token."""
    return HTMLResponse(fill("refused.html.j2", {"status": status, "told": told}), status)


def _with_headers(send: Send, path: str) -> Send:
    kept = path.startswith(ASSETS)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-cache" if kept else "no-store")
        await send(message)

    return sending


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

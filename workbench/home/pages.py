"""The first page, the way in, the visitor's name, the pulse of what others do, and undoing."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kb.errors import UsageError
from workbench.access import Key, refusal, set_session
from workbench.answers import author_of, clean_name, desk_of, page, part, remember_author, said

MOST_TOLD = 5
"""Acts of others that the pulse tells of; the rest is counted."""


def home(request: Request) -> Response:
    """What the knowledge base holds, and where to go."""
    base = desk_of(request).base()
    return page(request, "home/home.html.j2", facts=base.status().facts(), log=base.log()[:8])


async def enter(request: Request) -> Response:
    """Let in who types the token."""
    key: Key = request.app.state.key
    token = str((await request.form()).get("token", ""))
    if not key.opens(token.strip()):
        return refusal(HTTPStatus.UNAUTHORIZED, "That token is not the one of this server.")
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    set_session(response, key)
    return response


async def who(request: Request) -> Response:
    """Take the name that the visitor acts by."""
    name = clean_name(str((await request.form()).get("name", "")))
    if not name:
        raise UsageError("a name is needed: every act is kept with who did it")
    response = said(request, f"You act as {name} from here on.")
    remember_author(response, name)
    response.headers["HX-Refresh"] = "true"
    return response


def pulse(request: Request) -> Response:
    """What others committed since the page last asked; an empty answer if nothing is new."""
    desk = desk_of(request)
    since = request.query_params.get("since", "")
    newest = desk.base().commit
    if since == newest.commit_id:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    mine = author_of(request)
    theirs = [commit for commit in desk.since(since) if commit.author != mine]
    return part(request, "pulse.html.j2", theirs=theirs[:MOST_TOLD], more=len(theirs) - MOST_TOLD)


def undo(request: Request) -> Response:
    """Take one act back, by a new one."""
    change_id = request.path_params["change_id"]
    with desk_of(request).acting() as base:
        made = base.curate.revert(change_id, by=author_of(request))
        undone = next((one for one in base.changes() if made is not None and one.change_id == made.reverts), None)
    told = "It was undone already." if undone is None else f"Undone: {undone.line()}"
    response = said(request, told)
    response.headers["HX-Trigger"] = "undone"
    return response


HOME = (
    Route("/", home),
    Route("/enter", enter, methods=["POST"]),
    Route("/who", who, methods=["POST"]),
    Route("/pulse", pulse),
    Route("/undo/{change_id}", undo, methods=["POST"]),
)
"""The routes that belong to no room."""

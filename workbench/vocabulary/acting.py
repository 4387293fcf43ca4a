"""The acts on one concept: the same as those of the command line, by the visitor's name; the page shows it anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from kb.curation.acts import FACETS
from kb.curation.change import Change
from kb.curation.curator import Curator
from kb.curation.lost_vectors import vector_lost
from kb.errors import UsageError
from kb.reading.json_text import read_json
from workbench.answers import author_of, desk_of, part, with_said
from workbench.vocabulary.asking import Question
from workbench.vocabulary.sheet import SEEN, sheet_of

Form = Mapping[str, str]
Act = Callable[[Curator, str, Form, Any], Change | None]


async def act(request: Request) -> Response:
    """Do one act on a concept, and show the concept as it is now."""
    form = _plain(await request.form())
    return await run_in_threadpool(_acted, request, request.path_params["act"], form)


def _acted(request: Request, name: str, form: Form) -> Response:
    if name not in ACTS:
        raise UsageError(f"there is no act '{name}': {', '.join(ACTS)}")
    concept_id = request.path_params["concept_id"]
    options: dict[str, Any] = {"by": author_of(request), "why": form.get("why", "").strip() or None}
    if form.get("shown"):
        options["expect"] = {concept_id: _seen(form["shown"])}
    with desk_of(request).acting() as base:
        change = ACTS[name](base.curate, concept_id, form, options)
        sheet = sheet_of(base, concept_id)
        lost = None if change is None else vector_lost(base, change)
    events = {"acted": {"concept": concept_id}}
    shown = part(
        request, "vocabulary/concept.html.j2", sheet=sheet, question=Question.of(request.query_params), events=events
    )
    if change is None:
        return with_said(shown, request, "It is so already: nothing was changed.")
    told = "; ".join(filter(None, [change.line(concept_id), lost]))
    return with_said(shown, request, told, undo=change.change_id)


def _seen(told: str) -> dict[str, Any]:
    """How the concept stood on the page that the act was done on."""
    try:
        found: Any = read_json(told)
    except ValueError as error:
        raise UsageError("what was shown cannot be read: reload the page") from error
    if not isinstance(found, dict) or not found.keys() <= set(SEEN):
        raise UsageError("what was shown cannot be read: reload the page")
    return found


def _plain(form: FormData) -> Form:
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _needed(form: Form, name: str, asked: str) -> str:
    if not (value := form.get(name, "").strip()):
        raise UsageError(asked)
    return value


def _accept(curate: Curator, concept_id: str, form: Form, options: Any) -> Change | None:
    return curate.accept(concept_id, **options)


def _reject(curate: Curator, concept_id: str, form: Form, options: Any) -> Change | None:
    return curate.reject(concept_id, **options)


def _rename(curate: Curator, concept_id: str, form: Form, options: Any) -> Change | None:
    return curate.rename(concept_id, _needed(form, "text", "what shall it be called?"), **options)


def _merge(curate: Curator, concept_id: str, form: Form, options: Any) -> Change | None:
    return curate.merge(
        concept_id, into=_needed(form, "into", "merge into which one? choose it in the list"), **options
    )


def _add_name(curate: Curator, concept_id: str, form: Form, options: Any) -> Change | None:
    return curate.add_synonyms(concept_id, _needed(form, "name", "which name?"), **options)


def _remove_name(curate: Curator, concept_id: str, form: Form, options: Any) -> Change | None:
    return curate.remove_synonyms(concept_id, _needed(form, "name", "which name?"), **options)


def _note(curate: Curator, concept_id: str, form: Form, options: Any) -> Change | None:
    return curate.set_note(concept_id, form.get("note", "").strip() or None, **options)


def _facet(curate: Curator, concept_id: str, form: Form, options: Any) -> Change | None:
    facet = _needed(form, "facet", f"which facet: {', '.join(FACETS)}?")
    return curate.set_facet(concept_id, facet, form.get("value", "").strip() or None, **options)


ACTS: Mapping[str, Act] = {
    "accept": _accept,
    "reject": _reject,
    "rename": _rename,
    "merge": _merge,
    "add-name": _add_name,
    "remove-name": _remove_name,
    "note": _note,
    "facet": _facet,
}
"""What can be done to a concept, by the last part of the address."""

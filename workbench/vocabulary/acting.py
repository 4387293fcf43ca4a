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
from kb.errors import UsageError
from kb.vocabulary.concept import Concept
from workbench.answers import author_of, desk_of, part, with_said
from workbench.vocabulary.asking import Question
from workbench.vocabulary.sheet import sheet_of

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
    with desk_of(request).acting() as base:
        options["expect"] = {concept_id: _seen(name, form, base.vocabulary.get(concept_id))}
        change = ACTS[name](base.curate, concept_id, form, options)
        sheet = sheet_of(base, concept_id)
    events = {"acted": {"concept": concept_id}}
    shown = part(
        request, "vocabulary/concept.html.j2", sheet=sheet, question=Question.of(request.query_params), events=events
    )
    if change is None:
        return with_said(shown, request, "It is so already: nothing was changed.")
    return with_said(shown, request, change.line(concept_id), undo=change.change_id)


def _seen(act: str, form: Form, now: Concept) -> dict[str, Any]:
    """What the page showed of the concept that an act is on: its status, its text, and the value that is changed."""
    said = {"status": form.get("status"), "text": form.get("called")}
    seen: dict[str, Any] = {name: value for name, value in said.items() if value}
    field = form.get("facet", "") if act == "facet" else act
    if "was" in form and field in (*FACETS, "note"):
        value = getattr(now, field)
        kept = [*value] if isinstance(value, tuple) else value
        seen[field] = kept if _typed(value) == _on_one_kind_of_line(form["was"]) else form["was"]
    return seen


def _typed(value: str | tuple[str, ...] | None) -> str:
    """A value as it stands in its field of the page."""
    return ", ".join(value) if isinstance(value, tuple) else _on_one_kind_of_line(value or "")


def _on_one_kind_of_line(text: str) -> str:
    """A text with the ends of its lines as they are kept: browsers send others."""
    return text.replace("\r\n", "\n")


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
    return curate.set_note(concept_id, _on_one_kind_of_line(form.get("note", "")).strip() or None, **options)


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

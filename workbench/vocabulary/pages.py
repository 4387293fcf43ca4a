"""The pages that read: the list or the tree, a concept, and the parts of it that are asked for when they are seen."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from kb.errors import UsageError
from kb.vocabulary.report_context import read_report
from workbench.answers import desk_of, page, part
from workbench.marking import pieces
from workbench.vocabulary.asking import NAMES, Question, label_names
from workbench.vocabulary.listing import listed
from workbench.vocabulary.merging import targets_for
from workbench.vocabulary.sheet import EVIDENCE, pictures_of, sheet_of
from workbench.vocabulary.shelf import catalogue_of
from workbench.vocabulary.tree import top_level, under_concept, under_finding

MORE_EVIDENCE = 200
"""Sentences of a concept that are shown where more are asked for."""


FEW = 8
"""Concepts of a list so short that others are looked for by what the words mean, and how many of those are shown."""


def start(request: Request) -> Response:
    """The list, or the tree, and no concept yet."""
    return page(request, "vocabulary/vocabulary.html.j2", **_left(request), opened=None)


def results(request: Request) -> Response:
    """The list as the words and filters have it now; the address of the page follows."""
    response = part(request, "vocabulary/results.html.j2", **_listed(request), other_page=True)
    query = Question.of(request.query_params).query()
    response.headers["HX-Replace-Url"] = "/vocabulary/" + (f"?{query}" if query else "")
    return response


def near(request: Request) -> Response:
    """What the words mean by other names, where the list has few: as the search of the command line finds it."""
    question = Question.of(request.query_params)
    base = desk_of(request).base()
    listed_ids = set(request.query_params.get("listed", "").split())
    hits = base.search(question.words, k=FEW + len(listed_ids), words_only=True) if question.words.strip() else []
    new = [hit for hit in hits if hit.concept_id not in listed_ids][:FEW]
    return part(request, "vocabulary/near.html.j2", hits=new, question=question)


def tree(request: Request) -> Response:
    """What stands right under a line of the tree."""
    _, catalogue = catalogue_of(desk_of(request))
    said = request.query_params
    finding, concept_id, assertion = said.get("finding", ""), said.get("under"), said.get("assertion", "present")
    if concept_id:
        level = under_concept(catalogue, finding, concept_id)
    elif finding:
        level = under_finding(catalogue, finding, assertion)
    else:
        level = top_level(catalogue, assertion)
    return part(request, "vocabulary/branches.html.j2", level=level, assertion=assertion, finding=finding)


def concept(request: Request) -> Response:
    """A concept: beside the list as a whole page, or alone where a page asks for it."""
    base = desk_of(request).base()
    if not _is_part(request):  # painted before the evidence is read, which may be long
        opened = base.vocabulary.get(request.path_params["concept_id"])
        return page(request, "vocabulary/vocabulary.html.j2", **_left(request), opened=opened)
    limit = MORE_EVIDENCE if "more" in request.query_params else EVIDENCE
    shown = sheet_of(base, request.path_params["concept_id"], limit=limit)
    return part(request, "vocabulary/concept.html.j2", sheet=shown, question=Question.of(request.query_params))


def around(request: Request) -> Response:
    """What stands right above and right below a concept, with rolled-up counts."""
    base = desk_of(request).base()
    found = base.vocabulary.around(request.path_params["concept_id"])
    return part(request, "vocabulary/around.html.j2", around=found, question=Question.of(request.query_params))


def pictures(request: Request) -> Response:
    """Thumbnails of the studies whose reports mention a concept."""
    found = pictures_of(desk_of(request).base(), request.path_params["concept_id"])
    return part(request, "vocabulary/pictures.html.j2", pictures=found, link=_image_link(request))


def report(request: Request) -> Response:
    """A report around the mentions of a concept."""
    said = request.query_params
    if not said.get("report") or not said.get("concept"):
        raise UsageError("which report, around the mentions of which concept?")
    base = desk_of(request).base()
    found = read_report(base, said["report"], said["concept"])
    sections = [(one, pieces(one.text or "", one.spans)) for one in found.sections]
    return part(
        request,
        "vocabulary/report.html.j2",
        report=found,
        sections=sections,
        concept=base.vocabulary.get(said["concept"]),
    )


def targets(request: Request) -> Response:
    """The concepts that another one can be merged into, by the words that are typed."""
    base, catalogue = catalogue_of(desk_of(request))
    words = request.query_params.get("words", "").strip()
    found = targets_for(base, catalogue, request.path_params["concept_id"], words)
    return part(request, "vocabulary/targets.html.j2", targets=found, words=words)


def _left(request: Request) -> dict[str, Any]:
    """What stands beside the concept: the list, or the tree."""
    if request.query_params.get("view") == "tree":
        assertion = request.query_params.get("assertion", "present")
        _, catalogue = catalogue_of(desk_of(request))
        level = top_level(catalogue, assertion)
        question = Question.of({})
        return {"view": "tree", "level": level, "assertion": assertion, "finding": "", "question": question}
    return {"view": "list", **_listed(request), "other_page": False}


def _listed(request: Request) -> dict[str, Any]:
    base, catalogue = catalogue_of(desk_of(request))
    question = Question.of(request.query_params)
    return {
        "shown": listed(catalogue, question),
        "question": question,
        "names": NAMES,
        "labels": label_names(base),
        "few": FEW,
        "open_id": request.path_params.get("concept_id"),
    }


def _is_part(request: Request) -> bool:
    """Whether a page asks for a part of itself; going back in the history asks for the whole page."""
    return bool(request.headers.get("hx-request")) and not request.headers.get("hx-history-restore-request")


def _image_link(request: Request) -> str | None:
    """Where an image is shown, with its id at the end; None where there is no such room."""
    has = any(room.name == "images" for room in request.app.state.rooms)
    return "/images/one?image=" if has else None

"""The pages of the images, and the parts that htmx puts in their place."""

from __future__ import annotations

import math
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from encoder.explanation.map_side import SUPPOSED
from encoder.prediction.runs import read_run
from encoder.prediction.saved_interventions import save_intervention
from kb.errors import UsageError
from workbench.answers import author_of, desk_of, page, part, said
from workbench.images.catalogue import catalogue_of
from workbench.images.explaining import (
    Asked,
    asked_of,
    board_of,
    explainable_runs,
    explained,
    explained_exactly,
    heat_of,
    moved,
    preprocessing_of,
)
from workbench.images.filters import Filters
from workbench.images.gallery import choices_of, gallery_of, places_of
from workbench.images.marked_report import marked_sections
from workbench.images.models import embedder_of
from workbench.images.one_image import operating_point_of, picture_of, predictions_of, reports_of

THUMB = 192
"""Pixels of a picture in the gallery."""

KEPT_A_DAY = {"cache-control": "private, max-age=86400, immutable"}
"""For pictures whose address names their content: what is there never changes."""

EXACT = 20
"""Concepts of the exact sum that are listed."""


def gallery(request: Request) -> Response:
    """The gallery: its frame at once, its images as they come."""
    filters = Filters.read(request.query_params)
    return page(request, "images/gallery.html.j2", filters=filters)


def choices(request: Request) -> Response:
    """What the filters can be set to."""
    filters = Filters.read(request.query_params)
    return part(request, "images/filters.html.j2", filters=filters, choices=choices_of(desk_of(request).base()))


def places(request: Request) -> Response:
    """The filters by site, split and view."""
    filters = Filters.read(request.query_params)
    return part(request, "images/places.html.j2", filters=filters, places=places_of(desk_of(request).base()))


def cells(request: Request) -> Response:
    """A page of the images that pass."""
    base, filters = desk_of(request).base(), Filters.read(request.query_params)
    found = gallery_of(base, filters, embedder=lambda: embedder_of(base))
    response = part(request, "images/cells.html.j2", filters=filters, gallery=found)
    response.headers["HX-Push-Url"] = f"/images/?{filters.address()}".rstrip("?")
    return response


def thumb(request: Request) -> Response:
    """A small picture, as JPEG."""
    found = catalogue_of(desk_of(request).base()).pixels.small(request.path_params["content"], THUMB)
    return Response(status_code=404) if found is None else Response(found, media_type="image/jpeg", headers=KEPT_A_DAY)


def pixels(request: Request) -> Response:
    """The kept square of an image, a byte a pixel, row by row; its side stands in a header."""
    wanted = request.query_params.get("preprocessing") or None
    found = catalogue_of(desk_of(request).base()).pixels.largest(request.path_params["content"], wanted)
    if found is None:
        return Response(status_code=404)
    headers = {**KEPT_A_DAY, "x-side": str(len(found))}
    return Response(found.tobytes(), media_type="application/octet-stream", headers=headers)


def one(request: Request) -> Response:
    """The page of one image: picture and report at once, what models say as it comes."""
    base = desk_of(request).base()
    picture = picture_of(base, _needed(request, "image"))
    reports = [(report, marked_sections(report)) for report in reports_of(base, picture)]
    run, label = (request.query_params.get(name, "") for name in ("run", "label"))
    return page(
        request, "images/one.html.j2", picture=picture, reports=reports, run=run, label=label, supposed=SUPPOSED
    )


def predictions(request: Request) -> Response:
    """What every run says of an image."""
    base, image = desk_of(request).base(), _needed(request, "image")
    found = predictions_of(base, image)
    runs = sorted({one.run for one in found})
    labels = sorted({one.label for one in found}, key=str.casefold)
    by_place = {(one.label, one.run): one for one in found}
    known = explainable_runs(base)
    return part(
        request, "images/predictions.html.j2", image=image, runs=runs, labels=labels, found=by_place, known=known
    )


def explanation(request: Request) -> Response:
    """One prediction of an image by finding, with its operating point."""
    base, image = desk_of(request).base(), _needed(request, "image")
    query = request.query_params
    known = predictions_of(base, image)
    asked = asked_of(base, known, query.get("run"), query.get("label"))
    if asked is None:
        return part(request, "images/no_explanation.html.j2")
    return part(
        request,
        "images/explanation.html.j2",
        image=image,
        asked=asked,
        runs=explainable_runs(base),
        found=explained(base, image, asked),
        point=operating_point_of(base, image, asked.run, asked.label),
        preprocessing=preprocessing_of(base, asked.run),
        content_of=catalogue_of(base).content,
        is_bottleneck=read_run(base, asked.run).method == "bottleneck",
    )


def exact(request: Request) -> Response:
    """One prediction as the exact sum of its concepts."""
    base, image, asked = desk_of(request).base(), _needed(request, "image"), _asked(request.query_params)
    return part(request, "images/exact.html.j2", asked=asked, found=explained_exactly(base, image, asked, EXACT))


def heat(request: Request) -> Response:
    """A heat map as a see-through PNG; its scale and side stand in headers."""
    base, image, asked = desk_of(request).base(), _needed(request, "image"), _asked(request.query_params)
    view = picture_of(base, image).view
    layer = heat_of(base, image, asked, request.query_params.get("finding", ""), view)
    headers = {"x-most": f"{layer.most:.4g}"}
    if layer.side is not None:
        headers |= {"x-lies-on": layer.side.side, "x-left": f"{layer.side.left:.3f}"}
    return Response(layer.png, media_type="image/png", headers=headers)


def sliders(request: Request) -> Response:
    """The concepts of a bottleneck, to be set."""
    base, image, asked = desk_of(request).base(), _needed(request, "image"), _asked(request.query_params)
    return part(request, "images/sliders.html.j2", image=image, asked=asked, board=board_of(base, image, asked))


async def set_concepts(request: Request) -> Response:
    """What a bottleneck says when concepts are set: an answer in numbers."""
    told = {name: str(value) for name, value in (await request.form()).items()}
    base = desk_of(request).base()
    found = await run_in_threadpool(moved, base, told.get("image", ""), _asked(told), _values(told))
    return JSONResponse({"score": found.score, "logit": found.logit, "above": found.above})


async def keep(request: Request) -> Response:
    """Keep what is set under a name, with the run."""
    told = {name: str(value) for name, value in (await request.form()).items()}
    return await run_in_threadpool(_keep, request, told)


def _keep(request: Request, told: Mapping[str, str]) -> Response:
    asked, image = _asked(told), None if told.get("of") == "all" else told.get("image") or None
    with desk_of(request).acting() as base:
        if image is not None:
            catalogue_of(base).at(image)
        kept = save_intervention(
            base,
            asked.run,
            told.get("name", ""),
            _values(told),
            labels=(asked.label,),
            image=image,
            by=author_of(request),
        )
    return said(request, f"Kept as “{kept.name}”: {kept.in_words()}. It stays with run {asked.run}.")


def _needed(request: Request, name: str) -> str:
    if not (value := request.query_params.get(name, "")):
        raise UsageError(f"the address names no {name}")
    return value


def _asked(told: Mapping[str, str]) -> Asked:
    if not told.get("run") or not told.get("label"):
        raise UsageError("name the run and the label that are asked about")
    return Asked(told["run"], told["label"])


def _values(told: Mapping[str, str]) -> dict[str, float]:
    """The concepts that a form sets: its fields "set.ID"."""
    found: dict[str, float] = {}
    for name, text in told.items():
        if name.startswith("set."):
            try:
                found[name.removeprefix("set.")] = value = float(text)
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise UsageError(f"'{text}': a number was expected (0 is what the average image has)")
    return found

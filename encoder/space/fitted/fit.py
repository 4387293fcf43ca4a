"""The concepts as directions of an encoder without a text side: carried over from one of ours, else fitted to reports.

Such are foreign encoders, of which only vectors came, and frozen backbones.

What is fitted is kept in the user's cache for the commit that it was fitted at. Where nothing is good enough it is
refused: a direction that tells nothing would name things that are not there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from encoder.model.checkpoint import Checkpoint
from encoder.space.concept_space import open_space
from encoder.space.fitted.activation import activation_directions
from encoder.space.fitted.carried import FEWEST, carried_directions
from encoder.space.fitted.checked import checked_by_reports
from encoder.space.fitted.directions import LEAST, FittedDirections, named
from encoder.space.fitted.kept import keep, kept_directions
from encoder.space.fitted.stated import FEWEST as FEWEST_STATED
from encoder.space.fitted.stated import read_stated
from encoder.vectors.encoders import StoredEncoder, known_encoders
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from schemas.terms import ELSEWHERE

logger = logging.getLogger("clear_kb.encoder")

REPORTS = "reports"
"""What directions may be fitted to beside encoders of ours."""


def open_directions(
    kb: KnowledgeBase, encoder: StoredEncoder, origin: str | None = None, *, part: str | None = None
) -> FittedDirections:
    """The concepts as directions of a foreign encoder at the commit of `kb`: as they are kept, or fitted now.

    Args:
        kb: where.
        encoder: the foreign one, or the frozen backbone.
        origin: the id of an encoder of ours, or "reports"; default: the encoder of ours that has vectors of most of
            the same images or, where none of its concepts can be carried over, reports.
        part: of the images they are fitted on ("train"), where something is to be judged on the others; default: all
            that are not external.

    Raises:
        UsageError: the encoder has a checkpoint and needs no fitting, or has no vectors.
        ClearKbError: no direction is good enough; the message says how good the best is.
    """
    found = fit_directions(kb, encoder, origin, part=part)
    if not len(found):
        raise ClearKbError(_refusal(found))
    return found


def fit_directions(
    kb: KnowledgeBase, encoder: StoredEncoder, origin: str | None = None, *, part: str | None = None
) -> FittedDirections:
    """The same, where it may be that none is good enough: for whoever wants to see how good they are.

    Raises:
        UsageError: as above.
        ClearKbError: there is nothing that they could be fitted to.
    """
    if not encoder.without_concepts:
        raise UsageError(
            f"encoder {encoder.encoder} has concepts of its own: directions are fitted for vectors from elsewhere",
            parameter="encoder",
        )
    if (kept := kept_directions(kb, encoder.encoder, origin, part)) is not None:
        return kept
    images = read_image_vectors(kb, encoder.encoder)
    images = images if part is None else images.of_split(part)
    tried: list[FittedDirections] = []
    reasons: list[str] = []
    for found in _fitted(kb, encoder.encoder, images, origin, reasons):
        logger.info("directions of %s by %s: %d of %d hold", encoder.encoder, found.origin, len(found), found.fitted)
        tried.append(found)
        if len(found):
            break
    if not tried:
        raise ClearKbError(
            f"concepts have no directions among the vectors of encoder {encoder.encoder}: {'; '.join(reasons)}"
        )
    return keep(kb, tried[-1], origin, part)


def _fitted(
    kb: KnowledgeBase, encoder: str, images: ImageVectors, origin: str | None, reasons: list[str]
) -> Iterator[FittedDirections]:
    """What can be fitted, the best first; `reasons` hears what cannot."""
    told = read_stated(kb, images)
    for checkpoint, ours in _ours(kb, images, origin, reasons) if origin != REPORTS else ():
        try:
            space = open_space(kb, checkpoint)
        except ClearKbError as error:
            reasons.append(str(error))
            continue
        carried = carried_directions(encoder, images, checkpoint.encoder_id, ours, space=space, told=told)
        if carried is None:
            reasons.append(
                f"encoder {checkpoint.encoder_id} has vectors of the same images of fewer than {FEWEST} patients that "
                "are not external"
            )
        else:
            learned = checkpoint.facts.objective not in ELSEWHERE
            yield checked_by_reports(kb, carried, images, learned=learned)
    if origin in (None, REPORTS):
        stated = activation_directions(encoder, images, told)
        if stated is None:
            reasons.append(
                f"no finding is stated by the reports of {FEWEST_STATED} patients with such vectors, and left out by "
                "those of as many (external ones do not count; reports and images are joined by study)"
            )
        else:
            yield stated


def _ours(
    kb: KnowledgeBase, images: ImageVectors, origin: str | None, reasons: list[str]
) -> Iterator[tuple[Checkpoint, ImageVectors]]:
    """The encoders of ours that have vectors too, those with most of the same images first."""
    known = [one for one in known_encoders(kb) if not one.without_concepts and origin in (None, one.encoder)]
    if origin is not None and not known:
        raise UsageError(f"'{origin}': an encoder with a checkpoint and vectors here, or {REPORTS}, was expected")
    if not known:
        reasons.append("no encoder with a checkpoint has vectors here")
    of = set(images.image_ids)
    vectors: list[tuple[int, StoredEncoder, ImageVectors]] = []
    for one in known:
        try:
            found = read_image_vectors(kb, one.encoder)
        except UsageError as error:
            reasons.append(str(error))
            continue
        vectors.append((len(of.intersection(found.image_ids)), one, found))
    for _, one, found in sorted(vectors, key=lambda entry: (-entry[0], entry[1].encoder)):
        try:
            yield one.checkpoint(), found
        except ClearKbError as error:
            reasons.append(str(error))


def _refusal(found: FittedDirections) -> str:
    if found.doubt:
        return f"concepts have no directions among the vectors of encoder {found.encoder}: {found.doubt}"
    best = found.findings[0]
    what = "what reports state" if found.origin == REPORTS else f"the scores of encoder {found.origin}"
    return (
        f"concepts have no directions among the vectors of encoder {found.encoder}: of {found.fitted:,} fitted to "
        f"{what} none reaches a cross-validated {named(found.measure)} of {LEAST[found.measure]:g} above chance; "
        f"the best is {best.finding}, {best.value:.2f} ({best.low:.2f} to {best.high:.2f})"
    )

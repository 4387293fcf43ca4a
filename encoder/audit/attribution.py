"""Attribution: what the predictions of a run are made of, for one image, a slice of images, or between two slices.

The mean of the logits of a slice is taken apart like one logit, exactly: see `Explainer.parts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from encoder.audit.report.examples import open_explainer
from encoder.audit.rows import rows_where
from encoder.explanation.explanation import Contribution, Explainer, Group
from encoder.explanation.parts import Parts
from encoder.prediction.head import Head
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from kb.store.sqltext import literal
from kb.vocabulary.vocabulary import Evidence


@dataclass(frozen=True, slots=True)
class GroupContribution:
    """What all concepts of one finding add together, with sentences of the one that adds most."""

    finding: str
    concepts: int
    contribution: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The mean logit of some images, or the difference of two such means, taken apart.

    Attributes:
        run: of which run.
        label: of which label.
        of: which images, in words.
        images: how many.
        against: which images are taken off; "" if none are.
        images_against: how many.
        logit: what is taken apart: the mean of logits, or the difference of two means.
        base: what does not come from a concept: the bias, and what the mean image has.
        outside: what is read of the images that no concept reaches.
        concepts: how many contribute.
        others: the sum of those that are not listed.
        residual: the logit less all of it.
        stored_difference: how far the stored logits lie from those of today's vectors, at the most: the images may have
            been encoded anew since the run was made.
        top: the largest contributions, by size, with report sentences.
        groups: the largest by finding.
    """

    run: str
    label: str
    of: str
    images: int
    against: str
    images_against: int
    logit: float
    base: float
    outside: float
    concepts: int
    others: float
    residual: float
    stored_difference: float
    top: tuple[Contribution, ...]
    groups: tuple[GroupContribution, ...]

    def to_dict(self) -> dict[str, Any]:
        """The attribution as plain data, for JSON."""
        return asdict(self)


def attribute(
    base: KnowledgeBase,
    run: str,
    label: str,
    *,
    where: str | None = None,
    against: str | None = None,
    image: str | None = None,
    encoder: str | None = None,
    top: int = 10,
    evidence: int = 1,
) -> Attribution:
    """What the predictions of one of our runs are made of, concept by concept; it sums up exactly.

    Args:
        base: the knowledge base.
        run: its name.
        label: that it predicts.
        where: SQL over the view `outcomes` that says which images: "truth = 0 AND site = 'harbor'"; default: all.
        against: the same for the images that are taken off: the answer is then of the difference.
        image: one image instead.
        encoder: folder or id of the checkpoint, where it has moved.
        top: contributions and findings that are listed.
        evidence: report sentences of each.

    Raises:
        UsageError: the run came as a table, no image is meant, or one has no vector.
    """
    if image is not None and where is not None:
        raise UsageError("either one image or those that a condition holds for: image or where")
    explainer = open_explainer(base, run, encoder)
    head = explainer.run.head(label)
    with Views(base) as session:
        chosen = where if image is None else f"image_id = {literal(image)}"
        mine = logits_where(session, run, head.label, where=chosen)
        others = None if against is None else logits_where(session, run, head.label, where=against)
    vectors = read_image_vectors(base, explainer.run.encoder, list(mine))
    parts, apart = explainer.parts(head, vectors.matrix), _apart(explainer, head, vectors, mine)
    if others is not None:
        theirs = read_image_vectors(base, explainer.run.encoder, list(others))
        parts = parts.less(explainer.parts(head, theirs.matrix))
        apart = max(apart, _apart(explainer, head, theirs, others))
    listed = explainer.listed(parts.largest(top), parts, evidence)
    return Attribution(
        run=explainer.run.name,
        label=head.label,
        of=f"image {image}" if image is not None else where or "all images",
        images=len(vectors),
        against=against or "",
        images_against=0 if others is None else len(others),
        logit=parts.logit,
        base=parts.base,
        outside=parts.outside,
        concepts=parts.count,
        others=parts.total - sum(one.contribution for one in listed),
        residual=parts.residual,
        stored_difference=apart,
        top=tuple(listed),
        groups=tuple(_groups(explainer, parts, top, evidence)),
    )


def _apart(explainer: Explainer, head: Head, images: ImageVectors, stored: Mapping[str, float]) -> float:
    """The largest difference between what was stored and what today's vectors give."""
    stated = np.array([stored[image] for image in images.image_ids])
    return float(np.max(np.abs(explainer.terms(head, images.matrix).logit - stated)))


def logits_where(session: Views, run: str, label: str, *, where: str | None) -> dict[str, float]:
    """The images of a run's predictions that a condition holds for, with their logits; UsageError if none is."""
    rows = rows_where(session, run, label, where=where)
    found = {row["image_id"]: row["logit"] for row in rows if row["image_id"] is not None and row["label"] == label}
    if not found:
        raise UsageError(
            f"no image that run '{run}' predicts {label} of is left where {where}" if where else "no image"
        )
    return found


def _groups(explainer: Explainer, parts: Parts, top: int, evidence: int) -> Iterator[GroupContribution]:
    """The findings that add most, each with sentences of its concept that adds most in the same direction."""
    groups: Sequence[Group] = explainer.groups(parts, top)
    findings = explainer.space.concepts["finding"].to_pylist()
    places: dict[str, int] = {}
    signs = {group.finding: group.contribution >= 0 for group in groups}
    for place in parts.largest(len(findings)):
        finding = findings[place]
        if finding in signs and finding not in places and (parts.contributions[place] >= 0) == signs[finding]:
            places[finding] = place
        if len(places) == len(signs):
            break
    sentences = dict(
        zip(places, explainer.listed(list(places.values()), parts, evidence), strict=True) if evidence else ()
    )
    for group in groups:
        stated = sentences[group.finding].evidence if group.finding in sentences else ()
        yield GroupContribution(group.finding, group.concepts, group.contribution, stated)

"""Ids against what a knowledge base holds: the images, studies and patients that its tables name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ingest.identity.resolving import KnownIds, Resolved
from kb.vocabulary.query import Tables

Unit = tuple[str | None, str | None, str | None]
"""What a row is of: image, study and patient."""

SPEAK = ("labels", "predictions")
"""The tables that speak of images which need not be stored."""


@dataclass(frozen=True)
class ResolvedUnits:
    """What rows were found to be of, where they spell it otherwise than what is stored."""

    images: Resolved = field(default_factory=Resolved)
    studies: Resolved = field(default_factory=Resolved)

    def __bool__(self) -> bool:
        return any(one.found or one.refused for one in (self.images, self.studies))

    def __getitem__(self, unit: Unit) -> Unit:
        """The unit with its ids as they are stored."""
        image, study, patient = unit
        return (
            None if image is None else self.images[image],
            None if study is None else self.studies[study],
            patient,
        )

    def refusal(self, unit: Unit) -> str | None:
        """Why nobody can tell what a row is of."""
        image, study, _ = unit
        if image is not None:
            return self.images.refused.get(image)
        return self.studies.refused.get(study or "")

    @property
    def rules(self) -> Mapping[str, int]:
        """How many images and studies were found by which rule."""
        return dict(Counter(self.images.rules) + Counter(self.studies.rules))


def resolve_units(state: Tables, units: Iterable[Unit]) -> ResolvedUnits:
    """Find out which stored images and studies `units` are of, where they are spelt otherwise.

    An image that is not stored may be one that labels or predictions speak of: that spelling is taken then, so that
    tables meet without pictures.

    Args:
        state: what is stored.
        units: what the rows of a table are of, in the normal forms of their ids.
    """
    units = set(units)
    images = {image for image, _, _ in units if image is not None}
    studies = {study for _, study, _ in units if study is not None}
    stored, spoken = stored_ids(state, "images"), [stored_ids(state, table) for table in SPEAK]
    reported = stored_ids(state, "reports")[1]
    return ResolvedUnits(
        _resolve(images, stored[0], set[str]().union(*(ids for ids, _ in spoken))),
        _resolve(studies, stored[1] | reported, set[str]().union(*(ids for _, ids in spoken))),
    )


def stored_ids(state: Tables, table: str) -> tuple[set[str], set[str]]:
    """The images and studies that a table names."""
    dataset = state.dataset(table)
    columns = [name for name in ("image_id", "study_id") if name in dataset.schema.names]
    images: set[str] = set()
    studies: set[str] = set()
    for batch in dataset.to_batches(columns=columns):
        for name, known in (("image_id", images), ("study_id", studies)):
            if name in columns:
                known.update(batch[name].unique().to_pylist())
    return images - {None}, studies - {None}


def _resolve(asked: set[str], first: set[str], then: set[str]) -> Resolved:
    """What is not among the first ids, nor means one of them, may be among the others."""
    resolved = KnownIds(first).resolve(asked)
    left = asked - first - resolved.found.keys() - resolved.refused.keys()
    if not left or left <= then:
        return resolved
    return resolved.with_all(KnownIds(then - first).resolve(left))

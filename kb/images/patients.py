"""Whose the images and studies are, by all that tells of it, and which splits their patients lie in.

A million images are settled in SQL (`schemas/sql/tables`: `patients_told` and what is kept after it); only what leads
to a split that is worth nothing is looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, groupby
from operator import itemgetter

from kb.errors import UsageError
from kb.images.patient_split import SPLITS, Split, split_named, split_of
from kb.store.state import State
from kb.vocabulary.query import Named, Tables, kept_named


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an image or study is: its patient where anybody knows, and what keeps rows together in a split."""

    patient_id: str | None
    owner: str


@dataclass(frozen=True, slots=True)
class Leak:
    """A patient who stands in two splits, or whose split cannot be told."""

    patient: str
    detail: str


@dataclass(frozen=True)
class Patients:
    """Whose all images and studies are, and in which split, by everything that tells of patients.

    Training, prediction, evaluation and audit all go by this: a patient that only a file of labels names, or only the
    report of the study, counts as one that the table of images names.

    Attributes:
        images: the owner of every image that any table names.
        studies: likewise; a study id that two patients use is its own owner where no row names the patient.
        splits: the split of every owner. Where a table names one for any of its images, it is that; else it is drawn.
        named: the owners whose split a table names; of all others it is drawn.
        pictured: the images that are stored, and not only named.
        leaks: what makes a split worth nothing.
    """

    images: Mapping[str, Owner]
    studies: Mapping[str, Owner]
    splits: Mapping[str, Split]
    named: frozenset[str]
    pictured: frozenset[str]
    leaks: tuple[Leak, ...]

    def split_of_image(self, image_id: str) -> Split:
        """The split of an image."""
        return self.splits[self.images[image_id].owner]

    @property
    def has_external(self) -> bool:
        """Whether anybody lies in the external split."""
        return "external" in self.splits.values()

    def require_apart(self) -> Patients:
        """These, where no patient stands in two splits.

        Raises:
            UsageError: one does; the message names the first.
        """
        if self.leaks:
            several = len(self.leaks) > 1
            more = f" (and {len(self.leaks) - 1:,} more)" if several else ""
            raise UsageError(f"{self.leaks[0].detail}{more}", need="check" if several else None)
        return self


KEPT = 4
"""Commits whose patients are kept in memory."""

_READ: dict[tuple[str, str], Patients] = {}

STEPS = ("patients_told", "told_images", "told_studies", "study_owners", "image_owners")
"""The named queries, in their order."""


def read_patients(state: State) -> Patients:
    """Whose the images and studies of `state` are at its commit; see `Patients`. It is computed once a commit."""
    key = (state.uri, state.commit.commit_id)
    if key not in _READ:
        if len(_READ) >= KEPT:
            _READ.clear()
        _READ[key] = settled_patients(state)
    return _READ[key]


def settled_patients(tables: Tables) -> Patients:
    """What the tables of one state come to together."""
    with kept_named(tables, STEPS) as told:
        return _settled(told)


def _settled(told: Named) -> Patients:
    made: dict[tuple[str | None, str], Owner] = {}
    study_ids, patients, whose = told.columns("study_owners", "study_id", "patient_id", "owner")
    studies = _owned(study_ids, patients, whose, made)
    image_ids, patients, whose, stored = told.columns("image_owners", "image_id", "patient_id", "owner", "pictured")
    images = _owned(image_ids, patients, whose, made)
    named = [_Named(*row) for row in told.rows("named_splits")]
    said, leaks = _said(named)
    splits = {owner: said.get(owner) or split_of(owner) for (owner,) in told.rows("all_owners")}
    known = {leak.patient for leak in leaks}
    leaks += [leak for leak in _shared_with_external(told, splits, named) if leak.patient not in known]
    leaks += _of_several(told, splits)
    pictured = frozenset(compress(image_ids, stored))
    return Patients(images, studies, splits, frozenset(said), pictured, tuple(leaks))


def _owned(
    units: Sequence[str],
    patients: Sequence[str | None],
    owners: Sequence[str],
    made: dict[tuple[str | None, str], Owner],
) -> dict[str, Owner]:
    """Units with their owners: one object for all that are of the same patient."""
    pairs = zip(patients, owners, strict=True)
    return {unit: made.get(one) or made.setdefault(one, Owner(*one)) for unit, one in zip(units, pairs, strict=True)}


@dataclass(frozen=True, slots=True)
class _Named:
    """A split that a table names for an owner: the words, and the first image of it, or else the first study."""

    owner: str
    text: str
    image_id: str | None
    study_id: str | None

    @property
    def where(self) -> str:
        return f"study {self.study_id}" if self.image_id is None else f"image {self.image_id}"


def _said(named: Iterable[_Named]) -> tuple[dict[str, Split], list[Leak]]:
    """The split that tables name for an owner, the first where they name several; and what makes it worth nothing."""
    said: dict[str, dict[Split, str]] = {}
    leaks: list[Leak] = []
    for one in named:
        split = split_named(one.text)
        if split is None:
            detail = f"the split '{one.text}' of {one.owner}: one of {', '.join(SPLITS)} was expected"
            leaks.append(Leak(one.owner, detail))
            continue
        said.setdefault(one.owner, {}).setdefault(split, one.where)
    for owner, places in said.items():
        if len(places) > 1:
            names, where = " and ".join(places), " and ".join(dict.fromkeys(places.values()))
            detail = f"patient {owner} lies in two splits, {names} ({where}): name one for all images"
            leaks.append(Leak(owner, detail))
    return {owner: next(iter(places)) for owner, places in said.items()}, leaks


def _shared_with_external(told: Named, splits: Mapping[str, Split], named: Iterable[_Named]) -> Iterator[Leak]:
    """External patients who also have images of a source of which nothing is external: two people of one id, perhaps.

    Either way they would silently leave the training.
    """
    words = sorted({one.text for one in named if split_named(one.text) == "external"})
    rows = told.rows("owner_origins", {"external": words}) if words else []
    origins = {origin for _, origin, _, external in rows if external}
    of: dict[str, str] = {}
    for owner, origin, image, _ in rows:
        if splits[owner] == "external" and origin in origins:
            of.setdefault(owner, image)
    for owner, origin, image, _ in rows:
        if owner in of and origin not in origins:
            other = of.pop(owner)
            detail = (
                f"patient {owner} is external (image {other}), and has images of {origin}, which says no split of them "
                f"(image {image}): name one for all images, or tell the patients apart"
            )
            yield Leak(owner, detail)


def _of_several(told: Named, splits: Mapping[str, Split]) -> Iterator[Leak]:
    """Images of which nobody can say in which split they lie, for their patients lie in several."""
    for (image, study, named, owner), rows in groupby(told.rows("doubtful_images"), key=itemgetter(0, 1, 2, 3)):
        whose = {patient: said_by for *_, patient, said_by in rows}
        if len({splits[one] for one in (owner, *whose)}) > 1:
            ids = " and ".join(f"{patient} ({said_by})" for patient, said_by in whose.items())
            of = f"image {image} is" if named else f"nobody says whose image {image} is: its study {study} is"
            detail = f"{of} of the patients {ids}, who lie in different splits: name one patient for all tables"
            yield Leak(owner, detail)

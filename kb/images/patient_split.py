"""Splits: which patients are trained on, which choose, and which are kept aside; never one patient in two of them.

External patients are of another place: nothing is trained on them nor chosen by them, and they are judged whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, get_args

from kb.errors import UsageError
from kb.store.state import State
from kb.vocabulary.query import stream_named

Split = Literal["train", "validation", "test", "external"]
SPLITS: tuple[Split, ...] = get_args(Split)

Part = Literal["all", "internal", "train", "validation", "test", "external"]
"""What rows are chosen by: a split, "all", or "internal": all that is not external."""
PARTS: tuple[Part, ...] = get_args(Part)

TRAIN, VALIDATION = 0.7, 0.1
"""The share of patients that is trained on and that chooses; what is left is the test."""

_NAMES: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "validate": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "external": "external",
    "external test": "external",
    "external validation": "external",
}


def split_named(text: str) -> Split | None:
    """The split that a word means ("val", "Training", "external_test"); None if it means none."""
    return _NAMES.get(" ".join(text.lower().replace("_", " ").replace("-", " ").split()))


def require_split(text: str) -> Split:
    """The split that a word means; UsageError if it means none."""
    split = split_named(text)
    if split is None:
        raise UsageError(f"split '{text}': one of {', '.join(SPLITS)} was expected", parameter="split")
    return split


def lies_in(split: str | None, part: str) -> bool:
    """Whether a split is in a part: any is in "all", any but "external" in "internal", and each in itself."""
    return part == "all" or (part == "internal" and split != "external") or split == part


def marked(attributes: Mapping[str, str], split: str | None) -> dict[str, str]:
    """The attributes of an image of a source that lies in one split as a whole, whatever its rows say of their own.

    What a row says stays beside it, as "published split".

    Raises:
        UsageError: there is no such split.
    """
    if split is None:
        return dict(attributes)
    said = {name: value for name, value in attributes.items() if name.lower() == "split"}
    kept = {name: value for name, value in attributes.items() if name not in said}
    for value in said.values():
        kept["published split"] = value
    return {**kept, "split": require_split(split)}


FOLDS = 5
"""What patients are dealt into where no validation chooses: each fold is judged by what the others chose."""


def fold_of(owner: str) -> int:
    """The fold that a patient (an image, if nobody knows the patient) is dealt into, whatever the label and run."""
    return int.from_bytes(blake2b(owner.encode(), digest_size=8, person=b"fold").digest(), "big") % FOLDS


def split_of(patient_id: str) -> Split:
    """The split that a patient (an image, if nobody knows the patient) is drawn into.

    A hash of the id draws it, so that the same patient lies in the same split in every knowledge base, however many
    others come.
    """
    drawn = int.from_bytes(blake2b(patient_id.encode(), digest_size=8).digest(), "big") / 2**64
    return "train" if drawn < TRAIN else "validation" if drawn < TRAIN + VALIDATION else "test"


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


def read_patients(state: State) -> Patients:
    """Whose the images and studies of `state` are at its commit; see `Patients`. It is computed once a commit."""
    key = (state.uri, state.commit.commit_id)
    if key not in _READ:
        if len(_READ) >= KEPT:
            _READ.clear()
        _READ[key] = _settled(stream_named(state, "patients_told"))
    return _READ[key]


KEPT = 4
"""Commits whose patients are kept in memory."""

_READ: dict[tuple[str, str], Patients] = {}


Told = tuple[tuple[str, str], ...]
"""The patients that an image or study is said to be of, each with the first that says so: nearly always one."""


def _settled(rows: Iterable[Mapping[str, Any]]) -> Patients:
    """What rows of patients, studies and images come to together."""
    by_image: dict[str, Told] = {}
    by_study: dict[str, Told] = {}
    study_of: dict[str, str] = {}
    own: dict[str, str | None] = {}
    origin: dict[str, str] = {}
    named: list[tuple[str | None, str | None, str | None, str]] = []
    shared: dict[tuple[str, str], Told] = {}
    for row in rows:
        image, study, patient = row["image_id"], row["study_id"], row["patient_id"]
        for unit, known in ((image, by_image), (study, by_study)):
            if unit is not None:
                known[unit] = _with(known.get(unit, ()), patient, row["said_by"], shared)
        if image is not None and study is not None and (row["pictured"] or image not in study_of):
            study_of[image] = study
        if row["pictured"]:
            own[image], origin[image] = patient, row["origin"]
        if row["split"]:
            named.append((image, study, patient, row["split"]))
    for image, study in study_of.items():
        for patient, said_by in by_image[image]:
            by_study[study] = _with(by_study[study], patient, said_by, shared)

    owner_of = _Owners()
    studies = {study: owner_of(_only(told), study) for study, told in by_study.items()}
    images: dict[str, Owner] = {}
    for image, told in by_image.items():
        of_study = by_study.get(study_of.get(image, ""), ())
        patient = own.get(image) or min((one for one, _ in told), default=None) or _only(of_study)
        images[image] = owner_of(patient, study_of.get(image, image))
    owners = {one.owner for one in (*images.values(), *studies.values())}
    owners.update(patient for known in (by_image, by_study) for told in known.values() for patient, _ in told)
    splits, named_for, leaks = _splits(owners, named, images, studies)
    stored = {image: (study_of.get(image), origin[image]) for image in own}
    told_twice = {leak.patient for leak in leaks}
    leaks += [leak for leak in _shared_with_external(splits, named, images, stored) if leak.patient not in told_twice]
    for image, told in by_image.items():
        study = study_of.get(image)
        if len(told) < 2 and (told or study is None or len(by_study[study]) < 2 or image not in own):
            continue
        whose = told or by_study[study or ""]
        among = {splits[patient] for patient, _ in whose} | {splits[images[image].owner]}
        if len(among) > 1:
            ids = " and ".join(f"{patient} ({said_by})" for patient, said_by in sorted(whose))
            of = f"image {image} is" if told else f"nobody says whose image {image} is: its study {study} is"
            leaks.append(
                Leak(
                    images[image].owner,
                    f"{of} of the patients {ids}, who lie in different splits: name one patient for all tables",
                )
            )
    return Patients(images, studies, splits, named_for, frozenset(own), tuple(leaks))


def _with(told: Told, patient: str | None, said_by: str, shared: dict[tuple[str, str], Told]) -> Told:
    """What was told, and one patient more; who is told alone is kept once, for a million images too."""
    if patient is None or any(patient == known for known, _ in told):
        return told
    one = (patient, said_by)
    return (*told, one) if told else shared.setdefault(one, (one,))


class _Owners:
    """The owners of images and studies: one for all that are of the same patient."""

    def __init__(self) -> None:
        self._of: dict[str, Owner] = {}

    def __call__(self, patient: str | None, otherwise: str) -> Owner:
        if not patient:
            return Owner(patient, otherwise)
        if patient not in self._of:
            self._of[patient] = Owner(patient, patient)
        return self._of[patient]


def _only(told: Told) -> str | None:
    """The one patient there is; "study1" of two patients is two studies."""
    return told[0][0] if len(told) == 1 else None


def _splits(
    owners: Iterable[str],
    named: Iterable[tuple[str | None, str | None, str | None, str]],
    images: Mapping[str, Owner],
    studies: Mapping[str, Owner],
) -> tuple[dict[str, Split], frozenset[str], list[Leak]]:
    """The split of every owner: the one that a table names for any of its images or studies, else the one drawn.

    The second says for which owners a table names it.
    """
    said: dict[str, dict[Split, str]] = {}
    leaks: list[Leak] = []
    for image, study, patient, text in named:
        owner = images[image].owner if image is not None else patient or studies[study or ""].owner
        split = split_named(text)
        if split is None:
            detail = f"the split '{text}' of {owner}: one of {', '.join(SPLITS)} was expected"
            leaks.append(Leak(owner, detail))
            continue
        said.setdefault(owner, {}).setdefault(split, f"image {image}" if image is not None else f"study {study}")
    for owner, told in said.items():
        if len(told) > 1:
            names, where = " and ".join(told), " and ".join(dict.fromkeys(told.values()))
            detail = f"patient {owner} lies in two splits, {names} ({where}): name one for all images"
            leaks.append(Leak(owner, detail))
    splits = {owner: next(iter(said[owner])) if owner in said else split_of(owner) for owner in owners}
    return splits, frozenset(said), leaks


def _shared_with_external(
    splits: Mapping[str, Split],
    named: Iterable[tuple[str | None, str | None, str | None, str]],
    images: Mapping[str, Owner],
    stored: Mapping[str, tuple[str | None, str]],
) -> Iterator[Leak]:
    """External patients who also have images of a source of which nothing is external: two people of one id, perhaps.

    Either way they would silently leave the training. `stored` has the study and the source of each stored image.
    """
    said = {(image, study) for image, study, _, text in named if split_named(text) == "external"}
    marked_images = {image for image, _ in said}
    marked_studies = {study for image, study in said if image is None}
    if not said:
        return
    external: dict[str, str] = {}
    for image, (study, origin) in stored.items():
        if image in marked_images or study in marked_studies:
            external.setdefault(origin, image)
    of: dict[str, str] = {}
    for image, (_, origin) in sorted(stored.items()):
        if splits[images[image].owner] == "external" and origin in external:
            of.setdefault(images[image].owner, image)
    for image, (_, origin) in sorted(stored.items()):
        owner = images[image].owner
        if owner in of and origin not in external:
            other = of.pop(owner)
            detail = (
                f"patient {owner} is external (image {other}), and has images of {origin}, which says no split of them "
                f"(image {image}): name one for all images, or tell the patients apart"
            )
            yield Leak(owner, detail)

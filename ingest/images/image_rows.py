"""What was met of the images so far: rows to store, rejects, and counts of what a person is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ingest.identity.normal import patient_id, study_id
from ingest.images.decoding import Outcome
from ingest.images.image_sources import ImageEntry
from ingest.images.stored_pictures import StoredPictures
from ingest.sources.ages import read_age
from ingest.sources.cells import BLANK
from kb.images.patient_split import marked
from kb.images.view import normal_view, view_of_name
from kb.privacy.id_key import IdKey
from schemas.tables import IMAGES
from schemas.terms import View


@dataclass
class ImageRows:
    """The images of an ingest; the rows wait as Arrow batches, which hold hundreds of thousands in little memory."""

    stored: StoredPictures
    split: str | None = None
    """The split that all of them lie in, whatever their rows say."""
    key: IdKey | None = None
    """What the ids that only a file tells are hashed with; those of the entries are so already."""
    batches: list[pa.RecordBatch] = field(default_factory=list)
    met: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The content and position of each image, by its id."""
    contents: set[str] = field(default_factory=set)
    completed: set[str] = field(default_factory=set)
    """The stored images that came under another id: what is said of them is added."""
    rejects: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0
    decoded: int = 0
    known: int = 0
    alike: int = 0
    views: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    as_given: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    def take(self, outcomes: Sequence[tuple[ImageEntry, Outcome]]) -> dict[str, bytes]:
        """Keep what came of some files; gives the pixels that were made, by the content of their file."""
        made: dict[str, bytes] = {}
        rows = [row for entry, outcome in outcomes if (row := self._row(entry, outcome, made)) is not None]
        if rows:
            self.batches.append(pa.RecordBatch.from_pylist(rows, schema=IMAGES.schema))
        return made

    @property
    def table(self) -> pa.Table:
        """All rows."""
        return pa.Table.from_batches(self.batches, schema=IMAGES.schema)

    def counts(self) -> dict[str, Any]:
        """What the result tells, by kind the most frequent first."""
        kinds = {"views": self.views, "refused": self.refused, "as_given": self.as_given}
        kinds |= {"mended": self.mended, "messages": self.messages}
        plain = {"read": self.read, "decoded": self.decoded, "known": self.known, "alike": self.alike}
        return {**plain, **{name: dict(counter.most_common()) for name, counter in kinds.items()}}

    def _row(self, entry: ImageEntry, outcome: Outcome, made: dict[str, bytes]) -> dict[str, Any] | None:
        """The row of an image; None where there is none to store, which the rejects tell."""
        self.read += 1
        self.messages.update(outcome.messages)
        facts = outcome.facts
        patient = entry.patient_id or self._hashed(patient_id(facts.get("patient_id")))
        study = entry.study_id or self._hashed(study_id(facts.get("study_id")))
        image_id, reason, kind = self._named(entry, outcome, study=study, patient=patient)
        if reason:
            position = entry.position if entry.source == entry.file else f"{entry.position} ({entry.file})"
            fields = {"source": entry.source, "position": position, "report_id": None, "reason": reason}
            self.rejects.append(fields)
            self.refused[kind] += 1
            return None
        if outcome.pixels is not None and outcome.content_hash not in made:
            made[outcome.content_hash] = outcome.pixels
            self.decoded += 1
        again = image_id not in self.completed and self.stored.has_other(image_id, outcome.content_hash)
        self.alike += outcome.content_hash in self.contents or again
        self.contents.add(outcome.content_hash)
        self.met[image_id] = (outcome.content_hash, entry.position)
        self.mended.update(outcome.notes)
        view, age, given = self._said(entry, facts)
        attributes = {**marked(entry.attributes, self.split), **given}
        return {
            "image_id": image_id,
            "study_id": study,
            "patient_id": patient,
            "source": entry.source,
            "position": entry.position,
            "content_hash": outcome.content_hash,
            "kind": outcome.kind,
            "width": outcome.width,
            "height": outcome.height,
            "view": view,
            "sex": entry.sex or facts.get("sex"),
            "age": age,
            "attributes": [{"name": name, "value": value} for name, value in attributes.items()],
        }

    def _hashed(self, name: str | None) -> str | None:
        return name if self.key is None else self.key.of(name)

    def _named(
        self, entry: ImageEntry, outcome: Outcome, *, study: str | None, patient: str | None
    ) -> tuple[str, str, str]:
        """The id that an image has, and why it is not taken: in full, and in few words."""
        if outcome.reason:
            return entry.image_id, outcome.reason, outcome.refused
        if not entry.image_id:
            return "", "the row names no image", "no image named"
        image_id = entry.image_id
        match self.stored.same_picture(image_id, outcome.content_hash, study=study, patient=patient):
            case (known, ""):
                image_id = known
                self.known += 1
                self.completed.add(known)
            case (known, why):
                return known, why, "the same picture as another"
        if (met := self.met.get(image_id)) is not None:
            other = "" if met[0] == outcome.content_hash else ", with another picture"
            return image_id, f"the id {image_id} was met before ({met[1]}){other}", "met before"
        return image_id, "", ""

    def _said(self, entry: ImageEntry, facts: Mapping[str, str]) -> tuple[View | None, float | None, dict[str, str]]:
        """View and age, and what was said of them and not understood: it is kept as it was given."""
        view, view_given = _view(entry, facts)
        told = entry.age or facts.get("age")
        age, odd = read_age(told)
        given = {"view given": view_given, "age given": told if odd else None}
        kept = {name: text for name, text in given.items() if text}
        self.as_given.update(name.removesuffix(" given") for name in kept)
        self.views[view or "unknown"] += 1
        return view, age, kept


_SAYS_NOTHING = BLANK | {"unknown", "unk", "unspecified"}


def _view(entry: ImageEntry, facts: Mapping[str, str]) -> tuple[View | None, str | None]:
    """The view by the table, else by the file's header, else by its name; the second is what was not understood."""
    view = normal_view(entry.view) or normal_view(facts.get("view")) or view_of_name(entry.path.as_posix())
    given = entry.view or facts.get("view_given") or ""
    return view, given if view is None and given.strip().lower() not in _SAYS_NOTHING else None

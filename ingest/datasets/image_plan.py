"""The images of a data set before any is read: which files there are, what is said of each, its split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.datasets.description import ImagePart, Split
from ingest.datasets.image_facts import ImageFacts, read_facts
from ingest.datasets.set_files import SetFiles
from ingest.identity.hashed_rows import parts_of, without_ids
from ingest.identity.normal import patient_id, study_id, told_by_place
from ingest.identity.resolving import KnownIds
from ingest.images.image_sources import MAY_BE_SEVERAL, Entries, ImageEntry
from kb.batched import batched
from kb.errors import ClearKbError
from kb.images.names import stem
from kb.images.patient_split import SPLITS, split_named
from kb.images.view import normal_view
from kb.privacy.id_key import IdKey

CHUNK = 5_000
"""Rows that are put together in Arrow."""

VALIDATION = 1 / 8
"""Of the patients whom a release lets train, the share that is drawn to choose: 1 to 7, as elsewhere."""

_FIELDS = (
    *("image_id", "place", "source", "position", "study_id", "patient_id", "view", "sex", "age", "split", "fault"),
    "file",
)
_SCHEMA = pa.schema(
    [*(pa.field(name, pa.string()) for name in _FIELDS), pa.field("attributes", pa.map_(pa.string(), pa.string()))]
)


class ImagePlan(Entries):
    """The images of a set that have a file, as they will be taken; columns of Arrow, for there may be many.

    Attributes:
        named: how many images the tables name; 0 if none does.
        missing: how many of those have no file here.
        first_missing: the first such, by name.
        unlisted: how many pictures no table names.
        splits: how many images are of which published split.
    """

    def __init__(
        self, part: ImagePart, there: SetFiles, *, dataset: str, external: bool = False, key: IdKey | None = None
    ):
        self.named = self.missing = self.unlisted = 0
        self.first_missing = ""
        self.splits: Counter[str] = Counter()
        self.used: set[str] = set()
        """The files that were read for it, pictures too."""
        self._part, self._there, self._dataset, self._external = part, there, dataset, external
        self._key = key
        self._place = re.compile(part.place) if part.place else None
        places = there.find(part.files)
        self.used.update(places)
        self._batches = [
            pa.RecordBatch.from_pylist(list(rows), schema=_SCHEMA) for rows in batched(self._rows(places), CHUNK)
        ]

    def __len__(self) -> int:
        return sum(batch.num_rows for batch in self._batches)

    def __iter__(self) -> Iterator[ImageEntry]:
        for batch in self._batches:
            for row in batch.to_pylist():
                place, split = row.pop("place"), row.pop("split")
                attributes = {"dataset": self._dataset, **dict(row.pop("attributes") or ())}
                if split is not None:
                    attributes["split"] = split
                path = self._there.path(place) if place else Path(row["source"])
                yield ImageEntry(path=path, attributes=attributes, **{**row, "fault": row["fault"] or ""})

    def ids(self, column: str) -> set[str]:
        """All that a column names: "image_id", "study_id" or "patient_id"."""
        found = set[Any]().union(*(batch[column].unique().to_pylist() for batch in self._batches))
        return found - {None}

    def count(self, column: str, among: set[str]) -> int:
        """How many images have one of `among` in a column."""
        return sum(value in among for batch in self._batches for value in batch[column].to_pylist())

    def tally(self, column: str) -> Counter[str]:
        """How often a column says what; "" stands for nothing."""
        return Counter(value or "" for batch in self._batches for value in batch[column].to_pylist())

    def _rows(self, places: list[str]) -> Iterator[dict[str, Any]]:
        part, there = self._part, self._there
        for table in (*part.tables, *part.more):
            self.used.update(there.find(table.files))
        more = self._more()
        known = KnownIds(places)
        met: dict[str, tuple[str, tuple[str | None, str | None]]] = {}
        taken: set[str] = set()
        for table in part.tables:
            for facts in read_facts(table, there, part.views):
                if facts.fault:
                    yield self._row(facts, None, more, facts.fault)
                    continue
                self.named += 1
                if (earlier := met.get(facts.name)) is not None:
                    self.named -= 1
                    if facts.table == earlier[0] and _whose(facts) != earlier[1]:
                        one, other = self._words(earlier[1]), self._words(_whose(facts))
                        fault = f"the image {self._shown(facts.name)} is of {one} in an earlier row, of {other} here"
                        yield self._row(facts, None, more, fault)
                    continue
                met[facts.name] = (facts.table, _whose(facts))
                place, unclear = _file(known, facts.name)
                if place is None and not unclear:
                    self.missing += 1
                    self.first_missing = self.first_missing or self._shown(facts.name)
                    continue
                if place is not None and place in taken:
                    self.named -= 1  # another table names it again, in another spelling
                    continue
                taken.update({place} if place is not None else ())
                yield self._row(facts, place, more, MAY_BE_SEVERAL if unclear and self._key else unclear)
        left = [place for place in places if place not in taken]
        self.unlisted = len(left) if part.tables else 0
        for place in left if part.unlisted == "take" or not self.named else ():
            yield self._row(ImageFacts(name=self._id(place), table=str(there.root), position=place), place, more, "")
        if places and not taken and part.unlisted == "leave" and self.named:
            raise ClearKbError(
                f"none of the {self.named:,} images that the tables name is among the {len(places):,} files: the "
                f"tables say {self.first_missing}, the files are {self._shown(places[0])}"
            )

    def _row(self, facts: ImageFacts, place: str | None, more: KnownFacts, fault: str) -> dict[str, Any]:
        study, patient, view, split = self._by_place(place or facts.name)
        extra = more.of(facts.name)
        row = {
            "image_id": facts.name,
            "place": place,
            "source": Path(facts.table).name if facts.table != str(self._there.root) else facts.table,
            "position": facts.position,
            "study_id": facts.study_id or extra.get("study_id") or study,
            "patient_id": facts.patient_id or extra.get("patient_id") or patient,
            "view": facts.view or extra.get("view") or view,
            "sex": facts.sex or extra.get("sex"),
            "age": facts.age or extra.get("age"),
            "fault": fault or None,
        }
        owner = row["patient_id"] or row["study_id"] or facts.name
        official = self._drawn(facts.split or extra.get("split") or split, str(owner))
        if place is not None and not fault:
            self.splits[official or "none"] += 1
        attributes = {**extra.get("attributes", {}), **facts.attributes}
        if self._external and official:
            attributes["published split"] = official
        row |= {"split": "external" if self._external else official, "attributes": attributes}
        row["file"] = Path(place).name if place else row["source"]
        return row if self._key is None else _hashed_row(row, self._key)

    def _shown(self, name: str) -> str:
        """A name as it is told."""
        return name if self._key is None else self._key.hash(name)

    def _words(self, whose: tuple[str | None, str | None]) -> str:
        study, patient = (None if one is None else self._shown(one) for one in whose)
        return f"study {study or 'unknown'} and patient {patient or 'unknown'}"

    def _more(self) -> KnownFacts:
        more = KnownFacts()
        for table in self._part.more:
            for facts in read_facts(table, self._there, self._part.views):
                more.add(facts)
        return more

    def _by_place(self, place: str) -> tuple[str | None, str | None, str | None, str | None]:
        """Study, patient, view and split, as far as the place of a file tells."""
        study, patient = told_by_place(place)
        match = self._place.search(place) if self._place else None
        named = match.groupdict() if match else {}
        return (
            study_id(named.get("study")) or study,
            patient_id(named.get("patient")) or patient,
            normal_view(named.get("view")),
            named.get("split"),
        )

    def _drawn(self, told: Split | None, owner: str) -> str | None:
        """The split that a word stands for; where it stands for several, the patient is drawn into one of them."""
        split = self._part.splits.get(told, told) if isinstance(told, str) else told
        if not isinstance(split, tuple):
            return self._named_split(split)
        drawn = int.from_bytes(blake2b(f"official {owner}".encode(), digest_size=8).digest(), "big") / 2**64
        return split[-1] if drawn < VALIDATION else split[0]

    def _named_split(self, split: str | None) -> str | None:
        known = split_named(split) if split is not None else None
        if split is not None and known is None:
            raise ClearKbError(
                f"{self._there.root}: the split '{split}' is none of {', '.join(SPLITS)}: "
                "say in the description what it stands for, as images.splits"
            )
        return known

    def _id(self, place: str) -> str:
        name = place.rpartition("/")[2]
        return {"path": place, "stem": stem(name), "name": name}[self._part.id]


class KnownFacts:
    """What further tables say of images, by the image's name."""

    def __init__(self) -> None:
        self._facts: dict[str, dict[str, Any]] = {}

    def add(self, facts: ImageFacts) -> None:
        """Keep what a row says, where no earlier one has said it."""
        if facts.fault:
            return
        known = self._facts.setdefault(facts.name, {})
        for name in ("study_id", "patient_id", "view", "sex", "age", "split"):
            if (value := getattr(facts, name)) is not None:
                known.setdefault(name, value)
        if facts.attributes:
            known["attributes"] = {**facts.attributes, **known.get("attributes", {})}

    def of(self, name: str) -> Mapping[str, Any]:
        """What is said of an image."""
        return self._facts.get(name, {})


def _whose(facts: ImageFacts) -> tuple[str | None, str | None]:
    return facts.study_id, facts.patient_id


def _hashed_row(row: dict[str, Any], key: IdKey) -> dict[str, Any]:
    """A row with the hashes of its ids and of all else that names it, but for where its file lies."""
    ids = {name: key.of(row[name]) for name in ("image_id", "study_id", "patient_id")}
    known = parts_of(*ids.values())
    said = {name: without_ids(text, name, key, known) for name, text in row["attributes"].items()}
    places = {name: key.hash(row[name]) for name in ("source", "file")} | {"position": key.position(row["position"])}
    return {**row, **ids, **places, "fault": row["fault"] and key.reason(row["fault"]), "attributes": said}


def _file(known: KnownIds, name: str) -> tuple[str | None, str]:
    """The place of the file that a name means, and why it is unclear which that is."""
    if name in known:
        return name, ""
    match known.find(name):
        case (place, _):
            return place, ""
        case str(reason):
            return None, reason
    return None, ""

"""The labels of a data set, read: a table for each file, with what it is stored as."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.datasets.description import LabelPart, ReportPart
from ingest.datasets.label_options import choices_of
from ingest.datasets.openi_headings import write_headings
from ingest.datasets.report_sources import report_sources
from ingest.datasets.set_files import SetFiles
from ingest.identity.resolving import KnownIds
from ingest.labels.label_tables import LabelTable, read_label_table
from ingest.sources.openi import OpeniSource
from kb.images.names import stem
from kb.privacy.id_key import IdKey


@dataclass(frozen=True, slots=True)
class ReadLabels:
    """One file of labels, read: where it lies, what it is stored as, and what it says."""

    place: str
    source: str
    table: LabelTable

    def here(self, images: KnownIds, studies: set[str]) -> tuple[int, int]:
        """How many images and studies it is of, and how many of those are among these."""
        named = {image for image, _, _ in self.table.units if image is not None}
        of_studies = {study for image, study, _ in self.table.units if image is None and study is not None}
        resolved = images.resolve(named)
        met = sum(name in images or name in resolved.found for name in named) + len(of_studies & studies)
        return len(named) + len(of_studies), met


def read_labels(parts: tuple[LabelPart, ...], there: SetFiles, key: IdKey | None = None) -> Iterator[ReadLabels]:
    """The label files of a set that are there, each as a table; with a `key` its ids are hashed.

    Raises:
        UsageError: a file has not the columns or labels that the description names.
        ClearKbError: a file cannot be read as a table.
    """
    for part in parts:
        if part.unless and there.find(part.unless):
            continue
        places = there.find(part.files)
        if part.format == "openi":
            if places:
                yield _headings(part, there, places[0], key)
            continue
        for place in places:
            reader = stem(Path(place).name).rpartition(".")[0] or Path(place).stem if part.by_reader else None
            table = read_label_table(there.path(place), "value", choices_of(part, reader, key))
            # Several files of one part, as of train and test, are sources of their own: one would replace the other.
            several = len(places) > 1 and not part.by_reader
            own = Path(place).stem if key is None else key.hash(Path(place).stem)
            yield ReadLabels(place, f"{part.source}-{own}" if several else part.source, table)


def _headings(part: LabelPart, there: SetFiles, place: str, key: IdKey | None) -> ReadLabels:
    sources = report_sources(ReportPart(files=part.files, format="openi"), there)
    with tempfile.TemporaryDirectory(prefix="clear-kb-") as folder:
        path = Path(folder) / "mesh.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for source in sources:
                assert isinstance(source, OpeniSource)
                write_headings(source, file)
        choices = choices_of(part, key=key)
        table = read_label_table(path, "value", choices)
    folder = Path(place).parent.name or place
    table.name = folder if key is None else key.hash(folder)
    return ReadLabels(place, part.source, table)

"""Where images come from: a folder, single files, or a table that names them and says whose they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ingest.identity.hashed_rows import parts_of, without_ids
from ingest.identity.normal import told_by_place, unit_of
from ingest.images.picture_files import OUTSIDE, PictureFiles, is_picture
from ingest.sources.cells import identifier
from ingest.sources.table_rows import table_rows
from ingest.sources.tables import TableFile
from kb.errors import UsageError
from kb.privacy.id_key import IdKey
from kb.reading.file_name import NOT_UTF8, as_text, is_text, require_text

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "image_id", "image index", "path", "filename", "file", "file_name", "dicom_id", "image_path"),
    "study": ("study_id", "study", "study_instance_uid", "accession"),
    "patient": ("patient_id", "patient", "subject_id", "subject", "patient id", "deid_patient_id"),
    "view": ("view", "view position", "viewposition", "view_position", "projection"),
    "sex": ("sex", "gender", "patient gender", "patient sex"),
    "age": ("age", "patient age", "anchor_age"),
}
"""What the columns of such tables are usually called, in either case."""

MAY_BE_SEVERAL = "its name may mean several of the files"
"""What is told in the place of their names where those are hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEntry:
    """One image to take in: its id, its file, and what is known of it before it is read."""

    image_id: str
    path: Path
    source: str
    position: str
    study_id: str | None = None
    patient_id: str | None = None
    view: str | None = None
    sex: str | None = None
    age: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    """Why there is no such image: its row cannot be read, or may mean several files."""
    unclear: bool = False
    """Whether that is because its name may mean several files, which the reason names."""
    file: str = ""
    """What the file is called where it is told."""


class Entries(ABC):
    """Images to take in: they are gone through once, and how many there are is known before."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def __iter__(self) -> Iterator[ImageEntry]:
        """The images, one by one."""


@dataclass(frozen=True)
class Listed(Entries):
    """Images that lie in a list."""

    entries: Sequence[ImageEntry]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[ImageEntry]:
        return iter(self.entries)


def list_images(
    sources: Sequence[Path],
    table: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    key: IdKey | None = None,
) -> Iterator[ImageEntry]:
    """The images of `sources`: folders and files or, with a table, those that its rows name.

    Args:
        sources: folders, searched through and through, and files.
        table: CSV, TSV, JSON or Parquet with a row an image; its files are looked for under the sources, else
            beside it, by their place or, where a row names no place or no ending, by the one file that it can mean.
        mapping: which column holds what, where its name is not a usual one: {"image": "File Name"}.
        key: what ids and names of files are hashed with.

    Raises:
        UsageError: a source is not there, or the table has no column of images.
    """
    for source in sources:
        require_text(source)
        if not source.exists():
            raise UsageError(f"there is no file or folder {source}")
    if table is not None:
        for entry in _tabled(sources or [table.parent], table, mapping or {}):
            yield entry if key is None else hashed_entry(entry, key)
        return
    for source in sources:
        if source.is_file():
            yield _entry(source.name, source, str(source), source.name, key)
            continue
        for path in sorted(source.rglob("*")):
            if is_picture(path):
                name = path.relative_to(source).as_posix()
                yield _entry(name, path, str(source), name, key)


def hashed_entry(entry: ImageEntry, key: IdKey) -> ImageEntry:
    """An image with the hashes of its ids, and of all else that names it but where its file lies."""
    ids = key.of(entry.study_id), key.of(entry.patient_id)
    image = key.hash(entry.image_id)
    known = parts_of(image, *ids)
    fault = MAY_BE_SEVERAL if entry.unclear else key.reason(entry.fault)
    return replace(
        entry,
        image_id=image,
        source=key.hash(entry.source),
        position=key.position(entry.position),
        study_id=ids[0],
        patient_id=ids[1],
        attributes={name: without_ids(text, name, key, known) for name, text in entry.attributes.items()},
        fault=fault,
        file=key.hash(entry.file),
    )


def _entry(image_id: str, path: Path, source: str, position: str, key: IdKey | None) -> ImageEntry:
    """An image that only its path tells of: the folders of MIMIC-CXR and CheXpert are patients and studies."""
    study, patient = told_by_place(as_text(path.absolute().as_posix()))
    entry = ImageEntry(
        image_id=as_text(image_id),
        path=path,
        source=source,
        position=as_text(position),
        study_id=study,
        patient_id=patient,
        fault="" if is_text(position) else NOT_UTF8,
        file=as_text(path.name),
    )
    return entry if key is None else hashed_entry(entry, key)


def _tabled(folders: Sequence[Path], table: Path, mapping: Mapping[str, str]) -> Iterator[ImageEntry]:
    file = TableFile(table)
    file.format  # noqa: B018  (says what is wrong with the file before anything else does)
    columns = _columns(table, file.names, mapping)
    files = PictureFiles(folders)
    for row in table_rows(file):
        try:
            fields = {what: identifier(row.cells, column) for what, column in columns.items()}
            rest = {
                name: text
                for name in row.cells
                if name and name not in columns.values() and (text := _text(row.cells, name))
            }
            fault = row.error or ""
        except ValueError as error:
            fields, rest, fault = {}, {}, str(error)
        image, study, patient = unit_of(fields.get("image"), fields.get("study"), fields.get("patient"))
        path, unclear = files.find(image or "")
        yield ImageEntry(
            image_id=image or "",
            path=path,
            source=table.name,
            position=row.position,
            study_id=study,
            patient_id=patient,
            view=fields.get("view"),
            sex=fields.get("sex"),
            age=fields.get("age"),
            attributes=rest,
            fault=fault or unclear,
            unclear=not fault and unclear not in ("", OUTSIDE),
            file=path.name,
        )


def _text(cells: Mapping[str, Any], column: str) -> str:
    """A cell as text that can be kept; "" where it is blank, or no short text."""
    try:
        return identifier(cells, column) or ""
    except ValueError:
        return ""


def _columns(table: Path, names: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    if unknown := sorted(set(mapping) - set(COLUMNS)):
        raise UsageError(f"columns: there is no '{unknown[0]}'; choose one of {', '.join(COLUMNS)}")
    if missing := [column for column in mapping.values() if column not in names]:
        raise UsageError(f"{table} has no column '{missing[0]}': its columns are {', '.join(names)}")
    by_name = {name.strip().lower(): name for name in names}
    found = {
        what: mapping.get(what) or next((by_name[name] for name in usual if name in by_name), None)
        for what, usual in COLUMNS.items()
    }
    if found["image"] is None:
        raise UsageError(
            f"{table} has no column of images ({', '.join(names)}): name it in columns as 'image'",
            parameter="columns.image",
        )
    return {what: column for what, column in found.items() if column is not None}

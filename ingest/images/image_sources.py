"""Where images come from: a folder, single files, or a table that names them and says whose they are."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kb.errors import UsageError

ENDINGS = (".png", ".jpg", ".jpeg", ".dcm", ".dicom", "")
"""What image files end in. DICOM files often end in nothing: whether one is an image is seen when it is read."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "image_id", "image index", "path", "filename", "file", "file_name", "dicom_id", "image_path"),
    "study": ("study_id", "study", "study_instance_uid", "accession"),
    "patient": ("patient_id", "patient", "subject_id", "subject", "patient id", "deid_patient_id"),
    "view": ("view", "view position", "viewposition", "view_position", "projection"),
    "sex": ("sex", "gender", "patient gender", "patient sex"),
    "age": ("age", "patient age", "anchor_age"),
}
"""What the columns of such tables are usually called, in either case."""

_MIMIC = re.compile(r"(?:^|/)(p\d{8})/(s\d{8})/[^/]+$")


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


def list_images(
    sources: Sequence[Path], table: Path | None = None, mapping: Mapping[str, str] | None = None
) -> Iterator[ImageEntry]:
    """The images of `sources`: folders and files or, with a table, those that its rows name.

    Args:
        sources: folders, searched through and through, and files.
        table: a CSV or TSV file with a row an image; its files are looked for under the sources, else beside it.
        mapping: which column holds what, where its name is not a usual one: {"image": "File Name"}.

    Raises:
        UsageError: a source is not there, or the table has no column of images.
    """
    for source in sources:
        if not source.exists():
            raise UsageError(f"there is no file or folder {source}")
    if table is not None:
        yield from _tabled(sources or [table.parent], table, mapping or {})
        return
    for source in sources:
        if source.is_file():
            yield _entry(source.name, source, str(source), source.name)
            continue
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.name.startswith(".") and path.suffix.lower() in ENDINGS:
                name = path.relative_to(source).as_posix()
                yield _entry(name, path, str(source), name)


def _entry(image_id: str, path: Path, source: str, position: str) -> ImageEntry:
    """An image that only its path tells of; MIMIC-CXR's folders are patients and studies."""
    match = _MIMIC.search(path.as_posix())
    patient, study = (match[1], match[2]) if match else (None, None)
    return ImageEntry(
        image_id=image_id, path=path, source=source, position=position, study_id=study, patient_id=patient
    )


def _tabled(folders: Sequence[Path], table: Path, mapping: Mapping[str, str]) -> Iterator[ImageEntry]:
    if not table.is_file():
        raise UsageError(f"there is no file {table}")
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t" if table.suffix == ".tsv" else ",")
        try:
            columns = _columns(table, reader.fieldnames or (), mapping)
            for number, row in enumerate(reader, start=1):
                fields = {what: (row.get(column) or "").strip() or None for what, column in columns.items()}
                rest = {k: v.strip() for k, v in row.items() if k and v and v.strip() and k not in columns.values()}
                name = fields.get("image") or ""
                yield ImageEntry(
                    image_id=name,
                    path=_file(folders, name),
                    source=table.name,
                    position=f"row {number}",
                    study_id=fields.get("study"),
                    patient_id=fields.get("patient"),
                    view=fields.get("view"),
                    sex=fields.get("sex"),
                    age=fields.get("age"),
                    attributes=rest,
                )
        except (UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"{table} cannot be read as a table: {error}") from error


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


def _file(folders: Sequence[Path], name: str) -> Path:
    """The file that a row names, under the first folder that has it; where none has, under the first."""
    tried = [folder / name for folder in folders]
    return next((path for path in tried if path.is_file()), tried[0])

"""What the tables and places of a data set say of its images, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ingest.datasets.cells import column_there, columns_there, each_of, told
from ingest.datasets.description import ImageTable, Split
from ingest.datasets.set_files import SetFiles
from ingest.identity.normal import plain_id, unit_of
from ingest.sources.lines import read_lines
from ingest.sources.table_rows import table_rows
from ingest.sources.tables import TableFile
from kb.images.view import normal_view


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What one row says of one image; `fault` why it says nothing."""

    name: str
    table: str
    position: str
    study_id: str | None = None
    patient_id: str | None = None
    view: str | None = None
    sex: str | None = None
    age: str | None = None
    split: Split | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


def read_facts(table: ImageTable, there: SetFiles, views: Mapping[str, str]) -> Iterator[ImageFacts]:
    """The rows of the files of a table, one for each image that they name.

    Args:
        table: its description.
        there: the files of the set.
        views: words for views, beside those that are known.

    Raises:
        UsageError: a file has not the columns that the description names.
        ClearKbError: a file cannot be read.
    """
    for place in there.find(table.files):
        if table.format == "list":
            for line in read_lines(there.path(place), "utf-8"):
                if name := plain_id(line.text):
                    at = f"line {line.number}"
                    yield ImageFacts(name=name, table=place, position=at, split=table.is_split, fault=line.error or "")
            continue
        file = TableFile(there.path(place))
        settled = _settled(table, str(there.path(place)), file.names)
        for row in table_rows(file):
            try:
                if row.error:
                    raise ValueError(row.error)
                for cells in each_of(row.cells, settled.each):
                    yield _facts(settled, cells, place, row.position, views)
            except ValueError as error:
                yield ImageFacts(name="", table=place, position=row.position, fault=str(error))


def _settled(table: ImageTable, where: str, names: Sequence[str]) -> ImageTable:
    """The table with those columns only that a file has."""
    single: dict[str, Any] = {
        name: column_there(where, names, getattr(table, name))
        for name in ("image", "study", "patient", "sex", "age", "born", "at", "split")
    }
    several: dict[str, Any] = {
        name: columns_there(where, names, getattr(table, name)) for name in ("view", "each", "attributes")
    }
    return replace(table, **single, **several)


def _facts(
    table: ImageTable, cells: Mapping[str, Any], place: str, position: str, views: Mapping[str, str]
) -> ImageFacts:
    image, study, patient = unit_of(told(cells, table.image), told(cells, table.study), told(cells, table.patient))
    if image is None:
        raise ValueError(f"column '{table.image}' names no image")
    words = (told(cells, column) for column in table.view)
    said = (normal_view(views.get(word, word)) for word in words if word is not None)
    return ImageFacts(
        name=image,
        table=place,
        position=position,
        study_id=study,
        patient_id=patient,
        view=next((view for view in said if view is not None), None),
        sex=told(cells, table.sex),
        age=told(cells, table.age) or _age(told(cells, table.born), told(cells, table.at)),
        split=table.is_split or told(cells, table.split),
        attributes={name: text for name in table.attributes if (text := told(cells, name))},
    )


def _age(born: str | None, at: str | None) -> str | None:
    """The years between two dates that begin with a year."""
    if born is None or at is None or not (born[:4].isdigit() and at[:4].isdigit()):
        return None
    return str(int(at[:4]) - int(born[:4]))

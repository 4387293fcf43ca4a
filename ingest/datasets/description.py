"""The description of a data set: which files hold what. A lab writes its own as one file of YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ingest.datasets.validation import read_yaml
from kb.errors import UsageError

Patterns = tuple[tuple[str, ...], ...]
"""Which files: of each of these alternatives, the first that is there."""

Split = str | tuple[str, ...]
"""A split, or several among which patients are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a set is recognised by: files that are all there, the first with certain columns."""

    files: Patterns
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPart:
    """Files of reports: a table of them, a file each, or the XML of Open-i; `id` is of the table's columns."""

    files: Patterns
    format: Literal["table", "text", "openi"] = "table"
    id: str | None = None
    study: str | None = None
    patient: str | None = None
    text: str | None = None
    sections: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTable:
    """A table that names images, or says more of them; `each` are columns that list something of several images."""

    files: Patterns
    format: Literal["table", "list"] = "table"
    image: str | None = None
    study: str | None = None
    patient: str | None = None
    view: tuple[str, ...] = ()
    sex: str | None = None
    age: str | None = None
    born: str | None = None
    at: str | None = None
    split: str | None = None
    is_split: Split | None = None
    each: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """The pictures of a set, the tables that tell of them, and what their places tell."""

    files: Patterns
    id: Literal["path", "stem", "name"] = "path"
    place: str | None = None
    tables: tuple[ImageTable, ...] = ()
    more: tuple[ImageTable, ...] = ()
    unlisted: Literal["take", "leave"] = "take"
    views: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, Split] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPart:
    """Files of labels, and how they are read; see `ingest.labels.choices.Choices`."""

    source: str
    files: Patterns
    unless: Patterns = ()
    """Files whose labels are taken in the place of these."""
    format: Literal["table", "openi"] = "table"
    columns: Mapping[str, str] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    split_on: str = "|"
    label: str | None = None
    readers: str | None = None
    consensus: str | None = None
    blank: str = "unknown"
    uncertain: str = "unknown"
    by_reader: bool = False
    """Whether each file is one reader's, whom its name names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One data set; `file` is where the description stands."""

    name: str
    title: str
    licence: str
    citation: str
    language: str
    recognised_by: tuple[Signature, ...]
    about: str = ""
    reports: tuple[ReportPart, ...] = ()
    reports_left_out: str = ""
    images: ImagePart | None = None
    labels: tuple[LabelPart, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    file: Path


def read_description(path: Path) -> Description:
    """Read the description of a data set.

    Raises:
        UsageError: there is no such file, or it is no description; every mistake is told by its line.
    """
    told = read_yaml(path)
    labels = [_label_part(one) for one in told.get("labels", ())]
    labels += [_label_part(one, by_reader=True) for one in told.get("readers", ())]
    sources = [one.source for one in labels]
    if twice := sorted({source for source in sources if sources.count(source) > 1}):
        raise UsageError(f"{path}: the source '{twice[0]}' stands there twice: labels of one would replace the other's")
    plain = {name: told[name] for name in ("name", "title", "about", "licence", "citation", "language") if name in told}
    return Description(
        **plain,
        recognised_by=tuple(
            Signature(files=_patterns(one["files"]), columns=tuple(one.get("columns", ())))
            for one in told["recognised_by"]
        ),
        reports=tuple(ReportPart(**{**one, "files": _patterns(one["files"])}) for one in told.get("reports", ())),
        reports_left_out=told.get("reports_left_out", ""),
        images=_image_part(told["images"]) if "images" in told else None,
        labels=tuple(labels),
        left_out=told.get("left_out", {}),
        file=path,
    )


def _patterns(told: str | list[Any]) -> Patterns:
    entries = [told] if isinstance(told, str) else told
    return tuple((entry,) if isinstance(entry, str) else tuple(entry) for entry in entries)


def _image_part(told: Mapping[str, Any]) -> ImagePart:
    tables = tuple(_image_table(one) for one in told.get("tables", ()))
    return ImagePart(
        files=_patterns(told["files"]),
        id=told.get("id", "path"),
        place=told.get("place"),
        tables=tables,
        more=tuple(_image_table(one) for one in told.get("more", ())),
        unlisted=told.get("unlisted", "leave" if tables else "take"),
        views=told.get("views", {}),
        splits={name: _split(value) for name, value in told.get("splits", {}).items()},
    )


def _image_table(told: Mapping[str, Any]) -> ImageTable:
    view, age = told.get("view", ()), told.get("age")
    born = age if isinstance(age, dict) else {}
    return ImageTable(
        files=_patterns(told["files"]),
        format=told.get("format", "table"),
        view=(view,) if isinstance(view, str) else tuple(view),
        age=age if isinstance(age, str) else None,
        born=born.get("born"),
        at=born.get("at"),
        is_split=_split(told["is"]) if "is" in told else None,
        each=tuple(told.get("each", ())),
        attributes=tuple(told.get("attributes", ())),
        **{name: told[name] for name in ("image", "study", "patient", "sex", "split") if name in told},
    )


def _split(told: str | list[str]) -> Split:
    return told if isinstance(told, str) else tuple(told)


def _label_part(told: Mapping[str, Any], *, by_reader: bool = False) -> LabelPart:
    lists = {name: tuple(told[name]) for name in ("wanted",) if name in told}
    places = {name: _patterns(told[name]) for name in ("files", "unless") if name in told}
    return LabelPart(**{**told, **lists, **places}, by_reader=by_reader)

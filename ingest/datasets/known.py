"""The data sets that are known: those that come with the package, and which of them a folder is."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

from ingest.datasets.description import Description, Signature, read_description
from ingest.datasets.set_files import SetFiles
from ingest.sources.tables import TableFile
from kb.errors import ClearKbError, UsageError


@lru_cache(1)
def known_datasets() -> tuple[Description, ...]:
    """The data sets whose descriptions come with the package, by name."""
    folder = files("schemas").joinpath("datasets")
    with as_file(folder) as path:
        described = (read_description(file) for file in Path(path).glob("*.yaml"))
        return tuple(sorted(described, key=lambda one: one.name))


def named_dataset(name: str) -> Description:
    """A data set by its name, or by the file that describes it ("my-hospital.yaml").

    Raises:
        UsageError: there is no such set, or the file is no description.
    """
    if Path(name).suffix.lower() in (".yaml", ".yml"):
        return read_description(Path(name))
    if (found := next((one for one in known_datasets() if one.name == name), None)) is not None:
        return found
    known = ", ".join(one.name for one in known_datasets())
    raise UsageError(f"there is no data set '{name}': choose one of {known}, or the file of a description of your own")


def recognise(there: SetFiles) -> tuple[Description, list[str]]:
    """Which data set lies under a root, and the files it is recognised by.

    Raises:
        UsageError: none of those that are known, or several.
    """
    found = [(one, files) for one in known_datasets() if (files := recognised_by(one, there))]
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(f"{one.name} (by {files[0]})" for one, files in found)
        raise UsageError(f"{there.root} holds several data sets: {told}; name one, or give the folder of one")
    some = ", ".join(sorted(there)[:3]) or "nothing"
    raise UsageError(
        f"{there.root} is none of the known data sets: it holds {some}{', ...' if len(there) > 3 else ''}; name "
        "the set, or the file of a description of your own"
    )


def recognised_by(description: Description, there: SetFiles) -> list[str]:
    """The files that a set is recognised by; none if it is not there."""
    for signature in description.recognised_by:
        if found := _signed(signature, there):
            return found
    return []


def _signed(signature: Signature, there: SetFiles) -> list[str]:
    found: list[str] = []
    for alternatives in signature.files:
        places = there.find((alternatives,))
        if not found and signature.columns:
            places = [place for place in places if set(signature.columns) <= _columns(there.path(place))]
        if not places:
            return []
        found.append(places[0])
    return found


def _columns(path: Path) -> set[str]:
    try:
        return {name.strip() for name in TableFile(path).names}
    except ClearKbError:
        return set()

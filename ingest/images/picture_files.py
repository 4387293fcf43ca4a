"""The files that images are named by: at the place that is named or, where none is there, the only one it can mean."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from ingest.identity.resolving import KnownIds

ENDINGS = (".png", ".jpg", ".jpeg", ".dcm", ".dicom", "")
"""What image files end in. DICOM files often end in nothing: whether one is an image is seen when it is read."""


OUTSIDE = "it names a file outside of the folders that were named: name its folder too"


class PictureFiles:
    """The files under some folders, found by the names that a table gives them."""

    def __init__(self, folders: Sequence[Path]):
        self._folders = folders

    def find(self, name: str) -> tuple[Path, str]:
        """The file that a row names, and why it is unclear which one that is.

        A file that is nowhere is one of the first folder, where reading it says that it is not there. A name that leads
        out of the folders (absolute, or by "..") names none of theirs: whoever wrote the table does not choose what of
        this machine is read.
        """
        tried = [folder / name for folder in self._folders]
        inside = [path for path, folder in zip(tried, self._folders, strict=True) if _is_inside(path, folder)]
        if (there := next((path for path in inside if _is_file(path)), None)) is not None:
            return there, ""
        known, paths = self._known
        match known.find(name):
            case (found, _):
                return paths[found], ""
            case str(reason):
                return tried[0], reason
        return tried[0], "" if inside else OUTSIDE

    @cached_property
    def _known(self) -> tuple[KnownIds, dict[str, Path]]:
        paths = {path.relative_to(folder).as_posix(): path for folder in self._folders for path in pictures(folder)}
        return KnownIds(paths), paths


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for any file
        return False


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path names something under a folder; links in it may lead wherever whoever made them wanted."""
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))  # noqa: PTH100  (no link is followed)


def pictures(folder: Path) -> Iterator[Path]:
    """The files under a folder that may be pictures, always in the same order; a file is itself."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if is_picture(path):
            yield path


def is_picture(path: Path) -> bool:
    """Whether a file may be a picture, by its name."""
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()

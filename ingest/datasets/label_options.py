"""What a description says of labels, in the words of the reading of label tables."""

from __future__ import annotations

from typing import Any

from ingest.datasets.description import LabelPart
from ingest.labels.choices import Choices
from kb.privacy.id_key import IdKey


def choices_of(part: LabelPart, reader: str | None = None, key: IdKey | None = None) -> Choices:
    """How the tables of a part are read.

    Args:
        part: of a description.
        reader: whose readings the file holds, where it is one reader's.
        key: what ids are hashed with.
    """
    fields: dict[str, Any] = {
        "mapping": dict(part.columns),
        "labels": part.wanted,
        "split_on": part.split_on,
        "rename": dict(part.rename),
        "readers": part.readers,
        "reader": reader,
        "consensus": part.consensus,
        "blank": part.blank,
        "uncertain": part.uncertain,
        "label": part.label,
        "key": key,
    }
    return Choices(**fields)

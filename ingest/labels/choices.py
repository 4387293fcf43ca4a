"""What a user says of a table of labels or scores: columns, labels, readers, and what a blank and a doubt are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kb.privacy.id_key import IdKey

Consensus = Literal["majority", "any", "all", "first"]
"""What several readings come to: what more than half say, 1 if any says 1, 1 if all do, or the first in the file."""

Blank = Literal["unknown", "negative"]
Uncertain = Literal["unknown", "positive", "negative"]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a user says of a table.

    Attributes:
        mapping: which column holds what: {"image": "File Name"}.
        labels: these only; default: all that are found.
        split_on: what stands between listed labels where they are no JSON or Python list.
        rename: other names for labels, by the name in the file.
        encoding: of text files.
        readers: the column that names the reader of a row; default: found by its usual names.
        reader: the whole file is what this reader says: its values are kept as readings, and are no labels.
        consensus: what the readings of one image come to; None: unequal ones are refused.
        blank: what a blank cell is. The CheXpert labeler leaves blank what a report does not mention; its authors and
            CLEAR take that for negative. Here it is unknown unless said otherwise: nobody looked for it.
        uncertain: what -1 is: unknown, positive ("U-Ones" of the CheXpert paper) or negative ("U-Zeros").
        label: the name of the label that boxes or masks stand for, or of the only label of the table.
        label_table: a file of label names and their findings, beside the bundled one (see `kb.language.labels`).
        key: what ids and the name of the file are hashed with.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    split_on: str = "|"
    rename: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    readers: str | None = None
    reader: str | None = None
    consensus: Consensus | None = None
    blank: Blank = "unknown"
    uncertain: Uncertain = "unknown"
    label: str | None = None
    label_table: Path | None = None
    key: IdKey | None = None

"""Every door, over a small knowledge base."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.fuzzing.doors import (
    Door,
    label_doors,
    source_door,
)
from tests.support.fuzzing.model_doors import answer_door, checkpoint_doors, picture_door
from tests.support.fuzzing.settings_doors import settings_doors
from tests.support.fuzzing.vocabulary_doors import bank_door, vocabulary_doors


def kb_in(folder: Path) -> Any:
    """A knowledge base with some concepts, their vectors, and pictures."""
    from tests.support.concepts import add_concepts
    from tests.support.untrained import pictures

    base = pictures(folder / "pictures", 4)
    add_concepts(
        base, ["left pleural effusion", "no pneumothorax", "cardiomegaly", "pneumonia in the right lower lobe"]
    )
    return base


def all_doors(folder: Path) -> Iterator[Door]:
    """Every door, opened over a small knowledge base in `folder`."""
    made: list[Callable[[], Any]] = [source_door, picture_door, answer_door, partial(checkpoint_doors, folder)]
    base = kb_in(folder)
    made += [partial(label_doors, base), partial(vocabulary_doors, base, folder), partial(bank_door, base, folder)]
    made += [partial(settings_doors, base, folder)]
    for make in made:
        found = make()
        yield from [found] if isinstance(found, Door) else found

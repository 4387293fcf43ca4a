"""The published zero-shot, all of its settings at once (CLEAR, Han et al. 2026).

An image is projected through all concepts, each of which counts once, z = E^T C f; a label is compared as it is spelt,
in small letters, with "no " and the same; the score is the softmax over the two cosines, which is the sigmoid of their
difference: no scale, no calibration. "No Finding" is a label like any other ("no finding" against "no no finding"), and
`_` stays where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from encoder.prediction.head import Space
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.prompts import DEFAULT, Prompts, PromptSet
from encoder.prediction.zero_shot import Contrast
from encoder.space.weighting import PUBLISHED, Weighting
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from schemas.terms import IN_USE

Like = Literal["published"]

SPACE: Space = "llm"
CONTRAST: Contrast = "absent"
WEIGHTS: Weighting = PUBLISHED

SETTINGS = {
    "space": SPACE,
    "contrast": CONTRAST,
    "weights": WEIGHTS,
    "sentences": '"x" against "no x", x the label in small letters, "No Finding" too',
    "score": "sigmoid(cos(z, x) - cos(z, no x)), not scaled, not calibrated",
}
"""What it is in words, as the run and the output tell it."""


def as_published(
    options: PredictOptions, prompts: PromptSet, contrast: Contrast | None
) -> tuple[PredictOptions, Contrast]:
    """Options of the published zero-shot, and its contrast.

    Raises:
        UsageError: something else was asked for beside it; the message names it.
    """
    asked = {"space": options.space, "contrast": contrast, "weights": options.weights}
    for name, value in asked.items():
        if value not in (None, SETTINGS[name]):
            raise UsageError(f"like published is {name} {SETTINGS[name]}, and {name} {value} was asked for: choose one")
    if prompts.labels or prompts.templates != DEFAULT:
        raise UsageError("like published has sentences of its own, and other prompts were given: choose one")
    return replace(options, space=SPACE, weights=WEIGHTS), CONTRAST


def published_prompts(labels: Sequence[str]) -> PromptSet:
    """The sentences of labels as published: their bare names in small letters, whatever a table says of them."""
    return PromptSet(labels={label: Prompts((label.lower(),), (f"no {label.lower()}",)) for label in labels})


@dataclass(frozen=True, slots=True)
class Bank:
    """How much of a published bank counts, and what counts beside it.

    Attributes:
        rows: of the bank, as far as the numbers of those that are here tell.
        counted: how many of them are concepts in use.
        others: concepts in use that are of no bank.
    """

    rows: int
    counted: int
    others: int

    @property
    def notes(self) -> list[str]:
        """Why scores differ from the published ones; none where they do not."""
        if not self.rows:
            return [f"the {self.others:,} concepts in use are of no published bank: its method, on another vocabulary"]
        found = []
        if self.counted < self.rows:
            found.append(
                f"{self.counted:,} of the bank's texts count, of at least {self.rows:,}: others were merged, rejected "
                "or retired. These are not the published scores: import the bank verbatim"
            )
        if self.others:
            found.append(
                f"{self.others:,} concepts that are not of the bank count too: these are not the published scores"
            )
        return found


def bank_of(kb: KnowledgeBase) -> Bank:
    """What of a bank is in use at the commit of `kb`, by the numbers that its import wrote into `source`."""
    sources = kb.dataset("concepts").to_table(columns=["source", "status"])
    numbered = pc.match_substring_regex(sources["source"], r"\.csv#[0-9]+$")
    in_use = pc.is_in(sources["status"], value_set=pa.array(IN_USE))
    numbers = pc.replace_substring_regex(sources["source"].filter(numbered), r"^.*#", "").to_pylist()
    counted = int(pc.sum(pc.and_(numbered, in_use)).as_py() or 0)
    return Bank(max(map(int, numbers), default=-1) + 1, counted, int(pc.sum(in_use).as_py() or 0) - counted)

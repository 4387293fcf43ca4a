"""A vocabulary of the published bank's size, made from the lexicon: no report and no download is needed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from kb.lexicon import load_lexicon

BANK = 368_294
"""Observations in the published bank."""

DENIED = 0.15
SIDES = ("", "", "", "left", "right", "bilateral")
SEVERITIES = ("", "", "", "", "mild", "moderate", "severe", "small", "large", "minimal", "trace")
DESCRIPTORS = (
    "", "", "patchy", "linear", "focal", "diffuse", "chronic", "acute", "new", "old", "healed", "calcified", "nodular",
    "rounded", "hazy", "streaky", "dense", "subtle", "multiple", "scattered", "residual", "loculated", "confluent",
    "ill-defined", "well-defined", "post-operative", "degenerative", "displaced", "prominent", "asymmetric",
)  # fmt: skip


def large_vocabulary(count: int = BANK, seed: int = 0) -> list[str]:
    """`count` distinct observations, lower case, in the order of `seed`."""
    texts: dict[str, None] = {}
    for text in _observations(random.Random(seed)):
        texts.setdefault(text)
        if len(texts) == count:
            break
    return list(texts)


def _observations(dice: random.Random) -> Iterator[str]:
    lexicon = load_lexicon()
    names = [term.lower() for term in lexicon.terms()]
    places = ["", "", *(label for label in lexicon.places())]
    while True:
        size = f"{dice.randint(2, 60)} mm" if dice.random() < 0.08 else ""
        words = [
            "no" if dice.random() < DENIED else "",
            dice.choice(SEVERITIES),
            dice.choice(SIDES),
            size,
            dice.choice(DESCRIPTORS),
            dice.choice(names),
        ]
        place = dice.choice(places)
        yield " ".join(word for word in [*words, f"in the {place}" if place else ""] if word)

"""What a gallery is asked for: the filters and the search of its address."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args
from urllib.parse import urlencode

from kb.errors import UsageError

Kind = Literal["", "text", "concept", "image"]
Held = Literal["", "1", "0", "unknown"]
Called = Literal["", "above", "below", "false positive", "false negative"]

_CHOICES: Mapping[str, tuple[str, ...]] = {"kind": get_args(Kind), "held": get_args(Held), "called": get_args(Called)}
_MORE_THAN_TEXT = ("page", "above")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an image must be; what is empty asks for nothing.

    Attributes:
        q: what is searched for: a sentence, a concept, or an image's id; the nearest come first.
        kind: which of these it is; "": the first that it can be.
        encoder: by whose vectors; "": the first that is known.
        label: a label, whose truth `held` and whose prediction `called` ask for.
        held: whether the label is held to be there.
        run: whose predictions.
        called: whether the prediction is above its operating point or below, or wrong, and how.
        site: where it was taken.
        split: train, validation, test or external.
        view: how the chest was taken.
        concept: a concept, by id or text, whose score has to be `above` or more.
        above: standard deviations over the images, above their mean.
        page: of the pages, from 1.
    """

    q: str = ""
    kind: Kind = ""
    encoder: str = ""
    label: str = ""
    held: Held = ""
    run: str = ""
    called: Called = ""
    site: str = ""
    split: str = ""
    view: str = ""
    concept: str = ""
    above: float = 1.0
    page: int = 1

    @classmethod
    def read(cls, told: Mapping[str, str]) -> Filters:
        """The filters of an address; what is no filter is passed over.

        Raises:
            UsageError: a value is none of its filter's, or what it needs beside it is missing.
        """
        said = {one.name: told[one.name].strip() for one in fields(cls) if told.get(one.name, "").strip()}
        for name, choices in _CHOICES.items():
            if said.get(name, "") not in choices:
                raise UsageError(f"{name} '{said[name]}': one of {', '.join(choices[1:])} was expected")
        found = cls(
            **{name: text for name, text in said.items() if name not in _MORE_THAN_TEXT},  # type: ignore[arg-type]
            above=_number(said.get("above", "1")),
            page=_page(said.get("page", "1")),
        )
        if found.called and not (found.run and found.label):
            raise UsageError("a prediction is of a run and a label: choose both")
        if found.held and not found.label:
            raise UsageError("choose the label that is held to be there or not")
        return found

    @property
    def all_of_them(self) -> bool:
        """Whether every image passes, in the order of their ids."""
        return not any(getattr(self, one.name) for one in fields(self) if one.name not in (*_MORE_THAN_TEXT, "encoder"))

    def address(self, **other: object) -> str:
        """The same as the part of an address after the "?", with some values changed."""
        told = {one.name: other.get(one.name, getattr(self, one.name)) for one in fields(self)}
        plain = {"above": 1.0, "page": 1}
        return urlencode({name: value for name, value in told.items() if value not in ("", plain.get(name))})


def _number(text: str) -> float:
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise UsageError(f"'{text}': the score that a concept has to have is a number")
    return found


def _page(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"page '{text}': a number from 1 on was expected")
    return int(text)

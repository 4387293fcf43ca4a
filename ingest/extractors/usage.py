"""What an extractor that asks a language model has used, and what that cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, kw_only=True)
class Usage:
    """Reports asked about, requests, tokens and trouble since the extractor was made.

    `price` is for a million tokens, in and out.

    Of the `input_tokens`, `cached_tokens` were read from the endpoint's cache of prefixes. `split` counts reports that
    were asked about again by themselves, `dialect` says how the endpoint is asked, once that is known.
    """

    reports: int = 0
    requests: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    untold: int = 0
    aligned: int = 0
    refused: int = 0
    loops: int = 0
    truncated: int = 0
    invalid: int = 0
    refused_requests: int = 0
    failed: int = 0
    split: int = 0
    model: str = ""
    dialect: str = ""
    price: tuple[float, float] | None = None

    @property
    def cost(self) -> float | None:
        """What the tokens cost; None if no price was told."""
        if self.price is None:
            return None
        return (self.input_tokens * self.price[0] + self.output_tokens * self.price[1]) / 1e6

    def add(self, input_tokens: int | None, output_tokens: int | None, cached_tokens: int = 0) -> None:
        """Count one answered request; tokens are None where the endpoint did not tell them."""
        self.requests += 1
        self.untold += input_tokens is None and output_tokens is None
        self.input_tokens += input_tokens or 0
        self.output_tokens += output_tokens or 0
        self.cached_tokens += cached_tokens

    @classmethod
    def together(cls, one: Usage | None, other: Usage | None) -> Usage | None:
        """What two extractors have used; the prices and names of the one that asks, or of both."""
        if one is None or other is None:
            return one or other
        counts = {
            name: getattr(one, name) + getattr(other, name)
            for name, field in cls.__dataclass_fields__.items()
            if field.type == "int"
        }
        return cls(
            **counts,
            price=one.price,
            model=f"{one.model} and {other.model}",
            dialect=" and ".join(dict.fromkeys(filter(None, (one.dialect, other.dialect)))),
        )

    def summary(self, seconds: float) -> dict[str, Any]:
        """What a commit tells of it: enough to say what another run of the model would take."""
        tokens = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        told = {"model": self.model, "asked": self.reports, "requests": self.requests, **tokens}
        return {**told, "mining_seconds": round(seconds, 1)} if self.requests else {}

    def to_dict(self) -> dict[str, Any]:
        """The usage as plain data, for JSON."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "price"}
        return {**fields, "cost": self.cost}

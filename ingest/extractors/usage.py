"""What an extractor that asks a language model has used, and what that cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, kw_only=True)
class Usage:
    """Requests, tokens and trouble since the extractor was made; `price` is for a million tokens, in and out."""

    requests: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    untold: int = 0
    aligned: int = 0
    refused: int = 0
    loops: int = 0
    truncated: int = 0
    invalid: int = 0
    refused_requests: int = 0
    failed: int = 0
    price: tuple[float, float] | None = None

    @property
    def cost(self) -> float | None:
        """What the tokens cost; None if no price was told."""
        if self.price is None:
            return None
        return (self.input_tokens * self.price[0] + self.output_tokens * self.price[1]) / 1e6

    def to_dict(self) -> dict[str, Any]:
        """The usage as plain data, for JSON."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "price"}
        return {**fields, "cost": self.cost}

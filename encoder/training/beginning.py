"""A training before its first step: what it takes over, what is trained of it, and how that does already."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from encoder.model.encoder import Encoder
from encoder.training.origin import Origin
from encoder.training.validation import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A training before its first step.

    Attributes:
        origin: where its weights come from.
        trained: numbers that are trained, of `numbers` in all.
        measured: how a checkpoint that it starts with does on the validation images; None without one, or resumed.
    """

    origin: Origin
    trained: int
    numbers: int
    measured: Measured | None

    @classmethod
    def of(cls, encoder: Encoder, origin: Origin, *, measured: Measured | None) -> Beginning:
        """Where an encoder stands before its first step."""
        numbers = [(parameter.numel(), parameter.requires_grad) for parameter in encoder.parameters()]
        return cls(
            origin=origin,
            trained=sum(count for count, trained in numbers if trained),
            numbers=sum(count for count, _ in numbers),
            measured=measured,
        )

    def to_dict(self) -> dict[str, Any]:
        """The beginning as plain data, for JSON."""
        measured = asdict(self.measured) if self.measured else None
        return {**self.origin.to_dict(), "trained": self.trained, "numbers": self.numbers, "validation": measured}

"""The architecture of an encoder as plain data: enough to build the same network again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kb.errors import ClearKbError


@dataclass(frozen=True, slots=True)
class ImageArchitecture:
    """A vision backbone of `transformers` and the projection into the shared space.

    Attributes:
        backbone: a configuration of transformers, `model_type` among it.
        dimension: numbers of an image vector, d.
        mean: grey level, 0 to 255, that is taken off every pixel.
        deviation: grey levels that become 1.
    """

    backbone: Mapping[str, Any]
    dimension: int
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class TextArchitecture:
    """The text side: `linear` over the vocabulary's embeddings (D numbers each), or a `transformer` over words."""

    kind: str
    embedding: int | None = None
    transformer: Mapping[str, Any] | None = None
    context: int | None = None

    def __post_init__(self) -> None:
        complete = {"linear": self.embedding, "transformer": self.transformer and self.context}.get(self.kind)
        if not complete:
            raise ClearKbError(f"a text side of kind '{self.kind}' that does not say what it is made of")


@dataclass(frozen=True, slots=True)
class Architecture:
    """Both sides of an encoder."""

    image: ImageArchitecture
    text: TextArchitecture

    def to_dict(self) -> dict[str, Any]:
        """The architecture as plain data, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Architecture:
        """The architecture that `to_dict` told; ClearKbError if something is missing or unknown."""
        try:
            return cls(ImageArchitecture(**told["image"]), TextArchitecture(**told["text"]))
        except (KeyError, TypeError) as error:
            raise ClearKbError(f"no architecture that this version can read: {error}") from error

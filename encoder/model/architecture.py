"""The architecture of an encoder as plain data: enough to build the same network again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from kb.errors import ClearKbError

Levels = float | Sequence[float]
"""Grey levels, 0 to 255: one number for all channels of a backbone, or one for each."""


@dataclass(frozen=True, slots=True)
class ImageArchitecture:
    """A vision backbone, what is read off it, and the projection into the shared space.

    Attributes:
        backbone: a configuration of transformers, `model_type` among it; or, of another `library`, a `name` and
            `arguments`: see `encoder.model.backbones.building`.
        dimension: numbers of an image vector, d.
        mean: grey level that is taken off every pixel, for all channels or for each.
        deviation: grey levels that become 1, likewise.
        pooling: what becomes the feature of the whole image; see `encoder.model.backbones.pooling`.
        width: numbers of that feature; None where the configuration tells.
        projected: whether a projection follows, to vectors of length 1; a frozen backbone's features are its vectors.
    """

    backbone: Mapping[str, Any]
    dimension: int
    mean: Levels
    deviation: Levels
    pooling: str = "pooler"
    width: int | None = None
    projected: bool = True


@dataclass(frozen=True, slots=True)
class TextArchitecture:
    """The text side: `linear` over the vocabulary's embeddings (D numbers each), a `transformer` over words, `none`."""

    kind: str
    embedding: int | None = None
    transformer: Mapping[str, Any] | None = None
    context: int | None = None

    def __post_init__(self) -> None:
        complete = {"linear": self.embedding, "transformer": self.transformer and self.context, "none": True}
        if not complete.get(self.kind):
            raise ClearKbError(f"a text side of kind '{self.kind}' that does not say what it is made of")


@dataclass(frozen=True, slots=True)
class Architecture:
    """Both sides of an encoder."""

    image: ImageArchitecture
    text: TextArchitecture

    def to_dict(self) -> dict[str, Any]:
        """The architecture as plain data, for JSON: of the image side what is not as by default.

        So an encoder that needs nothing of what was added later has the identity that it always had.
        """
        usual = {one.name: one.default for one in fields(ImageArchitecture)}
        image = {name: value for name, value in asdict(self.image).items() if value != usual[name]}
        return {"image": image, "text": asdict(self.text)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Architecture:
        """The architecture that `to_dict` told; ClearKbError if something is missing or unknown."""
        try:
            return cls(ImageArchitecture(**told["image"]), TextArchitecture(**told["text"]))
        except (KeyError, TypeError) as error:
            raise ClearKbError(f"no architecture that this version can read: {error}") from error

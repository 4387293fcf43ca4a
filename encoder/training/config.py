"""What a training is told: read from YAML, with single values over it; an unknown or impossible one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from encoder.model.architecture import Levels
from encoder.model.backbones.choice import BackboneChoice
from encoder.model.backbones.pooling import POOLINGS, Pooling
from kb.errors import UsageError
from kb.images.preprocessing import Fit, Preprocessing
from kb.images.view_choice import FRONTAL, view_choice

Objective = Literal["concepts", "report"]
Precision = Literal["auto", "bfloat16", "float32"]
SHIPPED = Path(__file__).resolve().parents[1] / "configs"


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much a picture may be moved and lit otherwise. It is never mirrored: left is not right.

    Attributes:
        rotate: degrees to either side.
        scale: share of the size, up or down.
        shift: share of a side, in each direction.
        contrast: share of contrast, up or down.
        brightness: share of the whole range of grey, up or down.
    """

    rotate: float = 5.0
    scale: float = 0.05
    shift: float = 0.03
    contrast: float = 0.1
    brightness: float = 0.1


@dataclass(frozen=True, slots=True)
class TextTransformer:
    """The text transformer of the objective `report`."""

    width: int = 512
    layers: int = 12
    heads: int = 8
    context: int = 77
    tokens: int = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training.

    Attributes:
        objective: `concepts` (sigmoid loss against the vocabulary) or `report` (InfoNCE against report texts).
        backbone: pretrained: a name on a hub, a folder, "timm:NAME", "torchvision:NAME", a file of weights; or a
            configuration of transformers (random weights).
        revision: of a backbone on a hub.
        architecture: of a file of weights, "timm:NAME" or "torchvision:NAME".
        pooling: what of the backbone becomes the feature of the image: auto, class, mean, attention or pooler.
        dimension: numbers of an image vector.
        size: pixels of a side; they must have been ingested with it.
        fit: what became of oblong pictures; as ingested.
        mean: grey level that is taken off, for all channels or each; null: the backbone's own, else MIMIC-CXR's.
        deviation: grey levels that become 1, likewise.
        text: the text transformer of `report`.
        equal_texts_are_negatives: the plain loss of `report`, which tells an image off its own words where another
            image has the same; only to compare with.
        denied_weight: what a denied concept counts against any other negative.
        batch_size: images of one optimiser step, over all processes.
        micro_batch: images that a process sends through at once; None for all of its own.
        epochs: at most.
        patience: epochs without a better one after which it stops.
        learning_rate: at its height.
        weight_decay: of weights, not of biases, norms and the scale.
        warmup: share of the steps in which the rate rises.
        gradient_clip: greatest norm of a gradient.
        ema: what the running mean of the weights keeps at a step; 0 for none.
        precision: of the forward pass; auto is bfloat16 on a GPU.
        compile: whether `torch.compile` is used.
        seed: another seed, another training.
        views: of the chest that are learned from: frontal (PA, AP and unknown), all, or some (PA,AP).
        augment: how pictures are varied.
    """

    objective: Objective = "concepts"
    backbone: str | Mapping[str, Any] = "facebook/dinov2-base"
    revision: str | None = None
    architecture: str | None = None
    pooling: Pooling = "auto"
    dimension: int = 768
    size: int = 448
    fit: Fit = "pad"
    mean: Levels | None = None
    deviation: Levels | None = None
    text: TextTransformer = field(default_factory=TextTransformer)
    equal_texts_are_negatives: bool = False
    denied_weight: float = 1.0
    batch_size: int = 256
    micro_batch: int | None = None
    epochs: int = 20
    patience: int = 5
    learning_rate: float = 1e-4
    weight_decay: float = 0.05
    warmup: float = 0.05
    gradient_clip: float = 1.0
    ema: float = 0.999
    precision: Precision = "auto"
    compile: bool = False
    seed: int = 0
    views: str = FRONTAL
    augment: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        _choice("objective", self.objective, get_args(Objective))
        _choice("precision", self.precision, get_args(Precision))
        _choice("pooling", self.pooling, POOLINGS)
        view_choice(self.views)
        for name, low in (
            ("dimension", 1),
            ("size", 16),
            ("batch_size", 1),
            ("epochs", 1),
            ("patience", 1),
            ("seed", 0),
        ):
            _whole(name, getattr(self, name), low)
        if self.micro_batch is not None:
            _whole("micro_batch", self.micro_batch, 1)
        for ranged, lowest, highest in _RANGES:
            _within(ranged, getattr(self, ranged), lowest, highest)
        for levels, lowest, highest in _LEVELS:
            told = getattr(self, levels)
            for one in told if isinstance(told, list | tuple) else () if told is None else (told,):
                _within(levels, one, lowest, highest)
        for name in ("compile", "equal_texts_are_negatives"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} {getattr(self, name)}: true or false was expected")
        if not isinstance(self.backbone, str | Mapping):
            raise UsageError(f"backbone {self.backbone}: a name, a folder or a configuration was expected")
        for part in fields(Augmentation):
            _within(f"augment.{part.name}", getattr(self.augment, part.name), 0, 180)
        for part in fields(TextTransformer):
            _whole(f"text.{part.name}", getattr(self.text, part.name), 1)
        self.preprocessing  # noqa: B018  (its own checks)

    @property
    def preprocessing(self) -> Preprocessing:
        """How the pixels were made."""
        return Preprocessing(self.size, self.fit)

    @property
    def backbone_choice(self) -> BackboneChoice:
        """Which backbone it begins with, and how that is read."""
        return BackboneChoice(
            name=self.backbone,
            revision=self.revision,
            architecture=self.architecture,
            pooling=self.pooling,
            size=self.size,
        )

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain data."""
        return asdict(self)

    def with_values(self, values: Mapping[str, Any]) -> TrainConfig:
        """This configuration with some values others; UsageError if one is unknown or impossible."""
        record = {name: _number(value) for name, value in values.items() if name not in _PARTS}
        _check_names(record, TrainConfig, "")
        for name, part in _PARTS.items():
            if name not in values or isinstance(values[name], part):
                record |= {name: values[name]} if name in values else {}
                continue
            if not isinstance(values[name], Mapping):
                raise UsageError(f"{name} {values[name]}: names and values were expected ({name}: {{...}})")
            _check_names(values[name], part, f"{name}.")
            record[name] = replace(getattr(self, name), **{key: _number(value) for key, value in values[name].items()})
        try:
            return replace(self, **record)
        except TypeError as error:
            raise UsageError(f"a value of the training is of the wrong kind: {error}") from error


_RANGES = (
    ("warmup", 0, 1),
    ("ema", 0, 0.999999),
    ("learning_rate", 1e-9, 10),
    ("gradient_clip", 1e-6, 1e6),
    ("weight_decay", 0, 1e3),
    ("denied_weight", 0, 1e3),
)
_LEVELS = (("mean", -1e6, 1e6), ("deviation", 1e-6, 1e6))
_PARTS = {"augment": Augmentation, "text": TextTransformer}


def shipped_configs() -> list[str]:
    """The names of the configurations that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_config(name: str | Path) -> TrainConfig:
    """The configuration in a YAML file, or one of those that come with the project, by its name.

    Raises:
        UsageError: there is none, it is no YAML, or a value is unknown or impossible; the message says which.
    """
    path = Path(name)
    shipped = SHIPPED / f"{name}.yaml"
    if not path.is_file() and not shipped.is_file():
        raise UsageError(
            f"there is no configuration {name}: name a YAML file, or one of {', '.join(shipped_configs())}"
        )
    chosen = path if path.is_file() else shipped
    try:
        record = yaml.safe_load(chosen.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{chosen} is no YAML that can be read: {error}") from error
    if not isinstance(record, dict):
        raise UsageError(f"{chosen} holds no names and values")
    try:
        return TrainConfig().with_values(record)
    except UsageError as error:
        raise UsageError(f"{chosen}: {error}") from error


def _check_names(values: Mapping[str, Any], kind: type, before: str) -> None:
    known = [known.name for known in fields(kind)]
    for name in values:
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            hint = f": '{before}{near[0]}' was meant?" if near else f": one of {', '.join(known)}"
            raise UsageError(f"a training has no '{before}{name}'{hint}")


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name} '{value}': one of {', '.join(choices)}")


def _number(value: Any) -> Any:
    """`1e-4` as a number: YAML 1.1 takes it for text, since it has no point."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _whole(name: str, value: Any, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise UsageError(f"{name} {value}: a whole number from {low} was expected")


def _within(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{name} {value}: a number from {low:g} to {high:g} was expected")

"""What a training is told: read from YAML, with single values over it; an unknown or impossible one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from encoder.model.architecture import Levels
from encoder.model.backbones.choice import BackboneChoice
from encoder.model.backbones.pooling import POOLINGS, Pooling
from encoder.training.config_parts import Augmentation, Lora, TextTransformer
from encoder.training.parts import check_frozen
from encoder.training.start import values_of_start
from encoder.training.value_checks import check_held, check_names, choice, plain_value, whole, within, words_or_none
from kb.errors import UsageError
from kb.images.preprocessing import Fit, Preprocessing, Resample
from kb.images.view_choice import FRONTAL, view_choice
from kb.reading.shown import shown
from kb.reading.yaml_text import read_yaml_names

Objective = Literal["concepts", "report"]
ReportLoss = Literal["softmax", "sigmoid"]
Precision = Literal["auto", "bfloat16", "float32"]
SHIPPED = Path(__file__).resolve().parents[1] / "configs"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training.

    Attributes:
        objective: `concepts` (sigmoid loss against the vocabulary) or `report` (InfoNCE against report texts).
        start: the folder of a checkpoint that it begins with. Architecture, grey levels and preprocessing are that
            one's; `size` alone may be another.
        freeze: what is left as it is: image, backbone, projection, text, scale, or the first layers ("6 layers").
        lora: what a frozen backbone learns beside its weights; None for a backbone that learns itself.
        backbone: pretrained: a name on a hub, a folder, "timm:NAME", "torchvision:NAME", a file of weights; or a
            configuration of transformers (random weights).
        revision: of a backbone on a hub.
        architecture: of a file of weights, "timm:NAME" or "torchvision:NAME".
        pooling: what of the backbone becomes the feature of the image: auto, class, mean, attention or pooler.
        dimension: numbers of an image vector.
        size: pixels of a side; they must have been ingested with it.
        fit: what became of oblong pictures; as ingested.
        resample: the filter that they were scaled with; as ingested.
        mean: grey level that is taken off, for all channels or each; null: the backbone's own, else MIMIC-CXR's.
        deviation: grey levels that become 1, likewise.
        text: the text transformer of `report`.
        report_loss: of `report`: softmax (InfoNCE), or sigmoid, which holds no matrix of all images and texts.
        equal_texts_are_negatives: the plain loss of `report`, which tells an image off its own words where another
            image has the same; only to compare with.
        denied_weight: what a denied concept counts against any other negative.
        batch_size: images of one optimiser step, over all processes.
        micro_batch: images that a process sends through at once; None for all of its own.
        epochs: at most.
        patience: epochs without a better one after which it stops.
        learning_rate: at its height.
        layer_decay: what the rate of a layer of the backbone is to that of the next one; 1 for one rate.
        head_rate: factor of the rate for projection and text side.
        scale_rate: factor of the rate for scale and bias.
        weight_decay: of weights, not of biases, norms, the scale, tokens and embeddings.
        warmup: share of the steps in which the rate rises.
        gradient_clip: greatest norm of a gradient; the default is for the rare step.
        ema: what the running mean of the weights keeps at a step; 0 for none.
        precision: of the forward pass; auto is bfloat16 on a GPU.
        compile: whether `torch.compile` is used, for both towers.
        gradient_checkpointing: whether activations are made again in the backward pass rather than kept: a third more
            work, for several times the images at once.
        save_every_minutes: how often a state to go on from is written within an epoch; 0 for after every step.
        keep_states: how many of them stand at a time.
        reader_threads: threads that read pixels ahead.
        seed: another seed, another training.
        views: of the chest that are learned from: frontal (PA, AP and unknown), all, or some (PA,AP).
        where: SQL over the images that are learned from: "sex = 'F' AND age > 60"; None for all.
        augment: how pictures are varied.
    """

    objective: Objective = "concepts"
    start: str | None = None
    freeze: tuple[str, ...] = ()
    lora: Lora | None = None
    backbone: str | Mapping[str, Any] = "facebook/dinov2-base"
    revision: str | None = None
    architecture: str | None = None
    pooling: Pooling = "auto"
    dimension: int = 768
    size: int = 448
    fit: Fit = "pad"
    resample: Resample = "bicubic"
    mean: Levels | None = None
    deviation: Levels | None = None
    text: TextTransformer = field(default_factory=TextTransformer)
    report_loss: ReportLoss = "softmax"
    equal_texts_are_negatives: bool = False
    denied_weight: float = 1.0
    batch_size: int = 256
    micro_batch: int | None = None
    epochs: int = 20
    patience: int = 5
    learning_rate: float = 1e-4
    layer_decay: float = 1.0
    head_rate: float = 1.0
    scale_rate: float = 1.0
    weight_decay: float = 0.05
    warmup: float = 0.05
    gradient_clip: float = 3.0
    ema: float = 0.999
    precision: Precision = "auto"
    compile: bool = False
    gradient_checkpointing: bool = False
    save_every_minutes: float = 10.0
    keep_states: int = 2
    reader_threads: int = 2
    seed: int = 0
    views: str = FRONTAL
    where: str | None = None
    augment: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        choice("objective", self.objective, get_args(Objective))
        choice("report_loss", self.report_loss, get_args(ReportLoss))
        choice("precision", self.precision, get_args(Precision))
        choice("pooling", self.pooling, POOLINGS)
        for text in ("start", "revision", "architecture", "where"):
            words_or_none(text, getattr(self, text))
        if not isinstance(self.views, str):
            raise UsageError(f"views {shown(self.views)}: frontal, all, or some of them (PA,AP) was expected")
        view_choice(self.views)
        for name, low, high in _WHOLE:
            whole(name, getattr(self, name), low, high)
        if self.micro_batch is not None:
            whole("micro_batch", self.micro_batch, 1)
        for ranged, lowest, highest in _RANGES:
            within(ranged, getattr(self, ranged), lowest, highest)
        for levels, lowest, highest in _LEVELS:
            told = getattr(self, levels)
            if isinstance(told, list | tuple) and not told:
                raise UsageError(f"{levels} []: a number, or one for each channel, was expected")
            for one in told if isinstance(told, list | tuple) else () if told is None else (told,):
                within(levels, one, lowest, highest)
        for name in ("compile", "gradient_checkpointing", "equal_texts_are_negatives"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} {shown(getattr(self, name))}: true or false was expected")
        if not isinstance(self.backbone, str | Mapping) or not self.backbone:
            raise UsageError(f"backbone {shown(self.backbone)}: a name, a folder or a configuration was expected")
        check_frozen(self.freeze)
        if self.lora is not None:
            self._check_lora(self.lora)
        for part in fields(Augmentation):
            within(f"augment.{part.name}", getattr(self.augment, part.name), 0, 180 if part.name == "rotate" else 1)
        for part in fields(TextTransformer):
            whole(f"text.{part.name}", getattr(self.text, part.name), 1, _OF_TEXT[part.name])
        if self.text.width % self.text.heads:
            raise UsageError(f"text.width {self.text.width}: a multiple of text.heads ({self.text.heads}) was expected")
        self.preprocessing  # noqa: B018  (its own checks)

    def _check_lora(self, lora: Lora) -> None:
        whole("lora.rank", lora.rank, 1, 65_536)
        within("lora.alpha", lora.alpha, 1e-6, 1e6)
        within("lora.dropout", lora.dropout, 0, 0.99)
        if not lora.targets or not all(target.strip() for target in lora.targets):
            raise UsageError("lora.targets: at least one was expected")
        if {"image", "backbone"} & {*self.freeze}:
            raise UsageError("lora trains beside a backbone that is left as it is: freeze need not name it, nor image")

    @property
    def preprocessing(self) -> Preprocessing:
        """How the pixels were made."""
        return Preprocessing(self.size, self.fit, self.resample)

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

    def identity(self) -> dict[str, Any]:
        """What makes it this training and no other: all of it but how often it is written, and how it is read."""
        return {name: value for name, value in self.to_dict().items() if name not in _BESIDE}

    def with_values(self, values: Mapping[str, Any]) -> TrainConfig:
        """This configuration with some values others; what comes from a checkpoint (`start`) cannot be another.

        Raises:
            UsageError: a value is unknown, impossible, or another than the checkpoint's; there is no checkpoint.
        """
        check_names(values, TrainConfig, "")
        record = {
            name: self._part(name, value) if name in _PARTS else plain_value(name, value)
            for name, value in values.items()
        }
        start = record.get("start", self.start)
        if isinstance(start, str):
            told = values_of_start(Path(start), record.get("objective", self.objective))
            held = {name: told[name] for name in told.keys() & {one.name for one in fields(self)}}
            check_held(start, held, record)
            anew = start != self.start or record.get("objective", self.objective) != self.objective
            record = {**(held if anew else {}), **record}
        try:
            return replace(self, **record)
        except TypeError as error:
            raise UsageError(f"a value of the training is of the wrong kind: {error}") from error

    def _part(self, name: str, value: Any) -> Any:
        """A part of the configuration with some values others; those that are not named stay."""
        part = _PARTS[name]
        if isinstance(value, part) or (value is None and name in _OPTIONAL):
            return value
        if not isinstance(value, Mapping):
            raise UsageError(f"{name} {shown(value)}: names and values were expected ({name}: {{...}})")
        check_names(value, part, f"{name}.")
        return replace(
            getattr(self, name) or part(), **{key: plain_value(f"{name}.{key}", one) for key, one in value.items()}
        )


_WHOLE = (
    ("dimension", 1, 65_536),
    ("size", 16, 4_096),
    ("batch_size", 1, 10_000_000),
    ("epochs", 1, 1_000_000),
    ("patience", 1, 1_000_000),
    ("seed", 0, 2**63 - 1),
    ("keep_states", 1, 1_000),
    ("reader_threads", 1, 1_000),
)
"""Whole numbers, with what no training has more of: a slip of a key must not fill the memory."""

_OF_TEXT = {"width": 65_536, "layers": 1_000, "heads": 1_000, "context": 100_000, "tokens": 10_000_000}
_RANGES = (
    ("warmup", 0, 1),
    ("ema", 0, 0.999999),
    ("learning_rate", 1e-9, 10),
    ("layer_decay", 0.01, 1),
    ("head_rate", 1e-6, 1e6),
    ("scale_rate", 1e-6, 1e6),
    ("gradient_clip", 1e-6, 1e6),
    ("weight_decay", 0, 1e3),
    ("denied_weight", 0, 1e3),
    ("save_every_minutes", 0, 1e6),
)
_LEVELS = (("mean", -1e6, 1e6), ("deviation", 1e-6, 1e6))
_BESIDE = ("save_every_minutes", "keep_states", "reader_threads")
_PARTS: Mapping[str, type[Any]] = {"augment": Augmentation, "text": TextTransformer, "lora": Lora}
_OPTIONAL = ("lora",)


def shipped_configs() -> list[str]:
    """The names of the configurations that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_config(name: str | Path, start: str | None = None) -> TrainConfig:
    """The configuration in a YAML file, or one of those that come with the project, by its name.

    Args:
        name: of either.
        start: the folder of a checkpoint to begin with. What a file says of the architecture must not contradict it;
            what a configuration of the project says of it gives way.

    Raises:
        UsageError: there is none, it is no YAML, or a value is unknown or impossible; the message says which.
    """
    path = Path(name)
    shipped = SHIPPED / f"{name}.yaml"
    if not path.is_file() and not shipped.is_file():
        raise UsageError(
            f"there is no configuration {name}: name a YAML file, or one of {', '.join(shipped_configs())}"
        )
    own = path.is_file()
    chosen = path if own else shipped
    record = read_yaml_names(chosen)
    beginning = {} if start is None else {"start": start}
    try:
        config = TrainConfig().with_values({**record, **beginning} if own else record)
    except UsageError as error:
        raise UsageError(f"{chosen}: {error}", need=error.need) from error
    return config if own else config.with_values(beginning)

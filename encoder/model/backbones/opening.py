"""Opening a backbone by what a user calls it: a name on a hub, a folder, a file, or a network of another library.

It is tried at the size asked for before it is given out (`trial`), so that whoever has one can use it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from encoder.model.architecture import ImageArchitecture, Levels
from encoder.model.backbones.building import build_network
from encoder.model.backbones.choice import BackboneChoice
from encoder.model.backbones.hub import Hub
from encoder.model.backbones.network import Network
from encoder.model.backbones.pictures import MIMIC_DEVIATION, MIMIC_MEAN, Pictures
from encoder.model.backbones.pooling import Pooling, resolved_pooling
from encoder.model.backbones.trial import MARGIN, DoesNotFitError, sizes_that_work, tried
from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json_file

OURS = "encoder.json"
OPEN_CLIP = "open_clip_config.json"


@dataclass(frozen=True, kw_only=True)
class OpenedBackbone:
    """A backbone that reads pictures of a size.

    Attributes:
        choice: what was asked for.
        network: with its weights.
        pictures: what it was trained on.
        revision: the commit of the hub that it is.
        size: pixels of a side that it was tried at.
        width: numbers of a feature.
    """

    choice: BackboneChoice
    network: Network
    pictures: Pictures
    revision: str | None
    size: int
    width: int

    def image_architecture(
        self, *, dimension: int | None = None, mean: Levels | None = None, deviation: Levels | None = None
    ) -> ImageArchitecture:
        """An image side with this backbone; not projected, if no dimension is told.

        Grey levels are those told, else the backbone's own, else those of MIMIC-CXR that the published encoder has.

        Raises:
            UsageError: there are neither one level nor as many as channels, or a deviation is not above 0.
        """
        means = _one_or_many(mean, self.pictures.mean, MIMIC_MEAN)
        deviations = _one_or_many(deviation, self.pictures.deviation, MIMIC_DEVIATION)
        self._check_levels("mean", means, -math.inf)
        self._check_levels("deviation", deviations, 0)
        return ImageArchitecture(
            backbone=self.network.described,
            dimension=dimension or self.width,
            mean=means,
            deviation=deviations,
            pooling=self.network.pooling,
            width=self.width,
            projected=dimension is not None,
        )

    def _check_levels(self, name: str, told: Levels, above: float) -> None:
        levels = list(told) if isinstance(told, Sequence) else [told]
        channels = self.network.channels
        if len(levels) not in (1, channels):
            raise UsageError(f"{name}: {len(levels)} grey levels, for a backbone that reads {channels} channels")
        if not all(above < one < math.inf for one in levels):
            raise UsageError(f"{name} {', '.join(map(str, levels))}: grey levels above {above:g} were expected")


def open_backbone(choice: BackboneChoice) -> OpenedBackbone:
    """The backbone that is meant, with its weights, tried at the size asked for.

    Raises:
        UsageError: the name could mean nothing, or the backbone does not take such pictures or has no such pooling.
        ClearKbError: it is not to be had, its weights do not fit, or a library that it needs does not load.
    """
    network, pictures, revision = _loaded(choice)
    size = choice.size or pictures.size
    if size is None:
        raise UsageError(f"nothing tells what size of pictures {choice.called} was made for: name one")
    network, width = _for_size(choice, network, size, pictures.size)
    return OpenedBackbone(choice=choice, network=network, pictures=pictures, revision=revision, size=size, width=width)


def _loaded(choice: BackboneChoice) -> tuple[Network, Pictures, str | None]:
    name = choice.name
    if not isinstance(name, str):
        return (*_random(name, choice.pooling), None)
    library, colon, of_library = name.partition(":")
    elsewhere = bool(colon) and library in ("timm", "torchvision")
    if choice.revision is not None and (elsewhere or Path(name).exists()):
        raise UsageError(f"revision {choice.revision}: '{name}' is no name on a hub, which has revisions")
    if choice.architecture is not None and not Path(name).is_file():
        raise UsageError(f"architecture {choice.architecture}: only a file of weights needs one, not '{name}'")
    if elsewhere:
        return (*_of_library(library, of_library, choice), None)
    if Path(name).is_file():
        return (*_of_file(Path(name), choice), None)
    if Path(name).is_dir():
        return (*_of_folder(Path(name), choice), None)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UsageError(f"there is no folder or file {name}")
    return _of_hub(name, choice)


def _random(described: Mapping[str, Any], pooling: Pooling) -> tuple[Network, Pictures]:
    kind = described.get("model_type")
    chosen = resolved_pooling(str(kind), pooling) if kind else pooling
    network = build_network(described, chosen)
    return network, Pictures(_native(network))


def _of_library(library: str, name: str, choice: BackboneChoice, tensors: Any = None) -> tuple[Network, Pictures]:
    if library == "timm":
        from encoder.model.backbones.timm_network import load_timm

        return load_timm(name, size=choice.size, pooling=choice.pooling, tensors=tensors)
    from encoder.model.backbones.torchvision_network import load_torchvision

    return load_torchvision(name, size=choice.size, pooling=choice.pooling, tensors=tensors)


def _of_file(path: Path, choice: BackboneChoice) -> tuple[Network, Pictures]:
    from encoder.model.backbones.clip_vit import is_clip, load_clip
    from encoder.model.state_dict import read_weights

    tensors = read_weights(path)
    if choice.architecture is None:
        if not is_clip(tensors):
            raise UsageError(
                f"{path} does not say which network its {len(tensors):,} weights are of: name its architecture, "
                "timm:NAME or torchvision:NAME"
            )
        network = load_clip(tensors, choice.pooling)
        return network, Pictures(_native(network))
    library, _, name = choice.architecture.partition(":")
    if library not in ("timm", "torchvision") or not name:
        raise UsageError(f"architecture '{choice.architecture}': timm:NAME or torchvision:NAME was expected")
    return _of_library(library, name, choice, tensors)


def _of_folder(folder: Path, choice: BackboneChoice) -> tuple[Network, Pictures]:
    from encoder.model.backbones.open_clip_folder import load_open_clip
    from encoder.model.backbones.timm_network import is_timm_folder, load_timm_folder
    from encoder.model.backbones.transformers_weights import load_transformers

    if (folder / OURS).is_file():
        raise UsageError(f"{folder} holds an encoder of clear-kb, not a backbone", parameter="encoder")
    if (folder / OPEN_CLIP).is_file():
        return load_open_clip(folder, size=choice.size, pooling=choice.pooling)
    if is_timm_folder(folder):
        return load_timm_folder(folder, size=choice.size, pooling=choice.pooling)
    return load_transformers(str(folder), None, choice.pooling)


def _of_hub(name: str, choice: BackboneChoice) -> tuple[Network, Pictures, str | None]:
    from encoder.model.backbones.open_clip_folder import WEIGHTS, load_open_clip
    from encoder.model.backbones.timm_network import load_timm
    from encoder.model.backbones.transformers_weights import load_transformers

    hub = Hub(name, choice.revision)
    config = hub.file("config.json")
    if config is not None and _of_timm(config):
        at = f"hf-hub:{name}" + (f"@{choice.revision}" if choice.revision else "")
        return (*load_timm(at, size=choice.size, pooling=choice.pooling), config.parent.name)
    if config is None and (told := hub.file(OPEN_CLIP)) is not None:
        # The weights come to lie in the same folder, which is named after the commit.
        next((file for one in WEIGHTS if (file := hub.file(one)) is not None), None)
        return (*load_open_clip(told.parent, size=choice.size, pooling=choice.pooling), told.parent.name)
    if config is None:
        reason = hub.unreachable or f"it has neither config.json nor {OPEN_CLIP}"
        raise ClearKbError(f"the backbone '{name}' is not to be had: {reason}")
    commit = config.parent.name  # what the cache calls the folder of a revision: all other files are of the same
    return (*load_transformers(name, commit, choice.pooling), commit)


def _of_timm(config: Path) -> bool:
    told = read_json_file(config)
    return isinstance(told, dict) and "architecture" in told and "model_type" not in told


def _for_size(choice: BackboneChoice, network: Network, size: int, preferred: int | None) -> tuple[Network, int]:
    """The network as it reads pictures of `size`, and its width.

    Raises:
        UsageError: it does not; the message says what sizes would work.
    """
    random = not isinstance(choice.name, str)
    try:
        return _fitted(network, size, random=random)
    except DoesNotFitError as error:
        reason = error

    def fits(other: int) -> bool:
        try:
            _fitted(network, other, random=random)
        except DoesNotFitError:
            return False
        return True

    patch = _patch(network)
    works = sizes_that_work(fits, patch=patch, size=size, preferred=preferred)
    cut = str(reason) == MARGIN
    why = str(reason) if cut or not works else "its layers are made for other sizes"
    hint = f"; of sizes near by it takes {', '.join(map(str, works))}" if works else ""
    multiple = f": a multiple of {patch} would be read whole" if cut and patch is not None and patch > 4 else ""
    raise UsageError(
        f"the backbone {choice.called} ({network.kind}) does not read pictures of {size} x {size} pixels: "
        f"{why}{multiple}{hint}"
    ) from reason


def _fitted(network: Network, size: int, *, random: bool) -> tuple[Network, int]:
    """The network as it is, or built for pictures of `size` with its positions resized once; and its width."""
    try:
        return network, tried(network, size, random=random)
    except DoesNotFitError as error:
        if str(error) == MARGIN:
            raise
        try:
            other = _rebuilt(network, size)
            return other, tried(other, size, random=random)
        except (ClearKbError, RuntimeError, ValueError):
            raise error from None


def _rebuilt(network: Network, size: int) -> Network:
    from encoder.model.backbones.positions import filled

    native = getattr(getattr(network.module, "config", None), "image_size", None)
    if native is None or _native(network) == size:
        raise ClearKbError("it is of no size")
    sized = {**network.described, "image_size": [size, size] if isinstance(native, list | tuple) else size}
    other = build_network(sized, network.pooling)
    filled(other.module, network.module.state_dict())
    return replace(other, described=sized)


def _native(network: Network) -> int | None:
    from encoder.model.backbones.transformers_weights import native_size

    return native_size(network.module.config) if hasattr(network.module, "config") else None


def _patch(network: Network) -> int | None:
    """Pixels of the side of a patch, where a network cuts pictures into such."""
    for holder in ("config", "patch_embed", ""):
        of = getattr(network.module, holder, None) if holder else network.module
        patch = getattr(of, "patch_size", None)
        patch = patch[0] if isinstance(patch, list | tuple) and len(set(patch)) == 1 else patch
        if isinstance(patch, int):
            return patch
    return None


def _one_or_many(told: Levels | None, own: tuple[float, ...] | None, otherwise: float) -> Levels:
    """Grey levels as they are kept: a number for all channels, or a list."""
    levels = told if told is not None else own if own is not None else otherwise
    if isinstance(levels, int | float):
        return float(levels)
    return float(levels[0]) if len(levels) == 1 else [float(one) for one in levels]

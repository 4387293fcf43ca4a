"""Pretrained backbones of transformers: a name on a hub or a folder, whatever heads or text towers stand around."""

from __future__ import annotations

import logging
import math
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from safetensors import SafetensorError

from encoder.model.backbones.network import Network
from encoder.model.backbones.pictures import Pictures, pictures_of_processor
from encoder.model.backbones.pooling import Pooling, resolved_pooling
from encoder.model.backbones.transformers_network import model_class, network_of, pooling_layer
from encoder.model.state_dict import some_of
from kb.errors import ClearKbError, UsageError
from kb.store.storage import first_line

TOWERS = ("vision_model", "image_encoder", "vision_tower")
"""What models of pictures and texts call their image tower."""

MAY_BE_MISSING = ("mask_token", "position_ids", "num_batches_tracked")
"""What files lack though nothing of the feature hangs on it."""

UNREADABLE = (
    OSError,
    ValueError,
    RuntimeError,
    KeyError,
    TypeError,
    AttributeError,
    ImportError,
    SafetensorError,
    pickle.UnpicklingError,
)
"""What transformers raises over files and configurations that it cannot read."""


def load_transformers(name: str, revision: str | None, pooling: Pooling) -> tuple[Network, Pictures]:
    """A pretrained backbone of a folder or a hub, and what its pictures were.

    Weights are read from safetensors or, where there are none, from a `.bin` whose pickle may hold nothing but tensors
    (`torch.load(weights_only=True)`).

    Raises:
        ClearKbError: it is not to be had, is no vision backbone, or weights are missing in it.
        UsageError: it has no such pooling.
    """
    with _quiet():
        try:
            config = _config(name, revision)
            network = _tower(name, revision, config, pooling) if _has_tower(config) else None
            network = network or _whole(name, revision, config, pooling)
        except UNREADABLE as error:
            raise ClearKbError(f"the backbone '{name}' is not to be had: {_reason(error)}") from error
    told = processor_of(name, revision)
    pictures = pictures_of_processor(told)
    native = native_size(network.module.config)
    if pictures.size is None and native is not None:
        pictures = Pictures(native, pictures.mean, pictures.deviation, pictures.resample)
    return network, pictures


def native_size(config: Any) -> int | None:
    """Pixels of a side that a configuration was made for, where it tells."""
    side = getattr(config, "image_size", None)
    if isinstance(side, list | tuple):
        side = side[0] if len(set(side)) == 1 else None
    if side is None and config.model_type == "siglip2_vision_model":
        side = math.isqrt(config.num_patches) * config.patch_size
    return int(side) if side else None


def processor_of(name: str, revision: str | None) -> Mapping[str, Any]:
    """What the `preprocessor_config.json` of a model says; nothing where it has none."""
    from transformers.image_processing_base import ImageProcessingMixin

    try:
        told, _ = ImageProcessingMixin.get_image_processor_dict(name, revision=revision)
    except (OSError, ValueError):
        return {}
    return dict(told)


def _config(name: str, revision: str | None) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(name, revision=revision)


def _has_tower(config: Any) -> bool:
    return hasattr(config, "vision_config") and not isinstance(config.vision_config, dict)


def _whole(name: str, revision: str | None, config: Any, pooling: Pooling) -> Network:
    """A vision model, or one that stands inside a head."""
    chosen = resolved_pooling(config.model_type, pooling)
    try:
        kind = model_class(config)
    except KeyError:
        raise ValueError(f"{config.model_type} is no vision backbone") from None
    # The layer has to be asked for before the model is made, for that is where it would be drawn at random.
    module = _loaded(kind, name, revision, config=config, **pooling_layer(config, chosen))
    return network_of(module, chosen)


def _tower(name: str, revision: str | None, config: Any, pooling: Pooling) -> Network:
    """The image tower of a model of pictures and texts (CLIP and its like)."""
    from transformers import AutoModel

    chosen = resolved_pooling(config.vision_config.model_type, pooling)
    pooling_layer(config.vision_config, chosen)
    whole = _loaded(AutoModel, name, revision, config=config)
    tower = next((getattr(whole, one) for one in TOWERS if hasattr(whole, one)), None)
    if tower is None or type(tower) is not model_class(config.vision_config):
        raise ValueError(f"{config.model_type} has no image tower that can be taken out of it")
    return network_of(tower, chosen)


def _loaded(kind: Any, name: str, revision: str | None, **more: Any) -> Any:
    """A model with all its weights from a file, in float32: safetensors, else a `.bin` of tensors alone."""
    told = {"revision": revision, "dtype": torch.float32, "output_loading_info": True, **more}
    try:
        module, found = kind.from_pretrained(name, use_safetensors=True, **told)
    except OSError as no_safetensors:
        try:
            module, found = kind.from_pretrained(name, use_safetensors=False, weights_only=True, **told)
        except OSError:
            raise no_safetensors from None
    lacking = [one for one in sorted(found["missing_keys"]) if _counts(one)]
    lacking += [str(one[0]) for one in found.get("mismatched_keys", ())]
    if lacking and all("pooler" in one for one in lacking):
        raise UsageError(
            f"the file of '{name}' has no pooling layer of {module.config.model_type}: pooling class or mean"
        )
    if lacking:
        raise ValueError(f"its file lacks weights of {module.config.model_type}: {some_of(lacking)}")
    return module


def _counts(missing: str) -> bool:
    """Whether a weight that a file lacks is one that the feature hangs on: those of a text tower are not."""
    return not missing.endswith(MAY_BE_MISSING) and not missing.startswith(("text_model.", "text_projection", "logit_"))


def _reason(error: BaseException) -> str:
    text = first_line(error)
    if "trust_remote_code" in str(error):
        return "its code lies beside its weights, and no code of a model is run here"
    if "model_type" in text and "config.json" in text:
        return "its config.json names no type of model that this version of transformers knows"
    return text


@contextmanager
def _quiet() -> Iterator[None]:
    """Transformers reports loading on standard error: what matters of it is an error here."""
    from transformers.utils import logging as library

    before, bars = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity(logging.CRITICAL)
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(before)
        if bars:
            library.enable_progress_bar()

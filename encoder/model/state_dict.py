"""Reading weights: a state dict, read safely, mapped into memory, checked before it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import ClearKbError, UsageError
from kb.reading.tensor_file import read_tensors
from kb.reading.unreadable import Unreadable
from kb.store.storage import first_line

if TYPE_CHECKING:
    import torch

WRAPPER = "state_dict"
"""Where trainers put the weights in a file that holds more than them."""

WRAPPERS = (WRAPPER, "model_state_dict", "model", "net", "teacher")
"""Where the trainers of backbones put them."""

PREFIXES = ("module.", "model.", "backbone.", "_orig_mod.")
"""What they put before every name."""

PREFIX = "module."
"""What torch's DistributedDataParallel puts before every name."""

NAMED = 3
"""Problems that a message names; the others are counted."""


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by their names, all finite, mapped into memory; nothing in the file is executed.

    A dictionary around them (`state_dict`) and the prefix `module.` are taken off.

    Raises:
        UsageError: there is no such file.
        ClearKbError: it is no state dict of numbers, or cannot be read without executing what it says.
    """
    tensors = _unwrapped(path, _load(path))
    if all(name.startswith(PREFIX) for name in tensors):
        tensors = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}
    return _finite(path, tensors)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a backbone's file, by their names, whole numbers among them; nothing in it is executed.

    safetensors, or what `torch.load(weights_only=True)` reads (`.pth`, `.pt`, `.bin`). A dictionary around them and a
    prefix of all names are taken off.

    Raises:
        UsageError: there is no such file.
        ClearKbError: it holds no tensors by name, or cannot be read without executing what it says.
    """
    held: Any = _load_safetensors(path) if path.suffix == ".safetensors" else _load(path)
    for wrapper in WRAPPERS:
        if isinstance(held, Mapping) and isinstance(held.get(wrapper), Mapping):
            held = held[wrapper]
    tensors = {name: one for name, one in held.items() if _is_tensor(one)} if isinstance(held, Mapping) else {}
    if not tensors or not all(isinstance(name, str) for name in tensors):
        raise ClearKbError(f"{path} holds no state dict: tensors by their names were expected")
    while prefix := next((one for one in PREFIXES if all(name.startswith(one) for name in tensors)), None):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return _finite(path, tensors)


def _finite(path: Path, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors; ClearKbError if a number in them is none."""
    if broken := [name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())]:
        raise ClearKbError(f"{path} holds numbers that are not finite: {some_of(broken)}")
    return tensors


def some_of(problems: Iterable[str]) -> str:
    """The first few problems, and how many more there are."""
    listed = list(problems)
    more = f" and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
    return "; ".join(listed[:NAMED]) + more


def _load(path: Path) -> Any:
    try:
        return read_tensors(path)
    except Unreadable as error:
        raise ClearKbError(
            f"{path} is no state dict that can be read safely: {error} (a whole model or its code is not "
            "read; save `model.state_dict()` with torch.save)"
        ) from error


def _load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ClearKbError(f"{path} cannot be read: {first_line(error)}") from error


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _unwrapped(path: Path, held: Any) -> dict[str, torch.Tensor]:
    import torch

    if isinstance(held, Mapping) and isinstance(held.get(WRAPPER), Mapping):
        held = held[WRAPPER]
    if not isinstance(held, Mapping) or not held:
        raise ClearKbError(f"{path} holds {type(held).__name__}: a state dict, tensors by their names, was expected")
    strangers = [
        f"{name} is {type(value).__name__}"
        for name, value in held.items()
        if not isinstance(name, str) or not isinstance(value, torch.Tensor) or not value.is_floating_point()
    ]
    if strangers:
        raise ClearKbError(f"{path} is no state dict of floating-point tensors: {some_of(strangers)}")
    return dict(held)

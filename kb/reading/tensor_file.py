"""Files of torch: tensors alone, mapped into memory; nothing in them is run, and none claims more than it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kb.errors import UsageError
from kb.reading.unreadable import Unreadable


def read_tensors(path: Path) -> Any:
    """What a file that `torch.save` wrote holds, by `torch.load(weights_only=True)`.

    Raises:
        UsageError: there is no such file.
        Unreadable: it cannot be read without executing what it says, is broken, or a tensor in it is larger than the
            numbers that it has.
    """
    import torch

    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        held = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # a pickle that was tampered with fails wherever its bytes lead
        raise Unreadable((str(error).strip().splitlines() or [type(error).__name__])[0][:200]) from error
    for name, tensor in _tensors(held, ""):
        # A view with steps of nothing claims any size: what is made of it would fill the memory.
        if tensor.numel() * tensor.element_size() > max(tensor.untyped_storage().nbytes(), 1):
            raise Unreadable(f"{name or 'the tensor'} of shape {tuple(tensor.shape)} claims more numbers than it has")
    return held


def _tensors(held: Any, name: str) -> Iterator[tuple[str, Any]]:
    import torch

    if isinstance(held, torch.Tensor):
        if held.layout is not torch.strided or held.is_quantized or held.is_meta:
            raise Unreadable(f"{name or 'the tensor'} is no plain tensor ({held.layout})")
        yield name, held
    elif isinstance(held, Mapping):
        for key, value in held.items():
            if isinstance(value, Mapping | torch.Tensor):
                yield from _tensors(value, f"{name}.{key}".lstrip("."))

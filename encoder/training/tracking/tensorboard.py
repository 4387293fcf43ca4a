"""TensorBoard as a tracker: event files in the folder `tensorboard` beside the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

from encoder.training.tracking.tracker import Tracked


class TensorBoard:
    """Scalars by torch's own writer; what an interrupted training wrote beyond its state is hidden."""

    def __init__(self, tracked: Tracked):
        from torch.utils.tensorboard import SummaryWriter

        folder = tracked.folder / "tensorboard" / tracked.training
        self._writer = SummaryWriter(str(folder), purge_step=tracked.step + 1 if tracked.step else None)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of an optimiser step."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what was kept back."""
        self._writer.close()

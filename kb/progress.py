"""How far a long work is: a progress bar, a notebook, or nobody."""

from typing import Protocol


class Watcher(Protocol):
    """Hears of every stage as it begins, and of what is done of it."""

    def stage(self, name: str, total: int | None) -> None:
        """A stage begins; `total` counts its units of work (bytes, files, rows, concepts), None if unknown."""
        ...

    def advance(self, done: int, items: int) -> None:
        """`done` units are behind us since the stage began, which were `items` reports, images or concepts."""
        ...


class Silent:
    """Watches nothing."""

    def stage(self, name: str, total: int | None) -> None:
        """Hear that a stage begins."""

    def advance(self, done: int, items: int) -> None:
        """Hear how far it is."""

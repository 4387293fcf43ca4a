"""A room of the workbench: its name in the address, its title in the bar, and its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the application mounts under `/name`.

    Attributes:
        name: the first part of its addresses; its package `workbench.NAME` holds its templates.
        title: what the bar calls it.
        key: the key that, after `g`, goes there.
        routes: its pages and acts. A page reads (GET); an act changes something (POST).
        asks: the paths under the room that only read and yet need POST, for what they ask is long; a read-only
            workbench answers them.
    """

    name: str
    title: str
    key: str
    routes: Sequence[BaseRoute]
    asks: frozenset[str] = frozenset()

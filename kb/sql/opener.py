"""How the process of a session opens what the session is of: a function by its name, for nothing else goes to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kb.store.state import State

Opened = tuple[State, Mapping[str, Callable[[], Any]]]
"""The state, and tables beside its own by name: each is made when a query first speaks of it."""


@dataclass(frozen=True, slots=True)
class Opener:
    """A function that opens a state: `function(uri, commit, storage_options, **arguments)` of a module.

    Attributes:
        module: its full name.
        function: in it; returns `Opened`.
        arguments: what else it is told, as plain data.
    """

    module: str
    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def open_state(uri: str, commit: str, storage_options: Mapping[str, str] | None) -> Opened:
    """A state and nothing beside it."""
    return State.open(uri, commit, storage_options), {}


PLAIN = Opener(__name__, open_state.__name__)
"""Opens a state and nothing beside it."""

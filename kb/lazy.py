"""The face of a package: its names are imported when they are asked for, so that `import kb` costs nothing.

A face may offer a function that is called like a room of its package (`ingest.reports(...)`, whose work lies in
`ingest/reports/`). Python binds a room to its package once, when the room is loaded; so the rooms of that name are
loaded first (they hold nothing but a docstring), and from then on the name is the function's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def lazy_names(
    package: str, names: Mapping[str, str], rooms: Collection[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package that imports its names when they are asked for.

    Args:
        package: the name of the package.
        names: each name, and the module that defines it.
        rooms: packages in it that have a face of their own.
    """
    module = sys.modules[package]
    for name in names:
        if f"{package}.{name}" in _rooms(module):
            import_module(f"{package}.{name}")
            delattr(module, name)

    def find(name: str) -> Any:
        if name in rooms:
            return import_module(f"{package}.{name}")
        if name not in names:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        found = getattr(import_module(names[name]), name)
        setattr(module, name, found)
        return found

    return find, lambda: sorted({*vars(module), *names, *rooms})


def _rooms(module: Any) -> set[str]:
    return {f"{module.__name__}.{found.name}" for found in iter_modules(module.__path__) if found.ispkg}

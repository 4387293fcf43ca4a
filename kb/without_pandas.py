"""pandas left alone where nothing here needs it: pyarrow imports it, where it is installed, to ask what a value is.

That takes longer than all else that a short command imports. A process that is ours alone, the command line or the one
that runs queries, tells pyarrow that there is none; a library must not, for its caller may want data frames.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _WhilePyarrowBegins:
    """Finds no pandas for `pyarrow.dataset`, which asks while it is imported and remembers the answer."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        asking = getattr(sys.modules.get("pyarrow.dataset"), "__spec__", None)
        if fullname == "pandas" and getattr(asking, "_initializing", False):
            raise ModuleNotFoundError("pandas is not looked at here", name=fullname)
        return None


def leave_pandas_alone() -> None:
    """Keep pyarrow from importing pandas in this process; whoever else imports it gets it."""
    if "pyarrow.dataset" not in sys.modules:
        sys.meta_path.insert(0, _WhilePyarrowBegins())

"""A Ray cluster of two workers, for the tests that have Ray."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from kb.engines.choice import EngineOptions, open_engine
from kb.engines.work import Engine

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install '.[ray]'")


@contextmanager
def two_workers() -> Iterator[Engine]:
    """Two workers on this machine."""
    with open_engine(EngineOptions(name="ray", workers=2)) as engine:
        yield engine

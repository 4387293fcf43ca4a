"""Coroutines under test, each in a loop of its own."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def in_its_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine comes to, run in another thread: in this one a browser of other tests may hold a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()

"""What tests of the workbench stand on: a browser, and windows in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from kb.knowledge_base import KnowledgeBase
from tests.support.audited import audited_kb
from tests.support.browser import Window, started, window
from tests.support.served import served


@pytest.fixture(scope="session")
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept and saved for the user goes to folders of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory, own_folders: None) -> KnowledgeBase:
    """A study of two runs to be audited, which no test changes."""
    return audited_kb(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a worker."""
    with started() as browser:
        yield browser


@pytest.fixture
def open_workbench(browser: Browser) -> Iterator[Callable[..., Window]]:
    """Serves a knowledge base by the real command, and opens a window on it."""
    with ExitStack() as until_the_end:

        def make(
            base: KnowledgeBase, *options: str, width: int = 1280, height: int = 900, dark: bool = False
        ) -> Window:
            address = until_the_end.enter_context(served(base.uri, *options))
            return until_the_end.enter_context(window(browser, address, width=width, height=height, dark=dark))

        yield make

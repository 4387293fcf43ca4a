"""The workbench at 368,294 concepts and 100,000 images: what a page waits for, by HTTP and in a real browser."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser

from bench.large_knowledge_base import IMAGE_COUNT, NAMES, large_knowledge_base
from bench.large_vocabulary import BANK
from bench.measure import Row, waits_row
from kb.knowledge_base import KnowledgeBase
from tests.support.browser import started, window
from tests.support.served import served

TYPED = 40
"""Texts that are typed letter by letter, from the second on."""

PAINTS = 5
"""Times that each page is opened, in a window of its own."""

PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
TYPING_MS, PAINT_MS = 100, 1_000
"""What the issue allows: a search at the median, and the first paint."""


def run() -> list[Row]:
    """Start the workbench on the large knowledge base, and ask it as people would."""
    base = large_knowledge_base()
    began = time.perf_counter()
    with served(base.uri) as address, started() as browser:
        with window(browser, address) as first:
            first.page.goto(first.address + "vocabulary/", timeout=120_000)
            opened = time.perf_counter() - began
        with closing(_client(address)) as client:
            typed, acted = _typed(client, base), _after_an_act(client, base)
        start = f"start, until the vocabulary of {BANK:,} concepts is shown"
        return [
            Row(start, f"{opened:.1f} s", "", "once a start", number=opened, better="lower"),
            _times("search as one types, a request", typed, TYPING_MS),
            _times("the first search after an act", acted, PAINT_MS),
            *(_paint(browser, address, name, path) for name, path in _pages(base)),
        ]


def _pages(base: KnowledgeBase) -> Iterator[tuple[str, str]]:
    (most,) = base.vocabulary.list(limit=1)
    yield "the Vocabulary page", "vocabulary/"
    yield "the hierarchy", "vocabulary/?view=tree"
    yield f"a concept of {most['mentions']:,} mentions", f"vocabulary/concept/{most['concept_id']}"
    yield "the queues of the Review page", "review/"
    yield f"the gallery of {IMAGE_COUNT:,} images", "images/"
    yield "the gallery, filtered by a label", f"images/?label={NAMES[0]}&value=1"


def _typed(client: httpx.Client, base: KnowledgeBase) -> list[float]:
    """Milliseconds of every request that typing some texts makes, one letter after the other."""
    texts = base.dataset("concepts").take(random.Random(1).sample(range(BANK), TYPED), columns=["text"])["text"]
    asked = [text[:length] for text in texts.to_pylist() for length in range(2, len(text) + 1)]
    return [_ms(lambda: client.get("vocabulary/results", params={"q": words})) for words in asked]  # noqa: B023


def _after_an_act(client: httpx.Client, base: KnowledgeBase) -> list[float]:
    """Milliseconds of the first search after a concept was accepted, and after the acceptance was undone."""
    (one,) = base.vocabulary.list(limit=1, offset=10)
    waited = []
    for _ in range(PAINTS):
        acted = client.post(f"vocabulary/concept/{one['concept_id']}/accept")
        acted.raise_for_status()
        waited.append(_ms(lambda: client.get("vocabulary/results", params={"q": "left effusion"})))
        change = KnowledgeBase.open(base.uri).changes()[-1].change_id
        client.post(f"undo/{change}").raise_for_status()
        waited.append(_ms(lambda: client.get("vocabulary/results", params={"q": "left effusion"})))
    return waited


def _paint(browser: Browser, address: str, name: str, path: str) -> Row:
    """The first contentful paint of a page, each time in a new window without anything kept."""
    waited = []
    for _ in range(PAINTS):
        with window(browser, address) as at:
            at.page.goto(at.address + path)
            at.page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
            waited.append(float(at.page.evaluate(PAINT)))
    return _times(f"first paint of {name}", waited, PAINT_MS)


def _times(what: str, waited: list[float], limit: int) -> Row:
    return waits_row(what, waited, f"limit {limit} ms at the median")


def _ms(ask: Callable[[], httpx.Response]) -> float:
    began = time.perf_counter()
    ask().raise_for_status()
    return 1_000 * (time.perf_counter() - began)


def _client(address: str) -> httpx.Client:
    """A client that the token let in, which says of its acts that they come from a page of the workbench."""
    parts = urlsplit(address)
    home = f"{parts.scheme}://{parts.netloc}"
    client = httpx.Client(base_url=home, timeout=120, headers={"origin": home}, follow_redirects=True)
    page = client.get(address)
    page.raise_for_status()
    mark = page.text.partition('x-clear-kb": "')[2].partition('"')[0]
    client.headers.update({"x-clear-kb": mark, "hx-request": "true"})
    return client

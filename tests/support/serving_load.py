"""A workbench under load: readers and curators at once, on the real command; what each waited, what was done."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

PAGES = ("", "vocabulary/", "vocabulary/results?q=effusion", "review/", "images/", "audit/sql")
QUERIES = (
    "SELECT count(*) AS n FROM observations",
    "SELECT text, status FROM concepts ORDER BY text",
    "SELECT sum(a.range * b.range) FROM range(3000) a, range(3000) b",
)


@dataclass
class Load:
    """What came of it.

    Attributes:
        pages: milliseconds of each page.
        queries: milliseconds of each query of SQL.
        acts: milliseconds of each act that was answered as done.
        accepted: the concepts that the curators were told are accepted.
        failed: what was answered otherwise.
    """

    pages: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    acts: list[float] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def client_of(address: str, name: str | None = None) -> httpx.Client:
    """A client that the token let in, which says of its acts that they come from a page of the workbench."""
    parts = urlsplit(address)
    home = f"{parts.scheme}://{parts.netloc}"
    client = httpx.Client(base_url=home, timeout=120, headers={"origin": home}, follow_redirects=True)
    page = client.get(address)
    page.raise_for_status()
    mark = page.text.partition('x-clear-kb": "')[2].partition('"')[0]
    client.headers.update({"x-clear-kb": mark, "hx-request": "true"})
    return client


def load(address: str, concepts: list[str], *, seconds: float, readers: int, curators: int) -> Load:
    """Read and curate at once for some time; every curator accepts concepts of their own.

    Args:
        address: of the workbench, with its token.
        concepts: the ids that are to be accepted, one after the other.
        seconds: how long.
        readers: who read pages, and now and then ask in SQL.
        curators: who accept.
    """
    found, together = Load(), threading.Barrier(readers + curators)

    def timed(kept: list[float], ask: Callable[[], httpx.Response]) -> bool:
        began = time.perf_counter()
        answer = ask()
        kept.append(1_000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            found.failed.append(f"{answer.status_code} {answer.request.url.path}")
        return answer.status_code == 200

    def read(number: int) -> None:
        with closing(client_of(address)) as client:
            together.wait(120)
            end = time.monotonic() + seconds
            for turn in itertools.count(number):
                if turn > number and time.monotonic() > end:
                    return
                if turn % 10 == 9:
                    sql = {"sql": QUERIES[turn // 10 % len(QUERIES)]}
                    timed(found.queries, lambda: client.post("audit/sql/run", data=sql))  # noqa: B023
                else:
                    timed(found.pages, lambda: client.get(PAGES[turn % len(PAGES)]))  # noqa: B023

    def curate(own: list[str]) -> None:
        with closing(client_of(address)) as client:
            together.wait(120)
            end = time.monotonic() + seconds
            for one in own:
                if time.monotonic() > end:
                    return
                if timed(found.acts, lambda: client.post(f"vocabulary/concept/{one}/accept")):  # noqa: B023
                    found.accepted.append(one)

    with ThreadPoolExecutor(readers + curators) as everybody:
        at_work = [everybody.submit(read, number) for number in range(readers)]
        at_work += [everybody.submit(curate, concepts[at::curators]) for at in range(curators)]
    for one in at_work:
        one.result()
    return found

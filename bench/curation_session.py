"""A session of review in a real browser: 200 planted duplicates, decided key by key, and by a rule.

The reader of the session is a script: it waits until a group is painted, rests as long as a person might read it, asks
the table of what was planted, and presses keys. The figures tell what the page costs, not what thinking does.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from bench.measure import Row
from bench.planted_duplicates import Planted, planted
from kb.knowledge_base import KnowledgeBase
from tests.support.browser import started, window
from tests.support.served import served

DUPLICATES = 200
READING_S = 1.2
"""How long the reader looks at a group before a key is pressed: a glance at what are the same words."""

LIMIT_S = 300
PENDING = "Number(document.getElementById('group').dataset.pending ?? 0)"
PAINTED = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"


@dataclass
class Session:
    """What a session took: keys, clicks and seconds, and the time from a key to the next group on the screen."""

    keys: int = 0
    clicks: int = 0
    seconds: float = 0.0
    decided: int = 0
    waits_ms: list[float] = field(default_factory=list)


def run() -> list[Row]:
    """One session group by group with a reader who rests, one without rest, and one by the rule."""
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for name, rest in ((f"read for {READING_S} s each", READING_S), ("no reading", 0.0)):
            made = planted(_fresh(Path(folder), name), DUPLICATES)
            rows.append(_row(f"{DUPLICATES} duplicates group by group, {name}", _one_by_one(made, rest)))
        made = planted(_fresh(Path(folder), "rule"), DUPLICATES)
        rows.append(_row(f"{DUPLICATES} duplicates by the rule, previewed", _by_rule(made)))
    return rows


def _row(what: str, done: Session) -> Row:
    each = done.seconds / done.decided * 100
    waits = f"; key to the next group on the screen {statistics.median(done.waits_ms):.0f} ms" if done.waits_ms else ""
    told = f"{done.keys} keys, {done.clicks} clicks, {each:.0f} s for 100 duplicates{waits}"
    left = f"limit {LIMIT_S} s; {(LIMIT_S - done.seconds) / done.decided:.1f} s a duplicate are left of it"
    return Row(what, f"{done.seconds:.0f} s", told, left, number=done.seconds, better="lower")


def _one_by_one(made: Planted, rest_s: float) -> Session:
    done = Session()
    with served(made.base.uri) as address, started() as browser, window(browser, address) as at:
        page = at.open("/review/duplicates")
        page.locator("form.decide").wait_for(timeout=120_000)
        began = time.perf_counter()
        while page.locator("form.decide").count():
            time.sleep(rest_s)
            _decide(page, made, done)
        page.wait_for_function(f"() => {PENDING} === 0", timeout=60_000)
        done.seconds = time.perf_counter() - began
    done.decided = _merged(made)
    return done


def _decide(page: Page, made: Planted, done: Session) -> None:
    """Untick what is not the same as what stays, and take the rest; where nothing is, it is told apart."""
    stays = made.meant.get(page.locator(".side h2").first.inner_text().strip())
    members = page.locator("[data-member] .text").all_inner_texts()
    wrong = [at for at, text in enumerate(members) if made.meant.get(text) != stays]
    keys = ["n"] if len(wrong) == len(members) else [*_untick(wrong), "Enter"]
    group = page.locator("form.decide").get_attribute("data-group")
    pressed = time.perf_counter()
    for key in keys:
        page.wait_for_function(f"() => {PENDING} < 4", timeout=60_000)
        page.keyboard.press(key)
    page.wait_for_function(
        "group => document.querySelector('form.decide')?.dataset.group !== group", arg=group, timeout=60_000
    )
    page.evaluate(PAINTED)
    done.waits_ms.append(1_000 * (time.perf_counter() - pressed))
    done.keys += len(keys)


def _untick(wrong: list[int]) -> list[str]:
    """The keys that go from the first row down to each wrong one, and take its tick."""
    steps = [after - before for before, after in zip([0, *wrong], wrong, strict=False)]
    return [key for step in steps for key in (*["j"] * step, " ")]


def _by_rule(made: Planted) -> Session:
    done = Session()
    with served(made.base.uri) as address, started() as browser, window(browser, address) as at:
        page = at.open("/review/duplicates")
        page.locator("form.decide").wait_for(timeout=120_000)
        began = time.perf_counter()
        page.keyboard.press("b")
        page.get_by_role("button", name="Preview the same words").click()
        page.get_by_label("What would be done").wait_for(timeout=120_000)
        page.keyboard.press("B")
        page.keyboard.press("B")
        page.get_by_text("Nothing more is to be decided here").wait_for(timeout=120_000)
        done.keys, done.clicks, done.seconds = 3, 1, time.perf_counter() - began
    done.decided = _merged(made)
    return done


def _merged(made: Planted) -> int:
    """How many duplicates are one with what they are of; every decision has to be right."""
    base = KnowledgeBase.open(made.base.uri)
    rows = base.dataset("concepts").to_table(columns=["concept_id", "text", "replaced_by"]).to_pylist()
    text_of = {row["concept_id"]: row["text"] for row in rows}
    pairs = [(row["text"], text_of[row["replaced_by"]]) for row in rows if row["replaced_by"] is not None]
    wrong = [pair for pair in pairs if made.meant.get(pair[0]) != made.meant.get(pair[1])]
    if wrong or len(pairs) < DUPLICATES:
        raise AssertionError(f"{len(pairs)} of {DUPLICATES} duplicates were merged, wrongly {wrong[:3]}")
    return len(pairs)


def _fresh(folder: Path, name: str) -> Path:
    made = folder / name.replace(" ", "-")
    made.mkdir()
    return made
